from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Flask, render_template_string
from flask_babel import force_locale

from workspace.context import clock
from workspace.i18n import _

IN_TEMPLATE = "{{ _('请先登录') }}"


def test_words_when_another_language_is_forced_then_in_that_one_and_afterwards_as_before(app: Flask) -> None:
    with app.test_request_context("/"):
        assert (_("请先登录"), render_template_string(IN_TEMPLATE)) == ("请先登录", "请先登录")
        with force_locale("en"):
            there = _("请先登录")
            assert render_template_string(IN_TEMPLATE) == there != "请先登录"
        assert (_("请先登录"), render_template_string(IN_TEMPLATE)) == ("请先登录", "请先登录")
    with app.test_request_context("/?lang=en"):
        assert _("请先登录") == there


def test_instant_when_shown_then_on_the_companys_clock() -> None:
    at, zone = datetime(2026, 11, 10, 16, 30, 5, tzinfo=UTC), ZoneInfo("Asia/Shanghai")
    assert (clock(zone, at), clock(zone, at, full=True)) == ("11-11 00:30", "2026-11-11 00:30:05")

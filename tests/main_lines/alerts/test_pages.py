"""Alerts in the browser: rules of a line, one alert on a phone, what is critical on top of every page."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from main_lines.alerts.actions import raise_alert, raise_by_rule, watch_line
from main_lines.alerts.rules import AlertKind, AlertRule, Severity
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import block_task, draft_of, edit_task, sign_task
from tests.house import NOW
from tests.main_lines.conftest import Story
from tests.pages import OpenPage
from workspace.db import Database
from workspace.parts import Parts
from workspace.work import open_work

BROWSER = pytest.mark.browser
CHINESE = re.compile("[\u3400-\u9fff]+")


def rules_url(story: Story) -> str:
    return f"/lines/{story.line_id}/alerts/rules"


def full_form(person, story: Story) -> dict[str, str]:
    """Every field as the page shows it."""
    shown = person.get(f"/api/lines/{story.line_id}/alert-rules").get_json()
    form = {}
    for rule in shown["rules"]:
        form |= {f"{rule['rule']}_threshold": str(rule["threshold"]), f"{rule['rule']}_severity": rule["severity"]}
        form |= {f"{rule['rule']}_on": "true"} if rule["on"] else {}
    for stair in shown["stairs"]:
        form |= {f"{stair['severity']}_{step}": str(stair[step]) for step in ("remind", "head", "director", "everyone")}
    return form


def test_rules_when_saved_by_the_director_then_they_hold_and_a_member_is_refused(signed_in: Callable, story: Story) -> None:
    director, member = signed_in("linyue"), signed_in("suhang")
    form = full_form(director, story) | {"late_threshold": "3", "critical_remind": "2", "info_remind": ""}
    form.pop("gate_on")
    assert member.post(rules_url(story), data=form).status_code == 403
    assert director.post(rules_url(story), data=form).status_code == 303
    shown = director.get(f"/api/lines/{story.line_id}/alert-rules").get_json()
    assert [rule["threshold"] for rule in shown["rules"] if rule["rule"] == "late"] == [3]
    assert [rule["rule"] for rule in shown["rules"] if not rule["on"]] == ["gate"]
    assert shown["stairs"][0]["remind"] == 2
    assert "保存规则" not in member.get(rules_url(story)).get_data(as_text=True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"late_threshold": "91"}, "请填写 1 到 90"),
        ({"late_threshold": "three"}, "请填写整数"),
        ({"critical_head": "4"}, "要比前一级晚"),
        ({"sales_off_target_threshold": "-1"}, "请填写 1 到 90"),
    ],
)
def test_rules_when_a_number_does_not_fit_then_said_beside_it_and_what_was_typed_stays(
    signed_in: Callable, story: Story, wrong: dict[str, str], words: str
) -> None:
    director = signed_in("linyue")
    answer = director.post(rules_url(story), data=full_form(director, story) | {"blocked_threshold": "77"} | wrong)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in page
    assert f'value="{next(iter(wrong.values()))}"' in page
    assert 'value="77"' in page


def test_critical_alert_when_it_stands_then_on_top_of_every_page_of_the_line(
    signed_in: Callable, work_as: Callable, story: Story, write: Callable
) -> None:
    task_id = write()
    with work_as("吴昊") as work:
        raise_alert(work, story.line_id, kind=AlertKind.OTHER, title="普通的事")
        alert_id = raise_by_rule(work, story.line_id, AlertRule.OUT_OF_STOCK, "stock:1", "全线断货")
    person, line = signed_in("suhang"), f"/lines/{story.line_id}"
    parts = ("board", "tasks", "plan", "members", "alerts", "alerts/rules", "tasks/new")
    for url in (line, f"/tasks/{task_id}", *(f"{line}/{part}" for part in parts)):
        page = person.get(url).get_data(as_text=True)
        assert f'id="band-{alert_id}-0"' in page, url
        assert page.count('id="band-') == 1, url
    assert "0 / 4 人已确认" in person.get(f"{line}/alerts/top").get_data(as_text=True)
    person.post(f"{line}/alerts/acknowledge")
    assert "确认收到" not in person.get(f"{line}/alerts/top").get_data(as_text=True)
    assert signed_in("linyue").post(f"/alerts/{alert_id}/close").status_code == 303
    assert person.get(f"{line}/alerts/top").get_data(as_text=True) == "", "not even a space, which would keep the place"
    assert f'{line}/alerts/top"></section>' in person.get(line).get_data(as_text=True)
    assert "全线断货" in person.get(f"{line}/alerts?show=closed").get_data(as_text=True)


def test_critical_alert_when_there_is_something_to_do_then_its_name_leads_there(
    signed_in: Callable, work_as: Callable, story: Story
) -> None:
    """What a program calls by a name like one of ours is its own: it could lead to an order of a line that its readers must not know."""
    director = signed_in("linyue")

    def pages() -> list[str]:
        return [director.get(f"/lines/{story.line_id}/{place}").get_data(as_text=True) for place in ("board", "alerts")]

    elsewhere = f"task:{'0' * 26}"
    report = {"title": "接口停了", "severity": "critical", "subject": elsewhere}
    alert_id = director.post(f"/api/lines/{story.line_id}/alerts", json=report).get_json()["id"]
    for page in pages():
        assert f'<a href="/alerts/{alert_id}">接口停了</a>' in page
        assert "/tasks/0" not in page
    with work_as("林悦") as work:
        newer = raise_by_rule(work, story.line_id, AlertRule.OUT_OF_STOCK, "stock:sku-1", "主推款缺货")
    for page in pages():
        assert f'<a href="/lines/{story.line_id}/stock?show=short">主推款缺货</a>' in page
        assert f'<a href="/alerts/{newer}">0 / 4 人已确认</a>' in page


@BROWSER
def test_alert_when_opened_on_a_phone_then_one_thumb_acknowledges_and_a_critical_one_comes_up(
    open_page: OpenPage, work_as: Callable, story: Story
) -> None:
    with work_as("吴昊") as work:
        first = raise_alert(work, story.line_id, kind=AlertKind.STOCK, title="主推款缺货", severity=Severity.WARNING).id
    page = open_page(f"/alerts/{first}", "suhang", phone=True)
    thumb = page.locator(".alert-thumb button")
    box = thumb.bounding_box()
    assert box["height"] >= 48
    assert box["y"] + box["height"] <= 844, "within the thumb's reach without scrolling"
    with page.expect_navigation():  # its scripts have run then
        thumb.click()
    expect(thumb).to_have_count(0)
    expect(page.locator(".bar-row-value")).to_have_text("2 / 4 人")
    facts = {"severity": "critical", "title": "断货", "line": "双十一"}
    told = {"seq": 1, "kind": "main_lines.alert.raised", "subject": "alert:x", "rooms": [], "facts": facts}
    page.evaluate("told => dispatchEvent(new CustomEvent('mainline:event', {detail: {...told, at: new Date().toISOString()}}))", told)
    page.get_by_role("alert").get_by_role("link", name="断货").click()
    page.wait_for_url("**/alerts/x")


def test_alerts_of_rules_when_read_in_english_then_only_what_people_wrote_is_chinese(
    signed_in: Callable, work_as: Callable, run_jobs: Callable, company: Database, parts: Parts, story: Story, write: Callable
) -> None:
    """They are raised by a job, which speaks Chinese; who did what to an order is said by whoever did it."""
    task_id = write("KV")
    with work_as("林悦") as work:
        edit_task(work, task_id, replace(draft_of(get_task(work, task_id)), days=3, checklist=["PSD"]))
        sign_task(work, task_id)
        block_task(work, task_id, reason="samples")
    with open_work(company, parts=parts, now=NOW + timedelta(days=50)) as work:
        watch_line(work, story.line_id)
    run_jobs()
    person = signed_in("suhang")
    person.client.set_cookie("mainline_locale", "en")
    alerts = person.get(f"/api/lines/{story.line_id}/alerts").get_json()["alerts"]
    assert {alert["rule"] for alert in alerts} == {"gate", "blocked", "late"}
    assert {"苏航"} == set(CHINESE.findall(" ".join(f"{alert['title']} {alert['detail']}" for alert in alerts)))
    items = person.get(f"/api/lines/{story.line_id}/feed").get_json()["events"]
    said = {item["kind"]: item["words"] for item in items}
    assert not CHINESE.findall(said["main_lines.alert.raised"])
    assert not CHINESE.findall(said["main_lines.task.edited"].replace("林悦", ""))
    told = [notice["words"] for notice in person.get("/api/notices").get_json()["notices"] if notice["kind"] == "main_lines.alert.raised"]
    assert len(told) == len(alerts)
    assert not CHINESE.findall("".join(told))

"""Two at one form: the second is shown what the first has saved, nothing is replaced unseen, and saving once more replaces it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import expect

from main_lines.alerts.rules import AlertRule
from main_lines.lines.actions import name_director
from main_lines.numbers.actions import MetricDraft, change_metric, define_metric
from main_lines.numbers.rules import Better
from tests.main_lines.conftest import Story
from tests.pages import OpenPage


@pytest.fixture
def two(signed_in: Callable, work_as: Callable, story: Story) -> tuple[Any, Any]:
    """Both direct the line; 林悦 alone keeps templates."""
    with work_as("林悦") as work:
        name_director(work, story.line_id, story.id_of("赵宁"))
    return signed_in("linyue"), signed_in("zhaoning")


def send(person: Any, method: str, url: str, body: dict[str, Any]) -> Any:
    return person.client.open(url, method=method, json=body, headers={"X-CSRF-Token": person.csrf()})


def rules(days: int) -> list[dict[str, Any]]:
    return [{"rule": "late", "on": True, "threshold": days, "severity": "info"}]


FORMS: dict[str, Callable[[Story], tuple[str, str, Callable[[Any], str], Callable[[int], dict[str, Any]], str]]] = {
    "d-day": lambda story: (
        "post", f"/api/lines/{story.line_id}/d-day", lambda _client: "2026-11-11", lambda n: {"d_day": f"2026-11-{11 + n}"}, "2026-11-12",
    ),
    "gate": lambda story: (
        "post", f"/api/lines/{story.line_id}/gates/day",
        lambda client: str(client.get(f"/api/lines/{story.line_id}/gates").get_json()["gates"][0]["offset"]),
        lambda n: {"gate": "plan", "offset": -20 - n}, "-21",
    ),
    "signers": lambda story: (
        "put", f"/api/lines/{story.line_id}/signers",
        lambda client: client.get(f"/api/lines/{story.line_id}/signers").get_json()["signers"][0]["mark"],
        lambda n: {"department_id": "", "members": [story.id_of("吴昊" if n == 1 else "苏航")]}, "吴昊",
    ),
    "rules": lambda story: (
        "put", f"/api/lines/{story.line_id}/alert-rules",
        lambda client: client.get(f"/api/lines/{story.line_id}/alert-rules").get_json()["mark"],
        lambda n: {"rules": rules(n + 4)}, "5 天 · 提示",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_form_when_another_saved_meanwhile_then_shown_and_replaced_only_knowingly(two: tuple[Any, Any], story: Story, name: str) -> None:
    first, second = two
    method, url, mark_in, body, theirs = FORMS[name](story)
    seen = mark_in(first)
    assert send(first, method, url, body(1) | {"seen": seen}).status_code == 200
    answer = send(second, method, url, body(2) | {"seen": seen})
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (409, "changed_meanwhile")
    assert [value for _label, value in error["facts"]["theirs"]] == [theirs]
    assert send(second, method, url, body(2) | {"seen": error["facts"]["mark"]}).status_code == 200
    assert send(first, method, url, body(2) | {"seen": seen}).status_code == 200, "the same as what stands replaces nothing"
    assert send(second, method, url, body(1)).status_code == 200, "a program that does not ask is not asked"


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found
    return found[1]


def test_template_when_another_saved_meanwhile_then_both_texts_are_there(signed_in: Callable, story: Story) -> None:
    keeper = signed_in("linyue")
    written = {
        "name": "主视觉",
        "title": "主视觉",
        "department_id": story.people["苏航"].department_id,
        "phase": "prepare",
        "checklist": "横版",
    }
    keeper.post("/order-templates", written)
    (kept,) = keeper.get("/api/order-templates").get_json()["templates"]
    seen = seen_in(keeper.get(f"/order-templates/{kept['id']}/edit").get_data(as_text=True))
    assert seen == kept["mark"]
    assert keeper.post(f"/order-templates/{kept['id']}", written | {"checklist": "横版\n竖版", "seen": seen}).status_code == 303
    mine = written | {"checklist": "方版", "requirements": "要留住的字", "seen": seen}
    answer = keeper.post(f"/order-templates/{kept['id']}", mine)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert all(words in page for words in ("林悦刚刚修改过这个模板", "横版\n竖版</dd>", "方版</textarea>", "要留住的字</textarea>"))
    assert "<dt>标题</dt>" not in page, "only what would be replaced"
    assert keeper.post(f"/order-templates/{kept['id']}", mine | {"seen": seen_in(page)}).status_code == 303
    (kept,) = keeper.get("/api/order-templates").get_json()["templates"]
    assert (kept["checklist"], kept["requirements"]) == (["方版"], "要留住的字")


def test_order_when_another_saved_meanwhile_then_both_texts_are_there(two: tuple[Any, Any], write: Callable, story: Story) -> None:
    first, second = two
    task_id = write(checklist=["横版"])
    sent = {"title": "主视觉", "department_id": story.people["苏航"].department_id, "due_offset": -30, "checklist": "横版"}
    sent |= {"seen": seen_in(first.get(f"/tasks/{task_id}/edit").get_data(as_text=True))}
    assert first.post(f"/tasks/{task_id}", sent | {"requirements": "只要横的"}).status_code == 303
    answer = second.post(f"/tasks/{task_id}", sent | {"requirements": "只要竖的"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "<dt>要求</dt><dd>只要横的</dd>" in page
    assert "只要竖的</textarea>" in page
    assert second.post(f"/tasks/{task_id}", sent | {"requirements": "只要竖的", "seen": seen_in(page)}).status_code == 303


def test_metric_and_rules_when_another_saved_meanwhile_then_said(two: tuple[Any, Any], story: Story) -> None:
    first, second = two
    metric = {"name": "GMV", "unit": "元", "start": "2026-10-01", "end": "2026-11-11"}
    answer = first.post(f"/lines/{story.line_id}/numbers/metrics", metric)
    url = answer.headers["Location"]
    seen = seen_in(first.get(url).get_data(as_text=True).split('id="metric"')[1])
    assert first.post(url, metric | {"unit": "万元", "seen": seen}).status_code == 303
    error = second.post(url, metric | {"end": "2026-11-14", "seen": seen}, headers={"Accept": "application/json"}).get_json()["error"]
    assert dict(error["facts"]["theirs"]) == {"单位": "万元", "到哪天为止": "2026-11-11"}
    rules_url = f"/lines/{story.line_id}/alerts/rules"
    sent = {f"{rule.value}_{part}": value for rule in AlertRule for part, value in (("severity", "info"), ("threshold", "5"))}
    sent |= {"seen": seen_in(first.get(rules_url).get_data(as_text=True))}
    assert first.post(rules_url, sent).status_code == 303
    answer = second.post(rules_url, sent | {"late_threshold": "9"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert 'value="9"' in page
    assert 'class="card theirs"' in page


@pytest.mark.browser
def test_dialog_when_another_saved_meanwhile_then_theirs_stands_beside_what_was_typed(
    open_page: OpenPage, work_as: Callable, story: Story
) -> None:
    draft = MetricDraft("GMV", "元", Better.HIGHER, True, date(2026, 10, 1), date(2026, 11, 11))
    with work_as("林悦") as work:
        metric_id = define_metric(work, story.line_id, draft).id
    page = open_page(f"/numbers/{metric_id}", "linyue")
    page.get_by_role("button", name="设定").click()
    dialog = page.get_by_role("dialog", name="指标设定")
    dialog.get_by_label("指标", exact=True).fill("成交额")
    with work_as("林悦") as work:
        change_metric(work, metric_id, replace(draft, unit="万元"))
    dialog.get_by_role("button", name="保存").click()
    expect(dialog.locator(".theirs div", has_text="单位")).to_contain_text("万元")
    expect(dialog.get_by_label("指标", exact=True)).to_have_value("成交额")
    with page.expect_navigation():
        dialog.get_by_role("button", name="保存").click()
    expect(page.locator(".toast-row")).to_contain_text("已保存")

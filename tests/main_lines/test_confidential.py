"""Confidentiality, walked route by route: whoever is not a member of a line gets 404 from every page, fragment and API of it,
and nothing of it in any list, count, feed or search. Every route of these features must be in the walk.

Over 400 lines because the world in which they are walked holds one of each thing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from main_lines.alerts.actions import raise_alert
from main_lines.alerts.rules import AlertKind
from main_lines.checks.actions import CheckDraft, open_check
from main_lines.checks.models import StoreSheet
from main_lines.checks.rules import Kind, Scope
from main_lines.feed.actions import post_progress
from main_lines.handovers.actions import offer_order
from main_lines.lines.actions import add_line_member, remove_line_member
from main_lines.numbers.actions import MetricDraft, define_metric
from main_lines.numbers.passes import make_pass
from main_lines.numbers.rules import Better
from main_lines.retrospectives.actions import write_conclusion
from main_lines.retrospectives.rules import ConclusionKind
from main_lines.tasks.actions import sign_task
from tests.main_lines.conftest import Story
from workspace.events.models import Event

FEATURES = ("lines", "feed", "tasks", "task_parts", "signing", "handovers", "gates", "board", "alerts", "playbooks", "playbook_books")
FEATURES += ("work", "checks")
FEATURES += ("prints", "retrospectives", "calendars", "order_tables")
FEATURES += ("numbers", "number_imports")
SECRET = "双十一大促"
TABLE = '{{"header": ["标题", "部门"], "rows": [[2, ["外人的单", "客服"]]]}}'


@dataclass(frozen=True)
class Route:
    """One request. body: JSON for the API, form fields for pages; a good one, so that only membership can refuse it."""

    endpoint: str
    url: str
    method: str = "GET"
    body: dict[str, object] = field(default_factory=dict)


CHECK: dict[str, object] = {
    "title": "外人的清单",
    "department_id": "{department}",
    "due_offset": "-1",
    "texts": "外人的话",
    "kinds": "tick",
}
OUTSIDERS_METRIC: dict[str, object] = {"name": "外人的数", "start": "2026-10-01", "end": "2026-11-11"}
ROUTES = [
    Route("lines.show_members", "/lines/{line}/members"),
    Route("lines.show_member_rows", "/lines/{line}/members/rows"),
    Route("lines.submit_member", "/lines/{line}/members", "POST", {"member_id": "{outsider}"}),
    Route("lines.submit_removal", "/lines/{line}/members/{insider}/remove", "POST"),
    Route("lines.submit_director", "/lines/{line}/directors", "POST", {"member_id": "{insider}"}),
    Route("lines.submit_release", "/lines/{line}/directors/{insider}/release", "POST"),
    Route("lines_api.name_director", "/api/lines/{line}/directors", "POST", {"member_id": "{insider}"}),
    Route("lines_api.release_director", "/api/lines/{line}/directors/{insider}", "DELETE"),
    Route("lines.submit_health", "/lines/{line}/health", "POST", {"health": "red", "reason": "外人的话"}),
    Route("lines.submit_d_day", "/lines/{line}/d-day", "POST", {"d_day": "2026-12-12"}),
    Route("lines_api.get_one_line", "/api/lines/{line}"),
    Route("lines_api.add_member", "/api/lines/{line}/members", "POST", {"member_id": "{outsider}"}),
    Route("lines_api.remove_member", "/api/lines/{line}/members/{insider}", "DELETE"),
    Route("lines_api.state_health", "/api/lines/{line}/health", "POST", {"health": "red", "reason": "外人的话"}),
    Route("lines_api.move_d_day", "/api/lines/{line}/d-day", "POST", {"d_day": "2026-12-12"}),
    Route("feed.show_line", "/lines/{line}"),
    Route("feed.show_feed", "/lines/{line}/feed"),
    Route("feed.show_act", "/lines/{line}/feed/act?kind=main_lines.task.written&before=999999"),
    Route("feed.show_unread", "/lines/{line}/unread"),
    Route("feed.show_mentions", "/lines/{line}/mentions"),
    Route("feed.show_audience", "/lines/{line}/audience?said=%40所有人"),
    Route("feed.show_files", "/lines/{line}/files"),
    Route("feed.submit_post", "/lines/{line}/posts", "POST", {"text": "外人的话"}),
    Route("feed.submit_read", "/lines/{line}/posts/read", "POST", {"upto": "1"}),
    Route("feed.show_thread", "/tasks/{task}/posts"),
    Route("feed.show_thread_rows", "/tasks/{task}/posts/rows"),
    Route("feed.submit_task_post", "/tasks/{task}/posts", "POST", {"text": "外人的话"}),
    Route("feed.show_readers", "/posts/{post}/readers"),
    Route("feed.submit_withdrawal", "/posts/{post}/withdrawal", "POST"),
    Route("feed_api.get_feed", "/api/lines/{line}/feed"),
    Route("feed_api.post_progress", "/api/lines/{line}/posts", "POST", {"text": "外人的话"}),
    Route("feed_api.read_posts", "/api/lines/{line}/posts/read", "POST", {"upto": 1}),
    Route("feed_api.get_thread", "/api/tasks/{task}/posts"),
    Route("feed_api.post_about_task", "/api/tasks/{task}/posts", "POST", {"text": "外人的话"}),
    Route("feed_api.withdraw_post", "/api/posts/{post}/withdrawal", "POST"),
    Route("tasks.show_line_tasks", "/lines/{line}/tasks"),
    Route("tasks.show_line_task_rows", "/lines/{line}/tasks/rows"),
    Route("tasks.show_new_task", "/lines/{line}/tasks/new"),
    Route("tasks.submit_new_task", "/lines/{line}/tasks", "POST", {"title": "外人的单", "department_id": "{department}"}),
    Route("tasks.show_task", "/tasks/{task}"),
    Route("tasks.show_task_fragment", "/tasks/{task}/fragment"),
    Route("tasks.show_task_form", "/tasks/{task}/edit"),
    Route("tasks.submit_edit", "/tasks/{task}", "POST", {"title": "外人的单", "department_id": "{department}"}),
    Route("tasks.submit_move", "/tasks/{task}/moves", "POST", {"verb": "submit"}),
    Route("tasks.submit_delivery", "/tasks/{task}/deliver", "POST", {"text": "外人的货"}),
    Route("tasks.submit_assignment", "/tasks/{task}/assign", "POST", {"owner_id": "{insider}"}),
    Route("tasks.submit_check", "/tasks/{task}/check", "POST", {"index": "0", "done": "true"}),
    Route("tasks_api.list_line_tasks", "/api/lines/{line}/tasks"),
    Route("tasks_api.write_task", "/api/lines/{line}/tasks", "POST", {"title": "外人的单", "department_id": "{department}"}),
    Route("tasks_api.get_one_task", "/api/tasks/{task}"),
    Route("tasks_api.edit_task", "/api/tasks/{task}", "PUT", {"title": "外人的单", "department_id": "{department}"}),
    Route("tasks_api.post_move", "/api/tasks/{task}/moves", "POST", {"verb": "submit"}),
    Route("tasks_api.deliver_task", "/api/tasks/{task}/deliver", "POST", {"text": "外人的货"}),
    Route("tasks_api.assign_task", "/api/tasks/{task}/assign", "POST", {"owner_id": "{insider}"}),
    Route("tasks_api.check_item", "/api/tasks/{task}/check", "POST", {"index": 0, "done": True}),
    Route("task_parts.submit_piece", "/tasks/{task}/pieces", "POST", {"text": "外人的货"}),
    Route("task_parts.submit_dropped_piece", "/tasks/{task}/pieces/{task}/drop", "POST"),
    Route("task_parts.submit_item_place", "/tasks/{task}/checklist", "POST", {"index": "0", "to": "0"}),
    Route("task_parts.submit_reminder", "/tasks/{task}/remind", "POST"),
    Route("task_parts.submit_bulk", "/lines/{line}/tasks/bulk", "POST", {"act": "sign", "orders": "{task}"}),
    Route("task_parts_api.file_piece", "/api/tasks/{task}/pieces", "POST", {"text": "外人的货"}),
    Route("task_parts_api.drop_piece", "/api/tasks/{task}/pieces/{task}", "DELETE"),
    Route("task_parts_api.move_item", "/api/tasks/{task}/checklist", "POST", {"index": 0, "to": 0}),
    Route("task_parts_api.remind", "/api/tasks/{task}/remind", "POST"),
    Route("task_parts_api.do_to_many", "/api/lines/{line}/tasks/bulk", "POST", {"act": "sign"}),
    Route("signing.show_changes", "/tasks/{task}/changes"),
    Route("signing.show_signers", "/lines/{line}/signers"),
    Route("signing.show_signer_rows", "/lines/{line}/signers/rows"),
    Route("signing.submit_signers", "/lines/{line}/signers", "POST", {"members": "{outsider}"}),
    Route("signing_api.get_changes", "/api/tasks/{task}/changes"),
    Route("signing_api.get_signers", "/api/lines/{line}/signers"),
    Route("signing_api.put_signers", "/api/lines/{line}/signers", "PUT", {"department_id": "{department}"}),
    Route("handovers.show_handovers", "/tasks/{task}/handovers"),
    Route("handovers.submit_offer", "/tasks/{task}/handovers", "POST", {"to": "member:{insider}", "note": "外人的话"}),
    Route("handovers.submit_answer", "/handovers/{handover}", "POST", {"verb": "accept"}),
    Route("handovers_api.list_handovers", "/api/tasks/{task}/handovers"),
    Route("handovers_api.offer", "/api/tasks/{task}/handovers", "POST", {"member_id": "{insider}", "note": "外人的话"}),
    Route("handovers_api.answer", "/api/handovers/{handover}", "POST", {"verb": "accept"}),
    Route("gates.show_gates", "/lines/{line}/gates"),
    Route("gates.show_gate_rows", "/lines/{line}/gates/rows"),
    Route("gates.show_next_gate", "/lines/{line}/gates/next"),
    Route("gates.submit_passage", "/lines/{line}/gates/pass", "POST", {"gate": "plan", "note": "外人的话"}),
    Route("gates.submit_reopening", "/lines/{line}/gates/reopen", "POST", {"gate": "plan", "reason": "外人的话"}),
    Route("gates.submit_reminder", "/lines/{line}/gates/remind", "POST", {"gate": "plan"}),
    Route("gates_api.remind_of_gate", "/api/lines/{line}/gates/remind", "POST", {"gate": "plan"}),
    Route("gates.submit_gate_day", "/lines/{line}/gates/day", "POST", {"gate": "plan", "offset": "-20"}),
    Route("gates_api.list_gates", "/api/lines/{line}/gates"),
    Route("gates_api.pass_gate", "/api/lines/{line}/gates/pass", "POST", {"gate": "plan", "note": "外人的话"}),
    Route("gates_api.reopen_gate", "/api/lines/{line}/gates/reopen", "POST", {"gate": "plan", "reason": "外人的话"}),
    Route("gates_api.move_gate", "/api/lines/{line}/gates/day", "POST", {"gate": "plan", "offset": -20}),
    Route("work.show_cities", "/lines/{line}/cities"),
    Route("work.show_city_rows", "/lines/{line}/cities/rows"),
    Route("work_api.get_cities", "/api/lines/{line}/cities"),
    Route("checks.show_checks", "/lines/{line}/checks"),
    Route("checks.show_check_rows", "/lines/{line}/checks/rows"),
    Route("checks.show_new_check", "/lines/{line}/checks/new"),
    Route("checks.submit_check", "/lines/{line}/checks", "POST", CHECK),
    Route("checks.show_task_checks", "/tasks/{task}/checks"),
    Route("checks.show_check", "/checks/{check}"),
    Route("checks.show_check_fragment", "/checks/{check}/fragment"),
    Route("checks.submit_reminder", "/checks/{check}/remind", "POST"),
    Route("checks.submit_close", "/checks/{check}/close", "POST", {"reason": "外人的话"}),
    Route("checks.submit_reopening", "/checks/{check}/reopen", "POST"),
    Route("checks.submit_stores", "/checks/{check}/stores", "POST", {"stores": "0"}),
    Route("checks.show_sheet", "/sheets/{sheet}"),
    Route("checks.show_sheet_fragment", "/sheets/{sheet}/fragment"),
    Route("checks.submit_sheet", "/sheets/{sheet}", "POST", {"item-1": "外人的话"}),
    Route("checks.submit_answer", "/sheets/{sheet}/answers", "POST", {"key": "1", "value": "外人的话"}),
    Route("checks.submit_photo", "/sheets/{sheet}/photos", "POST", {"key": "1"}),
    Route("checks_api.list_checks", "/api/lines/{line}/checks"),
    Route("checks_api.open_check", "/api/lines/{line}/checks", "POST", {**CHECK, "texts": ["外人的话"], "kinds": ["tick"]}),
    Route("checks_api.get_one_check", "/api/checks/{check}"),
    Route("checks_api.remind_missing", "/api/checks/{check}/remind", "POST"),
    Route("checks_api.add_stores", "/api/checks/{check}/stores", "POST", {"stores": ["0"]}),
    Route("checks_api.close_check", "/api/checks/{check}/close", "POST", {"reason": "外人的话"}),
    Route("checks_api.reopen_check", "/api/checks/{check}/reopen", "POST"),
    Route("checks_api.get_one_sheet", "/api/sheets/{sheet}"),
    Route("checks_api.answer_item", "/api/sheets/{sheet}/answers", "POST", {"key": "1", "value": "外人的话"}),
    Route("numbers.show_numbers", "/lines/{line}/numbers"),
    Route("numbers.show_number_rows", "/lines/{line}/numbers/rows"),
    Route("numbers.submit_metric", "/lines/{line}/numbers/metrics", "POST", OUTSIDERS_METRIC),
    Route("numbers.show_metric", "/numbers/{metric}"),
    Route("numbers.show_metric_rows", "/numbers/{metric}/rows"),
    Route("numbers.submit_metric_change", "/numbers/{metric}", "POST", OUTSIDERS_METRIC),
    Route("numbers.submit_archive", "/numbers/{metric}/archive", "POST"),
    Route("numbers.submit_value", "/numbers/{metric}/values", "POST", {"aim": "actual", "value": "1"}),
    Route("numbers.export_numbers", "/lines/{line}/numbers/export"),
    Route("numbers.export_stock", "/lines/{line}/stock/export"),
    Route("numbers.show_stock", "/lines/{line}/stock"),
    Route("numbers.show_stock_rows", "/lines/{line}/stock/rows"),
    Route("numbers.submit_pass", "/lines/{line}/numbers/passes", "POST", {"name": "外人的接口"}),
    Route("numbers.submit_pass_revocation", "/numbers/passes/{pass}/revocation", "POST"),
    Route("number_imports.show_import", "/lines/{line}/numbers/import"),
    Route("number_imports.submit_file", "/lines/{line}/numbers/import", "POST"),
    Route("number_imports.send_template", "/lines/{line}/numbers/template"),
    Route("numbers_api.get_numbers", "/api/lines/{line}/numbers"),
    Route("numbers_api.send_numbers", "/api/lines/{line}/numbers", "POST", {"numbers": []}),
    Route("board.show_board", "/lines/{line}/board"),
    Route("board.show_board_fragment", "/lines/{line}/board/fragment"),
    Route("board.show_wall", "/lines/{line}/wall"),
    Route("board.show_wall_fragment", "/lines/{line}/wall/fragment"),
    Route("board.submit_gate", "/lines/{line}/gate", "POST", {"note": "外人的话"}),
    Route("board_api.get_board", "/api/lines/{line}/board"),
    Route("board_api.close_gate", "/api/lines/{line}/gate", "POST", {"note": "外人的话"}),
    Route("order_tables.export_tasks", "/lines/{line}/tasks/export?form=csv"),
    Route("order_tables.send_template", "/lines/{line}/tasks/template"),
    Route("order_tables.show_import", "/lines/{line}/tasks/import"),
    Route("order_tables.show_preview", "/lines/{line}/tasks/import/preview", "POST"),
    Route("order_tables.submit_import", "/lines/{line}/tasks/import", "POST", {"table": TABLE}),
    Route("order_tables_api.import_tasks", "/api/lines/{line}/tasks/import", "POST", {"header": ["标题", "部门"], "rows": []}),
    Route("retrospectives.export_retrospective", "/lines/{line}/retrospective/export?form=csv"),
    Route("prints.show_printed_task", "/tasks/{task}/print"),
    Route("prints.show_printed_plan", "/lines/{line}/plan/print"),
    Route("retrospectives.show_retrospective", "/lines/{line}/retrospective"),
    Route("retrospectives.show_retrospective_rows", "/lines/{line}/retrospective/rows"),
    Route("retrospectives.show_conclusions", "/lines/{line}/retrospective/conclusions"),
    Route("retrospectives.show_printed_retrospective", "/lines/{line}/retrospective/print"),
    Route("retrospectives.show_lessons", "/lines/{line}/retrospective/playbook"),
    Route("retrospectives.submit_lessons", "/lines/{line}/retrospective/playbook", "POST", {"playbook": "double11", "base": 1}),
    Route("retrospectives.submit_conclusion", "/lines/{line}/retrospective/conclusions", "POST", {"kind": "good", "text": "外人的话"}),
    Route("retrospectives.submit_edit", "/conclusions/{conclusion}", "POST", {"text": "外人的话", "seen": "1"}),
    Route("retrospectives.submit_drop", "/conclusions/{conclusion}/drop", "POST"),
    Route("retrospectives_api.get_retrospective", "/api/lines/{line}/retrospective"),
    Route("retrospectives_api.write_conclusion", "/api/lines/{line}/conclusions", "POST", {"kind": "good", "text": "外人的话"}),
    Route("retrospectives_api.edit_conclusion", "/api/conclusions/{conclusion}", "PUT", {"text": "外人的话", "seen": 1}),
    Route("retrospectives_api.drop_conclusion", "/api/conclusions/{conclusion}", "DELETE"),
    Route("playbook_books.show_taking", "/lines/{line}/playbook"),
    Route("playbook_books.submit_taking", "/lines/{line}/playbook", "POST", {"name": "外人的手册"}),
    Route("playbooks_api.take_line", "/api/lines/{line}/playbook", "POST", {"name": "外人的手册"}),
    Route("alerts.show_alerts", "/lines/{line}/alerts"),
    Route("alerts.show_alert_rows", "/lines/{line}/alerts/rows"),
    Route("alerts.show_critical", "/lines/{line}/alerts/top"),
    Route("alerts.show_rules", "/lines/{line}/alerts/rules"),
    Route("alerts.submit_rules", "/lines/{line}/alerts/rules", "POST"),
    Route("alerts.submit_all_acknowledged", "/lines/{line}/alerts/acknowledge", "POST"),
    Route("alerts.show_alert", "/alerts/{alert}"),
    Route("alerts.show_alert_fragment", "/alerts/{alert}/fragment"),
    Route("alerts.submit_reminder", "/alerts/{alert}/remind", "POST"),
    Route("alerts.submit_alert", "/lines/{line}/alerts", "POST", {"title": "外人的话"}),
    Route("alerts.submit_acknowledgement", "/alerts/{alert}/acknowledge", "POST"),
    Route("alerts.submit_alert_close", "/alerts/{alert}/close", "POST"),
    Route("alerts_api.list_alerts", "/api/lines/{line}/alerts"),
    Route("alerts_api.raise_alert", "/api/lines/{line}/alerts", "POST", {"title": "外人的话"}),
    Route("alerts_api.clear_alert", "/api/lines/{line}/alerts/clear", "POST", {"subject": "erp:1"}),
    Route("alerts_api.acknowledge_all", "/api/lines/{line}/alerts/acknowledge", "POST"),
    Route("alerts_api.list_rules", "/api/lines/{line}/alert-rules"),
    Route("alerts_api.save_rules", "/api/lines/{line}/alert-rules", "PUT", {"rules": []}),
    Route("alerts_api.get_one_alert", "/api/alerts/{alert}"),
    Route("alerts_api.remind_missing", "/api/alerts/{alert}/remind", "POST"),
    Route("alerts_api.acknowledge_alert", "/api/alerts/{alert}/acknowledge", "POST"),
    Route("alerts_api.close_alert", "/api/alerts/{alert}/close", "POST"),
]
# These name no line: they list what the reader may see, and must hold nothing of the others.
LISTS = {
    "board.show_lines": "/lines",
    "board.show_line_rows": "/lines/rows",
    "board.show_my_lines_fragment": "/lines/mine/fragment",
    "board_api.list_lines": "/api/lines",
    "work.show_my_work": "/tasks",
    "work.show_my_work_rows": "/tasks/rows",
    "work.show_my_work_fragment": "/tasks/mine/fragment",
    "work.show_load": "/tasks/load",
    "work.show_load_rows": "/tasks/load/rows",
    "work_api.get_mine": "/api/work",
    "work_api.get_load": "/api/work/load",
    "tasks_api.get_my_work": "/api/tasks",
    "task_parts.show_involved": "/tasks/involved/fragment",
    "task_parts_api.list_involved": "/api/tasks/involved",
    "signing.show_to_sign": "/tasks/to-sign",
    "signing.show_to_sign_rows": "/tasks/to-sign/rows",
    "signing_api.list_to_sign": "/api/tasks/to-sign",
    "handovers.show_mine": "/handovers/mine/fragment",
    "handovers_api.list_offered": "/api/handovers",
}
# Many orders at once, of any of one's lines: whatever is named and not one's own is answered as if it were not there.
CHOSEN = {"signing.submit_signatures", "signing_api.sign_many"}
# Of a department, which is no secret; what it carries is counted over the reader's own lines (tests/main_lines/work).
DEPARTMENTS = {"work.show_department_load", "work.show_department_load_rows"}
# What a file in one's own hands is, nobody else sees, in the line or not; a pass is no member (tests/main_lines/numbers).
OWN = {
    "number_imports.show_draft", "number_imports.submit_confirmation", "number_imports.submit_drop", "numbers_api.send_with_pass",
}  # fmt: skip
# Whoever may open lines opens their own, from playbooks that all who may do so read; these read no line of others.
OPENING = {"playbooks.show_new_line", "playbooks.show_opening", "playbooks.submit_line", "playbooks_api.open_line"} | {
    f"playbooks_api.{name}"
    for name in (
        "list_playbooks", "get_playbook", "add_playbook", "import_playbook", "keep_draft", "drop_draft", "save_version", "remove_playbook",
    )
} | {
    f"playbook_books.{name}"
    for name in (
        "show_playbooks", "show_playbook_rows", "submit_playbook", "submit_file", "show_playbook", "show_version", "send_file",
        "submit_copy", "submit_removal", "submit_restoration", "show_editor", "submit_dropped_draft",
    )
}  # fmt: skip
FOR_DIRECTORS = {"playbook_books.show_taking", "retrospectives.show_lessons"}
"""Read by the line's director alone: other members are told so, everybody else gets 404."""
# One's own calendar, read with the rights of whose it is: tests/main_lines/calendars.
CALENDAR = {"calendars.show_calendar", "calendars.add_feed", "calendars.revoke", "calendars.send_calendar"}
ELSEWHERE = ("/", "/notices", "/api/notices", "/home/events", "/api/events?since=0", f"/search?q={SECRET}", f"/api/search?q={SECRET}")


@pytest.fixture
def names(work_as: Callable, story: Story, write: Callable) -> dict[str, str]:
    """What the placeholders of the walk stand for, in a line with a task order, an alert and a post."""
    task_id = write("绝密主视觉", checklist=["横版"])
    with work_as("苏航") as work:
        handover = offer_order(work, task_id, member_id=story.id_of("赵宁"), note="绝密移交")
        alert = raise_alert(work, story.line_id, kind=AlertKind.OTHER, title="绝密预警")
        conclusion = write_conclusion(work, story.line_id, kind=ConclusionKind.GOOD, text="绝密结论")
        post = post_progress(work, story.line_id, text="绝密通告")
    with work_as("林悦") as work:
        draft = CheckDraft(
            title="绝密清单",
            department_id=story.people["苏航"].department_id,
            items=[("绝密", Kind.TEXT, None)],
            scope=Scope.ALL,
            due_offset=-1,
        )
        check = open_check(work, story.line_id, draft)
        sheet_id = work.session.scalars(select(StoreSheet.id).where(StoreSheet.check_id == check.id).limit(1)).one()
        draft = MetricDraft("绝密销量", "件", Better.HIGHER, True, date(2026, 10, 1), date(2026, 11, 11))
        metric = define_metric(work, story.line_id, draft)
        number_pass, _secret = make_pass(work, story.line_id, name="绝密接口")
    return {
        "conclusion": conclusion.id,
        "line": story.line_id, "task": task_id, "check": check.id, "sheet": sheet_id,
        "alert": alert.id, "post": post.id, "handover": handover.id,
        "outsider": story.id_of("何青"), "insider": story.id_of("吴昊"), "department": story.people["苏航"].department_id,
        "metric": metric.id, "pass": number_pass.id,
    }  # fmt: skip


def ask(person, route: Route, names: dict[str, str]):
    url = route.url.format(**names)
    body = {name: value.format(**names) if isinstance(value, str) else value for name, value in route.body.items()}
    if route.method == "GET":
        return person.get(url)
    if "token" not in vars(person):  # One page gives the token for the whole walk.
        person.token = person.csrf()
    form = {"json": body} if url.startswith("/api/") else {"data": body}
    return person.client.open(url, method=route.method, headers={"X-CSRF-Token": person.token}, **form)


def test_walk_when_listed_then_every_route_of_these_features_is_in_it(app: Flask) -> None:
    ours = {fact.endpoint for fact in app.extensions["mainline"].facts if fact.endpoint.split(".")[0].removesuffix("_api") in FEATURES}
    assert ours == {route.endpoint for route in ROUTES} | CALENDAR | set(LISTS) | OPENING | DEPARTMENTS | CHOSEN | OWN


@pytest.mark.parametrize("login", ["heqing", "guanli"])
def test_line_when_asked_for_by_an_outsider_then_404_everywhere_and_nothing_changes(
    signed_in: Callable, work_as: Callable, names: dict[str, str], login: str
) -> None:
    """guanli administers the installation: that opens no line either."""
    person = signed_in(login)
    wrong = {}
    for route in ROUTES:
        answer = ask(person, route, names)
        told = answer.get_data(as_text=True)
        if answer.status_code != 404 or SECRET in told or "绝密" in told:
            wrong[route.endpoint] = answer.status_code
    assert wrong == {}
    with work_as("林悦", writes=False) as work:
        assert "外人" not in str([event.facts for event in work.session.scalars(select(Event))])


@pytest.mark.parametrize("login", ["heqing", "guanli"])
def test_lists_when_read_by_an_outsider_then_hold_nothing_of_the_line(signed_in: Callable, names: dict[str, str], login: str) -> None:
    person = signed_in(login)
    for url in [*LISTS.values(), *ELSEWHERE]:
        answer = person.get(url)
        told = answer.get_data(as_text=True).replace(f"q={SECRET}", "").replace(f'value="{SECRET}"', "")
        assert answer.status_code == 200, url
        assert names["line"] not in told, url
        assert "绝密" not in told, url


def test_absent_and_forbidden_when_compared_then_alike(signed_in: Callable, names: dict[str, str]) -> None:
    person = signed_in("heqing")
    names_gone = ("line", "task", "alert", "check", "sheet", "post", "handover", "conclusion", "metric", "pass")
    no_such = names | dict.fromkeys(names_gone, "0" * 26)
    for route in ROUTES:
        if route.url.startswith("/api/"):
            assert ask(person, route, names).get_json() == ask(person, route, no_such).get_json(), route.endpoint


@pytest.mark.parametrize("login", ["linyue", "suhang"])
def test_line_when_read_by_its_members_then_there(signed_in: Callable, names: dict[str, str], login: str) -> None:
    """The other half of the walk: the same requests are answered for members, so 404 above is about membership alone."""
    person = signed_in(login)
    for route in ROUTES:
        if route.method == "GET" and (login == "linyue" or route.endpoint not in FOR_DIRECTORS):
            answer = ask(person, route, names)
            assert answer.status_code == 200, (route.endpoint, answer.get_data(as_text=True)[:500])
    for url in (*LISTS.values(), "/", "/search?q=绝密"):
        assert person.get(url).status_code == 200, url


def test_member_when_removed_then_everything_is_gone_at_once_and_back_when_added(
    signed_in: Callable, work_as: Callable, run_jobs: Callable, story: Story, names: dict[str, str]
) -> None:
    with work_as("林悦") as work:
        sign_task(work, names["task"])
    run_jobs()
    person = signed_in("suhang")
    assert "绝密" in person.get("/notices").get_data(as_text=True), "there is something to lose"
    reads = [route for route in ROUTES if route.method == "GET" and route.endpoint not in FOR_DIRECTORS]
    assert {ask(person, route, names).status_code for route in reads} == {200}
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("苏航"))
    assert {ask(person, route, names).status_code for route in ROUTES} == {404}
    for url in [*LISTS.values(), *ELSEWHERE]:
        assert "绝密" not in person.get(url).get_data(as_text=True), url
    with work_as("林悦") as work:
        add_line_member(work, story.line_id, story.id_of("苏航"))
    assert {ask(person, route, names).status_code for route in reads} == {200}


@pytest.mark.parametrize("login", ["heqing", "guanli"])
def test_chosen_when_an_outsider_names_an_order_then_answered_as_one_that_is_not_there(
    signed_in: Callable, names: dict[str, str], login: str
) -> None:
    answers = [signed_in(login).post("/api/tasks/sign", json={"orders": [id]}).get_json() for id in (names["task"], "0" * 26)]
    answers = [{**one, "orders": [{**order, "id": ""} for order in one["orders"]]} for one in answers]
    assert answers[0] == answers[1]
    assert answers[0]["done"] == 0


def test_walk_when_nobody_is_signed_in_then_nothing_is_told(visitor, names: dict[str, str]) -> None:
    for route in ROUTES:
        answer = ask(visitor, route, names)
        assert answer.status_code in (302, 401), (route.endpoint, answer.status_code)

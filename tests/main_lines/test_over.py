"""A line that is over is read, talked about and learned from. Every route that writes is walked; none lets work in."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from main_lines.alerts.actions import save_rules
from main_lines.alerts.rules import AlertRule, Setting, Severity
from main_lines.approvals.links import linked_places
from main_lines.feed.actions import post_progress
from main_lines.gates.actions import pass_gate, reopen_gate
from main_lines.gates.queries import gate_rows
from main_lines.gates.rules import GateKey, Standing
from main_lines.lines.access import TAKEN_WHEN_OVER, get_line
from main_lines.lines.actions import add_line_member, name_signers
from main_lines.lines.models import MainLine
from main_lines.lines.rules import Phase
from main_lines.numbers.actions import MetricDraft, define_metric
from main_lines.numbers.rules import Better
from main_lines.order_tables.actions import import_orders
from main_lines.playbooks.models import PlaybookEvent
from main_lines.retrospectives.actions import write_conclusion
from main_lines.retrospectives.rules import ConclusionKind
from main_lines.tasks.actions import sign_task, submit_task
from main_lines.tasks.bulk import sign_tasks
from main_lines.work.queries import mine_of, now_count
from tests.main_lines.conftest import D_DAY, Story
from tests.main_lines.test_confidential import ROUTES, ask, names  # noqa: F401  (a fixture)
from workspace.errors import Conflict, InvalidInput
from workspace.events.models import Event
from workspace.tables import Table
from workspace.work import Work, head_seq

BY_NATURE = {
    "feed.submit_post", "feed.submit_read", "feed.submit_task_post", "feed.submit_withdrawal", "feed_api.post_progress",
    "feed_api.read_posts", "feed_api.post_about_task", "feed_api.withdraw_post", "retrospectives.submit_conclusion",
    "retrospectives.submit_edit", "retrospectives.submit_drop", "retrospectives_api.write_conclusion",
    "retrospectives_api.edit_conclusion", "retrospectives_api.drop_conclusion", "playbook_books.submit_taking",
    "playbooks_api.take_line", "retrospectives.submit_lessons",
    "alerts.submit_all_acknowledged", "alerts.submit_acknowledgement", "alerts.submit_alert_close",
    "alerts_api.acknowledge_all", "alerts_api.acknowledge_alert", "alerts_api.close_alert", "numbers.submit_pass_revocation",
    "lines.submit_member", "lines.submit_removal", "lines.submit_director", "lines.submit_release", "lines_api.name_director",
    "lines_api.release_director", "lines_api.add_member", "lines_api.remove_member",
}  # fmt: skip
"""What people go on doing in a line that is over; whether each is right otherwise is shown where it lives."""


def end(work_as: Callable, story: Story) -> None:
    for key in (GateKey.GO, GateKey.WRAP, GateKey.REVIEW):
        with work_as("林悦") as work:
            pass_gate(work, story.line_id, key, note="按计划")


NOTHING_ASKED = {
    "task_parts.submit_bulk", "task_parts_api.do_to_many", "signing.submit_signers", "checks.submit_photo", "number_imports.submit_file",
    "numbers_api.send_numbers", "order_tables.show_preview", "order_tables_api.import_tasks", "alerts.submit_rules",
    "alerts_api.clear_alert", "alerts_api.save_rules",
}  # fmt: skip
"""What the walk sends there says nothing that could be done in any line, or is answered order by order; see the acts below."""


def test_line_when_it_is_over_then_no_route_lets_work_in(
    signed_in: Callable,
    work_as: Callable,
    story: Story,
    names: dict[str, str],  # noqa: F811
) -> None:
    end(work_as, story)
    with work_as("林悦", writes=False) as work:
        head = head_seq(work)
    director = signed_in("linyue")
    answers = {}
    for route in ROUTES:
        if route.method != "GET" and route.endpoint not in BY_NATURE | NOTHING_ASKED:
            answers[route.endpoint] = ask(director, route, names).status_code
    assert {endpoint: status for endpoint, status in answers.items() if not 400 <= status < 500} == {}
    assert sum(status == 409 for status in answers.values()) > len(answers) * 0.9, "refused because it is over, not for what was sent"
    for route in ROUTES:
        if route.endpoint in NOTHING_ASKED:
            ask(director, route, names)
    with work_as("林悦", writes=False) as work:
        new = work.session.scalars(select(Event.kind).where(Event.seq > head, Event.kind.startswith("main_lines."))).all()
    assert [kind for kind in new if not kind.startswith(TAKEN_WHEN_OVER)] == []


def test_acts_when_the_line_is_over_then_work_is_refused_and_talk_goes_on(work_as: Callable, write: Callable, story: Story) -> None:
    task_id = write("主视觉")
    end(work_as, story)
    work_in: list[Callable[[Work], object]] = [
        lambda work: submit_task(work, task_id),
        lambda work: linked_places(work, line_id=None, task_id=task_id, pin=None),
        lambda work: name_signers(work, story.line_id, department_id="", member_ids=[story.id_of("苏航")]),
        lambda work: save_rules(work, story.line_id, rules={AlertRule.LATE: Setting(False, 1, Severity.INFO)}, stairs={}),
        lambda work: define_metric(work, story.line_id, MetricDraft("GMV", "元", Better.HIGHER, True, D_DAY, D_DAY)),
        lambda work: import_orders(work, story.line_id, Table(("标题", "部门"), [(2, ("新单", "设计策划"))])),
    ]
    for act in work_in:
        with pytest.raises(Conflict) as refused, work_as("林悦") as work:
            act(work)
        assert refused.value.code == "line_over"
    with work_as("林悦") as work:
        assert [one.refused[:6] for one in sign_tasks(work, {task_id: ""})] == ["主线已经结束"]
        post_progress(work, story.line_id, text="谢谢大家")
        write_conclusion(work, story.line_id, kind=ConclusionKind.GOOD, text="开得早")
        add_line_member(work, story.line_id, story.id_of("何青"))
        work.record(PlaybookEvent.LEARNT, subject=story.room, rooms=[story.room], line_id=story.line_id)


def test_orders_when_their_line_is_over_then_they_ask_nobody_until_it_goes_on(work_as: Callable, write: Callable, story: Story) -> None:
    ready, waiting = write("主视觉", offset=-300), write("收尾", offset=-300)
    with work_as("林悦") as work:
        sign_task(work, ready)
        submit_task(work, waiting)
    asked: dict[str, list[tuple[int, bool]]] = {}
    for over in (False, True, False):
        if over:
            end(work_as, story)
        elif asked:
            with work_as("林悦") as work, pytest.raises(InvalidInput):
                reopen_gate(work, story.line_id, GateKey.REVIEW, reason="")
            with work_as("林悦") as work:
                reopen_gate(work, story.line_id, GateKey.REVIEW, reason="还有退货要处理")
                assert work.session.get_one(MainLine, story.line_id).phase == Phase.REVIEW
        for name in ("林悦", "苏航"):
            with work_as(name, writes=False) as work:
                asked.setdefault(name, []).append((now_count(work), bool(mine_of(work).pressing)))
    assert asked == {name: [(1, True), (0, False), (1, True)] for name in ("林悦", "苏航")}
    with work_as("林悦") as work:
        gate = next(row for row in gate_rows(work, get_line(work, story.line_id)) if row.key is GateKey.REVIEW)
        assert (gate.standing, gate.may_pass) == (Standing.AHEAD, True)
        assert pass_gate(work, story.line_id, GateKey.REVIEW, note="退货清完") is Phase.CLOSED


def test_pages_when_the_line_is_over_then_they_say_so_and_offer_no_work(
    signed_in: Callable, work_as: Callable, write: Callable, story: Story
) -> None:
    task_id, here = write("主视觉"), f"/lines/{story.line_id}"
    end(work_as, story)
    director = signed_in("linyue")
    for url in (f"{here}/board", here, f"{here}/tasks", f"{here}/plan", f"{here}/numbers", f"{here}/alerts", f"/tasks/{task_id}"):
        page = director.get(url).get_data(as_text=True)
        assert "主线已经结束" in page, url
        for way in ("/moves", "/d-day", "/health", "/tasks/new", "/tasks/import", "/tasks/bulk", "/numbers/import", "/milestones"):
            assert f'{way}"' not in page, (url, way)
        assert 'data-open-dialog="assign"' not in page, url
        assert f'action="{here}/alerts"' not in page, url
    assert "gates/reopen" in director.get(f"{here}/gates").get_data(as_text=True)
    assert "gates/reopen" not in signed_in("suhang").get(f"{here}/gates").get_data(as_text=True)

"""The gates: the table of rules.py read from its docstring, and the way of a line through them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from main_lines.alerts.actions import raise_alert
from main_lines.alerts.rules import AlertKind, Severity
from main_lines.gates import rules
from main_lines.gates.actions import move_gate, pass_gate, remind_of_gate, reopen_gate
from main_lines.gates.queries import gate_rows
from main_lines.gates.rules import CLOSING, PHASE_OF, GateKey, Hold, Obstacle, Pass, Standing, decide_pass, in_the_way, may_reopen
from main_lines.lines.access import get_line
from main_lines.lines.actions import move_d_day
from main_lines.lines.models import MainLine
from main_lines.lines.rules import Phase
from main_lines.tasks.actions import block_task, sign_task, submit_task
from main_lines.tasks.rules import FINISHED, State, Tone
from tests.main_lines.conftest import D_DAY, OUTSIDE, Story
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound
from workspace.events.models import Event
from workspace.notices.models import Notice


def written_table() -> list[tuple[GateKey, int, Phase, set[Obstacle]]]:
    lines = [line.split("(")[0].split() for line in (rules.__doc__ or "").splitlines() if line.startswith("    ")][1:]
    return [(GateKey(key), int(day.removeprefix("D")), Phase(phase), set(map(Obstacle, ways))) for key, day, phase, *ways in lines]


@dataclass(frozen=True)
class Order:
    phase: str
    state: State
    tone: Tone
    late_days: int
    due: date | None


ORDERS = st.lists(
    st.builds(
        Order, st.sampled_from(["prepare", "execute", "review"]), st.sampled_from(State), st.sampled_from(Tone), st.integers(0, 3),
        st.sampled_from([None, D_DAY]),
    ),
    max_size=12,
)  # fmt: skip


def test_table_when_read_then_it_covers_every_gate() -> None:
    assert [key for key, *_rest in written_table()] == list(GateKey)
    for key, day, phase, _ways in written_table():
        assert (rules.USUAL_DAY[key], PHASE_OF[key]) == (day, phase)


@given(ORDERS)
def test_in_the_way_when_looked_at_then_each_order_once_and_only_as_the_table_says(orders: list[Order]) -> None:
    for key, _day, phase, ways in written_table():
        found = in_the_way(key, orders)
        assert set(found) <= ways
        standing = [order for rows in found.values() for order in rows]
        assert len(standing) <= len(orders)
        free = list(orders)
        for order in standing:
            free.remove(order)
            assert order.phase == phase
            assert order.state not in FINISHED
        for order in free:
            assert order.phase != phase or order.state in FINISHED or Obstacle.OPEN not in ways, "nothing that asks for it is passed over"


@pytest.mark.parametrize("gate", GateKey)
@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("obstacles", [0, 2])
@pytest.mark.parametrize("reason", ["", "  ", "已与财务确认"])
def test_pass_when_decided_then_in_its_phase_once_and_with_a_reason_where_something_stands(
    gate: GateKey, phase: Phase, obstacles: int, reason: str
) -> None:
    assert decide_pass(gate, phase, passed=True, obstacles=obstacles, reason=reason) is Hold.PASSED
    found = decide_pass(gate, phase, passed=False, obstacles=obstacles, reason=reason)
    if PHASE_OF[gate] is not phase:
        assert found is Hold.OTHER_PHASE
    elif obstacles and not reason.strip():
        assert found is Hold.REASON_MISSING
    else:
        assert found == Pass(closes=phase if CLOSING[phase] is gate else None, freezes=gate is GateKey.FREEZE)
    assert not may_reopen(gate, phase, passed=False)
    again = {Phase.PREPARE: {GateKey.PLAN, GateKey.FREEZE}, Phase.CLOSED: {GateKey.REVIEW}}
    assert may_reopen(gate, phase, passed=True) == (gate in again.get(phase, ()))


def gate(work_as: Callable, story: Story, key: GateKey) -> object:
    with work_as("林悦", writes=False) as work:
        return next(row for row in gate_rows(work, get_line(work, story.line_id)) if row.key is key)


def test_gate_when_something_stands_in_its_way_then_named_and_passed_only_with_a_reason(
    work_as: Callable, write: Callable, story: Story
) -> None:
    unsigned, blocked, fine = write("没签"), write("受阻"), write("好的")
    with work_as("林悦") as work:
        submit_task(work, unsigned)
        sign_task(work, fine)
        sign_task(work, blocked)
        block_task(work, blocked, reason="样衣未到")
        raise_alert(work, story.line_id, kind=AlertKind.STOCK, severity=Severity.CRITICAL, title="主推款缺货")
        raise_alert(work, story.line_id, kind=AlertKind.OTHER, title="天气转冷")
    row = gate(work_as, story, GateKey.PLAN)
    assert {name: [order.id for order in orders] for name, orders in row.orders.items()} == {
        Obstacle.BLOCKED: [blocked], Obstacle.UNSIGNED: [unsigned],
    }  # fmt: skip
    assert (row.obstacles, [alert.title for alert in row.alerts]) == (3, ["主推款缺货"])
    assert gate(work_as, story, GateKey.GO).obstacles == 4, "going on asks for what is open too"
    with work_as("林悦") as work, pytest.raises(InvalidInput) as refused:
        pass_gate(work, story.line_id, GateKey.PLAN)
    assert refused.value.facts["stands"] == {"blocked": 1, "unsigned": 1, "alerts": 1}
    with work_as("林悦") as work:
        pass_gate(work, story.line_id, GateKey.PLAN, note="样衣今晚到")
    row = gate(work_as, story, GateKey.PLAN)
    assert (row.standing, row.passed_by, row.note, row.stood, row.obstacles) == (Standing.PASSED, "林悦", "样衣今晚到", 3, 0)
    with work_as("林悦") as work, pytest.raises(Conflict):
        pass_gate(work, story.line_id, GateKey.PLAN, note="再来一次")


def test_freeze_when_passed_then_the_plan_is_frozen_until_it_is_opened_again(work_as: Callable, story: Story) -> None:
    with work_as("林悦") as work:
        pass_gate(work, story.line_id, GateKey.FREEZE)
        assert work.session.get_one(MainLine, story.line_id).frozen_at == work.now
    with work_as("林悦") as work, pytest.raises(InvalidInput):
        reopen_gate(work, story.line_id, GateKey.FREEZE, reason=" ")
    with work_as("林悦") as work:
        reopen_gate(work, story.line_id, GateKey.FREEZE, reason="平台改了规则")
        assert work.session.get_one(MainLine, story.line_id).frozen_at is None
    with work_as("林悦") as work, pytest.raises(Conflict):
        reopen_gate(work, story.line_id, GateKey.FREEZE, reason="再来一次")


def test_gates_when_the_line_goes_its_way_then_each_closing_one_ends_its_phase(work_as: Callable, story: Story) -> None:
    for key, phase in ((GateKey.GO, Phase.EXECUTE), (GateKey.WRAP, Phase.REVIEW), (GateKey.REVIEW, Phase.CLOSED)):
        with work_as("林悦") as work:
            assert pass_gate(work, story.line_id, key, note="按计划") is phase
            assert [str(item.kind) for item in work.recorded] == ["main_lines.gate.passed", "main_lines.phase.closed"]
    with work_as("林悦", writes=False) as work:
        rows = gate_rows(work, get_line(work, story.line_id))
    over = {GateKey.PLAN, GateKey.FREEZE}
    assert {row.key: row.standing for row in rows} == {key: Standing.OVER if key in over else Standing.PASSED for key in GateKey}
    with work_as("林悦") as work, pytest.raises(Conflict):
        pass_gate(work, story.line_id, GateKey.REVIEW, note="再来一次")


def test_gate_when_its_day_is_set_then_it_goes_on_counting_from_d_day(work_as: Callable, story: Story) -> None:
    with work_as("林悦") as work:
        move_gate(work, story.line_id, GateKey.FREEZE, offset=-10)
        move_d_day(work, story.line_id, D_DAY + timedelta(days=5))
    row = gate(work_as, story, GateKey.FREEZE)
    assert (row.offset, row.day, row.standing) == (-10, D_DAY - timedelta(days=5), Standing.AHEAD)
    with work_as("苏航") as work, pytest.raises(NotAllowed):
        move_gate(work, story.line_id, GateKey.FREEZE, offset=-9)
    with work_as(OUTSIDE) as work, pytest.raises(NotFound):
        pass_gate(work, story.line_id, GateKey.PLAN)


def test_page_when_read_then_the_director_passes_and_the_others_see_what_stands(signed_in: Callable, write: Callable, story: Story) -> None:
    write("没签的主视觉")
    url = f"/lines/{story.line_id}/gates"
    page = signed_in("suhang").get(url).get_data(as_text=True)
    assert "没签的主视觉" in page
    assert "/gates/pass" not in page
    director = signed_in("linyue")
    assert director.post(f"{url}/pass", {"gate": "plan"}).status_code == 422
    assert director.post(f"{url}/pass", {"gate": "plan", "note": "周一补签"}).status_code == 303
    told = director.get(f"/api{url}").get_json()["gates"]
    assert (told[0]["gate"], told[0]["standing"], told[0]["note"]) == ("plan", "passed", "周一补签")
    assert "没签的主视觉" in director.get(f"{url}/next").get_data(as_text=True)


def test_reminder_when_sent_then_each_holder_is_asked_once_and_again_after_an_hour(
    work_as: Callable, write: Callable, run_jobs: Callable, signed_in: Callable, story: Story
) -> None:
    first, second, other, mine = write("主视觉"), write("详情页"), write("话术", owner="赵宁"), write("等林悦自己签")
    with work_as("林悦") as work:
        for task_id in (first, second, other):
            sign_task(work, task_id)
            block_task(work, task_id, reason="样衣未到")
        submit_task(work, mine)
    with work_as("林悦") as work:
        assert remind_of_gate(work, story.line_id, GateKey.GO) == 2
    run_jobs()
    with work_as("林悦", writes=False) as work:
        sent = select(Notice.member_id, Notice.url, Notice.asks).join(Event, Event.seq == Notice.seq)
        asked = work.session.execute(sent.where(Event.kind == "main_lines.gate.reminded")).all()
        assert set(asked) == {(story.id_of("苏航"), "/tasks", True), (story.id_of("赵宁"), f"/tasks/{other}", True)}
        now = work.now
    with work_as("林悦", now=now + timedelta(minutes=59)) as work, pytest.raises(Conflict):
        remind_of_gate(work, story.line_id, GateKey.GO)
    with work_as("林悦", now=now + timedelta(minutes=61)) as work:
        assert remind_of_gate(work, story.line_id, GateKey.GO) == 2
    with work_as("苏航") as work, pytest.raises(NotAllowed):
        remind_of_gate(work, story.line_id, GateKey.PLAN)
    with work_as("林悦") as work, pytest.raises(Conflict):
        remind_of_gate(work, story.line_id, GateKey.REVIEW)
    assert "gates/remind" in signed_in("linyue").get(f"/lines/{story.line_id}/gates").get_data(as_text=True)
    assert "gates/remind" not in signed_in("suhang").get(f"/lines/{story.line_id}/gates").get_data(as_text=True)

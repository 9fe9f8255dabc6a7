"""Handing an order over: the table of rules.py read from its docstring, and both sides of it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from main_lines.handovers import rules
from main_lines.handovers.actions import answer_handover, offer_order
from main_lines.handovers.queries import handovers_of_order, waiting_for_me
from main_lines.handovers.rules import Standing, State, Verb, Why, decide_answer, decide_offer
from main_lines.lines.actions import remove_line_member
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import assign_task, cancel_task, sign_task
from main_lines.tasks.record import OFTEN
from main_lines.tasks.rules import OPEN
from main_lines.tasks.rules import State as OrderState
from tests.main_lines.conftest import OUTSIDE, Story
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooManyRequests
from workspace.notices.models import Notice
from workspace.people.models import Member

ALL = Standing(receives=True, offered=True, holds=True)


def written_table() -> list[tuple[State, Verb, str]]:
    lines = [line.split() for line in (rules.__doc__ or "").splitlines() if line.startswith("    ")]
    verbs = [Verb(name) for name in lines[0][1:]]
    return [(State(line[0]), verb, cell) for line in lines[1:] for verb, cell in zip(verbs, line[1:], strict=True)]


@pytest.mark.parametrize(("state", "verb", "cell"), written_table())
def test_answer_when_decided_then_as_the_docstring_says(state: State, verb: Verb, cell: str) -> None:
    assert decide_answer(state, verb, ALL, OrderState.READY) == (Why.OVER if cell == "-" else State(cell))
    for standing in ("receives", "offered", "holds"):
        who = Standing(**{standing: True})
        theirs = standing == "receives" if verb is not Verb.WITHDRAW else standing != "receives"
        assert (decide_answer(state, verb, who, OrderState.READY) is Why.NOT_YOURS) == (not theirs)
    for order in OrderState:
        over = decide_answer(State.OFFERED, verb, ALL, order) is Why.ORDER_DONE
        assert over == (verb is Verb.ACCEPT and order not in OPEN)
    moved = replace(ALL, moved_on=True)
    assert (decide_answer(State.OFFERED, verb, moved, OrderState.READY) is Why.MOVED_ON) == (verb is Verb.ACCEPT)


@pytest.mark.parametrize("order", OrderState)
@pytest.mark.parametrize("already", [False, True])
@pytest.mark.parametrize("to_itself", [False, True])
def test_offer_when_decided_then_once_while_open_and_to_somebody_else(order: OrderState, already: bool, to_itself: bool) -> None:
    found = decide_offer(order, ALL, offered_already=already, to_itself=to_itself)
    assert (found is None) == (order in OPEN and not already and not to_itself)
    assert decide_offer(order, Standing(receives=True, offered=True), offered_already=already, to_itself=to_itself) is Why.NOT_YOURS


@pytest.fixture
def task_id(work_as: Callable, write: Callable) -> str:
    found = write()
    with work_as("林悦") as work:
        sign_task(work, found)
    return found


def offered(work_as: Callable, task_id: str, **to: str) -> str:
    with work_as("苏航") as work:
        return offer_order(work, task_id, note="首屏已出，差尺码表", **to).id


def test_order_when_offered_to_a_department_then_whoever_accepts_has_it(
    work_as: Callable, task_id: str, story: Story, run_jobs: Callable
) -> None:
    handover = offered(work_as, task_id, department_id=story.people["赵宁"].department_id)
    with work_as("林悦", writes=False) as work:
        assert get_task(work, task_id).owner_id == story.id_of("苏航"), "until it is accepted it stays where it is"
    run_jobs()
    with work_as("赵宁", writes=False) as work:
        (one,) = waiting_for_me(work)
        assert (one.order.id, one.handover.giver, one.handover.receiver) == (task_id, "苏航", "客服")
        assert [verb.value for verb in one.handover.verbs] == ["accept", "decline"]
        asked = select(Member.name).join(Notice, Notice.member_id == Member.id).where(Notice.asks, Notice.url == f"/tasks/{task_id}")
        assert set(work.session.scalars(asked)) >= {"赵宁"}
    with work_as("吴昊") as work, pytest.raises(NotAllowed):
        answer_handover(work, handover, Verb.ACCEPT)
    with work_as("赵宁") as work:
        answer_handover(work, handover, Verb.ACCEPT)
    with work_as("赵宁", writes=False) as work:
        order = get_task(work, task_id)
        assert (order.owner_id, order.department_id) == (story.id_of("赵宁"), story.people["赵宁"].department_id)
        assert waiting_for_me(work) == []
        (row,) = handovers_of_order(work, order).rows
        assert (row.state, row.answered_by) == (State.ACCEPTED, "赵宁")
    with work_as("赵宁") as work, pytest.raises(Conflict) as refused:
        answer_handover(work, handover, Verb.DECLINE, reason="晚了")
    assert refused.value.code == "handover_over"


def test_order_when_declined_then_it_stays_and_the_reason_is_in_its_history(work_as: Callable, task_id: str, story: Story) -> None:
    handover = offered(work_as, task_id, member_id=story.id_of("吴昊"))
    with work_as("苏航") as work, pytest.raises(Conflict, match="移交中"):
        offer_order(work, task_id, note="再来一次", member_id=story.id_of("赵宁"))
    with work_as("吴昊") as work, pytest.raises(InvalidInput):
        answer_handover(work, handover, Verb.DECLINE, reason=" ")
    with work_as("吴昊") as work:
        answer_handover(work, handover, Verb.DECLINE, reason="仓库这周盘点")
    with work_as("苏航", writes=False) as work:
        order = get_task(work, task_id)
        assert order.owner_id == story.id_of("苏航")
        assert [(row.state, row.answer) for row in handovers_of_order(work, order).rows] == [(State.DECLINED, "仓库这周盘点")]


def test_offer_when_taken_back_then_it_can_be_offered_again(work_as: Callable, task_id: str, story: Story) -> None:
    handover = offered(work_as, task_id, member_id=story.id_of("吴昊"))
    with work_as("林悦") as work:
        answer_handover(work, handover, Verb.WITHDRAW)
    offered(work_as, task_id, member_id=story.id_of("赵宁"))


def test_offer_when_it_cannot_be_then_refused_in_words(work_as: Callable, task_id: str, story: Story) -> None:
    finance = story.people[OUTSIDE].department_id
    with work_as("苏航") as work, pytest.raises(InvalidInput, match="还没有人在主线中"):
        offer_order(work, task_id, note="给财务", department_id=finance)
    with work_as("苏航") as work, pytest.raises(NotFound):
        offer_order(work, task_id, note="给外人", member_id=story.id_of(OUTSIDE))
    with work_as("苏航") as work, pytest.raises(InvalidInput):
        offer_order(work, task_id, note=" ", member_id=story.id_of("吴昊"))
    with work_as("吴昊") as work, pytest.raises(NotAllowed):
        offer_order(work, task_id, note="抢来", member_id=story.id_of("吴昊"))
    with work_as("苏航") as work, pytest.raises(Conflict, match="已经在那里"):
        offer_order(work, task_id, note="给自己", member_id=story.id_of("苏航"))


def test_accept_when_the_order_is_done_or_the_receiver_gone_then_refused(
    work_as: Callable, task_id: str, write: Callable, story: Story
) -> None:
    handover = offered(work_as, task_id, member_id=story.id_of("吴昊"))
    with work_as("林悦") as work:
        cancel_task(work, task_id, reason="不做了")
    with work_as("吴昊") as work, pytest.raises(Conflict, match="已经结束"):
        answer_handover(work, handover, Verb.ACCEPT)
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("吴昊"))
    with work_as("吴昊") as work, pytest.raises(NotFound):
        answer_handover(work, handover, Verb.ACCEPT)
    with work_as("吴昊", writes=False) as work:
        assert waiting_for_me(work) == []


def test_pages_when_used_then_offered_answered_and_told(signed_in: Callable, task_id: str, story: Story) -> None:
    designer, service = signed_in("suhang"), signed_in("zhaoning")
    card = designer.get(f"/tasks/{task_id}/handovers").get_data(as_text=True)
    assert f'value="member:{story.id_of("赵宁")}"' in card
    sent = designer.post(f"/tasks/{task_id}/handovers", {"to": f"member:{story.id_of('赵宁')}", "note": "话术由客服定"})
    assert sent.status_code == 303
    mine = service.get("/handovers/mine/fragment").get_data(as_text=True)
    assert "话术由客服定" in mine
    handover = mine.split('action="/handovers/')[1].split('"')[0]
    assert service.post(f"/handovers/{handover}", {"verb": "accept"}).status_code == 303
    assert service.get(f"/api/tasks/{task_id}").get_json()["owner"] == "赵宁"
    assert service.get(f"/api/tasks/{task_id}/handovers").get_json()["handovers"][0]["state"] == "accepted"


def test_order_when_somebody_else_got_it_meanwhile_then_the_offer_takes_nothing_from_them(
    work_as: Callable, task_id: str, story: Story
) -> None:
    handover = offered(work_as, task_id, member_id=story.id_of("赵宁"))
    with work_as("林悦") as work:
        assign_task(work, task_id, story.id_of("吴昊"))
    with work_as("赵宁") as work:
        assert waiting_for_me(work) == []
        with pytest.raises(Conflict, match="换了负责人"):
            answer_handover(work, handover, Verb.ACCEPT)
    with work_as("吴昊") as work:
        assert get_task(work, task_id).owner_id == story.id_of("吴昊")
        answer_handover(work, handover, Verb.WITHDRAW)
        offer_order(work, task_id, note="差尺码表", member_id=story.id_of("赵宁"))


def test_member_when_removed_then_what_was_offered_to_them_can_be_offered_to_others(
    work_as: Callable, task_id: str, story: Story, run_jobs: Callable
) -> None:
    offered(work_as, task_id, member_id=story.id_of("赵宁"))
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("赵宁"))
    run_jobs()
    with work_as("苏航") as work:
        assert [row.state for row in handovers_of_order(work, get_task(work, task_id)).rows] == [State.WITHDRAWN]
        offer_order(work, task_id, note="差尺码表", member_id=story.id_of("吴昊"))


def test_offer_when_made_and_recalled_again_and_again_then_refused(work_as: Callable, write: Callable, story: Story) -> None:
    task_id = write()
    for _time in range(OFTEN):
        with work_as("苏航") as work:
            offered = offer_order(work, task_id, member_id=story.id_of("赵宁"), note="看看")
        with work_as("苏航") as work:
            answer_handover(work, offered.id, Verb.WITHDRAW)
    with pytest.raises(TooManyRequests), work_as("苏航") as work:
        offer_order(work, task_id, member_id=story.id_of("吴昊"), note="看看")

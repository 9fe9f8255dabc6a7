"""Who is told of what about a task order: the table of reactions.py through the real jobs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from main_lines.alerts.actions import acknowledge_alert, raise_alert
from main_lines.alerts.rules import AlertKind
from main_lines.handovers.actions import answer_handover, offer_order
from main_lines.handovers.rules import Verb
from main_lines.lines.actions import add_line_member, remove_line_member
from main_lines.lines.rules import Phase
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import (
    Draft,
    assign_task,
    block_task,
    cancel_task,
    deliver_task,
    edit_task,
    return_task,
    sign_task,
    start_task,
    submit_task,
)
from main_lines.tasks.models import WRITTEN
from main_lines.tasks.queries import asks_me_count, for_director
from main_lines.tasks.reminding import remind_of_task
from tests.house import member_named
from tests.main_lines.conftest import INSIDE, OUTSIDE, Story
from workspace.errors import Conflict
from workspace.events.access import visible_events
from workspace.notices.actions import read_about
from workspace.notices.models import Notice
from workspace.notices.queries import list_notices, unread_count
from workspace.people.models import Member

TellsOf = Callable[[str], dict[str, bool]]


@pytest.fixture
def told(work_as: Callable, run_jobs: Callable, story: Story) -> TellsOf:
    """``told("/tasks/…")`` runs the jobs and says who has an unread notice leading there: name -> asked to act."""

    def asked(url: str) -> dict[str, bool]:
        run_jobs()
        with work_as("林悦", writes=False) as work:
            query = select(Member.name, Notice.asks).join(Member, Member.id == Notice.member_id)
            return {row.name: row.asks for row in work.session.execute(query.where(Notice.url == url, Notice.read_at.is_(None)))}

    return asked


def test_line_when_opened_then_its_members_learn_of_it(told: TellsOf, story: Story) -> None:
    assert set(told(f"/lines/{story.line_id}/board")) == set(INSIDE) - {"林悦"}


def test_member_when_added_then_only_they_learn_of_it(work_as: Callable, told: TellsOf, story: Story) -> None:
    before = told(f"/lines/{story.line_id}/board")
    with work_as("林悦") as work:
        add_line_member(work, story.line_id, story.id_of(OUTSIDE))
    assert set(told(f"/lines/{story.line_id}/board")) - set(before) == {OUTSIDE}


def test_order_when_it_goes_its_way_then_whose_turn_it_is_is_asked(work_as: Callable, write: Callable, told: TellsOf) -> None:
    task_id = write()
    url = f"/tasks/{task_id}"
    with work_as("苏航") as work:
        submit_task(work, task_id)
    assert told(url) == {"林悦": True}
    with work_as("林悦") as work:
        sign_task(work, task_id)
    assert told(url) == {"苏航": True}, "what the director has dealt with is read"
    with work_as("苏航") as work:
        start_task(work, task_id)
        block_task(work, task_id, reason="等模特排期")
    assert told(url) == {"林悦": True}
    with work_as("苏航") as work:
        deliver_task(work, task_id, "改用棚拍")
    with work_as("林悦") as work:
        return_task(work, task_id, reason="主标题太小")
    assert told(url) == {"苏航": True}


def test_order_when_reminded_of_then_whoever_it_waits_for_is_asked(work_as: Callable, write: Callable, told: TellsOf) -> None:
    task_id = write()
    url = f"/tasks/{task_id}"

    def remind(*names: str) -> None:
        with work_as("吴昊") as work:
            assert remind_of_task(work, task_id) == list(names)
        assert told(url) == dict.fromkeys(names, True)
        for name in names:
            with work_as(name) as work:
                read_about(work, url)

    with work_as("苏航") as work:
        submit_task(work, task_id)
    remind("林悦")
    with work_as("林悦") as work:
        sign_task(work, task_id)
    told(url)
    with work_as("苏航") as work:
        start_task(work, task_id)
    remind("苏航")
    with work_as("苏航") as work:
        deliver_task(work, task_id, "改用棚拍")
    remind("林悦")


def test_order_when_its_turn_was_reminded_of_within_the_hour_then_not_again(work_as: Callable, write: Callable) -> None:
    task_id, now = write(), datetime.now(UTC)
    with work_as("林悦", now=now) as work:
        sign_task(work, task_id)
    with work_as("林悦", now=now + timedelta(minutes=1)) as work:
        remind_of_task(work, task_id)
    with work_as("赵宁", now=now + timedelta(minutes=50)) as work, pytest.raises(Conflict):
        remind_of_task(work, task_id)
    with work_as("赵宁", now=now + timedelta(minutes=62)) as work:
        remind_of_task(work, task_id)
    with work_as("苏航", now=now + timedelta(minutes=63)) as work:
        deliver_task(work, task_id, "改用棚拍")
    with work_as("赵宁", now=now + timedelta(minutes=64)) as work:
        assert remind_of_task(work, task_id) == ["林悦"], "it is somebody else's turn"


def test_order_when_it_came_to_somebody_else_since_then_they_may_be_reminded(work_as: Callable, write: Callable, story: Story) -> None:
    task_id, now = write(), datetime.now(UTC)
    with work_as("林悦", now=now) as work:
        sign_task(work, task_id)
    with work_as("林悦", now=now + timedelta(minutes=1)) as work:
        assert remind_of_task(work, task_id) == ["苏航"]
    with work_as("苏航", now=now + timedelta(minutes=2)) as work:
        offered = offer_order(work, task_id, note="请接", member_id=story.id_of("赵宁"))
    with work_as("赵宁", now=now + timedelta(minutes=3)) as work:
        answer_handover(work, offered.id, Verb.ACCEPT)
    for minute, name in ((4, "赵宁"), (6, "吴昊")):
        if name == "吴昊":
            with work_as("林悦", now=now + timedelta(minutes=5)) as work:
                assign_task(work, task_id, story.id_of("吴昊"))
        with work_as("林悦", now=now + timedelta(minutes=minute)) as work:
            assert remind_of_task(work, task_id) == [name]
        with work_as("林悦", now=now + timedelta(minutes=minute)) as work, pytest.raises(Conflict):
            remind_of_task(work, task_id)


def test_order_when_it_waits_for_nobody_else_then_nobody_is_reminded(work_as: Callable, write: Callable) -> None:
    task_id = write()
    with work_as("林悦") as work:
        sign_task(work, task_id)
    with work_as("苏航") as work, pytest.raises(Conflict):
        remind_of_task(work, task_id)
    with work_as("林悦") as work:
        cancel_task(work, task_id, reason="改方案")
        with pytest.raises(Conflict):
            remind_of_task(work, task_id)


def test_order_when_nobody_owns_it_then_its_department_in_the_line_is_asked(work_as: Callable, write: Callable, told: TellsOf) -> None:
    """陈墨 is of the same department, but not in the line."""
    task_id = write(owner=None)
    with work_as("林悦") as work:
        sign_task(work, task_id)
    assert told(f"/tasks/{task_id}") == {"苏航": True}


def test_alert_when_raised_then_everybody_is_asked_until_they_acknowledge(work_as: Callable, told: TellsOf, story: Story) -> None:
    with work_as("吴昊") as work:
        alert_id = raise_alert(work, story.line_id, kind=AlertKind.STOCK, title="主推款缺货").id
    url = f"/alerts/{alert_id}"
    assert told(url) == {"林悦": True, "苏航": True, "赵宁": True}
    with work_as("苏航") as work:
        acknowledge_alert(work, alert_id)
    assert told(url) == {"林悦": True, "赵宁": True}


def test_notice_when_its_reader_left_before_it_was_sent_then_not_sent(
    work_as: Callable, write: Callable, told: TellsOf, story: Story
) -> None:
    task_id = write()
    with work_as("林悦") as work:
        sign_task(work, task_id)
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("苏航"))
    assert "苏航" not in told(f"/tasks/{task_id}")


def test_notice_when_its_reader_leaves_then_gone_and_when_they_come_back_then_there_again(
    work_as: Callable, write: Callable, told: TellsOf, story: Story
) -> None:
    task_id = write()
    with work_as("林悦") as work:
        sign_task(work, task_id)
    assert told(f"/tasks/{task_id}") == {"苏航": True}
    with work_as("苏航", writes=False) as work:
        urls, count = [row.url for row in list_notices(work)], unread_count(work)
    assert f"/tasks/{task_id}" in urls
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("苏航"))
    with work_as("苏航", writes=False) as work:
        assert (list_notices(work), unread_count(work)) == ([], 0)
        assert not any(story.line_id in f"{event.subject} {event.facts}" for event in visible_events(work, since=0, limit=500))
    with work_as("林悦") as work:
        add_line_member(work, story.line_id, story.id_of("苏航"))
    with work_as("苏航", writes=False) as work:
        assert ([row.url for row in list_notices(work)], unread_count(work)) == (urls, count)


def test_count_when_shown_in_the_navigation_then_the_lists_agree(work_as: Callable, write: Callable) -> None:
    signed, waiting, _draft = write("一"), write("二"), write("三")
    with work_as("林悦") as work:
        sign_task(work, signed)
        submit_task(work, waiting)
    for name in (*INSIDE, OUTSIDE):
        with work_as(name, writes=False) as work:
            assert asks_me_count(work) == len(for_director(work)), name


def edit(work_as: Callable, name: str, task_id: str, **changes: object) -> None:
    with work_as(name) as work:
        order = get_task(work, task_id)
        written = {column: getattr(order, column) for column in WRITTEN} | {"phase": Phase(order.phase)} | changes
        edit_task(work, task_id, Draft(**written))


def test_order_when_edited_then_the_director_is_asked_only_for_a_signature(work_as: Callable, write: Callable, told: TellsOf) -> None:
    task_id = write(by="苏航")
    url = f"/tasks/{task_id}"
    edit(work_as, "苏航", task_id, requirements="还在写")
    assert told(url) == {}, "a draft concerns nobody else"
    with work_as("林悦") as work:
        sign_task(work, task_id)
    assert told(url) == {"苏航": True}
    edit(work_as, "苏航", task_id, due_offset=-20)
    assert told(url) == {"苏航": True, "林悦": False}
    edit(work_as, "苏航", task_id, requirements="再加一张方图")
    told(url)
    with work_as("林悦", writes=False) as work:
        newest = select(Notice.asks).where(Notice.url == url, Notice.member_id == member_named(work, "林悦").id).order_by(Notice.id.desc())
        assert work.session.scalars(newest).first() is True


def test_delivery_when_by_hand_after_a_refused_approval_then_the_director_is_asked(
    work_as: Callable, write: Callable, told: TellsOf, story: Story
) -> None:
    task_id = write()
    with work_as("林悦") as work:
        sign_task(work, task_id)
    with work_as("苏航") as work:
        get_task(work, task_id).approval_id = "p" * 26
        deliver_task(work, task_id, "改好的一稿")
    assert told(f"/tasks/{task_id}")["林悦"] is True

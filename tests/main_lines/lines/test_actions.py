from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

from main_lines.lines.access import director_ids, get_line, line_member_ids, visible_lines
from main_lines.lines.actions import (
    add_line_member,
    close_phase,
    move_d_day,
    name_director,
    release_director,
    remove_line_member,
    state_health,
)
from main_lines.lines.models import Gate, LineEvent, MainLine
from main_lines.lines.rules import Health, Phase
from sync.library.libraries.access import get_library
from sync.library.libraries.rules import Right
from tests.main_lines.conftest import INSIDE, OUTSIDE, Story
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound
from workspace.events.access import rooms_of, visible_events
from workspace.events.models import Event
from workspace.notices.queries import list_notices
from workspace.people.access import member_ids_of
from workspace.search.queries import find


def newest(work, kind: LineEvent) -> Event:
    return work.session.scalars(select(Event).where(Event.kind == str(kind)).order_by(Event.seq.desc())).first()


def test_open_line_when_opened_then_members_group_and_library_agree(work_as: Callable, story: Story) -> None:
    with work_as("林悦", writes=False) as work:
        line = get_line(work, story.line_id)
        inside = {story.id_of(name) for name in INSIDE}
        assert set(line_member_ids(work, line.id)) == set(member_ids_of(work, line.group_id)) == inside
        assert get_library(work, story.library_id).scope_room == story.room
        opened = newest(work, LineEvent.OPENED)
        assert opened.rooms == [story.room]
        joins = opened.rooms_changed["join"]
        assert set(joins) == inside
        assert all(set(rooms) == {story.room, f"library:{story.library_id}"} for rooms in joins.values())


@pytest.mark.parametrize("name", INSIDE)
def test_line_when_read_by_a_member_then_there(work_as: Callable, story: Story, name: str) -> None:
    with work_as(name, writes=False) as work:
        assert [line.id for line in visible_lines(work)] == [story.line_id]
        assert story.room in rooms_of(work)
        assert [found.url for found in find(work, "双十一")][:1] == [f"/lines/{story.line_id}/board"]


@pytest.mark.parametrize("name", [OUTSIDE, "管力"])
def test_line_when_read_by_somebody_else_then_absent_everywhere(work_as: Callable, story: Story, name: str) -> None:
    with work_as(name, writes=False) as work:
        assert visible_lines(work) == []
        assert story.room not in rooms_of(work)
        assert not any(story.line_id in str(event.facts) for event in visible_events(work, since=0, limit=500))
        assert find(work, "双十一") == []
        with pytest.raises(NotFound):
            get_line(work, story.line_id)
        with pytest.raises(NotFound):
            get_library(work, story.library_id)


def test_add_member_when_added_then_rooms_open_with_the_commit(work_as: Callable, story: Story) -> None:
    with work_as("林悦") as work:
        add_line_member(work, story.line_id, story.id_of(OUTSIDE))
    with work_as(OUTSIDE, writes=False) as work:
        event = newest(work, LineEvent.MEMBER_ADDED)
        assert event.rooms_changed["join"] == {story.id_of(OUTSIDE): [story.room, f"library:{story.library_id}"]}
        assert story.room in rooms_of(work)
        assert get_line(work, story.line_id).name == "双十一大促"


def test_add_member_when_already_in_then_conflict(work_as: Callable, story: Story) -> None:
    with pytest.raises(Conflict), work_as("林悦") as work:
        add_line_member(work, story.line_id, story.id_of("苏航"))


def test_remove_member_when_removed_then_rooms_close_with_the_commit(work_as: Callable, story: Story) -> None:
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("苏航"))
    with work_as("苏航", writes=False) as work:
        event = newest(work, LineEvent.MEMBER_REMOVED)
        assert set(event.rooms_changed["leave"][story.id_of("苏航")]) == {story.room, f"library:{story.library_id}"}
        assert story.room not in rooms_of(work)
        with pytest.raises(NotFound):
            get_line(work, story.line_id)
        group_id = work.session.get_one(MainLine, story.line_id).group_id
        assert set(line_member_ids(work, story.line_id)) == set(member_ids_of(work, group_id))


def test_remove_member_when_director_then_refused(work_as: Callable, story: Story) -> None:
    with pytest.raises(Conflict), work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("林悦"))


DIRECTOR_VERBS = {
    "add": lambda work, story: add_line_member(work, story.line_id, story.id_of("罗伊")),
    "remove": lambda work, story: remove_line_member(work, story.line_id, story.id_of("吴昊")),
    "health": lambda work, story: state_health(work, story.line_id, health=Health.GREEN, reason="按计划"),
    "d-day": lambda work, story: move_d_day(work, story.line_id, date(2026, 11, 12)),
    "gate": lambda work, story: close_phase(work, story.line_id, open_orders=0),
}


@pytest.mark.parametrize("verb", DIRECTOR_VERBS)
@pytest.mark.parametrize(("name", "refusal"), [("林悦", None), ("苏航", NotAllowed), (OUTSIDE, NotFound)])
def test_director_verbs_when_used_then_only_by_the_director(
    work_as: Callable, story: Story, verb: str, name: str, refusal: type[Exception] | None
) -> None:
    if refusal is None:
        with work_as(name) as work:
            DIRECTOR_VERBS[verb](work, story)
            assert len(work.recorded) == 1
    else:
        with pytest.raises(refusal), work_as(name) as work:
            DIRECTOR_VERBS[verb](work, story)


def test_close_phase_when_orders_are_open_then_a_reason_is_needed(work_as: Callable, story: Story) -> None:
    with pytest.raises(InvalidInput) as refused, work_as("林悦") as work:
        close_phase(work, story.line_id, open_orders=2)
    assert "note" in refused.value.fields
    with work_as("林悦") as work:
        assert close_phase(work, story.line_id, open_orders=2, note="两张转入执行") is Phase.EXECUTE
    with work_as("林悦", writes=False) as work:
        gate = work.session.get_one(Gate, (story.line_id, "prepare"))
        assert (gate.open_orders, gate.note) == (2, "两张转入执行")


def test_close_phase_when_the_last_is_closed_then_the_line_ends(work_as: Callable, story: Story) -> None:
    for _ in range(3):
        with work_as("林悦") as work:
            close_phase(work, story.line_id, open_orders=0)
    with pytest.raises(Conflict), work_as("林悦") as work:
        close_phase(work, story.line_id, open_orders=0)


def test_line_when_another_member_directs_it_then_the_first_may_step_down_and_the_last_may_not(
    work_as: Callable, run_jobs: Callable, story: Story
) -> None:
    """Whoever opened a line goes on holiday, or leaves: somebody has to sign, accept and pass its gates."""
    first, second = story.id_of("林悦"), story.id_of("苏航")
    with pytest.raises(NotAllowed), work_as("苏航") as work:
        name_director(work, story.line_id, second)
    with pytest.raises(NotFound), work_as("林悦") as work:
        name_director(work, story.line_id, story.id_of(OUTSIDE))
    with pytest.raises(Conflict, match="至少要有一位"), work_as("林悦") as work:
        release_director(work, story.line_id, first)
    with work_as("林悦") as work:
        name_director(work, story.line_id, second)
    with work_as("林悦") as work:
        name_director(work, story.line_id, second)
        assert work.recorded == [], "saying it twice changes nothing"
    run_jobs()
    with work_as("苏航") as work:
        assert director_ids(work, story.line_id) == [first, second]
        assert get_library(work, story.library_id, Right.MANAGE)
        assert [notice.kind for notice in list_notices(work)][:1] == ["main_lines.director.named"]
        with pytest.raises(Conflict, match="不能移出主线负责人"):
            remove_line_member(work, story.line_id, first)
    with work_as("苏航") as work:
        release_director(work, story.line_id, first)
    with work_as("苏航") as work:
        remove_line_member(work, story.line_id, first)
        assert director_ids(work, story.line_id) == [second]
    with work_as("林悦", writes=False) as work, pytest.raises(NotFound):
        get_library(work, story.library_id)

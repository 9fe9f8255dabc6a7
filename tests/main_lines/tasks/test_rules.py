"""The table in rules.py is read from its docstring, so that what is written and what is decided cannot part."""

from collections import Counter
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main_lines.tasks import rules
from main_lines.tasks.rules import (
    Bucket,
    Move,
    Refuse,
    Standing,
    State,
    Tone,
    Verb,
    Why,
    allowed_verbs,
    bucket,
    days_late,
    decide,
    due_day,
    tone_of,
    worst,
)

ALL = Standing(directs=True, wrote=True, works=True, signs=True)
EVERYBODY_ELSE = Standing(wrote=True, works=True, signs=True)


def written_table() -> list[tuple[State, Verb, str]]:
    """(state, verb, what the docstring says) for every cell."""
    lines = [line.split() for line in (rules.__doc__ or "").splitlines() if line.startswith("    ")]
    verbs = [Verb(name) for name in lines[0][1:]]
    return [(State(line[0]), verb, cell) for line in lines[1:] for verb, cell in zip(verbs, line[1:], strict=True)]


def test_table_when_read_then_it_covers_every_state_and_verb() -> None:
    cells = {(state, verb) for state, verb, _cell in written_table()}
    assert cells == {(state, verb) for state in State for verb in Verb if verb not in (Verb.BLOCK, Verb.UNBLOCK)}


@pytest.mark.parametrize(("state", "verb", "cell"), written_table())
def test_decide_when_asked_then_as_the_docstring_says(state: State, verb: Verb, cell: str) -> None:
    decision = decide(state, verb, ALL, blocked=False)
    if cell == "-":
        assert decision == Refuse(Why.WRONG_STATE)
    elif cell == "unsigned":
        assert decision == Refuse(Why.UNSIGNED)
    else:
        assert decision == Move(State(cell))


@pytest.mark.parametrize(("state", "verb", "cell"), written_table())
def test_decide_when_blocked_then_only_starting_is_refused(state: State, verb: Verb, cell: str) -> None:
    free, blocked = decide(state, verb, ALL, blocked=False), decide(state, verb, ALL, blocked=True)
    if verb is Verb.START and isinstance(free, Move):
        assert blocked == Refuse(Why.BLOCKED)
    else:
        assert blocked == free


@pytest.mark.parametrize("state", State)
def test_block_when_used_then_in_open_states_only_and_not_twice(state: State) -> None:
    is_open = state not in (State.ACCEPTED, State.CLOSED, State.CANCELLED)
    assert decide(state, Verb.BLOCK, ALL, blocked=False) == (Move(state) if is_open else Refuse(Why.WRONG_STATE))
    assert decide(state, Verb.BLOCK, ALL, blocked=True) == Refuse(Why.WRONG_STATE)
    assert decide(state, Verb.UNBLOCK, ALL, blocked=True) == (Move(state) if is_open else Refuse(Why.WRONG_STATE))
    assert decide(state, Verb.UNBLOCK, ALL, blocked=False) == Refuse(Why.WRONG_STATE)


WHO = {
    Verb.SUBMIT: {"directs", "wrote", "works"},
    Verb.SIGN: {"directs", "signs"},
    Verb.DECLINE: {"directs", "signs"},
    Verb.START: {"works"},
    Verb.DELIVER: {"works"},
    Verb.ACCEPT: {"directs"},
    Verb.RETURN: {"directs"},
    Verb.WITHDRAW: {"works"},
    Verb.EDIT: {"directs", "wrote"},
    Verb.CLOSE: {"directs"},
    Verb.CANCEL: {"directs"},
    Verb.BLOCK: {"directs", "works"},
    Verb.UNBLOCK: {"directs", "works"},
}


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("standing", ["directs", "wrote", "works", "signs", ""])
def test_decide_when_not_theirs_then_refused_in_every_state(verb: Verb, standing: str) -> None:
    who = Standing(**({standing: True} if standing else {}))
    refusals = [decide(state, verb, who, blocked=blocked) == Refuse(Why.NOT_YOURS) for state in State for blocked in (False, True)]
    assert all(refusals) if standing not in WHO[verb] else not any(refusals)


def test_work_when_unsigned_then_never_begins() -> None:
    """No task order, no picture: from a draft, work is reached only through a signature."""
    reached, seen = {State.DRAFT}, set()
    while reached - seen:
        for state in reached - seen:
            seen.add(state)
            for verb in set(Verb) - {Verb.SIGN}:
                decision = decide(state, verb, ALL, blocked=False)
                if isinstance(decision, Move):
                    reached.add(decision.to)
    assert reached == {State.DRAFT, State.WAITING, State.CANCELLED}


@pytest.mark.parametrize("state", State)
def test_allowed_verbs_when_listed_then_exactly_those_decided_for(state: State) -> None:
    verbs = allowed_verbs(state, ALL, blocked=False)
    assert verbs == [verb for verb in Verb if isinstance(decide(state, verb, ALL, blocked=False), Move)]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("blocked", [False, True])
def test_decide_when_the_plan_is_frozen_then_only_signing_and_changing_what_was_signed_is_the_directors(
    state: State, verb: Verb, blocked: bool
) -> None:
    assert decide(state, verb, ALL, blocked=blocked, frozen=True) == decide(state, verb, ALL, blocked=blocked)
    open_plan, frozen = (decide(state, verb, EVERYBODY_ELSE, blocked=blocked, frozen=frozen) for frozen in (False, True))
    touches = (verb is Verb.SIGN and state in rules.UNSIGNED) or (verb is Verb.EDIT and state in rules.OPEN - rules.UNSIGNED)
    assert frozen == (Refuse(Why.FROZEN) if touches else open_plan)


@pytest.mark.parametrize("state", State)
def test_filing_when_asked_then_while_it_is_signed_and_not_handed_in(state: State) -> None:
    found = rules.decide_filing(state, ALL)
    if state in (State.READY, State.IN_PROGRESS, State.RETURNED):
        assert found is None
    else:
        assert found == Refuse(Why.UNSIGNED if state in rules.UNSIGNED else Why.WRONG_STATE)
    assert rules.decide_filing(state, Standing(directs=True, wrote=True, signs=True)) == Refuse(Why.NOT_YOURS)


NAMES = st.lists(st.sampled_from("abcd"), max_size=6)


@given(NAMES, NAMES)
def test_missing_when_counted_then_what_is_there_and_what_is_missing_make_the_whole(expected: list[str], filed: list[str]) -> None:
    missing = rules.still_missing(expected, filed)
    there = Counter(expected) - Counter(missing)
    assert Counter(missing) + there == Counter(expected)
    assert not there - Counter(filed), "nothing counts that was not laid there"
    assert not (Counter(filed) - there) & Counter(missing), "nothing is missing that was laid there"


@given(NAMES, st.randoms())
def test_demands_when_only_their_order_changes_then_nothing_new_is_asked(lines: list[str], chance: Random) -> None:
    mixed = list(lines)
    chance.shuffle(mixed)
    assert not rules.asks_more(lines, mixed)
    assert rules.asks_more(lines, [*mixed, "new"])


D_DAY = date(2026, 11, 11)


@pytest.mark.parametrize(
    ("offset", "on", "due"),
    [
        (-20, None, date(2026, 10, 22)),
        (0, None, D_DAY),
        (3, None, date(2026, 11, 14)),
        (None, date(2026, 10, 1), date(2026, 10, 1)),
        (None, None, None),
    ],
)
def test_due_day_when_moved_then_offsets_follow_and_pins_stay(offset: int | None, on: date | None, due: date | None) -> None:
    assert due_day(D_DAY, offset=offset, on=on) == due
    moved = due_day(date(2026, 11, 12), offset=offset, on=on)
    assert moved == due if offset is None else (moved - due).days == 1


@pytest.mark.parametrize(
    ("due", "state", "days"),
    [
        (date(2026, 9, 30), State.READY, 1),
        (date(2026, 10, 1), State.READY, 0),
        (date(2026, 10, 2), State.READY, 0),
        (date(2026, 9, 21), State.IN_PROGRESS, 10),
        (date(2026, 9, 21), State.RETURNED, 10),
        (date(2026, 9, 21), State.DELIVERED, 0),
        (date(2026, 9, 21), State.ACCEPTED, 0),
        (None, State.READY, 0),
    ],
)
def test_days_late_when_counted_then_only_until_handed_in(due: date | None, state: State, days: int) -> None:
    assert days_late(due, state, date(2026, 10, 1)) == days


@pytest.mark.parametrize(
    ("state", "blocked", "late", "tone"),
    [
        (State.IN_PROGRESS, True, True, Tone.BLOCKED),
        (State.IN_PROGRESS, False, True, Tone.LATE),
        (State.IN_PROGRESS, False, False, Tone.RUNNING),
        (State.WAITING, False, False, Tone.WAITING),
        (State.DELIVERED, False, False, Tone.WAITING),
        (State.RETURNED, False, False, Tone.LATE),
        (State.READY, False, False, Tone.READY),
        (State.DRAFT, False, False, Tone.IDLE),
        (State.ACCEPTED, False, False, Tone.DONE),
        (State.CLOSED, True, False, Tone.DONE),
        (State.CANCELLED, True, False, Tone.IDLE),
    ],
)
def test_tone_when_asked_then_trouble_first(state: State, blocked: bool, late: bool, tone: Tone) -> None:
    assert tone_of(state, blocked=blocked, late=late) is tone


def test_worst_when_mixed_then_trouble_colours_the_cell() -> None:
    assert worst([]) is None
    assert worst([Tone.DONE, Tone.IDLE]) is Tone.IDLE
    assert worst([Tone.DONE, Tone.LATE, Tone.BLOCKED, Tone.RUNNING]) is Tone.BLOCKED
    assert worst([Tone.DONE, Tone.DONE]) is Tone.DONE


@pytest.mark.parametrize(
    ("state", "due", "found"),
    [
        (State.READY, date(2026, 9, 20), Bucket.TODAY),
        (State.READY, date(2026, 10, 1), Bucket.TODAY),
        (State.READY, date(2026, 10, 2), Bucket.WEEK),
        (State.READY, date(2026, 10, 7), Bucket.WEEK),
        (State.READY, date(2026, 10, 8), Bucket.LATER),
        (State.READY, None, Bucket.LATER),
        (State.RETURNED, date(2026, 12, 1), Bucket.TODAY),
        (State.WAITING, date(2026, 9, 20), Bucket.WAITING_OTHERS),
        (State.DELIVERED, date(2026, 9, 20), Bucket.WAITING_OTHERS),
        (State.ACCEPTED, date(2026, 9, 20), None),
    ],
)
def test_bucket_when_asked_then_by_day_and_by_whose_turn_it_is(state: State, due: date | None, found: Bucket | None) -> None:
    assert bucket(state, due, date(2026, 10, 1)) is found

"""Who looks at what: told once, only to those who look too, forgotten soon, and never more than a bounded amount of it."""

import json
from typing import Any

from workspace.realtime_presence import EVERYTHING_EVERY_S, LINGER_S, SHOWN, SILENT_S, TELL_AFTER_S, Looker, Presence

LINE = "line:1"


def looker(member: str, room: str = LINE) -> Looker:
    return Looker(member, f"name of {member}", member.upper(), room)


def told(presence: Presence, now: float) -> dict[str, tuple[list[str], int]]:
    """sid -> the members it is told of, and how many they are."""
    return {sid: ([row[0] for row in body["people"]], body["count"]) for sids, _message, body in presence.tell(now) for sid in sids}


def looking(*members: str, subject: str = "task:1") -> Presence:
    """Everybody has one tab, named after them, and has been told."""
    presence = Presence()
    for member in members:
        presence.look(f"{member}-1", subject, looker(member), 0)
    presence.tell(TELL_AFTER_S)
    return presence


def pass_on(now: float, *line: Presence) -> None:
    """Each says its news, as JSON, to all; what is answered at once as well."""
    for _round in range(2):
        for one in line:
            news = one.news(now)
            for other in line if news else ():
                other.heard(json.loads(json.dumps(news)), now)


def test_tell_when_two_look_at_the_same_then_each_is_told_of_both_once() -> None:
    presence = Presence()
    presence.look("a-1", "task:1", looker("a"), 0)
    presence.look("b-1", "task:1", looker("b"), 0)
    presence.look("c-1", "task:2", looker("c"), 0)
    assert told(presence, 0) == {}, "what comes together is told together"
    assert told(presence, TELL_AFTER_S) == {"a-1": (["a", "b"], 2), "b-1": (["a", "b"], 2), "c-1": (["c"], 1)}
    assert told(presence, 10) == {}


def test_tell_when_a_second_tab_opens_then_it_alone_is_told_and_the_person_counts_once() -> None:
    presence = looking("a", "b")
    presence.look("a-2", "task:1", looker("a"), 1)
    assert told(presence, 2) == {"a-2": (["a", "b"], 2)}
    presence.away("a-1", 3)
    assert told(presence, 3 + 2 * LINGER_S) == {}


def test_away_when_the_tab_was_the_last_then_gone_after_a_moment() -> None:
    presence = looking("a", "b")
    presence.away("b-1", 1)
    assert told(presence, 1 + LINGER_S / 2) == {}
    presence.tell(1 + LINGER_S)
    assert told(presence, 2 + LINGER_S) == {"a-1": (["a"], 1)}


def test_away_when_only_a_page_is_turned_then_nobody_notices() -> None:
    presence = looking("a", "b")
    presence.away("b-1", 1)
    presence.look("b-2", "task:1", looker("b"), 1 + LINGER_S / 2)
    assert told(presence, 9) == {"b-2": (["a", "b"], 2)}


def test_lost_when_a_member_is_removed_then_gone_at_once_and_told_no_more() -> None:
    presence = looking("a", "b")
    presence.lost("b", ["line:9"], 1)
    assert told(presence, 1) == {}
    presence.lost("b", [LINE], 1)
    assert told(presence, 1) == {"a-1": (["a"], 1)}
    presence.look("c-1", "task:1", looker("c"), 2)
    assert told(presence, 3) == {"a-1": (["a", "c"], 2), "c-1": (["a", "c"], 2)}


def test_tell_when_a_crowd_looks_then_few_are_named_and_the_rarer_told() -> None:
    presence = looking(*map(str, range(3000)))
    presence.look("late-1", "task:1", looker("late"), 1)
    assert told(presence, 2) == {}
    crowd = told(presence, 4)
    assert len(crowd) == 3001
    assert crowd["late-1"] == ([str(n) for n in range(SHOWN)], 3001)


def test_presence_when_all_have_left_then_no_trace_is_kept() -> None:
    presence = looking("a", "b")
    presence.away("a-1", 1)
    presence.look("b-1", "task:2", looker("b"), 1)
    presence.lost("b", [LINE], 2)
    for now in (1 + LINGER_S, 9):
        presence.tell(now)
    left: dict[str, Any] = {name: value for name, value in vars(presence).items() if isinstance(value, dict | set) and value}
    assert left == {}


def test_news_when_processes_share_then_people_of_both_are_shown_once() -> None:
    one, two = Presence("one"), Presence("two")
    one.look("a-1", "task:1", looker("a"), 0)
    two.look("a-2", "task:1", looker("a"), 0)
    two.look("b-1", "task:1", looker("b"), 0)
    pass_on(0, one, two)
    assert told(one, 1) == {"a-1": (["a", "b"], 2)}
    assert told(two, 1) == {"a-2": (["a", "b"], 2), "b-1": (["a", "b"], 2)}
    one.away("a-1", 2)
    for presence in (one, two):
        presence.tell(2 + LINGER_S)
    pass_on(2 + LINGER_S, one, two)
    assert told(two, 9) == {}, "a has a tab there still"


def test_news_when_a_member_is_removed_then_gone_from_every_process_at_once() -> None:
    one, two = Presence("one"), Presence("two")
    one.look("a-1", "task:1", looker("a"), 0)
    two.look("b-1", "task:1", looker("b"), 0)
    pass_on(0, one, two)
    for presence in (one, two):
        presence.tell(1)
        presence.lost("a", [LINE], 2)
    assert told(two, 2) == {"b-1": (["b"], 1)}
    pass_on(3, one, two)
    assert told(two, 9) == {}


def test_heard_when_a_process_falls_silent_then_its_people_are_gone() -> None:
    one, two = Presence("one"), Presence("two")
    one.look("a-1", "task:1", looker("a"), 0)
    two.look("b-1", "task:1", looker("b"), 0)
    pass_on(0, one, two)
    assert told(two, 1) == {"b-1": (["b", "a"], 2)}
    assert told(two, SILENT_S - 1) == {}
    two.tell(SILENT_S + 1)
    assert told(two, SILENT_S + 2) == {"b-1": (["b"], 1)}


def test_news_when_some_got_lost_then_everything_mends_it() -> None:
    one, two = Presence("one"), Presence("two")
    two.look("b-1", "task:1", looker("b"), 0)
    pass_on(0, one, two)
    one.look("a-1", "task:1", looker("a"), 1)
    one.news(1)
    assert told(two, 2) == {"b-1": (["b"], 1)}
    two.tell(3)
    pass_on(EVERYTHING_EVERY_S + 1, one, two)
    assert told(two, EVERYTHING_EVERY_S + 2) == {"b-1": (["b", "a"], 2)}

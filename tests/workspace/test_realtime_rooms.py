"""The hall: frames reach who may see them, once, in order, with the client's own previous sequence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace.realtime_rooms import Client, Hall


def frame(seq: int, *rooms: str, prev: int | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "seq": seq, "prev": seq - 1 if prev is None else prev, "kind": "a.b.c", "rooms": list(rooms), "subject": "s",
        "at": "2026-10-01T00:00:00+00:00", "actor": "林悦", "facts": {}, "changed": changed,
    }  # fmt: skip


def hall_with(**rooms: set[str]) -> Hall:
    hall = Hall()
    hall.route({"head": 0})
    for member, open_rooms in rooms.items():
        hall.admit(Client(f"{member}-1", member, set(open_rooms), 0))
    return hall


def test_route_when_room_is_not_theirs_then_nothing_reaches_them() -> None:
    hall = hall_with(a={"line:1"}, b={"line:2"})
    sent = hall.route(frame(1, "line:1", "audit"))
    assert [(sid, body["rooms"]) for sid, _message, body in sent] == [("a-1", ["line:1"])]


def test_route_when_events_between_are_not_theirs_then_prev_skips_them() -> None:
    hall = hall_with(a={"line:1"})
    hall.route(frame(1, "line:1"))
    hall.route(frame(2, "line:2"))
    [(_sid, _message, body)] = hall.route(frame(3, "line:1"))
    assert (body["seq"], body["prev"]) == (3, 1)


def test_route_when_frame_comes_twice_then_sent_once() -> None:
    hall = hall_with(a={"line:1"})
    assert len(hall.route(frame(1, "line:1"))) == 1
    assert hall.route(frame(1, "line:1")) == []


def test_route_when_member_is_removed_then_purged_and_the_frame_is_not_theirs() -> None:
    hall = hall_with(a={"line:1"}, b={"line:1"})
    sent = hall.route(frame(1, "line:1", leave={"a": ["line:1"]}))
    assert ("a-1", "purge", {"room": "line:1"}) in sent
    assert [sid for sid, message, _body in sent if message == "frame"] == ["b-1"]
    assert [sid for sid, _message, _body in hall.route(frame(2, "line:1"))] == ["b-1"]


def test_route_when_member_joins_then_sees_the_very_event() -> None:
    hall = hall_with(a=set())
    assert [sid for sid, _message, _body in hall.route(frame(1, "line:1", join={"a": ["line:1"]}))] == ["a-1"]


@pytest.mark.parametrize("lost", [frame(5, "line:1", prev=4), {"head": 5}], ids=["frame", "heartbeat"])
def test_route_when_relay_skipped_events_then_everybody_comes_again(lost: dict[str, Any]) -> None:
    hall = hall_with(a={"line:1"}, b={"line:2"})
    hall.route(frame(1, "line:1"))
    assert [(sid, message) for sid, message, _body in hall.route(lost)] == [("a-1", "again"), ("b-1", "again")]
    assert hall.clients == {}


def test_admit_when_nothing_was_heard_yet_then_not_now() -> None:
    assert Hall().admit(Client("a-1", "a", {"line:1"}, 7)) is False


def test_admit_when_the_ticket_is_older_than_what_is_known_then_refused() -> None:
    hall = Hall()
    hall.route({"head": 5})
    assert hall.admit(Client("a-1", "a", {"line:1"}, 4)) is False
    assert hall.admit(Client("a-2", "a", {"line:1"}, 5)) is True


def test_admit_when_removed_or_joined_since_the_ticket_then_rooms_of_now() -> None:
    hall = hall_with()
    hall.route(frame(1, "line:1", leave={"a": ["line:1"]}))
    hall.route(frame(2, "line:2", join={"a": ["line:2"]}))
    assert hall.admit(Client("a-1", "a", {"line:1"}, 0))
    assert hall.clients["a-1"].rooms == {"line:2"}
    assert hall.route(frame(3, "line:1")) == []
    assert [sid for sid, _message, _body in hall.route(frame(4, "line:2"))] == ["a-1"]


def test_leave_when_gone_then_no_trace_is_kept() -> None:
    hall = hall_with(a={"line:1"})
    hall.leave("a-1")
    assert (hall.clients, dict(hall._by_room), dict(hall._by_member)) == ({}, {}, {})


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.booleans()), max_size=40))
def test_route_when_random_then_each_client_gets_exactly_its_rooms_in_a_chain(events: list[tuple[str, bool]]) -> None:
    hall = hall_with(a={"x"}, b={"x", "y"})
    got: dict[str, list[dict[str, Any]]] = {"a-1": [], "b-1": []}
    for number, (room, doubled) in enumerate(events, 1):
        for _ in range(2 if doubled else 1):
            for sid, message, body in hall.route(frame(number, room)):
                assert message == "frame"
                got[sid].append(body)
    for sid, rooms in (("a-1", "x"), ("b-1", "xy")):
        expected = [number for number, (room, _doubled) in enumerate(events, 1) if room in rooms]
        assert [body["seq"] for body in got[sid]] == expected
        assert [body["prev"] for body in got[sid]] == [0, *expected][: len(expected)]

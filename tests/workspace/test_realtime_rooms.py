"""The hall: frames reach who may see them, once, in order, with the client's own previous sequence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace.realtime_rooms import Client, Hall, Sending


def frame(seq: int, *rooms: str, prev: int | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "seq": seq, "prev": seq - 1 if prev is None else prev, "kind": "a.b.c", "rooms": list(rooms), "subject": "s",
        "at": "2026-10-01T00:00:00+00:00", "actor": "林悦", "facts": {}, "changed": changed,
    }  # fmt: skip


def frames_in(sendings: list[Sending]) -> dict[str, dict[str, Any]]:
    """sid -> the frame it is sent; nobody is sent two."""
    found = [(sid, body) for sids, message, body in sendings if message == "frame" for sid in sids]
    assert len(dict(found)) == len(found)
    return dict(found)


def hall_with(**rooms: set[str]) -> Hall:
    hall = Hall()
    hall.route({"head": 0})
    for member, open_rooms in rooms.items():
        hall.admit(Client(f"{member}-1", member, set(open_rooms), 0))
    return hall


def test_route_when_room_is_not_theirs_then_nothing_reaches_them() -> None:
    hall = hall_with(a={"line:1"}, b={"line:2"})
    sent = frames_in(hall.route(frame(1, "line:1", "audit")))
    assert {sid: body["rooms"] for sid, body in sent.items()} == {"a-1": ["line:1"]}


def test_route_when_events_between_are_not_theirs_then_prev_skips_them() -> None:
    hall = hall_with(a={"line:1"})
    hall.route(frame(1, "line:1"))
    hall.route(frame(2, "line:2"))
    [body] = frames_in(hall.route(frame(3, "line:1"))).values()
    assert (body["seq"], body["prev"]) == (3, 1)


def test_route_when_many_are_alike_then_they_share_one_body() -> None:
    hall = hall_with(a={"line:1"}, b={"line:1"}, c={"line:1", "audit"})
    hall.route(frame(1, "audit"))
    sent = hall.route(frame(2, "line:1", "audit"))
    assert sorted(sorted(sids) for sids, _message, _body in sent) == [["a-1", "b-1"], ["c-1"]]
    assert {sid: (body["prev"], body["rooms"]) for sid, body in frames_in(sent).items()} == {
        "a-1": (0, ["line:1"]), "b-1": (0, ["line:1"]), "c-1": (1, ["line:1", "audit"]),
    }  # fmt: skip


def test_route_when_frame_comes_twice_then_sent_once() -> None:
    hall = hall_with(a={"line:1"})
    assert len(hall.route(frame(1, "line:1"))) == 1
    assert hall.route(frame(1, "line:1")) == []


def test_route_when_member_is_removed_then_purged_and_the_frame_is_not_theirs() -> None:
    hall = hall_with(a={"line:1"}, b={"line:1"})
    sent = hall.route(frame(1, "line:1", leave={"a": ["line:1"]}))
    assert (["a-1"], "purge", {"room": "line:1", "seq": 1}) in sent
    assert list(frames_in(sent)) == ["b-1"]
    assert list(frames_in(hall.route(frame(2, "line:1")))) == ["b-1"]


def test_route_when_member_joins_then_sees_the_very_event() -> None:
    hall = hall_with(a=set())
    assert list(frames_in(hall.route(frame(1, "line:1", join={"a": ["line:1"]})))) == ["a-1"]


def test_route_when_a_second_worker_relays_what_was_heard_then_nothing_is_undone() -> None:
    """Each worker has a relay. One that is behind says of a member that they have left, who is back since."""
    hall = hall_with(a={"line:1"})
    hall.route(frame(1, "line:1", leave={"a": ["line:1"]}))
    hall.route(frame(2, "line:1", join={"a": ["line:1"]}))
    assert hall.route(frame(1, "line:1", leave={"a": ["line:1"]})) == []
    assert list(frames_in(hall.route(frame(3, "line:1")))) == ["a-1"]


@pytest.mark.parametrize("lost", [frame(5, "line:1", prev=4), {"head": 5}], ids=["frame", "heartbeat"])
def test_route_when_relay_skipped_events_then_everybody_comes_again(lost: dict[str, Any]) -> None:
    hall = hall_with(a={"line:1"}, b={"line:2"})
    hall.route(frame(1, "line:1"))
    assert hall.route(lost) == [(["a-1", "b-1"], "again", {})]
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
    assert list(frames_in(hall.route(frame(4, "line:2")))) == ["a-1"]


def test_route_when_the_ticket_is_newer_than_the_relay_then_old_moves_change_nothing() -> None:
    """A relay that was away tells of a removal which the member has outlived, and of a joining that is over."""
    hall = hall_with()
    assert hall.admit(Client("a-1", "a", {"line:1"}, 4))
    assert hall.route(frame(1, "line:1", leave={"a": ["line:1"]}, join={"a": ["line:2"]})) == []
    assert hall.clients["a-1"].rooms == {"line:1"}
    assert hall.route(frame(2, "line:2")) == []


def test_admit_when_something_was_said_since_the_ticket_then_the_next_frame_shows_the_hole() -> None:
    """The browser may be fetching just then, with an answer that is older than what it missed."""
    hall = hall_with()
    hall.route(frame(1, "line:1"))
    assert hall.admit(Client("a-1", "a", {"line:1"}, 0))
    assert hall.heartbeats() == [(["a-1"], "heartbeat", {"head": 1})]
    [body] = frames_in(hall.route(frame(2, "line:1"))).values()
    assert body["prev"] == 1


def test_route_when_the_database_was_restored_then_everybody_comes_again_and_lower_numbers_are_news() -> None:
    """A realtime process holds no database, and somebody may leave it running meanwhile."""
    hall = hall_with(a={"line:1"})
    hall.route(frame(9, "line:1", prev=0) | {"epoch": ""})
    assert hall.route({"head": 4, "epoch": "b"}) == [(["a-1"], "again", {})]
    assert hall.admit(Client("a-2", "a", {"line:1"}, 9)) is False, "a ticket of before"
    assert hall.admit(Client("a-3", "a", {"line:1"}, 4, "b")) is True
    assert list(frames_in(hall.route(frame(5, "line:1") | {"epoch": "b"}))) == ["a-3"]


def test_admit_when_the_relay_has_not_yet_said_that_data_was_restored_then_not_now() -> None:
    """It would tell the browser of a head that is not to come for long."""
    assert hall_with().admit(Client("a-1", "a", {"line:1"}, 4, "b")) is False


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
            for sid, body in frames_in(hall.route(frame(number, room))).items():
                got[sid].append(body)
    for sid, rooms in (("a-1", "x"), ("b-1", "xy")):
        expected = [number for number, (room, _doubled) in enumerate(events, 1) if room in rooms]
        assert [body["seq"] for body in got[sid]] == expected
        assert [body["prev"] for body in got[sid]] == [0, *expected][: len(expected)]


def test_heartbeats_when_sent_then_everybody_hears_the_last_they_were_sent() -> None:
    hall = hall_with(a={"line:1"}, b={"line:2"}, c={"line:2"})
    hall.route(frame(1, "line:1"))
    assert hall.heartbeats() == [(["a-1"], "heartbeat", {"head": 1}), (["b-1", "c-1"], "heartbeat", {"head": 0})]

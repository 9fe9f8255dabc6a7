"""Which connected client gets which frame: pure bookkeeping, no socket here.

Every client gets its own ``prev``: the sequence of the last frame it was sent, so it notices a hole by itself.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Client:
    """last: sequence of the newest frame sent to it (at first, the head named in its ticket)."""

    sid: str
    member: str
    rooms: set[str]
    last: int


@dataclass
class Hall:
    """All clients of one realtime process. ``head`` is the newest sequence seen from the relay."""

    head: int = 0
    clients: dict[str, Client] = field(default_factory=dict)
    _by_room: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _by_member: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def admit(self, client: Client) -> None:
        self.clients[client.sid] = client
        self._by_member[client.member].add(client.sid)
        for room in client.rooms:
            self._by_room[room].add(client.sid)

    def leave(self, sid: str) -> None:
        client = self.clients.pop(sid, None)
        if client is None:
            return
        _discard(self._by_member, client.member, sid)
        for room in client.rooms:
            _discard(self._by_room, room, sid)

    def route(self, frame: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
        """(sid, message, body) in the order to send: purge to who lost a room, then the frame to who may see it.

        A hole between the relay's frames (it was restarted, or a line was cut) makes everybody catch up over HTTP.
        """
        if "seq" not in frame:
            return self._heard_head(int(frame["head"]))
        out = self._catch_up() if self.head and frame["prev"] > self.head else []
        self.head = max(self.head, int(frame["seq"]))
        out += self._move(frame.get("changed") or {})
        for sid in sorted({sid for room in frame["rooms"] for sid in self._by_room.get(room, ())}):
            client = self.clients[sid]
            if frame["seq"] <= client.last:
                continue
            shown = [room for room in frame["rooms"] if room in client.rooms]
            body = {key: frame[key] for key in ("seq", "kind", "subject", "at", "actor", "facts")}
            out.append((sid, "frame", {**body, "rooms": shown, "prev": client.last}))
            client.last = int(frame["seq"])
        return out

    def heartbeats(self) -> list[tuple[str, str, dict[str, Any]]]:
        """To everybody: the sequence of the last frame that was sent to them."""
        return [(sid, "heartbeat", {"head": client.last}) for sid, client in self.clients.items()]

    def _heard_head(self, head: int) -> list[tuple[str, str, dict[str, Any]]]:
        behind = bool(self.head) and head > self.head
        self.head = max(self.head, head)
        return self._catch_up() if behind else []

    def _catch_up(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [(sid, "catch_up", {}) for sid in self.clients]

    def _move(self, changed: dict[str, dict[str, list[str]]]) -> list[tuple[str, str, dict[str, Any]]]:
        out: list[tuple[str, str, dict[str, Any]]] = []
        for member, rooms in changed.get("leave", {}).items():
            for sid in sorted(self._by_member.get(member, ())):
                for room in rooms:
                    self.clients[sid].rooms.discard(room)
                    _discard(self._by_room, room, sid)
                    out.append((sid, "purge", {"room": room}))
        for member, rooms in changed.get("join", {}).items():
            for sid in self._by_member.get(member, ()):
                self.clients[sid].rooms.update(rooms)
                for room in rooms:
                    self._by_room[room].add(sid)
        return out


def _discard(index: dict[str, set[str]], key: str, sid: str) -> None:
    members = index.get(key)
    if members is not None:
        members.discard(sid)
        if not members:
            del index[key]

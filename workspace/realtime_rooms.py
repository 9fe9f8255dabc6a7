"""Which connected client gets which frame: pure bookkeeping, no socket here.

Every client gets its own ``prev``: the sequence of the last frame it was sent, so it notices a hole by itself.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

MOVES_KEPT = 10_000


@dataclass
class Client:
    """last: sequence of the newest frame sent to it (at first, the head named in its ticket)."""

    sid: str
    member: str
    rooms: set[str]
    last: int


@dataclass
class Hall:
    """All clients of one realtime process.

    head: the newest sequence heard of from the relay. since: from here on every change of rooms is known, None while
    nothing was heard; ``moves`` keeps them, because a ticket is a little older than the connection it opens.
    """

    head: int = 0
    since: int | None = None
    moves: deque[tuple[int, dict[str, dict[str, list[str]]]]] = field(default_factory=lambda: deque(maxlen=MOVES_KEPT))
    clients: dict[str, Client] = field(default_factory=dict)
    _by_room: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _by_member: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def admit(self, client: Client) -> bool:
        """Let a client in with the rooms of its ticket, changed by what has happened since.

        False when that is not known any more, or not yet: with rooms of the past a removed member would go on
        hearing, and one who joined would not. The browser fetches a fresh ticket and tries again.
        """
        oldest = self.since if len(self.moves) < MOVES_KEPT else self.moves[0][0]
        if oldest is None or client.last < oldest:
            return False
        for seq, changed in self.moves:
            if seq > client.last:
                client.rooms.difference_update(changed.get("leave", {}).get(client.member, ()))
                client.rooms.update(changed.get("join", {}).get(client.member, ()))
        self.clients[client.sid] = client
        self._by_member[client.member].add(client.sid)
        for room in client.rooms:
            self._by_room[room].add(client.sid)
        return True

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
        out = self._lost_track(int(frame["prev"])) if self.since is None or frame["prev"] > self.head else []
        self.head = max(self.head, int(frame["seq"]))
        changed = frame.get("changed") or {}
        if changed and (not self.moves or frame["seq"] > self.moves[-1][0]):
            self.moves.append((int(frame["seq"]), changed))
        out += self._move(changed)
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
        lost = self.since is None or head > self.head
        out = self._lost_track(head) if lost else []
        self.head = max(self.head, head)
        return out

    def _lost_track(self, now: int) -> list[tuple[str, str, dict[str, Any]]]:
        """Events went by unheard: rooms may have changed among them, so everybody comes again with a fresh ticket."""
        self.since = now
        self.moves.clear()
        gone = list(self.clients)
        for sid in gone:
            self.leave(sid)
        return [(sid, "again", {}) for sid in gone]

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

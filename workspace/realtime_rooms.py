"""Which connected client gets which frame: pure bookkeeping, no socket here.

Every client gets its own ``prev``: the sequence of the last frame it was sent, so it notices a hole by itself.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

MOVES_KEPT = 10_000

Sending = tuple[list[str], str, dict[str, Any]]
"""(sids, message, body): what is the same for many is one, so that it is made into bytes once and not per client."""


@dataclass
class Client:
    """last: sequence of the newest frame sent to it (at first, the head named in its ticket). epoch: that of its ticket."""

    sid: str
    member: str
    rooms: set[str]
    last: int
    epoch: str = ""


@dataclass
class Hall:
    """All clients of one realtime process.

    head: the newest sequence heard of from the relay. since: from here on every change of rooms is known, None while
    nothing was heard; ``moves`` keeps them, because a ticket is a little older than the connection it opens. epoch: in which these
    sequences count.
    """

    epoch: str = ""
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

        What was said between the ticket and now is not sent to it, so the next frame names the head of now as the one before:
        the browser then sees the hole, whatever it is fetching at this moment.
        """
        oldest = self.since if len(self.moves) < MOVES_KEPT else self.moves[0][0]
        if oldest is None or client.last < oldest or client.epoch != self.epoch:
            return False
        for seq, changed in self.moves:
            if seq > client.last:
                client.rooms.difference_update(changed.get("leave", {}).get(client.member, ()))
                client.rooms.update(changed.get("join", {}).get(client.member, ()))
        client.last = max(client.last, self.head)
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

    def route(self, frame: dict[str, Any]) -> list[Sending]:
        """In the order to send: purge to who lost a room, then the frame to who may see it.

        A hole between the relay's frames (it was restarted, or a line was cut) makes everybody catch up over HTTP. Each
        worker relays what it reads: a frame that was heard before says nothing, and would undo what has moved since.
        In another epoch, after a restore, nothing was heard yet.
        """
        if (epoch := frame.get("epoch", self.epoch)) != self.epoch:
            self.epoch, self.head, self.since = epoch, 0, None
        if "seq" not in frame:
            return self._heard_head(int(frame["head"]))
        seq = int(frame["seq"])
        if self.since is not None and seq <= self.head:
            return []
        out = self._lost_track(int(frame["prev"])) if self.since is None or frame["prev"] > self.head else []
        self.head = seq
        changed = frame.get("changed") or {}
        if changed:
            self.moves.append((seq, changed))
        return out + self._move(changed, seq) + self._show(frame, seq)

    def _show(self, frame: dict[str, Any], seq: int) -> list[Sending]:
        """The frame to who may see it. Most were sent the same one before and have the same of its rooms: they share a body."""
        alike: dict[tuple[int, tuple[str, ...]], list[str]] = {}
        here = [(room, self._by_room[room]) for room in frame["rooms"] if room in self._by_room]
        shown = tuple(room for room, _sids in here)
        for sid in set[str]().union(*(sids for _room, sids in here)):
            client = self.clients[sid]
            if seq > client.last:
                theirs = shown if len(here) == 1 else tuple(room for room, sids in here if sid in sids)
                alike.setdefault((client.last, theirs), []).append(sid)
                client.last = seq
        body = {key: frame[key] for key in ("seq", "kind", "subject", "at", "actor", "facts")}
        return [(sids, "frame", {**body, "rooms": list(theirs), "prev": prev}) for (prev, theirs), sids in alike.items()]

    def heartbeats(self) -> list[Sending]:
        """To everybody: the sequence of the last frame that was sent to them."""
        alike: dict[int, list[str]] = {}
        for sid, client in self.clients.items():
            alike.setdefault(client.last, []).append(sid)
        return [(sids, "heartbeat", {"head": last}) for last, sids in alike.items()]

    def _heard_head(self, head: int) -> list[Sending]:
        lost = self.since is None or head > self.head
        out = self._lost_track(head) if lost else []
        self.head = max(self.head, head)
        return out

    def _lost_track(self, now: int) -> list[Sending]:
        """Events went by unheard: rooms may have changed among them, so everybody comes again with a fresh ticket."""
        self.since = now
        self.moves.clear()
        gone = list(self.clients)
        for sid in gone:
            self.leave(sid)
        return [(gone, "again", {})] if gone else []

    def _move(self, changed: dict[str, dict[str, list[str]]], seq: int) -> list[Sending]:
        """A ticket may be newer than what was heard: its rooms have this move in them, and whatever came after it."""
        out: list[Sending] = []
        for member, rooms in changed.get("leave", {}).items():
            theirs = sorted(sid for sid in self._by_member.get(member, ()) if self.clients[sid].last < seq)
            for room in rooms if theirs else ():
                for sid in theirs:
                    self.clients[sid].rooms.discard(room)
                    _discard(self._by_room, room, sid)
                out.append((theirs, "purge", {"room": room, "seq": seq}))
        for member, rooms in changed.get("join", {}).items():
            for sid in [sid for sid in self._by_member.get(member, ()) if self.clients[sid].last < seq]:
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

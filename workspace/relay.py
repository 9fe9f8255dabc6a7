"""The relay: reads committed events in sequence and hands them to the realtime processes. It is the only publisher.

Because it reads what is committed, a crash between commit and emit loses nothing: the next poll finds the row.
It keeps no position on disk; after a restart it begins a little before the head. Realtime processes pass over what they have
heard, so that a relay which dies costs them nothing; only when more happened meanwhile do clients notice the gap by sequence.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import structlog
from sqlalchemy import Table, bindparam, select

from workspace.db import Database
from workspace.events.models import Event
from workspace.events.rules import shown_facts
from workspace.realtime_line import FRAMES_CHANNEL, realtime_socket
from workspace.settings import Settings
from workspace.wake import Listener, Wake
from workspace.work import head_and_epoch

log = structlog.get_logger("relay")

POLL_S = 0.5
BATCH = 500
SAID_AGAIN = 400
HEARTBEAT_S = 1.0  # A realtime process admits nobody before it has heard of the head.


# Made once, of the table: it is asked after every commit of anybody, and a storm of saves is an event for each.
_EVENT = cast(Table, Event.__table__).c
_NEWER = (
    select(_EVENT.seq, _EVENT.kind, _EVENT.rooms, _EVENT.subject, _EVENT.at, _EVENT.actor_name, _EVENT.facts, _EVENT.rooms_changed)
    .where(_EVENT.seq > bindparam("last"))
    .order_by(_EVENT.seq)
    .limit(BATCH)
)


class Publisher(Protocol):
    def publish(self, frames: Sequence[dict[str, Any]]) -> None:
        """Hand frames over in order; OSError when the other side is away."""

    def close(self) -> None:
        """Let go of the connection."""


class LocalPublisher:
    """Newline-delimited JSON over the realtime process's unix socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None

    def publish(self, frames: Sequence[dict[str, Any]]) -> None:
        data = b"".join(json.dumps(frame, ensure_ascii=False).encode() + b"\n" for frame in frames)
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self._socket.settimeout(5)
                self._socket.connect(str(self._path))
            self._socket.sendall(data)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class RedisPublisher:
    def __init__(self, url: str) -> None:
        import redis

        self._redis = redis.Redis.from_url(url, socket_timeout=5)
        self._error = redis.RedisError

    def publish(self, frames: Sequence[dict[str, Any]]) -> None:
        try:
            self._redis.publish(FRAMES_CHANNEL, json.dumps(frames, ensure_ascii=False))
        except self._error as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        self._redis.close()


def make_publisher(settings: Settings) -> Publisher:
    return RedisPublisher(settings.redis_url) if settings.redis_url else LocalPublisher(realtime_socket(settings))


class Relay:
    def __init__(self, database: Database, publisher: Publisher, wake: Wake) -> None:
        self._database, self._publisher, self._wake = database, publisher, wake
        self._last, self._epoch = -1, ""

    def run_until(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                with contextlib.closing(self._wake.listener()) as listener, contextlib.closing(self._publisher):
                    self._run(stopping, listener)
            except Exception as error:
                log.error("relay.failed", exc_info=error)
                stopping.wait(POLL_S)

    def _run(self, stopping: threading.Event, listener: Listener) -> None:
        quiet_s = 0.0
        while not stopping.is_set():
            try:
                sent = self.relay_once(heartbeat=quiet_s >= HEARTBEAT_S)
                quiet_s = 0.0 if sent or quiet_s >= HEARTBEAT_S else quiet_s + POLL_S
            except OSError:
                stopping.wait(POLL_S)  # Realtime is restarting; the rows wait.
                continue
            except Exception as error:  # The database may be away for a moment.
                log.error("relay.failed", exc_info=error)
                stopping.wait(POLL_S)
            listener.wait(POLL_S)

    def relay_once(self, *, heartbeat: bool = False) -> int:
        """Publish what is new; returns how many events. A heartbeat names the head when nothing is new."""
        with self._database.session(writes=False) as session:
            if self._last < 0:
                head, self._epoch = head_and_epoch(session)
                self._last = max(0, head - SAID_AGAIN)
                heartbeat = True
            events = session.connection().execute(_NEWER, {"last": self._last}).all()
        frames = []
        prev = self._last
        for event in events:
            frames.append(_frame(event, prev) | {"epoch": self._epoch})
            prev = event.seq
        if not frames and heartbeat:
            self._publisher.publish([{"head": self._last, "epoch": self._epoch}])
        if frames:
            self._publisher.publish(frames)
            self._last = prev
        return len(frames)


def _frame(event: Any, prev: int) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "prev": prev,
        "kind": event.kind,
        "rooms": event.rooms,
        "subject": event.subject,
        "at": event.at.isoformat(),
        "actor": event.actor_name,
        "facts": shown_facts(event.facts),
        "changed": event.rooms_changed,
    }

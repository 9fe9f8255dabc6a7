"""The realtime process: pushes frames over Socket.IO. It holds no database session and calls no libvirt.

Clients are admitted by a signed ticket from the web process; frames come from the relay through Redis or the
local channel. Runs under gunicorn's gevent worker: ``gunicorn -k gevent 'workspace.realtime:make_app()'``.
"""

import gc
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import gevent
import structlog
from flask import Flask, request
from flask_socketio import ConnectionRefusedError, SocketIO
from gevent import socket as gsocket

from workspace.errors import MainlineError
from workspace.realtime_line import (
    FRAMES_CHANNEL,
    LOOK_MAX_AGE_S,
    LOOK_PURPOSE,
    PRESENCE_CHANNEL,
    TICKET_MAX_AGE_S,
    TICKET_PURPOSE,
    realtime_socket,
)
from workspace.realtime_presence import Looker, Presence
from workspace.realtime_rooms import Client, Hall, Sending
from workspace.realtime_wire import use_wire
from workspace.secrets import SigningKey, load_signing_key
from workspace.settings import Settings, load_settings

log = structlog.get_logger("realtime")

HEARTBEAT_S = 20
PING_INTERVAL_S = 12
PING_TIMEOUT_S = 8  # A line that is cut in silence is noticed when nothing was heard for both together.
TELL_EVERY_S = 0.25
RETURN_MS_EACH = 3  # When all must come again with a fresh ticket, they do so one after the other.
MAX_TICKET_BYTES = 64_000
WSGI = Callable[[dict[str, Any], Any], Any]


def make_app(settings: Settings | None = None) -> Flask:
    """The WSGI application of one realtime process."""
    settings = settings or load_settings()
    app = Flask(__name__, static_folder=None)
    socketio = SocketIO(
        app,
        async_mode="gevent",
        cors_allowed_origins=[settings.public_url] if settings.public_url else _is_same_host,
        ping_interval=PING_INTERVAL_S,
        ping_timeout=PING_TIMEOUT_S,
        max_http_buffer_size=MAX_TICKET_BYTES,
        manage_session=False,
        transports=["websocket"],  # Polling would have to meet the same process each time.
    )
    use_wire(socketio)
    app.wsgi_app = _uncompressed(app.wsgi_app)  # type: ignore[assignment, method-assign]
    presence = Presence(os.urandom(8).hex() if settings.redis_url else "")
    usher = Usher(socketio, load_signing_key(settings), presence)

    @app.get("/health")
    def _health() -> dict[str, int]:
        return {"clients": len(usher.hall.clients), "head": usher.hall.head}

    if settings.redis_url:
        line = _RedisLine(settings.redis_url)
        gevent.spawn(line.read, FRAMES_CHANNEL, usher.deliver)
        gevent.spawn(line.read, PRESENCE_CHANNEL, lambda said: presence.heard(said, time.monotonic()))
        gevent.spawn(usher.keep_telling, lambda said: line.say(PRESENCE_CHANNEL, said))
    else:
        gevent.spawn(_read_local, settings, usher.deliver)
        gevent.spawn(usher.keep_telling)
    gevent.spawn(usher.keep_beating)
    gc.collect()
    gc.freeze()  # What was loaded is never garbage, and a walk over all clients is a pause for all of them.
    gc.set_threshold(10_000, 20, 20)
    return app


class Usher:
    """What happens when a client comes, looks and goes, and when the relay has news."""

    def __init__(self, socketio: SocketIO, key: SigningKey, presence: Presence) -> None:
        self.hall, self._presence = Hall(), presence
        self._key, self._server = key, socketio.server
        socketio.on_event("connect", self._connect)
        socketio.on_event("look", self._look)
        socketio.on_event("disconnect", self._disconnect)

    def _connect(self, auth: Any = None) -> None:
        try:
            ticket = auth.get("ticket") if isinstance(auth, dict) else ""
            grant = self._key.read(TICKET_PURPOSE, str(ticket), max_age_s=TICKET_MAX_AGE_S)
        except MainlineError as error:
            raise ConnectionRefusedError("ticket") from error
        sid = request.sid  # type: ignore[attr-defined]
        epoch = grant.get("epoch", self.hall.epoch)  # A web process of the release before names none.
        if not self.hall.admit(Client(sid, grant["member"], set(map(sys.intern, grant["rooms"])), grant["head"], epoch)):
            raise ConnectionRefusedError("ticket")
        if self.hall.head > grant["head"]:  # Something was committed between the ticket and now.
            self._send([([sid], "catch_up", {"head": self.hall.head})])

    def _look(self, said: Any = None) -> None:
        """What the page in front of the reader is about, signed for them; empty when nobody looks at it."""
        sid, now = request.sid, time.monotonic()  # type: ignore[attr-defined]
        client = self.hall.clients.get(sid)
        token = said.get("token") if isinstance(said, dict) else None
        if client is None or not token:
            return self._presence.away(sid, now)
        with suppress(MainlineError):  # Too old: its page was opened weeks ago.
            page = self._key.read(LOOK_PURPOSE, str(token), max_age_s=LOOK_MAX_AGE_S)
            if page["member"] == client.member and page["room"] in client.rooms:
                self._presence.look(sid, page["subject"], Looker(client.member, page["name"], page["initials"], page["room"]), now)

    def _disconnect(self, *_reason: Any) -> None:
        sid = request.sid  # type: ignore[attr-defined]
        self.hall.leave(sid)
        self._presence.away(sid, time.monotonic())

    def deliver(self, frames: Iterable[dict[str, Any]]) -> None:
        for frame in frames:
            heard, sendings = self.hall.head, self.hall.route(frame)
            if self.hall.head > heard:  # Else it is said again, and who left then may be back.
                for member, rooms in (frame.get("changed") or {}).get("leave", {}).items():
                    self._presence.lost(member, rooms, time.monotonic())
            self._send(sendings)

    def keep_beating(self) -> None:
        while True:
            gevent.sleep(HEARTBEAT_S)
            self._send(self.hall.heartbeats())

    def keep_telling(self, say: Callable[[dict[str, Any]], None] | None = None) -> None:
        """say: tells the other realtime processes; None for one that is alone."""
        while True:
            gevent.sleep(TELL_EVERY_S)
            now = time.monotonic()
            self._send(self._presence.tell(now))
            news = self._presence.news(now) if say else None
            if say and news:
                say(news)

    def _send(self, sendings: Iterable[Sending]) -> None:
        for sids, message, body in sendings:
            if not sids:
                continue  # Socket.IO takes nobody for everybody.
            if message == "again":
                body = {"within_ms": RETURN_MS_EACH * len(sids)}
            self._server.emit(message, body, to=sids)
            for sid in sids if message == "again" else ():  # Each waits until its client has taken what was sent, and some never will.
                gevent.spawn(self._server.disconnect, sid)


def _is_same_host(origin: str, environ: dict[str, Any]) -> bool:
    """Embedded default: the page comes from the same host at another port."""
    return urlsplit(origin).hostname == urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname


def _uncompressed(wsgi_app: WSGI) -> WSGI:
    """Every browser offers to have each message deflated, and the WebSocket server would accept: a compressor of its own and a
    pass over each message per client, for some hundred bytes. Here nobody offers it.
    """

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        return wsgi_app(environ, start_response)

    return serve


def _read_local(settings: Settings, deliver: Any) -> None:
    path = realtime_socket(settings)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    server = gsocket.socket(gsocket.AF_UNIX, gsocket.SOCK_STREAM)
    old = os.umask(0o177)
    try:
        server.bind(str(path))
    finally:
        os.umask(old)
    server.listen(4)
    while True:
        connection, _peer = server.accept()
        gevent.spawn(_read_lines, connection, deliver)


def _read_lines(connection: Any, deliver: Any) -> None:
    with connection, connection.makefile("rb") as lines:
        for line in lines:
            deliver([json.loads(line)])


class _RedisLine:
    """What realtime processes hear and say over Redis. While it is away nobody hears anything, and it is tried again."""

    def __init__(self, url: str) -> None:
        import redis
        from gevent import monkey

        assert monkey.is_module_patched("socket"), "the realtime process runs under gunicorn -k gevent"
        # Who only listens never learns that a line was cut in silence; the kernel asks for it, and gives up after 20 s.
        asks = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 2}
        self._redis = redis.Redis.from_url(url, socket_keepalive=True, socket_keepalive_options=asks, socket_connect_timeout=5)
        self._error = redis.RedisError

    def read(self, channel: str, deliver: Callable[[Any], None]) -> None:
        while True:
            try:
                for said in self._listen(channel):
                    deliver(json.loads(said))
            except self._error as error:
                log.warning("realtime.redis_away", error=str(error))
                gevent.sleep(1)

    def _listen(self, channel: str) -> Iterator[bytes]:
        pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe(channel)
        for message in pubsub.listen():
            yield message["data"]

    def say(self, channel: str, said: dict[str, Any]) -> None:
        with suppress(self._error):
            self._redis.publish(channel, json.dumps(said, ensure_ascii=False))

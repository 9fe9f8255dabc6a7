"""The realtime process: pushes frames over Socket.IO. It holds no database session and calls no libvirt.

Clients are admitted by a signed ticket from the web process; frames come from the relay through Redis or the
local channel. Runs under gunicorn's gevent worker: ``gunicorn -k gevent 'workspace.realtime:make_app()'``.
"""

import json
import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import gevent
import structlog
from flask import Flask, request
from flask_socketio import ConnectionRefusedError, SocketIO
from gevent import socket as gsocket

from workspace.errors import MainlineError
from workspace.realtime_line import FRAMES_CHANNEL, TICKET_MAX_AGE_S, TICKET_PURPOSE, realtime_socket
from workspace.realtime_rooms import Client, Hall
from workspace.secrets import load_signing_key
from workspace.settings import Settings, load_settings

log = structlog.get_logger("realtime")

HEARTBEAT_S = 20
MAX_TICKET_BYTES = 64_000


def make_app(settings: Settings | None = None) -> Flask:
    """The WSGI application of one realtime process."""
    settings = settings or load_settings()
    app = Flask(__name__, static_folder=None)
    origins = [settings.public_url] if settings.public_url else _is_same_host
    socketio = SocketIO(
        app,
        async_mode="gevent",
        cors_allowed_origins=origins,
        ping_interval=20,
        ping_timeout=20,
        max_http_buffer_size=MAX_TICKET_BYTES,
    )
    hall, key = Hall(), load_signing_key(settings)

    @socketio.on("connect")
    def _connect(auth: Any = None) -> None:
        try:
            ticket = auth.get("ticket") if isinstance(auth, dict) else ""
            grant = key.read(TICKET_PURPOSE, str(ticket), max_age_s=TICKET_MAX_AGE_S)
        except MainlineError as error:
            raise ConnectionRefusedError("ticket") from error
        sid = request.sid  # type: ignore[attr-defined]
        if not hall.admit(Client(sid, grant["member"], set(grant["rooms"]), grant["head"])):
            raise ConnectionRefusedError("ticket")
        if hall.head > grant["head"]:  # Something was committed between the ticket and now.
            socketio.emit("catch_up", {}, to=sid)

    @socketio.on("disconnect")
    def _disconnect(*_reason: Any) -> None:
        hall.leave(request.sid)  # type: ignore[attr-defined]

    @app.get("/health")
    def _health() -> dict[str, int]:
        return {"clients": len(hall.clients), "head": hall.head}

    def deliver(frames: Iterable[dict[str, Any]]) -> None:
        for frame in frames:
            for sid, message, body in hall.route(frame):
                if message == "again":
                    socketio.server.disconnect(sid)
                else:
                    socketio.emit(message, body, to=sid)

    def heartbeat() -> None:
        while True:
            gevent.sleep(HEARTBEAT_S)
            for sid, message, body in hall.heartbeats():
                socketio.emit(message, body, to=sid)

    gevent.spawn(_read_redis if settings.redis_url else _read_local, settings, deliver)
    gevent.spawn(heartbeat)
    return app


def _is_same_host(origin: str, environ: dict[str, Any]) -> bool:
    """Embedded default: the page comes from the same host at another port."""
    return urlsplit(origin).hostname == urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname


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


def _read_redis(settings: Settings, deliver: Any) -> None:
    import redis
    from gevent import monkey

    assert monkey.is_module_patched("socket"), "the realtime process runs under gunicorn -k gevent"
    while True:
        try:
            pubsub = redis.Redis.from_url(settings.redis_url, health_check_interval=15).pubsub(ignore_subscribe_messages=True)
            pubsub.subscribe(FRAMES_CHANNEL)
            for message in pubsub.listen():
                deliver(json.loads(message["data"]))
        except redis.RedisError as error:
            log.warning("realtime.redis_away", error=str(error))
            gevent.sleep(1)

"""The floor: a Socket.IO room and nothing else, under the same server. ``gunicorn -k gevent 'benchmarks.pushing.bare:make_app()'``.

Everybody who connects is in the one room; ``GET /emit`` sends one message to it, of the size and shape of one of our frames, ``GET
/warm`` one that does not say when. Messages are not deflated here either, which makes it quicker than the same room is with its default.
"""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import socketio

from benchmarks.pushing.limits import open_many_files

ROOM = "everybody"


def make_app() -> Callable[[dict[str, Any], Any], Any]:
    open_many_files()
    server = socketio.Server(async_mode="gevent", ping_interval=12, ping_timeout=8, cors_allowed_origins="*")
    clients: set[str] = set()

    @server.event
    def connect(sid: str, _environ: dict[str, Any], _auth: Any = None) -> None:
        server.enter_room(sid, ROOM)
        clients.add(sid)

    @server.event
    def disconnect(sid: str, *_reason: Any) -> None:
        clients.discard(sid)

    def web(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] in ("/emit", "/warm"):
            server.emit("frame", message(timed=environ["PATH_INFO"] == "/emit"), to=ROOM)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"clients": len(clients)}).encode()]

    rooms = socketio.WSGIApp(server, web)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        return rooms(environ, start_response)

    return app


def message(*, timed: bool) -> dict[str, Any]:
    """As an event arrives at a client."""
    facts = {"name": "武汉光谷店", **({"sent_ns": time.monotonic_ns()} if timed else {})}
    return {
        "seq": 123456, "kind": "workspace.site.added", "subject": "site:01j0000000000000000000000a", "at": "2026-11-11T00:00:00+00:00",
        "actor": "系统", "facts": facts, "rooms": ["company"], "prev": 123455,
    }  # fmt: skip

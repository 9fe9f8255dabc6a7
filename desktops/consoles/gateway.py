"""The gateway process (``mainline gateway``): browsers to screens, and guests to the product. asyncio, no process per connection.

It never calls a hypervisor and takes no target from a client: the token says which desktop, the desktop's id names the
socket. The database is asked in threads, in short transactions.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import structlog
from sqlalchemy import select
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from desktops.caching.server import socket_of
from desktops.consoles import actions
from desktops.consoles.access import allowed_sessions, sessions_of
from desktops.consoles.bridge import bridge
from desktops.consoles.channels import GuestChannel, Targets
from desktops.consoles.rules import GATEWAY_ALONE_S, PROTOCOL, origin_is_ours, token_of
from desktops.hosts.models import Host
from desktops.machines.models import Desktop
from desktops.machines.rules import POWERED
from workspace.db import Database
from workspace.errors import MainlineError
from workspace.parts import Parts
from workspace.settings import Settings
from workspace.work import open_work

log = structlog.get_logger("gateway")

LOOK_S = 1.0
BEAT_S = 2.0
CLOSE_S = 1.5
ANNOUNCE_S = 10.0
MAX_CONSOLES = 500
MESSAGE_MAX_BYTES = 4 * 1024 * 1024
REFUSED = 4403
ENDED = 4401


class Sockets(Protocol):
    """Where a desktop's sockets are on this machine."""

    def console(self, desktop_id: str) -> Path: ...
    def channel(self, desktop_id: str) -> Path: ...


class Gateway:
    """One gateway process. ``serve_until(stopping)`` runs it.

    port: where it listens, 0 = any free one; read it after ``started``.
    """

    def __init__(self, settings: Settings, database: Database, parts: Parts, sockets: Sockets, *, port: int | None = None) -> None:
        self._settings, self._database, self._parts, self._sockets = settings, database, parts, sockets
        self._name = f"{socket.gethostname()}:{settings.gateway_port}"
        self._targets = targets_of(settings)
        self._browsers: dict[str, ServerConnection] = {}
        self._inputs: dict[str, datetime] = {}
        self._channels: dict[str, asyncio.Task[None]] = {}
        self._unclosed: set[str] = set()
        self._confirmed = 0.0
        self._ups: set[str] = set()
        self._soon = asyncio.Event()
        self._announced = 0.0
        self.port = settings.gateway_port if port is None else port
        self.started = asyncio.Event()

    async def serve_until(self, stopping: asyncio.Event) -> None:
        self._unclosed = await self._read(lambda work: sessions_of(work, self._name))
        await self._close_sessions()
        server = await serve(
            self._console,
            self._settings.host,
            self.port,
            process_request=self._screen_request,
            subprotocols=[Subprotocol(PROTOCOL)],
            compression=None,
            max_size=MESSAGE_MAX_BYTES,
            max_queue=16,
            write_limit=256 * 1024,
            ping_interval=20,
            ping_timeout=20,
            close_timeout=CLOSE_S,
            server_header=None,
            logger=_wire_log(),
        )
        self.port = server.sockets[0].getsockname()[1]
        self.started.set()
        self._confirmed = asyncio.get_running_loop().time()
        loops = [
            asyncio.ensure_future(_forever(loop, every_s))
            for loop, every_s in ((self._beat, BEAT_S), (self._look, LOOK_S), (self._tell_ups, 0.0))
        ]
        try:
            await stopping.wait()
        finally:
            server.close()
            await server.wait_closed()
            await _end([*loops, *self._channels.values()])

    # Consoles

    def _screen_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse before the upgrade whatever is not our page with a token; answer the supervisor's health check."""
        path = urlsplit(request.path).path
        if path == "/health":
            return connection.respond(HTTPStatus.OK, "ok\n")
        if path != "/console" or len(self._browsers) >= MAX_CONSOLES:
            return connection.respond(HTTPStatus.NOT_FOUND, "not found\n")
        ours = origin_is_ours(
            request.headers.get("Origin"),
            host_header=request.headers.get("Host", ""),
            public_url=self._settings.public_url,
            web_port=self._settings.port,
        )
        if not ours or _token(request) is None:
            return connection.respond(HTTPStatus.FORBIDDEN, "forbidden\n")
        return None

    async def _console(self, browser: ServerConnection) -> None:
        assert browser.request is not None
        token = _token(browser.request) or ""
        try:
            admitted = await self._write(lambda work: actions.spend_token(work, token, gateway=self._name))
        except MainlineError as error:
            await browser.close(REFUSED, error.code)
            return
        self._browsers[admitted.session_id] = browser
        try:
            await bridge(browser, self._sockets.console(admitted.desktop_id), lambda: self._note_input(admitted.desktop_id))
        finally:
            self._browsers.pop(admitted.session_id, None)
            self._unclosed.add(admitted.session_id)
            await asyncio.shield(self._close_sessions())

    def _note_input(self, desktop_id: str) -> None:
        self._inputs[desktop_id] = datetime.now(UTC)

    async def _beat(self) -> None:
        """Report input, say that this gateway lives, close what may no longer be open."""
        loop_time = asyncio.get_running_loop().time()
        try:
            await self._report(loop_time)
            await self._close_sessions()
            open_now = dict(self._browsers)
            allowed = await self._read(lambda work: allowed_sessions(work, open_now)) if open_now else set()
        except Exception:
            if loop_time - self._confirmed > GATEWAY_ALONE_S:
                await self._end_consoles(dict(self._browsers))
            raise
        self._confirmed = loop_time
        await self._end_consoles({session_id: browser for session_id, browser in open_now.items() if session_id not in allowed})

    async def _report(self, loop_time: float) -> None:
        """What cannot be told now is told with the next beat."""
        if not self._inputs and loop_time - self._announced < ANNOUNCE_S:
            return
        inputs, self._inputs = self._inputs, {}
        try:
            await self._write(lambda work: actions.note_beat(work, self._name, inputs))
        except Exception:
            self._inputs = {**inputs, **self._inputs}
            raise
        self._announced = loop_time

    async def _close_sessions(self) -> None:
        while self._unclosed:
            session_id = next(iter(self._unclosed))
            await self._write(lambda work: actions.close_session(work, session_id))  # noqa: B023 - awaited in this turn
            self._unclosed.discard(session_id)

    async def _end_consoles(self, browsers: dict[str, ServerConnection]) -> None:
        await asyncio.gather(*(browser.close(ENDED, "ended") for browser in browsers.values()))

    # Channels

    def _note_up(self, desktop_id: str) -> None:
        self._ups.add(desktop_id)
        self._soon.set()

    async def _tell_ups(self) -> None:
        """Say at once which guests have answered; what cannot be said now is said again."""
        await self._soon.wait()
        self._soon.clear()
        while self._ups:
            desktop_id = next(iter(self._ups))
            await self._write(lambda work: actions.note_channel_up(work, desktop_id))  # noqa: B023 - awaited in this turn
            self._ups.discard(desktop_id)

    async def _look(self) -> None:
        """Keep a channel to every desktop that may be powered on here."""
        powered = await self._read(lambda work: powered_desktops(work.session))
        for desktop_id in powered - self._channels.keys():
            channel = GuestChannel(
                self._sockets.channel(desktop_id), self._targets, name=desktop_id, on_up=partial(self._note_up, desktop_id)
            )
            self._channels[desktop_id] = asyncio.ensure_future(channel.run())
        ended = [self._channels.pop(desktop_id) for desktop_id in self._channels.keys() - powered]
        for desktop_id in [desktop_id for desktop_id, task in self._channels.items() if task.done()]:
            crashed = self._channels.pop(desktop_id)
            log.error("gateway.channel_failed", desktop=desktop_id, exc_info=crashed.exception())
        await _end(ended)

    # The database, in threads

    async def _write(self, act: Callable[[Any], Any]) -> Any:
        return await asyncio.to_thread(self._run, act, True)

    async def _read(self, ask: Callable[[Any], Any]) -> Any:
        return await asyncio.to_thread(self._run, ask, False)

    def _run(self, call: Callable[[Any], Any], writes: bool) -> Any:
        with open_work(self._database, writes=writes, parts=self._parts, origin={"gateway": self._name}) as work:
            return call(work)


def powered_desktops(session: Any) -> set[str]:
    """Desktops whose guest may be listening on its channel."""
    query = select(Desktop.id).join(Host, Host.id == Desktop.host_id).where(Desktop.state.in_(POWERED), Host.simulated.is_(False))
    return set(session.scalars(query))


def targets_of(settings: Settings) -> Targets:
    """The only places that a guest can reach: the web process, the object store, and the chunk cache of this machine."""
    here = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    store = urlsplit(f"//{settings.s3_endpoint}") if settings.s3_endpoint else None
    store_port = (store.port or (443 if settings.s3_secure else 80)) if store else settings.store_port
    cache: Targets = {"cache": socket_of(settings)} if settings.chunk_cache_mib else {}
    return {"api": (here, settings.port), "store": ((store.hostname or "") if store else "127.0.0.1", store_port), **cache}


def run_gateway(settings: Settings, parts: Parts, sockets: Sockets) -> None:
    """Run until TERM or INT."""
    asyncio.run(_run_until_signal(Gateway(settings, parts.get(Database), parts, sockets)))


async def _run_until_signal(gateway: Gateway) -> None:
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await gateway.serve_until(stopping)


async def _forever(step: Callable[[], Any], every_s: float) -> None:
    """Run the step again and again; a failure (the database away for a moment) is logged and waited out."""
    while True:
        try:
            await step()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.error("gateway.step_failed", step=step.__name__, exc_info=error)
        await asyncio.sleep(every_s)


async def _end(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)


def _wire_log() -> logging.Logger:
    """websockets tells every connection at INFO, with its URL; only what goes wrong is worth a line here."""
    quiet = logging.getLogger("gateway.websockets")
    quiet.setLevel(logging.WARNING)
    return quiet


def _token(request: Request) -> str | None:
    offered = [name.strip() for value in request.headers.get_all("Sec-WebSocket-Protocol") for name in value.split(",")]
    return token_of(offered)

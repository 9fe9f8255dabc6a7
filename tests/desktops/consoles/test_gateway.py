"""The gateway as a browser meets it: real WebSockets, a real database, a small VNC server on a unix socket."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from desktops.consoles import gateway as gateway_module
from desktops.consoles.actions import issue_console
from desktops.consoles.gateway import ENDED, REFUSED, Gateway
from desktops.consoles.models import ConsoleEvent, ConsoleSession, GatewaySeen
from desktops.machines.models import DesktopActivity
from tests.fakes.vnc_server import GREETING, SERVER_INIT, FakeVncServer
from tests.house import member_named
from workspace.db import Database, new_id
from workspace.events.models import Event
from workspace.parts import Parts
from workspace.secrets import token_hash
from workspace.settings import Settings
from workspace.signin.actions import sign_in, sign_out
from workspace.work import Actor, open_work

KEY = struct.pack(">BBxxI", 4, 1, 0x61)
PICTURE = struct.pack(">BBHHHH", 3, 1, 0, 0, 64, 48)


class Stage:
    """A running gateway with one desktop's screen behind it."""

    def __init__(self, settings: Settings, database: Database, parts: Parts, desktop_id: str, folder: Path) -> None:
        self.settings, self.database, self.parts, self.desktop_id, self.folder = settings, database, parts, desktop_id, folder
        with open_work(database, parts=parts) as work:
            self.session = sign_in(work, "suhang")

    def console(self, desktop_id: str) -> Path:
        return self.folder / f"{desktop_id[-4:]}.vnc"

    def channel(self, desktop_id: str) -> Path:
        return self.folder / f"{desktop_id[-4:]}.chan"

    def token(self) -> str:
        with open_work(self.database, parts=self.parts) as work:
            member = member_named(work, "苏航")
            work.actor = Actor(member.id, member.name, frozenset({"desktops:desktop:own"}))
            return issue_console(work, self.desktop_id, sign_in_hash=token_hash(self.session))

    def play(self, act: Callable[["Stage", FakeVncServer], Awaitable[None]]) -> None:
        asyncio.run(asyncio.wait_for(self._play(act), 30))

    async def _play(self, act: Callable[["Stage", FakeVncServer], Awaitable[None]]) -> None:
        stopping = asyncio.Event()
        gateway = Gateway(self.settings, self.database, self.parts, self, port=0)
        running = asyncio.ensure_future(gateway.serve_until(stopping))
        await asyncio.wait_for(gateway.started.wait(), 10)
        self.port = gateway.port
        try:
            async with FakeVncServer(self.console(self.desktop_id)) as screen:
                await act(self, screen)
        finally:
            stopping.set()
            await running

    def connect(self, token: str | None, *, origin: str | None = None, path: str = "/console") -> connect:
        offered: list[Any] = ["binary"] + ([f"mainline.{token}"] if token else [])
        ours = f"http://127.0.0.1:{self.settings.port}"
        return connect(f"ws://127.0.0.1:{self.port}{path}", subprotocols=offered, origin=origin or ours, compression=None, close_timeout=1)  # type: ignore[arg-type]

    def ask(self, question: Callable[[Any], Any]) -> Any:
        with open_work(self.database, parts=self.parts, writes=False) as work:
            return question(work.session)


@pytest.fixture
def stage(settings: Settings, company: Database, parts: Parts, ready_desktop: str, tmp_path: Path) -> Stage:
    return Stage(settings, company, parts, ready_desktop, tmp_path)


async def greet(browser: ClientConnection) -> None:
    """As noVNC does."""
    assert await take(browser, 12) == GREETING
    await browser.send(GREETING)
    assert await take(browser, 2) == b"\x01\x01"
    await browser.send(b"\x01")
    assert await take(browser, 4) == bytes(4)
    await browser.send(b"\x01")
    assert await take(browser, len(SERVER_INIT)) == SERVER_INIT


async def take(browser: ClientConnection, count: int) -> bytes:
    """Bytes come as the network cuts them; only one test reads past the end of a message, so nothing is kept."""
    taken = b""
    while len(taken) < count:
        part = await asyncio.wait_for(browser.recv(), 10)
        assert isinstance(part, bytes)
        taken += part
    return taken


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.02)


def test_console_when_the_token_is_good_then_bytes_pass_unchanged(stage: Stage) -> None:
    async def act(stage: Stage, screen: FakeVncServer) -> None:
        async with stage.connect(stage.token()) as browser:
            assert browser.subprotocol == "binary"
            await greet(browser)
            content = PICTURE * 20_000  # 200 KB: more than one read, more than one message back.
            await browser.send(content)
            assert await take(browser, len(content)) == content
        await until(lambda: screen.connections == 0)

    stage.play(act)
    assert stage.ask(lambda session: session.query(ConsoleSession).one().closed_at) is not None


def test_console_when_the_token_is_used_again_then_closed_as_refused(stage: Stage) -> None:
    async def act(stage: Stage, screen: FakeVncServer) -> None:
        token = stage.token()
        async with stage.connect(token) as browser:
            await greet(browser)
            async with stage.connect(token) as second:
                with pytest.raises(ConnectionClosed):
                    await second.recv()
                assert second.close_code == REFUSED
            assert screen.connections == 1

    stage.play(act)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"origin": "http://evil.example:8800"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"token": None}, 403),
        ({"path": "/"}, 404),
        ({"path": "/console/../etc"}, 404),
    ],
    ids=["other site", "other port", "no token", "no path", "odd path"],
)
def test_console_when_the_request_is_not_ours_then_never_upgraded(stage: Stage, options: dict[str, Any], status: int) -> None:
    async def act(stage: Stage, screen: FakeVncServer) -> None:
        token = options.get("token", "x")
        with pytest.raises(InvalidStatus) as refused:
            async with stage.connect(token, **{name: value for name, value in options.items() if name != "token"}):
                pass
        assert refused.value.response.status_code == status
        assert screen.connections == 0

    stage.play(act)


def test_console_when_signed_out_then_closed_with_the_next_beat(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gateway_module.BEAT_S < 5, "nobody looks on for longer"
    monkeypatch.setattr(gateway_module, "BEAT_S", 0.1)

    async def act(stage: Stage, screen: FakeVncServer) -> None:
        async with stage.connect(stage.token()) as browser:
            await greet(browser)
            with open_work(stage.database, parts=stage.parts) as work:
                sign_out(work, stage.session)
            with pytest.raises(ConnectionClosed):
                await browser.recv()
            assert browser.close_code == ENDED
        await until(lambda: screen.connections == 0)

    stage.play(act)


def test_console_when_keys_are_pressed_then_input_is_reported_and_pictures_are_not(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "BEAT_S", 0.1)
    began = datetime.now(UTC)

    def input_at() -> datetime | None:
        return stage.ask(lambda session: session.get(DesktopActivity, stage.desktop_id)).last_input_at

    async def act(stage: Stage, screen: FakeVncServer) -> None:
        async with stage.connect(stage.token()) as browser:
            await greet(browser)
            opened = input_at()
            assert opened is not None
            assert opened >= began
            await browser.send(PICTURE * 50)
            await take(browser, len(PICTURE) * 50)
            await browser.send(KEY)
            await until(lambda: (input_at() or began) > opened)

    stage.play(act)
    assert stage.ask(lambda session: session.query(GatewaySeen).count()) == 1


def test_console_when_the_screen_stops_reading_then_the_browser_is_held_back(stage: Stage) -> None:
    """Otherwise a fast typist or a hostile page fills the gateway's memory."""

    async def act(stage: Stage, screen: FakeVncServer) -> None:
        async with stage.connect(stage.token()) as browser:
            await greet(browser)
            screen.reads.clear()
            sent = 0

            async def flood() -> None:
                nonlocal sent
                while True:
                    await browser.send(PICTURE * 10_000)
                    sent += len(PICTURE) * 10_000

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(flood(), 2)
            assert sent < 16 * 1024 * 1024
            browser.transport.abort()  # The tab is closed in the middle of it.
            screen.reads.set()

    stage.play(act)


def test_console_when_the_gateway_stops_then_sessions_are_closed(stage: Stage) -> None:
    browsers = []

    async def act(stage: Stage, screen: FakeVncServer) -> None:
        browser = await stage.connect(stage.token())
        await greet(browser)
        browsers.append(browser)

    stage.play(act)
    assert stage.ask(lambda session: session.query(ConsoleSession).filter_by(closed_at=None).count()) == 0


def test_console_when_there_is_no_screen_then_closed_and_noted(stage: Stage) -> None:
    async def act(stage: Stage, screen: FakeVncServer) -> None:
        stage.console(stage.desktop_id).unlink()
        async with stage.connect(stage.token()) as browser:
            with pytest.raises(ConnectionClosed):
                await browser.recv()
            assert browser.close_code == 4404

    stage.play(act)


def closed_by(stage: Stage) -> list[tuple[str, str]]:
    """Who closed which member's console, from the audit."""
    events = stage.ask(lambda session: session.query(Event).filter_by(kind="desktops.console.closed").order_by(Event.seq).all())
    return [(event.actor_name, event.facts["member"]) for event in events]


def test_gateway_when_it_starts_again_then_its_old_sessions_are_closed_in_the_name_of_each(stage: Stage) -> None:
    here = f"{socket.gethostname()}:{stage.settings.gateway_port}"
    with open_work(stage.database, parts=stage.parts) as work:
        for name, gateway in (("苏航", here), ("赵宁", here), ("陈墨", "another:1")):
            member = member_named(work, name)
            left = ConsoleSession(
                id=new_id(), member_id=member.id, desktop_id=stage.desktop_id, sign_in_hash="x", gateway=gateway, opened_at=work.now
            )
            work.session.add(left)
        work.record(ConsoleEvent.OPENED, subject=f"desktop:{stage.desktop_id}", rooms=["audit"], name="", member="")

    async def act(stage: Stage, screen: FakeVncServer) -> None:
        assert stage.ask(lambda session: session.query(ConsoleSession).filter_by(closed_at=None).one().gateway) == "another:1"

    stage.play(act)
    assert sorted(closed_by(stage)) == [("苏航", "苏航"), ("赵宁", "赵宁")]


class Broken:
    """A call that fails for as long as ``on``, as while the database is away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> None:
        self.on, self.failures, self._real = True, 0, getattr(place, name)
        monkeypatch.setattr(place, name, self)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if self.on:
            self.failures += 1
            raise OSError("the database is away")
        return self._real(*arguments, **options)


def test_console_when_the_database_stays_away_then_closed_because_nobody_can_say_who_may_look(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "BEAT_S", 0.05)

    async def act(stage: Stage, screen: FakeVncServer) -> None:
        async with stage.connect(stage.token()) as browser:
            await greet(browser)
            broken = Broken(monkeypatch, gateway_module, "allowed_sessions")
            await until(lambda: broken.failures > 1)
            await browser.send(KEY)
            assert await take(browser, len(KEY)) == KEY, "a moment's failure closes nothing"
            monkeypatch.setattr(gateway_module, "GATEWAY_ALONE_S", 0)
            with pytest.raises(ConnectionClosed):
                await browser.recv()
            assert browser.close_code == ENDED

    stage.play(act)


def test_input_when_it_cannot_be_told_then_told_later(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "BEAT_S", 0.05)

    def input_at() -> datetime:
        return stage.ask(lambda session: session.get(DesktopActivity, stage.desktop_id)).last_input_at

    async def act(stage: Stage, screen: FakeVncServer) -> None:
        async with stage.connect(stage.token()) as browser:
            await greet(browser)
            opened = input_at()
            broken = Broken(monkeypatch, gateway_module.actions, "note_beat")
            await browser.send(KEY)
            await until(lambda: broken.failures > 1)
            broken.on = False
            await until(lambda: input_at() > opened)

    stage.play(act)


def test_session_when_its_end_cannot_be_written_then_written_later(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "BEAT_S", 0.05)

    async def act(stage: Stage, screen: FakeVncServer) -> None:
        broken = Broken(monkeypatch, gateway_module.actions, "close_session")
        async with stage.connect(stage.token()) as browser:
            await greet(browser)
        await until(lambda: broken.failures > 0)
        broken.on = False
        await until(lambda: stage.ask(lambda session: session.query(ConsoleSession).filter_by(closed_at=None).count()) == 0)

    stage.play(act)

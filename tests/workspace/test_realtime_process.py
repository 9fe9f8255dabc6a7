"""The realtime process for real: gunicorn with gevent, the relay, a Socket.IO client; killed and cut."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import socketio

from tests.house import NOW
from tests.product import ROOT, wait_until
from workspace.db import Database
from workspace.people.models import PeopleEvent
from workspace.ports import free_port, http_answers
from workspace.realtime_line import LOOK_PURPOSE, TICKET_PURPOSE
from workspace.relay import Publisher, Relay, make_publisher
from workspace.secrets import SigningKey
from workspace.settings import Settings
from workspace.wake import make_wake
from workspace.work import open_work

pytestmark = pytest.mark.server


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, secret_key="tests only", port=free_port() - 1)


class Realtime:
    """One realtime process that can be killed and started again."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {
            **os.environ,
            "MAINLINE_DATA_DIR": str(self.settings.data_dir),
            "MAINLINE_PORT": str(self.settings.port),
            "MAINLINE_SECRET_KEY": "tests only",
            "MAINLINE_REDIS_URL": self.settings.redis_url,
        }
        argv = [str(Path(sys.executable).parent / "mainline"), "realtime"]
        self.process = subprocess.Popen(argv, cwd=ROOT, env=environment, start_new_session=True)
        wait_until(lambda: http_answers("127.0.0.1", self.settings.realtime_port, "/health"), what="realtime answers")

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def realtime(settings: Settings) -> Iterator[Realtime]:
    running = Realtime(settings)
    running.start()
    yield running
    running.kill()


@pytest.fixture
def relay(settings: Settings, company: Database, realtime: Realtime) -> Iterator[Relay]:
    stopping = threading.Event()
    wake = make_wake(settings)
    running = Relay(company, make_publisher(settings), wake)
    thread = threading.Thread(target=running.run_until, args=(stopping,))
    thread.start()
    yield running
    stopping.set()
    wake()
    thread.join(timeout=10)


class Browser:
    """A client that keeps what it was sent."""

    def __init__(self, settings: Settings, key: SigningKey, *, member: str, rooms: list[str], head: int, epoch: str | None = None) -> None:
        self.got: list[tuple[str, dict[str, object]]] = []
        self.client = socketio.Client(reconnection=False)
        for message in ("frame", "purge", "catch_up", "looking", "again"):
            self.client.on(message, lambda body, message=message: self.got.append((message, body)))
        of_epoch = {} if epoch is None else {"epoch": epoch}
        self.ticket = key.sign(TICKET_PURPOSE, {"member": member, "rooms": rooms, "head": head} | of_epoch)
        self.url = f"http://127.0.0.1:{settings.realtime_port}"
        wait_until(self.is_admitted, what="the process has heard of the head and lets the client in", every_s=0.3)

    def is_admitted(self) -> bool:
        try:
            self.client.connect(self.url, auth={"ticket": self.ticket}, transports=["websocket"])
        except socketio.exceptions.ConnectionError:
            return False
        return True

    def frames(self) -> list[object]:
        return [body["seq"] for message, body in self.got if message == "frame"]

    def sees(self) -> list[object]:
        """Who looks at what it looks at, as it was told last."""
        people = [body["people"] for message, body in self.got if message == "looking"]
        return [name for _member, name, _initials in people[-1]] if people else []


def record(database: Database, settings: Settings, *rooms: str, **changed: dict[str, list[str]]) -> int:
    with open_work(database, now=NOW) as work:
        work.after.append(make_wake(settings))
        work.record(PeopleEvent.SITE_ADDED, subject="site:x", rooms=rooms, name="武汉", **changed)
    with database.session(writes=False) as session:
        return int(session.connection().exec_driver_sql("SELECT max(seq) FROM event").scalar_one())


def test_frame_when_committed_then_reaches_who_may_see_it(
    company: Database, settings: Settings, relay: Relay, realtime: Realtime, parts
) -> None:
    key = parts.get(SigningKey)
    head = record(company, settings, "company")
    member = Browser(settings, key, member="a", rooms=["line:1"], head=head)
    stranger = Browser(settings, key, member="b", rooms=["company"], head=head)
    seq = record(company, settings, "line:1")
    last = record(company, settings, "company")
    wait_until(lambda: member.frames() == [seq], what="the member got the event")
    wait_until(lambda: stranger.frames() == [last], what="the stranger got only what is open")
    left = record(company, settings, "line:1", leaves={"a": ["line:1"]})
    wait_until(lambda: ("purge", {"room": "line:1", "seq": left}) in member.got, what="the removed member was told to purge")
    record(company, settings, "line:1")
    mark = record(company, settings, "company")
    wait_until(lambda: mark in stranger.frames(), what="the mark arrived")
    assert member.frames() == [seq]
    member.client.disconnect()
    stranger.client.disconnect()


def test_look_when_several_do_then_each_sees_who_and_a_removed_member_is_gone_at_once(
    company: Database, settings: Settings, relay: Relay, realtime: Realtime, parts
) -> None:
    key = parts.get(SigningKey)
    head = record(company, settings, "company")
    people = {name: Browser(settings, key, member=name, rooms=["line:1"], head=head) for name in ("ana", "bo")}
    stranger = Browser(settings, key, member="cy", rooms=["company"], head=head)
    pages = {name: page_of(key, name) for name in (*people, "cy")}
    for name, browser in people.items():
        browser.client.emit("look", {"token": pages[name]})
    for token in (pages["cy"], pages["ana"], "nonsense", None):
        stranger.client.emit("look", {"token": token})
    for browser in people.values():
        wait_until(lambda browser=browser: sorted(browser.sees()) == ["ana", "bo"], what="both see both")
    people["bo"].client.emit("look", {"token": ""})
    wait_until(lambda: people["ana"].sees() == ["ana"], what="who hides the tab does not look")
    people["bo"].client.emit("look", {"token": pages["bo"]})
    wait_until(lambda: people["ana"].sees() == ["ana", "bo"], what="and does again")
    record(company, settings, "line:1", leaves={"bo": ["line:1"]})
    wait_until(lambda: people["ana"].sees() == ["ana"], what="the removed member is gone")
    people["bo"].client.emit("look", {"token": pages["bo"]})
    last = record(company, settings, "line:1")
    wait_until(lambda: last in people["ana"].frames(), what="the mark arrived")
    assert people["ana"].sees() == ["ana"]
    assert stranger.sees() == []
    for browser in (*people.values(), stranger):
        browser.client.disconnect()


def page_of(key: SigningKey, member: str) -> str:
    return key.sign(LOOK_PURPOSE, {"member": member, "name": member, "initials": member, "subject": "task:1", "room": "line:1"})


def test_socket_when_the_browser_offers_to_deflate_then_it_is_not_taken_up(settings: Settings, realtime: Realtime) -> None:
    """A compressor per client would be most of its memory; and a poll, which may meet another process each time, is refused."""
    connection = http.client.HTTPConnection("127.0.0.1", settings.realtime_port, timeout=10)
    offered = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    connection.request(
        "GET", "/socket.io/?EIO=4&transport=websocket", headers={**offered, "Sec-WebSocket-Extensions": "permessage-deflate"}
    )
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Sec-WebSocket-Extensions"]) == (101, None)
    connection.close()
    connection.request("GET", "/socket.io/?EIO=4&transport=polling")
    assert connection.getresponse().status == 400
    connection.close()


def test_ticket_when_it_is_no_good_then_refused_in_so_many_words(settings: Settings, realtime: Realtime) -> None:
    """The browser then asks for a fresh one; a handler that crashed would leave it waiting."""
    forged = SigningKey("another key").sign(TICKET_PURPOSE, {"member": "a", "rooms": ["line:1"], "head": 0})
    for auth in ({"ticket": forged}, {"ticket": "nonsense"}, {"ticket": None}, {}, ["nonsense"]):
        client, told = socketio.Client(reconnection=False), []
        client.on("connect_error", told.append)
        with pytest.raises(socketio.exceptions.ConnectionError):
            client.connect(f"http://127.0.0.1:{settings.realtime_port}", auth=auth, transports=["websocket"], wait_timeout=5)
        client.disconnect()
        assert [answer["message"] for answer in told] == ["ticket"], auth


def test_realtime_when_killed_then_a_fresh_ticket_shows_what_was_missed(
    company: Database, settings: Settings, relay: Relay, realtime: Realtime, parts
) -> None:
    key = parts.get(SigningKey)
    before = record(company, settings, "company")
    realtime.kill()
    fresh = [record(company, settings, "company") for _ in range(3)][-1]
    realtime.start()
    back = Browser(settings, key, member="a", rooms=["company"], head=fresh)
    after = record(company, settings, "company")
    wait_until(lambda: after in back.frames(), what="the event after the restart arrived")
    [frame] = [body for message, body in back.got if message == "frame" and body["seq"] == after]
    assert frame["prev"] == fresh > before, "a browser whose last is older sees the hole and asks for what is missing"
    back.client.disconnect()


def test_realtime_when_left_running_while_data_was_restored_then_lower_numbers_reach_who_came_again(
    settings: Settings, realtime: Realtime, parts
) -> None:
    """It holds no database. What it has heard of before would make it pass over everything for long."""
    key, relay = parts.get(SigningKey), make_publisher(settings)
    wait_until(lambda: published(relay, {"head": 9, "epoch": "a"}), what="the process listens to the relay")
    before = Browser(settings, key, member="a", rooms=["line:1"], head=9, epoch="a")
    published(relay, {"head": 4, "epoch": "b"})
    wait_until(lambda: "again" in dict(before.got), what="who was there comes again")
    assert not before.is_admitted(), "a ticket of before"
    back = Browser(settings, key, member="a", rooms=["line:1"], head=4, epoch="b")
    said = {"kind": "a.b.c", "rooms": ["line:1"], "subject": "s", "at": "", "actor": "", "facts": {}}
    published(relay, {"seq": 5, "prev": 4, "epoch": "b", **said})
    wait_until(lambda: back.frames() == [5], what="the event arrived")
    relay.close()
    for browser in (before, back):
        browser.client.disconnect()


def published(relay: Publisher, frame: dict[str, object]) -> bool:
    try:
        relay.publish([frame])
    except OSError:
        return False
    return True

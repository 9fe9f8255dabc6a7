"""An event to 200, 1,000 and 3,000 connected clients, beside a bare Socket.IO room.

Ours: from before the transaction of the change until the client has read the frame, so with the commit, the relay, the line to the
realtime process and the question who may see it; every client is another member with a score of rooms. 200 and 1,000 on the embedded
defaults, 3,000 on PostgreSQL and Redis with two realtime processes. The floor: one process that sends a message of the same size to a
room, from the emit on. Clients of both are the same, run on the same machine and cost it time: it is stated. Meanwhile somebody asks
for a battle map again and again. What browsers fetch when they have read a frame is not in here.
"""

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, Row, percentile, resident_mib
from benchmarks.syncing.site import cpu_s
from demo_line import NAME as DEMO_LINE
from tests.journeys.server_story import Caller
from tests.product import Product, running_product, wait_until
from tests.scaled import running_site
from tests.servers import running_postgres, running_redis
from wiring import make_parts
from workspace.db import Database, new_id
from workspace.parts import Parts
from workspace.people.models import PeopleEvent
from workspace.ports import free_port, http_answers
from workspace.realtime_line import TICKET_PURPOSE
from workspace.secrets import SigningKey
from workspace.settings import Settings
from workspace.work import head_seq, open_work

ROOMS, ROOMS_EACH = 300, 20
CLIENTS_PER_PROCESS = 1500


@dataclass(frozen=True)
class Size:
    """How many clients, where, and how often something happens. most_ms: the goal of our own beside twice the floor."""

    clients: int
    scaled: bool
    pause_s: float
    most_ms: float | None = None

    @property
    def id(self) -> str:
        return f"R{self.clients}"


SIZES = (Size(200, False, 0.25), Size(1000, False, 0.5, 300.0), Size(3000, True, 1.0, 600.0))


@dataclass
class Pushed:
    """What one run showed. us: microseconds of each message to each client. *_us: processor time per message and client."""

    us: Sequence[int] = ()
    kib_each: float = 0.0
    server_us: float = 0.0
    clients_us: float = 0.0
    http_ms: list[float] = field(default_factory=list)

    def ms(self, share: float) -> float:
        return percentile(self.us, share) / 1000


def measure(quick: bool, only: Sequence[str] = ()) -> list[Row]:
    sizes = [size for size in SIZES if (size.id in only if only else not quick or size.clients == 200)]
    events = 20 if quick else 60
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mb-push-") as name:
        for size in sizes:
            folder = Path(name) / size.id
            folder.mkdir()
            floor = _floor(folder, size, events)
            ours = _scaled(folder, size, events) if size.scaled else _embedded(folder, size, events)
            rows += _rows(size, ours, floor)
    return rows


def _rows(size: Size, ours: Pushed, floor: Pushed) -> list[Row]:
    shape = "PostgreSQL, Redis, 2 processes" if size.scaled else "embedded"
    goal = min(2 * floor.ms(0.95), size.most_ms or float("inf"))

    def row(part: str, what: str, unit: str, of: Callable[[Pushed], float], goal: float | None = None) -> Row:
        return Row(f"{size.id}{part}", what, unit, "lower", of(ours), {"bare room": of(floor)}, goal)

    return [
        row("", f"An event to {size.clients} clients, {shape}: p95", "ms", lambda pushed: pushed.ms(0.95), goal),
        row("-p50", "The same, half of them", "ms", lambda pushed: pushed.ms(0.5)),
        row("-p99", "The same, 99 of 100", "ms", lambda pushed: pushed.ms(0.99)),
        row("-memory", "Memory of the realtime processes per client", "KiB", lambda pushed: pushed.kib_each),
        row("-cpu", "Their processor time per event and client", "µs", lambda pushed: pushed.server_us),
        row("-clients-cpu", "What the clients here took of the machine for it", "µs", lambda pushed: pushed.clients_us),
        Row(f"{size.id}-http", "Battle map over HTTP meanwhile: p99", "ms", "lower", percentile(ours.http_ms, 0.99)),
        Row(f"{size.id}-http-p50", "The same, half of them", "ms", "lower", percentile(ours.http_ms, 0.5)),
    ]


# --- ours


def _embedded(folder: Path, size: Size, events: int) -> Pushed:
    with running_product(folder / "p", MAINLINE_LIBVIRT_URI="test:///default") as product:
        settings = Settings(data_dir=product.data_dir, port=product.port)
        return _pushed(folder, size, events, product, settings, [product.port + 1], product.url)


def _scaled(folder: Path, size: Size, events: int) -> Pushed:
    with running_postgres() as postgres, running_redis() as redis_url:
        postgres.execute("CREATE DATABASE pushing")
        with running_site(folder, postgres.url("pushing"), redis_url) as site:
            return _pushed(folder, size, events, site.product, site.settings, site.realtime_ports, site.url)


def _pushed(folder: Path, size: Size, events: int, product: Product, settings: Settings, ports: Sequence[int], origin: str) -> Pushed:
    parts = make_parts(settings)
    database = parts.get(Database)
    try:
        with open_work(database, writes=False) as work:
            head = head_seq(work)

        def happen(timed: bool) -> None:
            facts: dict[str, Any] = {"sent_ns": time.monotonic_ns()} if timed else {}
            with open_work(database, parts=parts) as work:
                work.record(PeopleEvent.SITE_ADDED, subject=f"site:{new_id()}", rooms=["company"], name="武汉光谷店", **facts)

        for port in ports:
            wait_until(partial(_has_heard, port, head), within_s=60, what="the process has heard of the head and lets clients in")
        auths = [_auth(parts, number, head) for number in range(size.clients)]
        with _asked_meanwhile(product) as http_ms:
            pushed = _run(folder, size, events, auths, origin, ports, happen)
        pushed.http_ms = http_ms
        return pushed
    finally:
        parts.stop()
        database.dispose()


def _has_heard(port: int, head: int) -> bool:
    """Whether the relay has told a realtime process of this sequence."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/health")
    heard = int(json.loads(connection.getresponse().read())["head"])
    connection.close()
    return heard >= head


def _auth(parts: Parts, number: int, head: int) -> dict[str, str]:
    """A ticket for a member of their own, who is in a score of the company's lines and libraries."""
    rooms = ["company", f"member:{number}", *(f"line:01j00000000000000000000{(number + 7 * n) % ROOMS:03}" for n in range(ROOMS_EACH))]
    return {"ticket": parts.get(SigningKey).sign(TICKET_PURPOSE, {"member": f"m{number}", "rooms": rooms, "head": head})}


@contextlib.contextmanager
def _asked_meanwhile(product: Product) -> Iterator[list[float]]:
    """Milliseconds of each request for the demo line's battle map, one after the other."""
    caller, took_ms, stop = Caller(product.url, "linyue"), [], threading.Event()
    line = next(line["id"] for line in caller.get("/api/lines")["lines"] if line["name"] == DEMO_LINE)

    def ask() -> None:
        while not stop.wait(0.05):
            began = time.perf_counter()
            caller.page(f"/lines/{line}/board/fragment")
            took_ms.append((time.perf_counter() - began) * 1000)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield took_ms
    finally:
        stop.set()
        thread.join()


# --- the floor


def _floor(folder: Path, size: Size, events: int) -> Pushed:
    port = free_port()
    argv = [
        str(Path(sys.executable).parent / "gunicorn"),
        "benchmarks.pushing.bare:make_app()",
        "--worker-class",
        "gevent",
        "--workers",
        "1",
    ]
    argv += ["--worker-connections", "4000", "--bind", f"127.0.0.1:{port}", "--timeout", "60"]
    with (folder / "bare.log").open("wb") as log:
        server = subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log)
    try:
        wait_until(lambda: http_answers("127.0.0.1", port, "/"), within_s=30, what="the bare room answers")
        return _run(folder, size, events, [{}] * size.clients, f"http://127.0.0.1:{port}", [port], lambda timed: _emit(port, timed))
    finally:
        server.terminate()
        server.wait()


def _emit(port: int, timed: bool) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/emit" if timed else "/warm")
    connection.getresponse().read()
    connection.close()


# --- both


def _run(
    folder: Path, size: Size, events: int, auths: list[dict[str, str]], origin: str, ports: Sequence[int], happen: Callable[[bool], None]
) -> Pushed:
    """happen: one event or message to all; True = it says when."""
    pids = [pid for port in ports for pid in _family(_listener(port))]
    idle_mib = resident_mib(*pids)
    with _clients(folder, auths, origin, ports) as clients:
        happen(False)  # The first one finds everything cold.
        time.sleep(max(1.0, 2 * size.pause_s))
        pushed = Pushed(kib_each=(resident_mib(*pids) - idle_mib) * 1024 / size.clients)
        before = sum(map(cpu_s, pids)), sum(cpu_s(client.pid) for client in clients)
        for _number in range(events):
            happen(True)
            time.sleep(size.pause_s)
        time.sleep(1)
        after = sum(map(cpu_s, pids)), sum(cpu_s(client.pid) for client in clients)
        pushed.server_us, pushed.clients_us = ((now - then) * 1e6 / events / size.clients for then, now in zip(before, after, strict=True))
    arrived = array("I")
    for part in sorted(folder.glob("result-*")):
        arrived.frombytes(part.read_bytes())
        part.unlink()
    if len(arrived) != events * size.clients:
        raise RuntimeError(f"{len(arrived)} of {events * size.clients} messages arrived")
    pushed.us = arrived
    return pushed


@contextlib.contextmanager
def _clients(folder: Path, auths: list[dict[str, str]], origin: str, ports: Sequence[int]) -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes with all clients connected; each writes what it measured when it ends."""
    running = []
    try:
        for start in range(0, len(auths), CLIENTS_PER_PROCESS):
            plan = folder / f"plan-{start}.json"
            plan.write_text(json.dumps({"ports": ports, "origin": origin, "auths": auths[start : start + CLIENTS_PER_PROCESS]}))
            argv = [sys.executable, "-m", "benchmarks.pushing.clients", str(plan), str(folder / f"result-{start}")]
            running.append(subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        for client in running:
            assert client.stdout is not None
            if client.stdout.readline().strip() != "connected":
                raise RuntimeError("clients could not connect")
        yield running
        for client in running:
            client.communicate("stop\n", timeout=60)
    finally:
        for client in running:
            client.kill()
            client.wait()


def _listener(port: int) -> int:
    """Process that listens there, the oldest of its family."""
    inodes = {
        f"socket:[{row[9]}]" for row in map(str.split, Path("/proc/net/tcp").read_text().splitlines()) if row[1].endswith(f":{port:04X}")
    }
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(handle.readlink().name in inodes for handle in (process / "fd").iterdir()):
                found.append(int(process.name))
    return min(found)


def _family(pid: int) -> list[int]:
    """gunicorn's arbiter and its workers."""
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

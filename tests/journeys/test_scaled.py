"""The scaled-out shape: two web processes on PostgreSQL and Redis tell the server's part of the story as one does on SQLite."""

import http.client
import json
import os
import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from app import CALENDAR_RATE_LIMIT
from tests.journeys.server_story import Caller, Company, Live, Told
from tests.product import Product, wait_until
from tests.realtime.cuts import CUTS, TIMEOUT_S, run_cuts
from tests.scaled import WEB_PROCESSES, Site
from workspace.db import new_id

pytestmark = [pytest.mark.server, pytest.mark.timeout(TIMEOUT_S)]
RACES = 10


@pytest.fixture
def product(scaled_site: Site, monkeypatch: pytest.MonkeyPatch) -> Product:
    """Commands go to the web processes themselves; what is pushed comes through nginx."""
    monkeypatch.setenv("WEBSOCKET_CLIENT_CA_BUNDLE", str(scaled_site.ca))
    return scaled_site.product


def test_story_when_two_web_processes_on_postgresql_and_redis_then_it_passes(product: Product, redis_server: str) -> None:
    company = Company(product.url)
    live = Live(company.designer)
    told = company.tell("双十一大促", [os.urandom(200_000), os.urandom(300_000)])
    outsiders_see_nothing(product, told)
    events_arrive_live(company, live, told)
    double_submits_do_one(product, company, told)
    company.check(told)
    audit_tells_all(product, company, told)
    limit_counts_for_both(product, redis_server)


def test_browsers_when_cut_at_random_then_the_log_is_the_database_s(scaled_site: Site, redis_server: str, short_tmp: Path) -> None:
    """Redis loses its listeners, one of the two processes that push dies, and one of the two relays."""
    product = scaled_site.product
    with redis.Redis.from_url(redis_server) as broker:
        kills = [lambda: broker.client_kill_filter(_type="pubsub"), lambda: product.kill("realtime"), lambda: product.kill("worker")]
        outcome = run_cuts(
            scaled_site.settings, product.url, short_tmp / "scaled-cuts", cuts=CUTS or 100, front=scaled_site.url, ca=scaled_site.ca,
            kills=kills * (2 if CUTS else 1),
        )  # fmt: skip
        for name in ("worker", "realtime"):
            product.wait_for(name)
    outcome.require_none()


def outsiders_see_nothing(product: Product, told: Told) -> None:
    outsider = Caller(product.url, "heqing")
    for path in ("", "/board", "/tasks", "/feed"):
        assert outsider.status(f"/api/lines/{told.line}{path}") == 404, path
    for path in (f"/lines/{told.line}", f"/lines/{told.line}/board", f"/library/{told.library}", f"/library/assets/{told.asset}"):
        assert outsider.status(path) == 404, path
    for path in (f"/api/tasks/{told.task}", f"/api/approvals/{told.approval}", f"/library/assets/{told.asset}/versions/1/content"):
        assert outsider.status(path) == 404, path
    assert told.name not in json.dumps(outsider.events(), ensure_ascii=False)
    assert told.name not in outsider.page("/lines")


def events_arrive_live(company: Company, live: Live, told: Told) -> None:
    """Everything came, and what a further step brings is pushed; what a heartbeat tells of first is fetched, and the next step is not."""
    wait_until(live.is_complete, what="the open page has every event", every_s=0.5)
    for number in range(3):
        company.post(told, f"直播间 {number} 已就位")
        [seq] = [event["seq"] for event in company.feed(told) if told.posts[-1] in event["words"]]
        wait_until(lambda seq=seq: seq in live.seqs, what="the post arrived")
        if seq in live.pushed:
            break
    assert seq in live.pushed
    live.close()
    assert {"library.version.committed", "main_lines.approval.approved", "main_lines.task.signed"} <= live.kinds()


def double_submits_do_one(product: Product, company: Company, told: Told) -> None:
    """The same command with the same key reaches both processes at one moment."""
    connections = one_connection_each(product)
    for number in range(RACES):
        text = f"同一条进展，第 {number} 次"
        answers = race(connections, company.designer, f"/api/lines/{told.line}/posts", {"text": text})
        assert [status for status, _body in answers] == [201, 201], answers
        assert answers[0][1] == answers[1][1], "the second got the first one's answer"
        told.posts.append(text)
    body = {"template": "leave", "title": "调休", "to": [company.ids["陈墨"]], "values": LEAVE}
    answers = race(connections, company.designer, "/api/approvals", body)
    assert [status for status, _body in answers] == [201, 201], answers
    [approval] = {json.loads(body)["approval_id"] for _status, body in answers}
    step = company.approver.get(f"/api/approvals/{approval}")["step_id"]
    answers = race(connections, company.approver, f"/api/approvals/{approval}/finish", {"step_id": step})
    assert [status for status, _body in answers] == [200, 200], answers
    subject = f"approval:{approval}"
    kinds = Counter(event["kind"] for event in company.approver.events() if event["subject"] == subject)
    assert (kinds["main_lines.approval.submitted"], kinds["main_lines.approval.approved"]) == (1, 1), kinds
    for connection in connections:
        connection.close()


LEAVE = {"kind": "调休", "from": "2026-12-01", "to": "2026-12-02", "reason": "大促后调休"}


def one_connection_each(product: Product) -> list[http.client.HTTPConnection]:
    """An open connection to each of the web processes: both accept from the one port."""
    found: dict[int, http.client.HTTPConnection] = {}
    deadline = time.monotonic() + 60
    while len(found) < WEB_PROCESSES:
        assert time.monotonic() < deadline, f"one of {product.web_workers()} never accepts a connection"
        waiting = [connected(product) for _ in range(8)]
        for connection in waiting:
            found.setdefault(worker_behind(product, connection), connection)
        for connection in waiting:
            if connection not in found.values():
                connection.close()
    assert set(found) == set(product.web_workers())
    return list(found.values())


def connected(product: Product) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30)
    connection.request("GET", "/health")
    assert connection.getresponse().read()
    return connection


def worker_behind(product: Product, connection: http.client.HTTPConnection) -> int:
    """Pid of the web process that answers on this connection: the owner of the socket at its other end."""
    ours = connection.sock.getsockname()[1]
    ends = f"0100007F:{product.port:04X} 0100007F:{ours:04X}".split()
    [inode] = [row[9] for row in map(str.split, Path("/proc/net/tcp").read_text().splitlines()) if row[1:3] == ends]
    for pid in product.web_workers():
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                if handle.readlink().name == f"socket:[{inode}]":
                    return pid
    raise AssertionError("no web process holds the other end")


def race(connections: list[http.client.HTTPConnection], person: Caller, path: str, body: dict[str, object]) -> list[tuple[int, bytes]]:
    """Send one command over every connection at one moment, all with one key."""
    headers, together = person.headers(new_id()), threading.Barrier(len(connections))

    def send(connection: http.client.HTTPConnection) -> tuple[int, bytes]:
        together.wait()
        connection.request("POST", path, body=json.dumps(body), headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    with ThreadPoolExecutor(len(connections)) as pool:
        return list(pool.map(send, connections))


def audit_tells_all(product: Product, company: Company, told: Told) -> None:
    audit = company.director.page("/audit")
    for word in (told.name, "主视觉.psd", "林悦", "苏航", "陈墨"):
        assert word in audit, f"the audit does not tell of {word}"
    assert "chain unbroken" in product.command("verify")


def limit_counts_for_both(product: Product, redis_server: str) -> None:
    """Requests are counted in Redis, together for both processes: with a count each more would pass. A calendar's limit is the lowest."""
    with redis.Redis.from_url(redis_server) as storage:
        assert any(key.startswith(b"LIMITS:") for key in storage.scan_iter())
    page = Caller(product.url, "wuhao").send("POST", "/calendar", body="name=phone", kind="application/x-www-form-urlencoded")
    address = re.search(r"/calendar/[\w-]+\.ics", page.data.decode())
    assert address, page.data.decode()
    limit, answers = int(CALENDAR_RATE_LIMIT.split()[0]), []
    for connection, asked in zip(one_connection_each(product), (limit // 2, limit - limit // 2 + 1), strict=True):
        for _request in range(asked):
            connection.request("GET", address[0])
            answer = connection.getresponse()
            answer.read()
            answers.append(answer.status)
        connection.close()
    assert answers == [200] * limit + [429]

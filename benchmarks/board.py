"""The battle map of a main line with 100, 1,000 and 10,000 task orders and 100,000 events.

A real product on this machine; every order waits for the one before it in its department. Server: one request for the map after
another, signed in, over loopback. Usable: a real Chromium, from the address to the map that answers.
"""

import gzip
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete

from benchmarks.harness import Row, percentile
from benchmarks.syncing.site import Site, running_site
from main_lines.feed.models import PostEvent
from main_lines.lines.actions import open_line
from main_lines.lines.models import MainLine
from main_lines.lines.rules import LineKind
from main_lines.plans.actions import link_orders
from main_lines.playbooks.actions import open_line_from
from main_lines.playbooks.rules import PlaybookKey
from main_lines.tasks.actions import Draft, write_tasks
from tests.browser import PC, Visit, chromium
from tests.house import member_named
from wiring import make_parts
from workspace.db import Database
from workspace.jobs.models import Job
from workspace.parts import Parts
from workspace.people.queries import list_departments, list_members
from workspace.roles.access import permissions_of
from workspace.settings import Settings
from workspace.work import Actor, Work, open_work

EVENTS = 100_000
AT_ONCE = 1000
DAYS = 120
SIZES = (100, 1000, 10_000)
GOALS_MS = {1000: 100.0}


def measure(quick: bool) -> list[Row]:
    sizes = SIZES[:2] if quick else SIZES
    rows = []
    with tempfile.TemporaryDirectory(prefix="mb-board-") as name, running_site(Path(name) / "site") as site:
        with _parts(site) as parts:
            lines = {size: _filled(parts, size, EVENTS // 10 if quick else EVENTS) for size in sizes}
            rows.append(Row("B-open", "Opening 双十一 from its playbook, median of 5", "s", "lower", _opening_s(parts), goal=1.0))
        site.settle()
        for size, line_id in lines.items():
            took_ms, sent = _asked(site, f"/lines/{line_id}/board/fragment", 10 if size > 1000 else 40)
            plan_ms, _plan_bytes = _asked(site, f"/lines/{line_id}/plan/rows", 5 if size > 1000 else 20)
            rows += [
                Row(f"B{size}", f"Battle map of {size} orders: server, median", "ms", "lower", statistics.median(took_ms),
                    goal=GOALS_MS.get(size)),
                Row(f"B{size}-p95", "The same, 95 of 100", "ms", "lower", percentile(took_ms, 0.95)),
                Row(f"B{size}-bytes", "Its bytes, compressed by gzip", "kB", "lower", sent / 1000),
                Row(f"B{size}-timeline", "Timeline of the same line: server, median", "ms", "lower", statistics.median(plan_ms)),
            ]  # fmt: skip
        rows.append(Row("B1000-growth", "10 times the orders: times as long", "×", "lower", rows[5].ours / rows[1].ours))
        rows.append(Row("B1000-usable", "Battle map of 1000 orders usable in a browser, median of 5", "s", "lower",
                        _usable_s(site, lines[1000]), goal=1.5))  # fmt: skip
    return rows


@contextmanager
def _parts(site: Site) -> Iterator[Parts]:
    parts = make_parts(Settings(data_dir=site.product.data_dir, port=site.product.port))
    yield parts
    parts.get(Database).dispose()


def _director(parts: Parts) -> Actor:
    with open_work(parts.get(Database), writes=False) as work:
        member = member_named(work, "林悦")
        return Actor(member.id, member.name, permissions_of(work, member.id))


def _filled(parts: Parts, orders: int, events: int) -> str:
    """A line with its orders over all departments, and posts until it has so many events."""
    director = _director(parts)
    with open_work(parts.get(Database), actor=director, parts=parts) as work:
        people = list_members(work)
        line = open_line(work, name=f"{orders} 张任务单", kind=LineKind.PROMOTION, d_day=_d_day(), member_ids=[card.id for card in people])
        departments = [department_id for department_id, _name in list_departments(work)]
        line_id = line.id
    for start in range(0, orders, AT_ONCE):
        with open_work(parts.get(Database), actor=director, parts=parts) as work:
            drafts = [
                Draft(f"第 {number} 件事", departments[number % len(departments)], owner_id=people[number % len(people)].id,
                      due_offset=number % DAYS - DAYS // 2, days=3)
                for number in range(start, min(orders, start + AT_ONCE))
            ]  # fmt: skip
            written = write_tasks(work, line_id, drafts, submit=True)
            for before, after in zip(written, written[len(departments) :], strict=False):
                link_orders(work, after, before)
    for _batch in range(max(0, events - 3 * orders) // AT_ONCE):
        with open_work(parts.get(Database), actor=director, parts=parts) as work:
            _posts(work, work.session.get_one(MainLine, line_id))
    with parts.get(Database).session(writes=True) as session:
        session.execute(delete(Job).where(Job.name == "main_lines.post_notices"))  # They call nobody, and it is the map that is measured.
        session.commit()
    return line_id


def _posts(work: Work, line: MainLine) -> None:
    for number in range(AT_ONCE):
        work.record(PostEvent.MADE, subject=line.room, rooms=[line.room], line=line.name, line_id=line.id, post=number)


def _d_day() -> date:
    return datetime.now(UTC).date() + timedelta(days=DAYS // 3)


def _opening_s(parts: Parts) -> float:
    took = []
    for number in range(5):
        began = time.perf_counter()
        with open_work(parts.get(Database), actor=_director(parts), parts=parts) as work:
            open_line_from(work, name=f"双十一 {number}", kind=LineKind.PROMOTION, d_day=_d_day(), playbook=PlaybookKey.DOUBLE11)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _asked(site: Site, path: str, times: int) -> tuple[list[float], int]:
    """Milliseconds of each request after two to warm up, and the bytes of an answer under gzip."""
    caller = site.caller("林悦")
    took, sent = [], 0
    for number in range(times + 2):
        began = time.perf_counter()
        answer = caller.send("GET", path, accept="text/html")
        if number >= 2:
            took.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        sent = len(gzip.compress(answer.data, 6))
    return took, sent


def _usable_s(site: Site, line_id: str) -> float:
    took = []
    with chromium() as browser:
        visit = Visit(browser, site.product.url, size=PC).sign_in("linyue")
        for _time in range(5):
            visit.go(f"/lines/{line_id}/board")
            visit.page.wait_for_selector(".map-grid")
            took.append(visit.page.evaluate("performance.now()") / 1000)
        visit.context.close()
    return statistics.median(took)

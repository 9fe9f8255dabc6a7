"""Random cuts: browsers that lose their line again and again while people write, join and leave, and processes are killed.

One seed decides whom it hits and when; the machine decides the rest. At the end each browser's journal is judged by the event table.
"""

import json
import os
import random
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.house import member_named
from tests.journeys.server_story import Caller
from tests.product import wait_until
from tests.realtime.judge import Happened, Verdict, judge
from tests.static.test_scripts import node
from wiring import make_parts
from workspace.db import Database
from workspace.events.access import rooms_of
from workspace.events.models import Event
from workspace.parts import Parts
from workspace.people.models import PeopleEvent
from workspace.roles.access import permissions_of
from workspace.settings import ROOT, Settings
from workspace.work import Actor, Work, open_work

STAYS = ("linyue", "suhang", "chenmo")
COMES_AND_GOES = ("zhaoning", "luoyi")
OUTSIDE = "heqing"
NAMES = {"linyue": "林悦", "suhang": "苏航", "chenmo": "陈墨", "zhaoning": "赵宁", "luoyi": "罗伊", "heqing": "何青"}
WRITERS = 3
# From script/check-realtime; the suite makes fewer, and faster.
CUTS = int(os.environ.get("REALTIME_CUTS", "0"))
SEED = int(os.environ.get("REALTIME_SEED", "0"))
TIMEOUT_S = int(os.environ.get("REALTIME_TIMEOUT_S", "300"))
PAUSE_S = 0.1 if CUTS else 0.02
SETTLED_WITHIN_S = 60
NUDGE_EVERY_S = 8
LONGEST_CUT_MS = 120
SHOWN_AT_LEAST = 5  # Of the newest events of a line, on its page.


@dataclass
class Outcome:
    """What a run showed. torn: heads of pages that miss something which no event after the head would bring."""

    seed: int
    cuts: int = 0
    kills: int = 0
    moves: int = 0
    events: int = 0
    due: int = 0
    connections: int = 0
    pages: int = 0
    torn: list[int] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    seconds: float = 0.0
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    @property
    def faults(self) -> dict[str, Verdict]:
        return {login: verdict for login, verdict in self.verdicts.items() if verdict}

    def require_none(self) -> None:
        """AssertionError when anything was found; prints what was done, with the seed, either way."""
        print(self)
        assert not self.faults, "\n".join([str(self.faults), *self.told])
        assert not self.torn, self.torn

    def __str__(self) -> str:
        found = {name: sum(len(getattr(verdict, name)) for verdict in self.verdicts.values()) for name in FAULTS}
        told = ", ".join(f"{count} {name}" for name, count in found.items())
        return (
            f"seed {self.seed}: {self.cuts} cuts, {self.connections} connections, {self.kills} kills, {self.moves} moves of members, "
            f"{self.events} events, {self.due} times one was due in {len(self.verdicts)} browsers: {told}; "
            f"{self.pages} pages drawn meanwhile, {len(self.torn)} without something that their head covers; {self.seconds:.0f} s"
        )


FAULTS = ("missed", "doubled", "disordered", "leaked", "unpurged")


class Browsers:
    """The node process of browsers.mjs. people: cookie, csrf, member, head, epoch."""

    def __init__(self, url: str, scripts: Path, people: Sequence[dict[str, Any]], *, ca: Path | None = None) -> None:
        told = json.dumps({"url": url, "scripts": str(scripts), "people": people})
        trusted = {"NODE_EXTRA_CA_CERTS": str(ca)} if ca else {}
        argv = [node(), str(ROOT / "tests/realtime/browsers.mjs"), told]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **trusted}, text=True)
        assert self._answer() == "ready"

    def cut(self, browser: int, ms: int) -> None:
        self._say({"cut": browser, "ms": ms})

    def report(self) -> list[dict[str, Any]]:
        self._say({"report": True})
        found: list[dict[str, Any]] = self._answer()
        return found

    def come_back(self, times: int) -> None:
        """Until they have connected so often: on a slow machine all cuts would fall into one absence."""
        wait_until(lambda: sum(report["lives"] for report in self.report()) >= times, what=f"they connected {times} times")

    def settled(self, mark: int) -> list[dict[str, Any]]:
        """The reports once everybody has the last event. The line stays up, so nobody waits half a minute for the next attempt."""
        nudge_at = time.monotonic() + NUDGE_EVERY_S
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while True:
            reports = self.report()
            behind = [(report["lives"], report["journal"][-1:]) for report in reports if not _has(report, mark)]
            if not behind:
                return reports
            assert time.monotonic() < deadline, behind
            if time.monotonic() > nudge_at:
                self.hurry()
                nudge_at += NUDGE_EVERY_S
            time.sleep(0.3)

    def hurry(self) -> None:
        """Who waits for the next attempt to connect makes it now."""
        self._say({"online": True})

    def close(self) -> None:
        with suppress(BrokenPipeError):
            self._process.communicate(timeout=20)

    def _say(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the browsers ended: {self._process.wait()}"
        return json.loads(line)


def scripts_in(folder: Path) -> Path:
    """Our browser modules as a package, so that node finds ``mainline/feed`` as the import map of a page does."""
    package = folder / "node_modules" / "mainline"
    package.mkdir(parents=True)
    for script in (ROOT / "static/js").glob("*.js"):
        shutil.copy(script, package)
    (package / "package.json").write_text(json.dumps({"name": "mainline", "type": "module", "exports": {"./*": "./*.js"}}))
    return package


def run_cuts(
    settings: Settings, url: str, folder: Path, *, cuts: int, front: str = "", ca: Path | None = None,
    kills: Sequence[Callable[[], object]] = (),
) -> Outcome:  # fmt: skip
    """url: of the web process. front: what browsers speak to, when it is another. kills: done one after another, evenly over the run."""
    seed = SEED or random.SystemRandom().randrange(1, 10**9)
    outcome, chance, began = Outcome(seed), random.Random(seed), time.monotonic()
    with _parts_of(settings) as parts, _writing(_Story(parts, url), chance.randrange(2**32)) as (story, end):
        people = story.people()
        before = {person["login"]: (story.rooms(person["login"]), person["head"]) for person in people}
        with closing(Browsers(front or url, scripts_in(folder), people, ca=ca)) as browsers:
            for number in range(cuts):
                browsers.cut(chance.randrange(len(people)), chance.randrange(LONGEST_CUT_MS))
                if number % 8 == 4:
                    browsers.come_back(number // 2)
                    story.move(chance.choice(COMES_AND_GOES))
                    story.draw_page()
                    outcome.moves += 1
                if kills and number % max(1, cuts // len(kills)) == max(1, cuts // len(kills)) // 2 and outcome.kills < len(kills):
                    kills[outcome.kills]()
                    outcome.kills += 1
                time.sleep(chance.expovariate(1 / PAUSE_S))
            end()
            mark = story.mark()
            reports = browsers.settled(mark)
        events = story.events(min(head for _rooms, head in before.values()))
        outcome.torn = story.torn_pages()
        outcome.pages = len(story.drawn)
    outcome.cuts, outcome.events, outcome.seconds = cuts, len(events), time.monotonic() - began
    for person, report in zip(people, reports, strict=True):
        rooms, head = before[person["login"]]
        verdict = judge(person["member"], rooms, [event for event in events if event.seq > head], report["journal"])
        assert not report["resyncs"], "so little was written that nobody was to fetch everything anew"
        outcome.verdicts[person["login"]] = verdict
        if verdict:
            outcome.told += told_of(person["member"], verdict, events, report["journal"])
        outcome.due += verdict.due
        outcome.connections += report["lives"]
    return outcome


def page_of(caller: Caller) -> dict[str, Any]:
    """What a page that is drawn for them now is told, beside who they are."""
    ticket = caller.command("/api/realtime/ticket")
    csrf = caller.headers("")["X-CSRF-Token"]
    return {"cookie": caller.cookie(), "csrf": csrf, "head": ticket["head"], "epoch": ticket["epoch"]}


def _has(report: dict[str, Any], mark: int) -> bool:
    return any(what == mark for _kind, what, *_rest in report["journal"])


def told_of(member: str, verdict: Verdict, events: Sequence[Happened], journal: Sequence[Sequence[Any]]) -> list[str]:
    """What happened to the member's rooms, and what their browser wrote down, around what is wrong."""
    wrong = {*verdict.missed, *verdict.doubled, *verdict.disordered, *verdict.leaked}
    near = range(min(wrong, default=0) - 30, max(wrong, default=0) + 10)
    moves = [(event.seq, event.at, event.opens(member), event.closes(member)) for event in events if member in str(event.changed)]
    written = [entry for entry in journal if entry[0] == "purge" or entry[1] in near]
    return [f"moves {moves}", f"rooms {[(event.seq, event.rooms) for event in events if event.seq in wrong]}", f"journal {written}"]


@contextmanager
def _parts_of(settings: Settings) -> Iterator[Parts]:
    parts = make_parts(settings)
    yield parts
    parts.stop()
    parts.get(Database).dispose()


class _Story:
    """A line of the director's with members who stay and members who come and go, and what happens in it."""

    def __init__(self, parts: Parts, url: str) -> None:
        self._parts, self._database = parts, parts.get(Database)
        self.callers = {login: Caller(url, login) for login in NAMES}
        director = self.callers["linyue"]
        with open_work(self._database, writes=False) as work:
            self.ids = {login: member_named(work, name).id for login, name in NAMES.items()}
        members = [self.ids[login] for login in (*STAYS[1:], *COMES_AND_GOES)]
        self.line = director.command("/api/lines", {"name": "断线演练", "d_day": "2027-11-11", "members": members})["id"]
        self._inside = set(COMES_AND_GOES)
        self.drawn: list[tuple[int, set[int]]] = []
        self.rooms_written = ([f"line:{self.line}"], [f"line:{self.line}", "audit"], ["company"], [f"member:{self.ids[OUTSIDE]}"])

    def people(self) -> list[dict[str, Any]]:
        """Their pages are drawn now."""
        found = []
        for login, caller in self.callers.items():
            found.append({"login": login, "member": self.ids[login], **page_of(caller)})
        return found

    def rooms(self, login: str) -> set[str]:
        with open_work(self._database, writes=False) as work:
            permissions = permissions_of(work, self.ids[login])
        with open_work(self._database, actor=Actor(self.ids[login], NAMES[login], permissions), writes=False) as work:
            return rooms_of(work)

    def move(self, login: str) -> None:
        """Out of the line, or back into it."""
        where = f"/lines/{self.line}/members"
        if login in self._inside:
            self.callers["linyue"].submit(f"{where}/{self.ids[login]}/remove", {})
        else:
            self.callers["linyue"].submit(where, {"member_id": self.ids[login]})
        self._inside ^= {login}

    def draw_page(self) -> None:
        """The feed as it is drawn while others write: the head that its scripts begin with, and the events that it shows."""
        page = self.callers["suhang"].page(f"/lines/{self.line}")
        head = re.search(r'"head": ?(\d+)', page)
        assert head, page[:2000]
        self.drawn.append((int(head.group(1)), {int(seq) for seq in re.findall(r'id="event-(\d+)"', page)}))

    def torn_pages(self) -> list[int]:
        """Heads of pages that lack one of the line's last events up to their head."""
        room, torn = f"line:{self.line}", []
        events = self.events(0)
        for head, shown in self.drawn:
            ours = [event.seq for event in events if event.seq <= head and room in event.rooms and event.kind == PeopleEvent.SITE_ADDED]
            last = ours[-SHOWN_AT_LEAST:]
            torn += [] if shown and set(last) <= shown else [head]
        return torn

    def post(self, login: str, text: str) -> None:
        self.callers[login].command(f"/api/lines/{self.line}/posts", {"text": text})

    def record(self, rooms: Sequence[str]) -> None:
        with open_work(self._database, parts=self._parts) as work:
            self._say(work, rooms)

    def mark(self) -> int:
        """An event for everybody; its sequence."""
        with open_work(self._database, parts=self._parts) as work:
            self._say(work, ["company"])
        with open_work(self._database, writes=False) as work:
            return int(work.session.scalars(select(Event.seq).order_by(Event.seq.desc()).limit(1)).one())

    def events(self, since: int) -> list[Happened]:
        columns = (Event.seq, Event.at, Event.rooms, Event.rooms_changed, Event.kind)
        with open_work(self._database, writes=False) as work:
            rows = work.session.execute(select(*columns).where(Event.seq > since).order_by(Event.seq)).all()
        return [Happened(row.seq, row.at.timestamp(), tuple(row.rooms), row.rooms_changed, row.kind) for row in rows]

    def _say(self, work: Work, rooms: Sequence[str]) -> None:
        work.record(PeopleEvent.SITE_ADDED, subject="site:x", rooms=rooms, name="武汉")


@contextmanager
def _writing(story: "_Story", seed: int) -> Iterator[tuple["_Story", Callable[[], None]]]:
    """Several write at one moment, by HTTP and past it, until what is given here is called."""
    stop, faults = threading.Event(), []

    def write(number: int) -> None:
        chance = random.Random(seed + number)
        try:
            while not stop.wait(chance.expovariate(1 / 0.05)):
                if chance.random() < 0.2:
                    story.post(STAYS[number], f"第 {chance.random()} 条")
                else:
                    story.record(chance.choice(story.rooms_written))
        except BaseException as error:  # noqa: BLE001  It is raised where the run waits.
            faults.append(error)

    def end() -> None:
        stop.set()
        for thread in threads:
            thread.join()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield story, end
    finally:
        end()
    if faults:
        raise faults[0]

"""Pages that stay open: whether what they show after an event is what a fresh read shows.

``OpenPages`` holds every page of a person that moves by itself. Around a commit it does as refresh.js does: what the events of that
person name is fetched again, the rest stays as it was; and then compares with a fresh read of all. As a pytest plugin, which is what
``script/check-realtime --kinds`` runs, it does so around the commits of whatever tests run, until each kind of event was seen a few
times, and prints what was found.
"""

import itertools
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from flask import Flask
from sqlalchemy import select

import app as composition
from main_lines.alerts.models import Alert
from main_lines.approvals.models import Approval
from main_lines.checks.models import StoreCheck, StoreSheet
from main_lines.lines.models import MainLine
from main_lines.numbers.models import Metric
from main_lines.playbooks.models import CompanyPlaybook
from main_lines.tasks.models import TaskOrder
from sync.library.assets.models import Node
from sync.library.libraries.models import Library
from tests.house import Person, sign_in
from workspace.db import Database
from workspace.events.access import rooms_of
from workspace.events.kinds import EventKind, all_kinds
from workspace.people.queries import list_members
from workspace.roles.access import permissions_of
from workspace.web import RouteFacts
from workspace.work import Actor, Recorded, Work, open_work

VIEWERS = ("linyue", "suhang", "chenmo", "guanli")
TIMES_EACH = int(os.environ.get("KINDS_TIMES", "2"))
KINDS_NAMED = ("line", "task", "approval", "asset", "library", "folder", "check", "sheet", "alert", "playbook", "metric")
SUBJECTS = {kind: f"{kind}_id" for kind in KINDS_NAMED}
# What differs each time although nothing has happened: how long ago or by now, keys of forms, tokens.
RESTLESS = re.compile(
    r"<time\b.*?</time>|刚刚|\d+ ?(?:秒|分钟)前|>\d+ 分钟<|data-look=\"[^\"]*\"|nonce=\"[^\"]*\""
    r"|<progress\b[^>]*>|name=\"\w*(?:key|token)\w*\" value=\"[^\"]*\"|value=\"[^\"]*\" name=\"\w*(?:key|token)\w*\"",
    re.S,
)


@dataclass(frozen=True)
class Fragment:
    """A part of a page that listens. page: the rule of the route that shows it."""

    page: str
    on: str
    room: str
    url: str

    def hears(self, kind: str, rooms: Iterable[str]) -> bool:
        """As refresh.js decides."""
        fits = any(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), kind) for pattern in self.on.split())
        fits = fits or kind.startswith(("main_lines.director.", "main_lines.phase.closed", "main_lines.gate.reopened"))  # MOVES_ALL
        return fits and (not self.room or self._lies_in(rooms))

    def is_purged(self, left: Iterable[str]) -> bool:
        """As refresh.js decides when the reader has left these rooms: what gathers from many may have shown something of them."""
        return not self.room or self._lies_in(left)

    def _lies_in(self, rooms: Iterable[str]) -> bool:
        return any(room == self.room or room.startswith(f"{self.room}/") for room in rooms)


class _Finder(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self._page, self.found = page, []

    def handle_starttag(self, _tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = {name: unescape(value or "") for name, value in attributes}
        if named.get("data-refresh-on") and named.get("data-refresh-url"):
            found = Fragment(self._page, named["data-refresh-on"], named.get("data-refresh-room", ""), named["data-refresh-url"])
            self.found.append(found)


def fragments_in(page: str, html: str) -> list[Fragment]:
    finder = _Finder(page)
    finder.feed(html)
    return finder.found


@dataclass(frozen=True)
class Stale:
    """A fragment that shows something else than a fresh read, although its reader was sent all events."""

    kinds: tuple[str, ...]
    login: str
    fragment: Fragment
    shown: str
    fresh: str
    test: str = field(default_factory=lambda: os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0])

    def __str__(self) -> str:
        where = f"{', '.join(self.kinds)}: {self.fragment.url} on {self.fragment.page} ({self.login})"
        return f"{where}, {self.test}\n  shown {self.shown!r}\n  fresh {self.fresh!r}"


class OpenPages:
    """One person's pages about certain things. ids: by the names that routes use."""

    def __init__(self, person: Person, login: str, ids: dict[str, str], *, only: str = "") -> None:
        self._person, self._login = person, login
        self.held: dict[Fragment, str] = {}
        facts: list[RouteFacts] = person.client.application.extensions["mainline"].facts
        for route in facts:
            if not route.is_api and "GET" in route.methods and (route.endpoint, login) not in _STILL and re.match(only, route.rule):
                self._open(route, ids)
        self.read_again()

    def read_again(self) -> None:
        """Everything as it is now. To open the pages anew would cost three times as much, and find the same parts on them."""
        read = self._read({fragment.url for fragment in self.held})
        self.held = {fragment: read[fragment.url] for fragment in self.held}

    def _open(self, route: RouteFacts, ids: dict[str, str]) -> None:
        wanted = re.findall(r"<(?:\w+:)?(\w+)>", route.rule)
        if not ids.keys() >= set(wanted):
            return
        answer = self._person.get(re.sub(r"<(?:\w+:)?(\w+)>", lambda found: ids[found.group(1)], route.rule))
        if answer.status_code != 200 and wanted:
            return  # Another thing of its kind may be this person's.
        moves = answer.status_code == 200 and answer.mimetype == "text/html"
        found = fragments_in(route.rule, answer.get_data(as_text=True)) if moves else []
        if not found:
            _STILL.add((route.endpoint, self._login))
        self.held.update(dict.fromkeys(found, ""))

    def _read(self, urls: Iterable[str]) -> dict[str, str]:
        answers = {url: self._person.get(url, headers={"HX-Request": "true", "Accept": "text/html"}) for url in urls}
        return {
            url: RESTLESS.sub("", answer.get_data(as_text=True)) if answer.status_code == 200 else f"status {answer.status_code}"
            for url, answer in answers.items()
        }

    def after(self, events: Sequence[tuple[str, Sequence[str]]], *, left: Sequence[str] = (), about: Sequence[str] = ()) -> list[Stale]:
        """events: kind and places (subject, rooms) of each that the person was sent. left: rooms that they were told to purge.

        about: kinds to name in what is found.
        """
        stale, before = [], self.held
        self.read_again()
        told = [fragment for fragment in self.held if any(fragment.hears(kind, rooms) for kind, rooms in events)]
        told += [fragment for fragment in self.held if left and fragment.is_purged(left)]
        # What stands inside a part that is fetched again is fetched again with it.
        within = {unescape(url) for fragment in told for url in re.findall(r'data-refresh-url="([^"]*)"', before[fragment])}
        for fragment, shown in before.items():
            fresh = self.held[fragment]
            if fresh != shown and fragment not in told and fragment.url not in within:
                place = sum(1 for _same in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(shown, fresh, strict=False)))
                around = slice(max(0, place - 60), place + 100)
                stale.append(Stale(tuple(about or [kind for kind, _rooms in events]), self._login, fragment, shown[around], fresh[around]))
        return stale


_STILL: set[tuple[str, str]] = set()
"""Endpoints whose pages have no part that moves for this person, or that they may not open: their absence costs as much as a page."""


def newest_ids(work: Work) -> dict[str, str]:
    """One of each thing that pages are about."""
    found = {}
    for name, query in (
        ("line_id", select(MainLine.id).order_by(MainLine.id.desc())), ("task_id", select(TaskOrder.id).order_by(TaskOrder.id.desc())),
        ("approval_id", select(Approval.id).order_by(Approval.id.desc())), ("library_id", select(Library.id).order_by(Library.id.desc())),
        ("asset_id", select(Node.id).where(Node.kind == "file").order_by(Node.id.desc())),
        ("folder_id", select(Node.id).where(Node.kind != "file").order_by(Node.id.desc())),
        ("check_id", select(StoreCheck.id).order_by(StoreCheck.id.desc())),
        ("sheet_id", select(StoreSheet.id).order_by(StoreSheet.id.desc())),
        ("alert_id", select(Alert.id).order_by(Alert.id.desc())), ("metric_id", select(Metric.id).order_by(Metric.id.desc())),
        ("playbook_id", select(CompanyPlaybook.id).where(CompanyPlaybook.removed_at.is_(None)).order_by(CompanyPlaybook.id.desc())),
    ):  # fmt: skip
        one = work.session.scalar(query.limit(1))
        if one is not None:
            found[name] = one
    return found


# --- around the commits of other tests


@dataclass
class _Found:
    seen: Counter[str] = field(default_factory=Counter)
    compared: Counter[str] = field(default_factory=Counter)
    refreshed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    stale: list[Stale] = field(default_factory=list)
    busy: bool = False


_found = _Found()
_TESTS = str(Path(__file__).parents[1])


@pytest.fixture(autouse=True)
def _open_pages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if "company" not in request.fixturenames and "app" not in request.fixturenames:
        yield
        return
    if "app" in request.fixturenames:
        app: Flask = request.getfixturevalue("app")
    else:
        request.getfixturevalue("company")
        app = composition.create_app(request.getfixturevalue("settings"), request.getfixturevalue("parts"))
    database = app.extensions["mainline"].parts.get(Database)  # Some tests share one installation of their own.
    with open_work(database, writes=False) as work:
        members = {row.login: row.id for row in list_members(work)}
    viewers = [_Viewer(login, sign_in(app, login), members[login], database) for login in VIEWERS]
    commit, record = Work.commit, Work.record
    made_up = WeakSet[Work]()

    def noted(work: Work, kind: EventKind, **said: Any) -> None:
        """What a test says by itself, beside rows that it changes by itself, may reach others than what the product would say."""
        if sys._getframe(1).f_code.co_filename.startswith(_TESTS):
            made_up.add(work)
        record(work, kind, **said)

    def watched(work: Work) -> None:
        kinds = [str(item.kind) for item in work.recorded]
        if _found.busy or work in made_up or not any(_found.seen[kind] < TIMES_EACH for kind in kinds):
            return commit(work)
        _found.busy = True
        try:
            _compare(work, lambda: commit(work), database, viewers)
        finally:
            _found.busy = False

    monkeypatch.setattr(Work, "record", noted)
    monkeypatch.setattr(Work, "commit", watched)
    yield


@dataclass
class _Viewer:
    """Somebody who has pages open while a test goes its way."""

    login: str
    person: Person
    member: str
    database: Database
    _key: frozenset[object] = frozenset()
    _pages: OpenPages | None = None

    def pages(self, ids: dict[str, str]) -> OpenPages:
        """Their pages about these things, as they are now; opened anew when they may see others than last time."""
        key = frozenset[object]({*ids.items(), *self.rooms()})
        if self._pages is None or key != self._key:
            self._key, self._pages = key, OpenPages(self.person, self.login, ids)
        else:
            self._pages.read_again()
        return self._pages

    def rooms(self) -> set[str]:
        with open_work(self.database, writes=False) as work:
            permissions = permissions_of(work, self.member)
        with open_work(self.database, actor=Actor(self.member, "", permissions), writes=False) as work:
            return rooms_of(work)


def _compare(work: Work, commit: Callable[[], None], database: Database, viewers: Sequence[_Viewer]) -> None:
    recorded, kinds = list(work.recorded), [str(item.kind) for item in work.recorded]
    with open_work(database, writes=False) as reading:
        ids = {**newest_ids(reading), **_named_by(recorded)}
    opened = [(viewer, viewer.pages(ids)) for viewer in viewers]
    commit()
    _found.seen.update(kinds)
    for viewer, open_pages in opened:
        rooms = viewer.rooms()
        shown = [(item, [room for room in item.rooms if room in rooms]) for item in recorded]
        sent = [(str(item.kind), [item.subject, *open_to_them]) for item, open_to_them in shown if open_to_them]
        left = [room for item in recorded for room in item.leaves.get(viewer.member, ())]
        for kind, places in sent:
            heard = {fragment.page for fragment in open_pages.held if fragment.hears(kind, places)}
            _found.refreshed[kind] |= heard
        _found.stale += open_pages.after(sent, left=left, about=kinds)
        _found.compared.update({kind: len(open_pages.held) for kind in kinds})


def _named_by(recorded: Iterable[Recorded]) -> dict[str, str]:
    found = {}
    for item in recorded:
        found |= {name: str(value) for name, value in item.facts.items() if name in SUBJECTS.values() and value}
        kind, _mark, one = item.subject.partition(":")
        if kind in SUBJECTS and one:
            found[SUBJECTS[kind]] = one
    return found


def pytest_sessionfinish(session: pytest.Session) -> None:
    """What the tests themselves found is not asked here: some count events, and those who look have signed in.

    Of the whole suite it is asked that it shows every kind.
    """
    session.exitstatus = 1 if _found.stale or (session.config.args == ["tests"] and _unseen()) else 0


def _unseen() -> list[str]:
    return sorted(str(kind) for kind in all_kinds() if not _found.seen[kind])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    kinds, unseen = sorted(str(kind) for kind in all_kinds()), _unseen()
    say = terminalreporter.write_line
    for kind in kinds:
        if _found.seen[kind]:
            pages = ", ".join(sorted(_found.refreshed[kind])) or "no page"
            say(f"{kind}: {_found.seen[kind]} times, {_found.compared[kind]} fragments compared, heard on {pages}")
    for stale in {(stale.kinds, stale.fragment.page, stale.fragment.on): stale for stale in _found.stale}.values():
        say(f"STALE {stale}", red=True)
    compared, seen = sum(_found.compared.values()), len(kinds) - len(unseen)
    say(f"{seen} of {len(kinds)} kinds of events, {compared} fragments compared with a fresh read, {len(_found.stale)} stale")
    say(f"heard on no page: {', '.join(kind for kind in kinds if _found.seen[kind] and not _found.refreshed[kind]) or 'none'}")
    say(f"never seen: {', '.join(unseen) or 'none'}")

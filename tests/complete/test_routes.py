"""Every route as every person of the demo company: allowed, or refused as if it were not there. Nothing crashes, nothing leaks."""

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from flask import Flask

from demo import PEOPLE
from sync.library.storage import ObjectStore
from tests.fakes.store import MemoryStore
from tests.house import Person
from tests.world import LINE, World, make_world
from workspace.db import Database
from workspace.parts import Parts
from workspace.web import ANYONE, DEVICE, RouteFacts

pytestmark = pytest.mark.timeout(300)
ASKED = (
    "after", "before", "since", "q", "kind", "actor_id", "subject", "show", "tab", "city", "line", "task", "asset", "open", "sheet", "size",
    "template", "version", "view", "next",
)  # fmt: skip
OUTSIDERS = ("heqing", "tangxin", "guanli", "luoyi")
SECRET_NAMES = (
    "line_id", "task_id", "alert_id", "library_id", "folder_id", "node_id", "asset_id", "approval_id", "notice_id", "comment_id",
)  # fmt: skip


@pytest.fixture
def world(company: Database, app: Flask, parts: Parts, signed_in: Callable[[str], Person], run_jobs: Callable[[], int]) -> Iterator[World]:
    store = MemoryStore()
    parts.provide(ObjectStore, lambda: store)
    yield make_world(company, signed_in, run_jobs)
    store.close()


def readable(app: Flask) -> list[RouteFacts]:
    return [facts for facts in app.extensions["mainline"].facts if facts.methods == ("GET",) and facts.needs != DEVICE]


def writing(app: Flask) -> list[RouteFacts]:
    return [facts for facts in app.extensions["mainline"].facts if facts.methods != ("GET",)]


def test_reading_when_every_role_tries_every_route_then_allowed_or_refused(
    app: Flask, world: World, signed_in: Callable[[str], Person]
) -> None:
    faults = []
    for human in PEOPLE:
        person = signed_in(human.login)
        for facts in readable(app):
            status = person.get(world.url(facts.rule)).status_code
            if status not in (200, 302, 303, 304, 403, 404):
                faults.append(f"{human.login} {facts.endpoint}: {status}")
    assert faults == []


@pytest.mark.parametrize("nonsense", ["9" * 30, "-1", "\x00", "'\"<script>", "x" * 2000], ids=["huge", "negative", "nul", "quotes", "long"])
def test_reading_when_what_is_asked_is_nonsense_then_no_crash(
    app: Flask, world: World, signed_in: Callable[[str], Person], nonsense: str
) -> None:
    person = signed_in("linyue")
    asked = urlencode(dict.fromkeys(ASKED, nonsense))
    faults = []
    for facts in readable(app):
        status = person.get(f"{world.url(facts.rule)}?{asked}").status_code
        if status >= 500:
            faults.append(f"{facts.endpoint}: {status}")
    assert faults == []


def test_reading_when_an_outsider_names_a_secret_then_404(app: Flask, world: World, signed_in: Callable[[str], Person]) -> None:
    faults = []
    for login in OUTSIDERS:
        person = signed_in(login)
        for facts in readable(app):
            if not any(f"{name}>" in facts.rule for name in SECRET_NAMES):
                continue
            answer = person.get(world.url(facts.rule))
            if answer.status_code != 404:
                faults.append(f"{login} {facts.endpoint}: {answer.status_code}")
    assert faults == []


def test_lists_when_an_outsider_reads_them_then_no_trace(app: Flask, world: World, signed_in: Callable[[str], Person]) -> None:
    for login in OUTSIDERS:
        person = signed_in(login)
        for facts in readable(app):
            if "<" not in facts.rule:
                page = person.get(facts.rule).get_data(as_text=True)
                assert LINE not in page, f"{login} {facts.endpoint}"
                assert world.ids["line_id"] not in page, f"{login} {facts.endpoint}"


def test_everything_when_a_visitor_tries_it_then_sent_to_sign_in(app: Flask, world: World, visitor: Person) -> None:
    faults = []
    for facts in app.extensions["mainline"].facts:
        if facts.needs == ANYONE:
            continue
        for method in facts.methods:
            answer = visitor.client.open(world.url(facts.rule), method=method, json={} if facts.is_api else None)
            if answer.status_code not in (302, 401):
                faults.append(f"{facts.endpoint}: {answer.status_code}")
    assert faults == []


def test_writing_when_the_token_is_missing_then_refused(app: Flask, world: World, signed_in: Callable[[str], Person]) -> None:
    person = signed_in("linyue")
    faults = []
    for facts in writing(app):
        if facts.needs == DEVICE or not facts.csrf:
            continue
        for method in facts.methods:
            answer = person.client.open(world.url(facts.rule), method=method, json={} if facts.is_api else None)
            if answer.status_code not in (403, 401):
                faults.append(f"{facts.endpoint}: {answer.status_code}")
    assert faults == []


def test_writing_when_the_body_is_nonsense_then_a_sentence_and_no_crash(
    app: Flask, world: World, signed_in: Callable[[str], Person]
) -> None:
    faults = []
    for login in ("linyue", "heqing"):
        person = signed_in(login)
        headers = {"X-CSRF-Token": person.csrf()}
        for facts in writing(app):
            if facts.needs == DEVICE or facts.endpoint in ("signin.submit_sign_out", "signin.submit_sign_in"):
                continue
            for body in ({"nonsense": "\x00'\"<script>"}, {"title": "x" * 100_000, "text": 1, "reason": None, "verb": "explode"}):
                options = {"json": body} if facts.is_api else {"data": {name: str(value) for name, value in body.items()}}
                status = person.client.open(world.url(facts.rule), method=facts.methods[0], headers=headers, **options).status_code
                if status >= 500:
                    faults.append(f"{login} {facts.endpoint}: {status}")
    assert faults == []


def test_devices_when_a_signed_in_member_asks_then_refused(app: Flask, world: World, signed_in: Callable[[str], Person]) -> None:
    person = signed_in("suhang")
    for facts in app.extensions["mainline"].facts:
        if facts.needs == DEVICE:
            for method in facts.methods:
                assert person.client.open(world.url(facts.rule), method=method, json={}).status_code == 401, facts.endpoint

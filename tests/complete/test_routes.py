"""Every route as every person of the demo company: allowed, or refused as if it were not there. Nothing crashes, nothing leaks."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode

import pytest
from flask import Flask

import app as composition
from demo import PEOPLE, seed_company
from sync.library.storage import ObjectStore
from tests.fakes.store import MemoryStore
from tests.house import Person, Templates, sign_in, without_fsync
from tests.world import LINE, World, make_world
from workspace.db import Database
from workspace.jobs.worker import Worker
from workspace.realtime_line import LOOK_PURPOSE
from workspace.secrets import SigningKey
from workspace.settings import Settings
from workspace.web import ANYONE, DEVICE, RouteFacts

ASKED = (
    "department", "phase", "form", "over",
    "after", "before", "since", "q", "kind", "actor_id", "subject", "show", "tab", "city", "line", "task", "asset", "open", "sheet", "size",
    "template", "version", "view", "next", "baseline", "scale", "week", "post", "said", "mention",
    "group", "playbook", "d_day", "timing", "of", "d0", "o0", "pinned", "keep_names",
)  # fmt: skip
OUTSIDERS = ("heqing", "tangxin", "guanli", "luoyi")
SECRET_NAMES = (
    "conclusion_id",
    "line_id", "task_id", "alert_id", "library_id", "folder_id", "node_id", "asset_id", "approval_id", "notice_id", "comment_id",
    "needs_id", "baseline_id", "check_id", "sheet_id", "post_id", "piece_id", "handover_id", "milestone_id",
    "metric_id", "draft_id", "pass_id",
)  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What one person got for one route. trace: the answer names the line or its id."""

    login: str
    facts: RouteFacts
    status: int
    trace: bool


@pytest.fixture(scope="module")
def app(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One for the module: what is read here changes nothing, and what is written last is nonsense."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("routes"), secret_key="tests only", rate_limit="1000000 per minute")
    parts = composition.make_parts(settings)
    without_fsync(parts.get(Database))
    templates.copy("house_company", seed_company, settings)
    store = MemoryStore()
    parts.provide(ObjectStore, lambda: store)
    made = composition.create_app(settings, parts)
    made.testing = True
    yield made
    parts.stop()
    store.close()
    parts.get(Database).dispose()


@pytest.fixture(scope="module")
def signed_in(app: Flask) -> Callable[[str], Person]:
    return cache(lambda login: sign_in(app, login))


@pytest.fixture(scope="module")
def world(app: Flask, signed_in: Callable[[str], Person]) -> World:
    parts = app.extensions["mainline"].parts
    database = parts.get(Database)
    return make_world(database, signed_in, Worker(database, parts).run_due)


@pytest.fixture(scope="module")
def everything_read(app: Flask, world: World, signed_in: Callable[[str], Person]) -> list[Seen]:
    """Every route that can be read, read by everybody."""
    found = []
    for human in PEOPLE:
        for facts in readable(app):
            answer = signed_in(human.login).get(world.url(facts.rule))
            trace = any(word.encode() in answer.get_data() for word in (LINE, world.ids["line_id"]))
            found.append(Seen(human.login, facts, answer.status_code, trace))
    return found


def readable(app: Flask) -> list[RouteFacts]:
    return [facts for facts in app.extensions["mainline"].facts if facts.methods == ("GET",) and facts.needs != DEVICE]


def writing(app: Flask) -> list[RouteFacts]:
    return [facts for facts in app.extensions["mainline"].facts if facts.methods != ("GET",)]


def test_reading_when_every_role_tries_every_route_then_allowed_or_refused(everything_read: list[Seen]) -> None:
    allowed = (200, 302, 303, 304, 403, 404)
    assert [f"{seen.login} {seen.facts.endpoint}: {seen.status}" for seen in everything_read if seen.status not in allowed] == []


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


def test_reading_when_an_outsider_names_a_secret_then_404(everything_read: list[Seen]) -> None:
    secrets = [seen for seen in everything_read if seen.login in OUTSIDERS and any(f"{name}>" in seen.facts.rule for name in SECRET_NAMES)]
    assert len({seen.facts.rule for seen in secrets}) > 50
    assert [f"{seen.login} {seen.facts.endpoint}: {seen.status}" for seen in secrets if seen.status != 404] == []


def test_lists_when_an_outsider_reads_them_then_no_trace(everything_read: list[Seen]) -> None:
    lists = [seen for seen in everything_read if seen.login in OUTSIDERS and "<" not in seen.facts.rule]
    assert any(seen.status == 200 for seen in lists)
    assert [f"{seen.login} {seen.facts.endpoint}" for seen in lists if seen.trace] == []
    assert any(seen.trace for seen in everything_read if seen.login == "linyue"), "its director finds it"


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


def test_page_when_about_a_thing_then_signed_for_its_reader_with_the_room_of_those_who_may_see_it(
    app: Flask, world: World, signed_in: Callable[[str], Person]
) -> None:
    """Who looks at a line, a task order, an approval or an asset is told to those who may see it, and to nobody else."""
    key, ids = app.extensions["mainline"].parts.get(SigningKey), world.ids
    line, approval = f"line:{ids['line_id']}", f"approval:{ids['approval_id']}"
    for path, subject, room in (
        (f"/lines/{ids['line_id']}/board", line, line),
        (f"/tasks/{ids['task_id']}", f"task:{ids['task_id']}", line),
        (f"/approvals/{ids['approval_id']}", approval, approval),
        (f"/library/assets/{ids['asset_id']}", f"asset:{ids['asset_id']}", f"library:{ids['library_id']}"),
    ):
        [token] = re.findall(r'data-look="([^"]+)"', signed_in("suhang").get(path).get_data(as_text=True))
        page = key.read(LOOK_PURPOSE, token, max_age_s=60)
        assert (page["subject"], page["room"], page["name"]) == (subject, room, "苏航"), path

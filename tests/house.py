"""Fixtures every room's tests use: a migrated database, the app on it, the demo company, a client per person."""

import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.engine import make_url
from werkzeug.test import TestResponse

import app as composition
import demo
from demo import DEMO_PASSWORD, seed_company
from tests.compiled import compile_once, hash_cheaply
from tests.servers import PostgresServer
from workspace.db import Base, Database
from workspace.jobs.worker import Worker
from workspace.parts import Parts
from workspace.people.models import Member
from workspace.roles.access import permissions_of
from workspace.secrets import SigningKey
from workspace.security import SESSION_COOKIE, VISIT_COOKIE, Csrf
from workspace.settings import Settings
from workspace.work import Actor, Work, open_work

NOW = datetime(2026, 10, 1, 2, 0, tzinfo=UTC)

compile_once()

Fill = Callable[[Database, Parts], object]


def without_fsync(database: Database) -> Database:
    """SQLite that does not wait for the disk at each commit: no power fails in these processes, and a test commits a dozen times."""
    if database.is_sqlite:
        event.listen(database.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
    return database


class Templates:
    """Databases made once and copied per test: empty, and with the demo company. With ``--postgres`` on PostgreSQL."""

    def __init__(self, folder: Path, postgres: PostgresServer | None) -> None:
        self._folder, self._postgres = folder, postgres
        self._made: set[str] = set()

    def url(self) -> str:
        """Where a test's own database will be; empty for the SQLite file in its folder."""
        return self._postgres.url(f"test_{uuid.uuid4().hex}") if self._postgres else ""

    def copy(self, name: str, fill: Fill, settings: Settings) -> None:
        """Give the test a copy of the template, unless it has a database already."""
        if settings.database_url and self._postgres:
            self._make(name, fill, Settings(data_dir=self._folder, secret_key="tests only", database_url=self._postgres.url(name)))
            self._postgres.execute(f"CREATE DATABASE {make_url(settings.database_url).database} TEMPLATE {name}")
        else:
            self._make(f"{name}_file", fill, Settings(data_dir=self._folder / name, secret_key="tests only"))
            shutil.copy(self._folder / name / "mainline.db", settings.data_dir / "mainline.db")

    def drop(self, settings: Settings) -> None:
        if settings.database_url and self._postgres:
            self._postgres.execute(f"DROP DATABASE IF EXISTS {make_url(settings.database_url).database} WITH (FORCE)")

    def _make(self, name: str, fill: Fill, settings: Settings) -> None:
        if name in self._made:
            return
        if settings.database_url and self._postgres:
            self._postgres.execute(f"CREATE DATABASE {name}")
        parts = composition.make_parts(settings)
        database = without_fsync(parts.get(Database))
        Base.metadata.create_all(database.engine)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(demo, "hash_password", hash_cheaply)
            fill(database, parts)
        if database.is_sqlite:
            with database.engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.dispose()
        self._made.add(name)


@pytest.fixture(scope="session")
def templates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Templates:
    server = request.getfixturevalue("postgres") if request.config.getoption("--postgres") else None
    return Templates(tmp_path_factory.mktemp("templates"), server)


@pytest.fixture
def settings(tmp_path: Path, templates: Templates) -> Settings:
    return Settings(data_dir=tmp_path, secret_key="tests only", rate_limit="100000 per minute", database_url=templates.url())


@pytest.fixture
def parts(settings: Settings, templates: Templates) -> Iterator[Parts]:
    made = composition.make_parts(settings)
    without_fsync(made.get(Database))
    yield made
    made.stop()
    made.get(Database).dispose()
    templates.drop(settings)


@pytest.fixture
def database(request: pytest.FixtureRequest, parts: Parts, settings: Settings, templates: Templates) -> Database:
    """A database with today's tables; empty, unless the test asks for the company too."""
    if "company" in request.fixturenames:
        return request.getfixturevalue("company")
    templates.copy("house_empty", lambda database, parts: None, settings)
    return parts.get(Database)


@pytest.fixture
def company(parts: Parts, settings: Settings, templates: Templates) -> Database:
    """The database with the demo company in it."""
    templates.copy("house_company", seed_company, settings)
    return parts.get(Database)


@pytest.fixture
def app(settings: Settings, parts: Parts, company: Database) -> Flask:
    made = composition.create_app(settings, parts)
    made.testing = True
    return made


@pytest.fixture
def run_jobs(parts: Parts) -> Callable[[], int]:
    """Run every due job, reactions included, in this thread."""
    return Worker(parts.get(Database), parts).run_due


def member_named(work: Work, name: str) -> Member:
    return work.session.query(Member).filter_by(name=name).one()


def work_on(database: Database, parts: Parts) -> Callable[..., object]:
    """``with work_as("林悦") as work:`` — a Work by that person at a fixed instant."""

    def opened(name: str, *, now: datetime = NOW, writes: bool = True) -> object:
        with open_work(database, writes=False) as work:
            member = member_named(work, name)
            actor = Actor(member.id, member.name, permissions_of(work, member.id))
        return open_work(database, actor=actor, now=now, parts=parts, writes=writes)

    return opened


@pytest.fixture
def work_as(company: Database, parts: Parts) -> Callable[..., object]:
    return work_on(company, parts)


class Person:
    """A signed-in browser without a browser: sends the CSRF token with every writing request."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def csrf(self) -> str:
        """The token that any page carries in its head."""
        page = self.client.get("/no-such-page", headers={"Accept": "text/html"}).get_data(as_text=True)
        found = re.search(r'name="csrf-token" content="([0-9a-f]+)"', page)
        assert found, page
        return found.group(1)

    def get(self, url: str, *, buffered: bool = True, **options: object):
        """buffered: read to the end and closed, as a browser does; what a stream holds is given back then."""
        return _sendable(self.client.get(url, buffered=buffered, **options))

    def post(self, url: str, data: object = None, *, json: object = None, headers: dict[str, str] | None = None, **options: object):
        return _sendable(self.client.post(url, data=data, json=json, headers={"X-CSRF-Token": self._token(), **(headers or {})}, **options))

    def _token(self) -> str:
        """What ``csrf`` would read from a page, without the page when a cookie says already whose it is."""
        cookies = [cookie for name in (SESSION_COOKIE, VISIT_COOKIE) if (cookie := self.client.get_cookie(name))]
        if not cookies:
            return self.csrf()
        app = self.client.application
        with app.test_request_context(headers={"Cookie": "; ".join(f"{cookie.key}={cookie.value}" for cookie in cookies)}):
            return Csrf(app.extensions["mainline"].parts.get(SigningKey)).token()


def _sendable(answer: TestResponse) -> TestResponse:
    """The answer, if a server could send it: headers are Latin-1 (PEP 3333), which the test client alone does not mind."""
    assert [f"{name}: {value}" for name, value in answer.headers if any(ord(char) > 0xFF for char in value)] == []
    return answer


def sign_in(app: Flask, login: str) -> Person:
    """Somebody of the demo company, through the real form."""
    person = Person(app.test_client())
    person.client.set_cookie(VISIT_COOKIE, "a browser that has been here")
    answer = person.post("/sign-in", data={"login": login, "password": DEMO_PASSWORD})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return person


@pytest.fixture
def visitor(app: Flask) -> Person:
    return Person(app.test_client())


@pytest.fixture
def signed_in(app: Flask) -> Callable[[str], Person]:
    """``signed_in("linyue")`` signs in through the real form."""
    return lambda login: sign_in(app, login)

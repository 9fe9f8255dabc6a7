"""Fixtures every room's tests use: a migrated database, the app on it, the demo company, a client per person."""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import app as composition
from demo import DEMO_PASSWORD, seed_company
from workspace.db import Base, Database
from workspace.jobs.worker import Worker
from workspace.parts import Parts
from workspace.people.models import Member
from workspace.roles.access import permissions_of
from workspace.settings import Settings
from workspace.work import Actor, Work, open_work

NOW = datetime(2026, 10, 1, 2, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, secret_key="tests only", rate_limit="100000 per minute")


@pytest.fixture
def parts(settings: Settings) -> Iterator[Parts]:
    made = composition.make_parts(settings)
    yield made
    made.get(Database).dispose()


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with today's tables, made once; the migrations have a test of their own that compares them."""
    return _make_file(tmp_path_factory.mktemp("empty"), lambda database, parts: None)


@pytest.fixture(scope="session")
def company_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the demo company in it, made once."""
    return _make_file(tmp_path_factory.mktemp("company"), seed_company)


def _make_file(folder: Path, fill: Callable[[Database, Parts], object]) -> Path:
    parts = composition.make_parts(Settings(data_dir=folder, secret_key="tests only"))
    database = parts.get(Database)
    Base.metadata.create_all(database.engine)
    fill(database, parts)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return folder / "mainline.db"


@pytest.fixture
def database(parts: Parts, settings: Settings, empty_file: Path) -> Database:
    """An empty database with today's tables."""
    target = settings.data_dir / "mainline.db"
    if not target.exists():
        shutil.copy(empty_file, target)
    return parts.get(Database)


@pytest.fixture
def company(parts: Parts, settings: Settings, company_file: Path) -> Database:
    """The database with the demo company in it."""
    shutil.copy(company_file, settings.data_dir / "mainline.db")
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


@pytest.fixture
def work_as(company: Database, parts: Parts) -> Callable[..., object]:
    """``with work_as("林悦") as work:`` — a Work by that person at a fixed instant."""

    def opened(name: str, *, now: datetime = NOW, writes: bool = True) -> object:
        with open_work(company, writes=False) as work:
            member = member_named(work, name)
            actor = Actor(member.id, member.name, permissions_of(work, member.id))
        return open_work(company, actor=actor, now=now, parts=parts, writes=writes)

    return opened


class Person:
    """A signed-in browser without a browser: sends the CSRF token with every writing request."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def csrf(self) -> str:
        """The token that any page carries in its head; an error page is the cheapest."""
        page = self.client.get("/no-such-page", headers={"Accept": "text/html"}).get_data(as_text=True)
        found = re.search(r'name="csrf-token" content="([0-9a-f]+)"', page)
        assert found, page
        return found.group(1)

    def get(self, url: str, **options: object):
        return self.client.get(url, **options)

    def post(self, url: str, data: object = None, *, json: object = None, headers: dict[str, str] | None = None, **options: object):
        return self.client.post(url, data=data, json=json, headers={"X-CSRF-Token": self.csrf(), **(headers or {})}, **options)


@pytest.fixture
def visitor(app: Flask) -> Person:
    return Person(app.test_client())


@pytest.fixture
def signed_in(app: Flask) -> Callable[[str], Person]:
    """``signed_in("linyue")`` signs in through the real form."""

    def enter(login: str) -> Person:
        person = Person(app.test_client())
        answer = person.post("/sign-in", data={"login": login, "password": DEMO_PASSWORD})
        assert answer.status_code == 302, answer.get_data(as_text=True)
        return person

    return enter

"""A library with people in it, their agents, and the stores it may stand on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

import app as composition
from demo import seed_company
from sync.library.embedded_store import EmbeddedStore
from sync.library.libraries.actions import open_library
from sync.library.libraries.rules import Right
from sync.library.storage import ObjectStore, S3Store
from tests.fakes.store import MemoryStore
from tests.house import Templates, member_named, work_on
from tests.sync.library.agents import TestAgent
from tests.sync.library.grants import grant_right
from tests.sync.library.webdav import Opens, Program
from workspace.db import Database
from workspace.devices.actions import add_folder_access, issue_code
from workspace.parts import Parts
from workspace.people.actions import make_group
from workspace.settings import Settings


@pytest.fixture
def s3(weed: EmbeddedStore) -> S3Store:
    return s3_of(weed)


def s3_of(weed: EmbeddedStore, *, public_url: str = "") -> S3Store:
    return S3Store(
        endpoint=weed.endpoint, access_key=weed.access_key, secret_key=weed.secret_key, bucket=weed.bucket, region="us-east-1",
        secure=False, public_url=public_url,
    )  # fmt: skip


@pytest.fixture
def memory(parts: Parts) -> Iterator[MemoryStore]:
    """The store of this test's app, in memory."""
    store = MemoryStore()
    parts.provide(ObjectStore, lambda: store)
    yield store
    store.close()


@dataclass
class Room:
    """A library of the visual team (苏航, 陈墨 edit; 林悦 sees) and an agent of each; 赵宁 has nothing to do with it."""

    id: str
    root: str
    su: TestAgent
    chen: TestAgent
    lin: TestAgent
    stranger: TestAgent


@dataclass
class Seeded:
    """What belongs to the template with a room in it: the room's ids, the token of each agent, what lies in the store."""

    library: str = ""
    root: str = ""
    tokens: tuple[str, ...] = ()
    objects: dict[str, bytes] = field(default_factory=dict)


@pytest.fixture(scope="session")
def seeded() -> Seeded:
    return Seeded()


@pytest.fixture
def company(request: pytest.FixtureRequest, parts: Parts, settings: Settings, templates: Templates, seeded: Seeded) -> Database:
    """The demo company; with the room in it when the test takes that, made once like the company itself."""

    def seed_room(database: Database, made: Parts) -> None:
        seed_company(database, made)
        store = MemoryStore()
        made.provide(ObjectStore, lambda: store)
        app = composition.create_app(made.get(Settings), made)
        app.testing = True
        room = make_room(app, work_on(database, made))
        seeded.objects = store.objects
        seeded.library, seeded.root = room.id, room.root
        seeded.tokens = tuple(agent.token for agent in (room.su, room.chen, room.lin, room.stranger))

    if "room" in request.fixturenames:
        templates.copy("house_room", seed_room, settings)
    else:
        templates.copy("house_company", seed_company, settings)
    return parts.get(Database)


@pytest.fixture
def room(app: Flask, memory: MemoryStore, seeded: Seeded) -> Room:
    memory.objects.update(seeded.objects)
    return Room(seeded.library, seeded.root, *(TestAgent(app.test_client(), token) for token in seeded.tokens))


@pytest.fixture
def opened(app: Flask, work_as: Opens) -> Callable[[str], Program]:
    """The network folder of a member, opened with a password of its own."""

    def program(name: str) -> Program:
        with work_as(name) as work:
            password = add_folder_access(work, name=f"{name}的网络文件夹")
        login = {"苏航": "suhang", "陈墨": "chenmo", "林悦": "linyue", "赵宁": "zhaoning"}[name]
        return Program(app.test_client(), login, password)

    return program


@pytest.fixture
def su(room: Room, opened: Callable[[str], Program]) -> Program:
    """苏航's network folder."""
    return opened("苏航")


def make_room(app: Flask, work_as: Callable[..., Any]) -> Room:
    agents = {}
    with work_as("管力", now=datetime.now(UTC)) as work:
        members = {name: member_named(work, name) for name in ("苏航", "陈墨", "林悦", "赵宁")}
        editors = make_group(work, name="视觉组", kind="free", member_ids=[members["苏航"].id, members["陈墨"].id])
        readers = make_group(work, name="看图组", kind="free", member_ids=[members["林悦"].id])
        library = open_library(work, name="主视觉素材", scope_room="line:double-eleven", group_id=editors.id)
        grant_right(work, library, group_id=readers.id, right=Right.SEE)
        for name, member in members.items():
            code = issue_code(work, member_id=member.id, kind="desktop", name=f"{name}的云桌面", desktop_id=f"desktop-{member.login}")
            agents[name] = code
    made = {}
    for name, code in agents.items():
        made[name] = TestAgent(app.test_client())
        made[name].enrol(code)
    return Room(library.id, library.root_id, made["苏航"], made["陈墨"], made["林悦"], made["赵宁"])

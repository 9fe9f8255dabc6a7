"""The library under a run: the real server on SQLite in a copy of its own, over an object store in memory, without a socket.

Bytes go in and come out through slots that are named as presigned URLs would be. Moments between what the server does for one
answer are those at which it may be killed: inside the transaction, between it and the bucket's log, and before the answer.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import types
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

import app as composition
import workspace.db
import workspace.web
import workspace.work
from demo import seed_company
from sync.agent.transport import Answer
from sync.core import protocol as p
from sync.core.codec import from_bytes, to_bytes
from sync.library.agents_api import api as agents_api
from sync.library.assets import jobs
from sync.library.assets.actions import delete_node
from sync.library.assets.models import Node, Version
from sync.library.content.access import load_manifest
from sync.library.content.reading import plan_reading, stream_reading
from sync.library.leases.access import binding_leases, live_leases
from sync.library.leases.actions import return_lease, take_lease
from sync.library.libraries.actions import open_library
from sync.library.libraries.models import Library
from sync.library.recovery.actions import _read_log, _root_of
from sync.library.recovery.rules import Rebuilt, rebuild
from sync.library.storage import ObjectStore, Presigned
from tests.fakes.store import MemoryStore
from tests.house import member_named, without_fsync
from tests.sync.machine.disk import Clock, Disk, ServerClock, stand_in
from workspace.db import Base, Database
from workspace.devices.actions import issue_code
from workspace.errors import MainlineError
from workspace.jobs.worker import JobRun
from workspace.people.actions import make_group
from workspace.roles.access import permissions_of
from workspace.settings import Settings
from workspace.work import Actor, open_work

MEMBERS = ("苏航", "陈墨", "林悦")
API = "http://library"


class SlotStore(MemoryStore):
    """A store whose presigned URLs are the keys themselves."""

    def presign_put(self, key: str, valid_for: timedelta) -> Presigned:
        return Presigned(f"http://store/{key}", {"If-None-Match": "*"}, datetime.now(UTC) + valid_for)

    def presign_get(self, key: str, valid_for: timedelta) -> Presigned:
        return Presigned(f"http://store/{key}", {}, datetime.now(UTC) + valid_for)


class ServerGone(BaseException):
    """The server was killed before it answered."""


def server_stand_ins(disk: Disk, clock: ServerClock) -> dict[types.ModuleType, dict[str, Any]]:
    """What the server takes its ids and its time from."""
    places = (workspace.web, workspace.work, sys.modules[__name__])
    return {workspace.db: {"os": disk, "time": clock, "_last_id": 0}, **{place: {"datetime": clock.date} for place in places}}


class Server:
    """The web application, made once; each run begins with the same database and a store of its own."""

    def __init__(self, folder: Path) -> None:
        clock = Clock()
        disk = Disk(random.Random("ids of the server"), clock, lambda what: None, lambda: 0)
        undo = stand_in(server_stand_ins(disk, ServerClock(clock)))
        try:
            self._make(folder)
        finally:
            undo()

    def _make(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = Settings(data_dir=folder, secret_key="tests only", rate_limit="100000000 per minute")
        self.parts = composition.make_parts(self.settings)
        database = without_fsync(self.parts.get(Database))
        Base.metadata.create_all(database.engine)
        seed_company(database, self.parts)
        with open_work(database, parts=self.parts) as work:
            members = [member_named(work, name).id for name in MEMBERS]
            self.actors = [Actor(member, name, permissions_of(work, member)) for member, name in zip(members, MEMBERS, strict=True)]
            self.group = make_group(work, name="机器", kind="free", member_ids=members).id
            made = open_library(work, name="素材", scope_room=None, group_id=self.group)
            self.library, self.root = made.id, made.root_id
            codes = [issue_code(work, member_id=member, kind="pc", name="test") for member in members]
        self.app = composition.create_app(self.settings, self.parts)
        self.app.testing = True
        self.tokens = [self._enrol(code) for code in codes]
        with database.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.dispose()
        self.database, self._file = database, folder / "mainline.db"
        self._template = self._file.read_bytes()

    def start_over(self) -> None:
        """The database as it was at first. The same engine: it keeps the statements that it has compiled."""
        self.database.dispose()
        for end in ("-wal", "-shm"):
            Path(f"{self._file}{end}").unlink(missing_ok=True)
        self._file.write_bytes(self._template)

    def _enrol(self, code: str) -> str:
        message = p.EnrolRequest(code, "nonce", "test", "linux", "1")
        answer = self.app.test_client().post(p.Endpoint.ENROL.path(), data=to_bytes(message), content_type="application/json")
        return from_bytes(p.EnrolAnswer, answer.get_data()).token


class RealLibrary:
    """One library, and a device for each agent. moment: called at every boundary of a request; it may raise ServerGone."""

    def __init__(self, server: Server) -> None:
        server.start_over()
        self.server, self.parts, self.database = server, server.parts, server.database
        self.id, self.root = server.library, server.root
        self.store = SlotStore()
        self.parts.provide(ObjectStore, lambda: self.store)  # type: ignore[type-abstract]
        self.moment: Callable[[str], None] = lambda what: None
        self._client: FlaskClient = server.app.test_client()
        self._apply_ops = agents_api.apply_ops
        agents_api.apply_ops = self._watched_ops
        self._lines: dict[str, set[int]] = {}

    def close(self) -> None:
        agents_api.apply_ops = self._apply_ops

    # --- requests -------------------------------------------------------------------------------------------------

    def _watched_ops(self, *arguments: Any, **options: Any) -> list[bytes]:
        self.moment("before commit")
        bodies = self._apply_ops(*arguments, **options)
        self.moment("in commit")
        arguments[0].after.append(lambda: self.moment("after commit"))
        return bodies

    def answer(self, agent: int, method: str, url: str, body: bytes | None) -> Answer:
        """Carry out a request; ServerGone when no answer comes."""
        if url.startswith("http://store/"):
            return self._store(method, url.removeprefix("http://store/"), body)
        headers = {"Authorization": f"Bearer {self.server.tokens[agent]}", p.VERSION_HEADER: p.VERSION}
        path = url.removeprefix(API)
        if path == p.Endpoint.FEED:  # Nobody waits: whoever else would act acts at another step.
            body = json.dumps({**json.loads(body or b"{}"), "wait_s": 0}).encode()
        answer = self._client.open(path, method=method, data=body, headers=headers, content_type="application/json")
        self.moment("before answer")
        return Answer(answer.status_code, {}, answer.get_data())

    def _store(self, method: str, key: str, body: bytes | None) -> Answer:
        if self.store.failing:
            return Answer(503, {}, b"away")
        if method == "PUT":
            return Answer(200 if self.store.put_once(key, body or b"") else 412, {}, b"")
        return Answer(200, {}, self.store.objects[key]) if key in self.store.objects else Answer(404, {}, b"")

    def ship(self) -> None:
        """The job that gathers the small objects of the bucket's log."""
        jobs.ship_log(JobRun(self.database, self.parts, 1, "job", threading.Event()), library_id=self.id)

    def delete(self, agent: int, name: str) -> None:
        """The agent's member deletes what has this name, with all that is in it, on a page."""
        with open_work(self.database, actor=self.server.actors[agent], parts=self.parts) as work:
            delete_node(work, work.session.scalars(select(Node).where(Node.library_id == self.id, Node.name == name)).one(), base_version=0)

    def check_out(self, agent: int, choice: int) -> None:
        """The agent's member checks a file out by hand, on a page."""
        files = sorted(node.id for node in self.nodes() if node.kind == "file" and node.deleted_at is None)
        if files:
            with suppress(MainlineError), open_work(self.database, actor=self.server.actors[agent], parts=self.parts) as work:
                take_lease(work, files[choice % len(files)], way="hand")

    def check_in(self, agent: int, choice: int) -> None:
        """The agent's member gives back one of what they have."""
        actor = self.server.actors[agent]
        with suppress(MainlineError), open_work(self.database, actor=actor, parts=self.parts) as work:
            mine = [lease.node_id for lease in live_leases(work, self.id) if lease.member_id == actor.member_id]
            if mine:
                return_lease(work, mine[choice % len(mine)])

    def held_by_others(self, agent: int) -> dict[str, tuple[object, ...]]:
        """Nodes that other members than the agent's have checked out, as they are."""
        with open_work(self.database, actor=self.server.actors[agent], writes=False) as work:
            nodes = [work.session.get_one(Node, node) for node in binding_leases(work, self.id)]
            return {node.id: (node.version, node.digest, node.parent_id, node.name, node.deleted_at) for node in nodes}

    # --- what is there ----------------------------------------------------------------------------------------------

    def nodes(self) -> list[Node]:
        with open_work(self.database, writes=False) as work:
            return [node for node in work.session.scalars(select(Node).where(Node.library_id == self.id)) if node.parent_id is not None]

    def seq(self) -> int:
        """The number of its latest change."""
        with open_work(self.database, writes=False) as work:
            return work.session.get_one(Library, self.id).seq

    def version_digests(self) -> set[str]:
        with open_work(self.database, writes=False) as work:
            return set(work.session.scalars(select(Version.digest).where(Version.library_id == self.id)))

    def content(self, digest: str) -> bytes:
        """The bytes of a version, out of the store, each chunk checked (P5: what is reachable is there)."""
        with open_work(self.database, writes=False) as work:
            manifest = load_manifest(work, digest)
            reading = plan_reading(work, self.id, manifest, 0, manifest.size_bytes)
        data = b"".join(stream_reading(self.store, reading))
        assert len(data) == manifest.size_bytes
        return data

    def numbers_in_bucket(self) -> set[int]:
        """The number of every change that the bucket's log holds; objects are read once."""
        for key in [key for key in self._lines if key not in self.store.objects]:
            del self._lines[key]
        for key, body in self.store.objects.items():
            if key.startswith(f"log/{self.id}/") and key not in self._lines:
                lines = [json.loads(line) for line in body.splitlines()]
                self._lines[key] = {line["seq"] for line in lines if "seq" in line}
        return set().union(*self._lines.values())

    def rebuilt(self) -> Rebuilt:
        """The library as the bucket alone tells it."""
        log = _read_log(self.store, self.id)
        assert not log.complaints
        return rebuild(self.root, _root_of(log)[1], log.lines, log.notes)

    def told(self, body: bytes) -> list[p.Node]:
        """The nodes that an answer to operations speaks of."""
        answers = from_bytes(p.OpsAnswer, body).answers
        return [node for answer in answers for node in (answer.node, answer.second) if node is not None]

    def joined(self, request: bytes, body: bytes) -> list[str]:
        """The digests of new files that the library took for those which it has under their names, because their bytes are the same."""
        pairs = zip(from_bytes(p.OpsRequest, request).ops, from_bytes(p.OpsAnswer, body).answers, strict=True)
        found = [(op, answer.node) for op, answer in pairs if isinstance(op, p.Commit) and answer.outcome is p.Outcome.EXISTS]
        return [str(node.manifest) for op, node in found if node is not None and node.id != op.node]

"""A bare client of the agents' protocol for tests: builds packs and messages with the core, speaks to the test client."""

import io
import itertools
from dataclasses import dataclass, field
from typing import Any, TypeVar

import urllib3
from flask.testing import FlaskClient

from sync.core.chunking import Chunk, choose_cutter, cut_stream
from sync.core.codec import from_bytes, to_bytes
from sync.core.hashing import address_of
from sync.core.manifest import Manifest, manifest_of
from sync.core.packs import PackWriter
from sync.core.protocol import (
    Commit,
    ContentAnswer,
    ContentRequest,
    Delete,
    Endpoint,
    EnrolAnswer,
    EnrolRequest,
    ErrorAnswer,
    FeedAnswer,
    FeedRequest,
    HeartbeatAnswer,
    HeartbeatRequest,
    LibrariesAnswer,
    MakeFolder,
    MissingAnswer,
    MissingRequest,
    Op,
    OpAnswer,
    OpsAnswer,
    OpsRequest,
    PacksAnswer,
    PacksRequest,
    Rename,
    StoredPack,
)
from workspace.db import new_id

M = TypeVar("M")
MODIFIED_MS = 1_790_000_000_000
_numbers = itertools.count(1)


def fresh(prefix: str) -> str:
    """An id as an agent would make one."""
    return f"{prefix}-{next(_numbers):04d}-{new_id()}"[:40]


class Refused(Exception):
    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.problem = status, from_bytes(ErrorAnswer, body).error
        super().__init__(f"{status} {self.problem.code}")


@dataclass
class TestAgent:
    """token: "" before enrolling. Chunks are uploaded through the presigned URLs for real."""

    __test__ = False

    client: FlaskClient
    token: str = ""
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def ask(self, path: str, message: object, answer: type[M]) -> M:
        return from_bytes(answer, self.raw(path, message))

    def raw(self, path: str, message: object) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}", "Mainline-Protocol": "1"} if self.token else {}
        if message is None:
            got = self.client.get(path, headers=headers)
        else:
            got = self.client.post(path, data=to_bytes(message), headers=headers, content_type="application/json")
        if got.status_code != 200:
            raise Refused(got.status_code, got.get_data())
        return got.get_data()

    def enrol(self, code: str, nonce: str = "nonce") -> EnrolAnswer:
        answer = self.ask(Endpoint.ENROL.path(), EnrolRequest(code, nonce, "desktop", "linux", "1.0"), EnrolAnswer)
        self.token = answer.token
        return answer

    def heartbeat(self, **values: Any) -> HeartbeatAnswer:
        message = HeartbeatRequest(**{"mount_point": "/assets", "pending_ops": 0, "pending_bytes": 0, "agent_version": "1.0", **values})
        return self.ask(Endpoint.HEARTBEAT.path(), message, HeartbeatAnswer)

    def libraries(self) -> LibrariesAnswer:
        return self.ask(Endpoint.LIBRARIES.path(), None, LibrariesAnswer)

    def feed(self, cursors: dict[str, int], *, tag: str | None = None, wait_s: int = 0, limit: int = 5000) -> FeedAnswer:
        known = self.libraries().tag if tag is None else tag
        return self.ask(Endpoint.FEED.path(), FeedRequest(cursors, known, wait_s, limit), FeedAnswer)

    def missing(self, library: str, chunks: list[str], uploads: int = 1) -> MissingAnswer:
        return self.ask(Endpoint.MISSING.path(library), MissingRequest(tuple(chunks), uploads), MissingAnswer)  # type: ignore[arg-type]

    def put(self, library: str, contents: list[bytes]) -> StoredPack:
        """PUT one pack with these chunks and say what was stored; it is not registered yet."""
        writer = PackWriter()
        for content in contents:
            writer.add(address_of(content), content)
        return self.put_bytes(library, writer.finish())

    def put_bytes(self, library: str, data: bytes) -> StoredPack:
        unknown = address_of(new_id().encode())
        slot = self.missing(library, [unknown]).uploads[0]
        status = self.http.request("PUT", slot.url, body=data, headers=slot.headers).status
        assert status in (200, 201, 204), status
        return StoredPack(slot.pack, address_of(data), len(data))

    def register(self, library: str, *packs: StoredPack) -> PacksAnswer:
        return self.ask(Endpoint.PACKS.path(library), PacksRequest(packs), PacksAnswer)

    def upload(self, library: str, content: bytes, name: str = "x.bin") -> Manifest:
        """Bring a content in and return its manifest."""
        manifest = manifest_for(content, name)
        if content:
            pieces = [content[start : start + size] for start, size in _cuts(manifest)]
            report = self.register(library, self.put(library, list(dict.fromkeys(pieces))))
            assert report.packs[0].state == "verified"
        return manifest

    def ops(self, library: str, *ops: Op, packs: tuple[StoredPack, ...] = ()) -> list[OpAnswer]:
        return list(self.ask(Endpoint.OPS.path(library), OpsRequest(ops, packs), OpsAnswer).answers)

    def op(self, library: str, op: Op) -> OpAnswer:
        return self.ops(library, op)[0]

    def save(self, library: str, parent: str, name: str, content: bytes, *, node: str = "", base: int = 0) -> OpAnswer:
        """Upload and commit: a new file, or the next version of ``node``."""
        return self.op(library, commit(parent, name, self.upload(library, content, name), node=node, base=base))

    def content(self, library: str, digest: str, start: int = 0, count: int = 1024) -> ContentAnswer:
        return self.ask(Endpoint.CONTENT.path(library), ContentRequest(digest, start, count), ContentAnswer)  # type: ignore[arg-type]


def commit(parent: str, name: str, manifest: Manifest, *, node: str = "", base: int = 0) -> Commit:
    return Commit(fresh("op"), node or fresh("node"), parent, name, base, manifest, MODIFIED_MS)


def make_folder(parent: str, name: str) -> MakeFolder:
    return MakeFolder(fresh("op"), fresh("node"), parent, name)


def rename(node: str, parent: str, name: str) -> Rename:
    return Rename(fresh("op"), node, parent, name)


def delete(node: str, base: int = 0, *, recursive: bool = False) -> Delete:
    return Delete(fresh("op"), node, base, recursive)


def manifest_for(content: bytes, name: str = "x.bin") -> Manifest:
    cutter = choose_cutter(name, len(content))
    return manifest_of([Chunk(address_of(piece), len(piece)) for piece in cut_stream(io.BytesIO(content), cutter)], cutter)


def _cuts(manifest: Manifest) -> list[tuple[int, int]]:
    starts = itertools.accumulate((chunk.size_bytes for chunk in manifest.chunks), initial=0)
    return [(start, chunk.size_bytes) for start, chunk in zip(starts, manifest.chunks, strict=False)]

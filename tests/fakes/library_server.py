"""A small library that speaks the agent's protocol over loopback, with its content in a directory.

It passes the same contract suite as the real one (`tests/contracts/library_contract.py`). Stated limits: one company, every
member sees every library, grants name members alone and lead nowhere, no quota, no trash, the catalogue is in memory. `faults`
lets a test lose answers.

Over 400 lines because a fake that is split is a second product.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sync.agent.journal import new_id
from sync.core import packs, paths
from sync.core import protocol as p
from sync.core.chunking import MIB
from sync.core.codec import BadMessage, from_bytes, to_bytes
from sync.core.hashing import Address, address_of
from sync.core.manifest import Manifest, manifest_digest


class Refusal(Exception):
    """An error answer."""

    def __init__(self, status: int, code: str, title: str, *, retryable: bool = False) -> None:
        super().__init__(title)
        self.status = status
        self.problem = p.Problem(code, title, retryable=retryable)


@dataclass
class Shelf:
    """One library."""

    id: str
    name: str
    root: str
    seq: int = 0
    nodes: dict[str, p.Node] = field(default_factory=dict)
    chunks: dict[Address, p.ChunkPlace] = field(default_factory=dict)
    manifests: dict[Address, Manifest] = field(default_factory=dict)
    history: list[p.Node] = field(default_factory=list)


@dataclass
class Faults:
    """What goes wrong next. lose: requests to a path containing this text are carried out, and their answer is lost.

    silent_to: members who get no answer to their operations. no_edit: libraries that may only be looked at.
    nobody_waits: a feed request that would have to wait is refused, as when all places are taken.
    no_news: the feed says again and again that there is more, and brings nothing.
    """

    lose: str = ""
    lose_count: int = 0
    refuse_everything: bool = False
    silent_to: set[str] = field(default_factory=set)
    no_edit: set[str] = field(default_factory=set)
    nobody_waits: bool = False
    no_news: bool = False


class FakeLibrary:
    """The server. `start`, then `api` is its address; `issue_code` gives a one-time enrolment code for a member."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.condition = threading.Condition()
        self.shelves: dict[str, Shelf] = {}
        self.codes: dict[str, tuple[str, str | None]] = {}
        self.tokens: dict[str, tuple[str, str]] = {}
        self.answers: dict[tuple[str, str], p.OpAnswer] = {}
        self.slots: set[str] = set()
        self.faults = Faults()
        self.grants: dict[tuple[str, str], p.Right] = {}
        self.heartbeats: list[tuple[str, p.HeartbeatRequest]] = []
        self.received: list[tuple[str, int]] = []
        self.done: list[tuple[p.Op, p.OpAnswer]] = []
        self.tag = 1
        self.positions: dict[str, dict[str, int]] = {}
        self.saved_on: dict[tuple[str, int], str] = {}
        self.leases: dict[str, p.Lease] = {}
        self._server: ThreadingHTTPServer | None = None
        self.api = ""

    def start(self, port: int = 0) -> None:
        fake = self

        class Handler(_Handler):
            library = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.api = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        assert self._server is not None
        with self.condition:
            self.faults.refuse_everything = True
            self.condition.notify_all()
        self._server.shutdown()
        self._server.server_close()

    # --- what a test prepares -------------------------------------------------------------------------------------

    def add_library(self, name: str) -> str:
        with self.condition:
            shelf = Shelf(new_id(), name, new_id())
            root = p.Node(shelf.root, shelf.id, None, "", p.NodeKind.FOLDER, 0, 0, None, 0, "", False, 0)
            shelf.nodes[root.id] = root
            self.shelves[shelf.id] = shelf
            self.tag += 1
            self.condition.notify_all()
            return shelf.id

    def remove_library(self, library: str) -> None:
        """Nobody may see it any more."""
        with self.condition:
            del self.shelves[library]
            self.tag += 1
            self.condition.notify_all()

    def grant(self, folder: str, member: str, right: p.Right | None) -> None:
        """What a member may do in a folder and below it; None: what they may do above. All may edit where nothing is said."""
        with self.condition:
            if right is None:
                self.grants.pop((folder, member), None)
            else:
                self.grants[folder, member] = right
            shelf = next(shelf for shelf in self.shelves.values() if folder in shelf.nodes)
            inside = [folder]
            while inside:
                node = self._put(shelf, shelf.nodes[inside.pop(0)])
                inside += [child.id for child in shelf.nodes.values() if child.parent == node.id and not child.deleted]
            self.tag += 1
            self.condition.notify_all()

    def _granted(self, shelf: Shelf, member: str, node: str | None) -> p.Right | None:
        """What the nearest folder says about a member; None where none says anything."""
        while node is not None and node in shelf.nodes:
            if (node, member) in self.grants:
                return self.grants[node, member]
            node = shelf.nodes[node].parent
        return None

    def issue_code(self, member: str) -> str:
        code = secrets.token_urlsafe(16)
        self.codes[code] = (member, None)
        return code

    def revoke_everything(self) -> None:
        with self.condition:
            self.tokens.clear()

    def live(self, library: str) -> dict[str, p.Node]:
        """Live files and folders by path."""
        with self.condition:
            shelf = self.shelves[library]
            return {
                self._path(shelf, node): node for node in shelf.nodes.values() if node.parent is not None and self._is_live(shelf, node)
            }

    def bytes_of(self, library: str, node: p.Node) -> bytes:
        shelf = self.shelves[library]
        assert node.manifest is not None
        parts = []
        for chunk in shelf.manifests[node.manifest].chunks:
            place = shelf.chunks[chunk.address]
            body = (self.directory / place.pack).read_bytes()
            kept = packs.Place(place.chunk, place.offset, place.stored, place.size, packs.Coding[place.coding.name])
            parts.append(packs.read_chunk(kept, body[place.offset : place.offset + place.stored]))
        return b"".join(parts)

    def versions(self, library: str, path: str) -> list[p.Node]:
        """Every committed version of what is at this path now."""
        node = self.live(library)[path]
        return [each for each in self.shelves[library].history if each.id == node.id]

    def _path(self, shelf: Shelf, node: p.Node) -> str:
        parts = [node.name]
        while node.parent != shelf.root:
            node = shelf.nodes[node.parent or ""]
            parts.append(node.name)
        return "/".join(reversed(parts))

    def _is_live(self, shelf: Shelf, node: p.Node) -> bool:
        while not node.deleted and node.parent is not None:
            node = shelf.nodes[node.parent]
        return not node.deleted

    # --- requests -------------------------------------------------------------------------------------------------

    def enrol(self, request: p.EnrolRequest) -> p.EnrolAnswer:
        with self.condition:
            if request.code not in self.codes:
                raise Refusal(401, p.ErrorCode.CODE_UNKNOWN, "注册码无效")
            member, nonce = self.codes[request.code]
            if nonce not in (None, request.nonce):
                raise Refusal(401, p.ErrorCode.CODE_USED, "注册码已使用")
            self.codes[request.code] = (member, request.nonce)
            device = f"device-{request.code}"
            self.tokens = {token: who for token, who in self.tokens.items() if who[0] != device}
            token = secrets.token_urlsafe(32)
            self.tokens[token] = (device, member)
            return p.EnrolAnswer(token, device, p.Member(f"member-{member}", member), None)

    def heartbeat(self, who: tuple[str, str], request: p.HeartbeatRequest) -> p.HeartbeatAnswer:
        with self.condition:
            self.heartbeats.append((who[0], request))
            self.condition.notify_all()
            if request.cursors is not None:
                self.positions[who[0]] = request.cursors
            nodes = {node.id: node for shelf in self.shelves.values() for node in shelf.nodes.values()}
            seen = {asked: self._seen_by_others(who[0], nodes[asked]) for asked in request.asks if asked in nodes}
            return p.HeartbeatAnswer(int(time.time() * 1000), 30, str(self.tag), seen or None)

    def _seen_by_others(self, device: str, node: p.Node) -> int:
        return sum(other != device and cursors.get(node.library, -1) >= node.seq for other, cursors in self.positions.items())

    def libraries(self) -> p.LibrariesAnswer:
        with self.condition:
            listed = tuple(
                p.Library(shelf.id, shelf.name, shelf.root, (p.Right.SEE, p.Right.EDIT), shelf.seq) for shelf in self.shelves.values()
            )
            return p.LibrariesAnswer(str(self.tag), listed)

    def feed(self, who: tuple[str, str], request: p.FeedRequest) -> p.FeedAnswer:
        device, member = who
        deadline = time.monotonic() + request.wait_s
        if self.faults.no_news:
            time.sleep(0.05)
            return p.FeedAnswer(str(self.tag), tuple(p.FeedPage(each, (), cursor, more=True) for each, cursor in request.cursors.items()))
        with self.condition:
            while True:
                found = [self._page(member, library, cursor, request.limit) for library, cursor in request.cursors.items()]
                pages = tuple(self._with_contents(device, page, request) for page in found if page)
                left = deadline - time.monotonic()
                if pages or request.libraries_tag != str(self.tag) or left <= 0 or self.faults.refuse_everything:
                    return p.FeedAnswer(str(self.tag), pages)
                if self.faults.nobody_waits:
                    raise Refusal(429, "too_many_requests", "等待者过多", retryable=True)
                self.condition.wait(left)

    def _page(self, member: str, library: str, cursor: int, limit: int) -> p.FeedPage | None:
        shelf = self.shelf(library)
        fresh = sorted((node for node in shelf.nodes.values() if node.seq > cursor), key=lambda node: node.seq)
        page = fresh[:limit]
        leases = self._leases_of(shelf)
        if not page and shelf.seq > cursor:
            return p.FeedPage(library, (), shelf.seq, more=False, leases=leases)
        shown = [self._as_seen(shelf, member, node) for node in page]
        listed = tuple(node for node in shown if cursor or node.right is not p.Right.NONE)
        if not page:
            return None
        more = len(fresh) > limit
        return p.FeedPage(library, listed, page[-1].seq if more else shelf.seq, more, leases)

    def _with_contents(self, device: str, page: p.FeedPage, request: p.FeedRequest) -> p.FeedPage:
        """What others have saved, as far as it is small, where one asked for it and is no newcomer."""
        if not request.contents or not request.cursors[page.library]:
            return page
        small = [node for node in page.nodes if node.manifest and not node.deleted and 0 < node.size_bytes <= MIB]
        if len(small) > p.MAX_TOLD:
            return page
        shelf = self.shelves[page.library]
        told = [node.manifest for node in small if self.saved_on.get((node.id, node.version)) != device]
        return replace(page, contents=tuple(self.content(shelf, p.ContentRequest(each, 0, 1)) for each in told if each))

    def _leases_of(self, shelf: Shelf) -> tuple[p.Lease, ...]:
        return tuple(lease for node, lease in self.leases.items() if node in shelf.nodes)

    def check_out(self, member: str, shelf: Shelf, request: p.LeasesRequest) -> p.LeasesAnswer:
        with self.condition:
            if not request.take and not request.give_back:
                return p.LeasesAnswer(self._leases_of(shelf))
            for node in request.give_back:
                if node in self.leases and self.leases[node].name == member:
                    del self.leases[node]
                    shelf.seq += 1
            for node in request.take:
                if node in shelf.nodes and shelf.nodes[node].kind is p.NodeKind.FILE and node not in self.leases:
                    self.leases[node] = p.Lease(node, f"member-{member}", member, 300_000)
                    shelf.seq += 1
            self.condition.notify_all()
            return p.LeasesAnswer(tuple(self.leases[node] for node in request.take if node in self.leases))

    def _as_seen(self, shelf: Shelf, member: str, node: p.Node) -> p.Node:
        right = self._granted(shelf, member, node.id)
        if right is p.Right.NONE:
            return p.Node(node.id, shelf.id, None, "", p.NodeKind.FILE, 0, 0, None, 0, "", True, node.seq, right=right)
        return replace(node, right=right) if node.kind is p.NodeKind.FOLDER else node

    def children(self, shelf: Shelf, request: p.ChildrenRequest) -> p.ChildrenAnswer:
        with self.condition:
            live = [node for node in shelf.nodes.values() if node.parent == request.folder and self._is_live(shelf, node)]
            return p.ChildrenAnswer(tuple(sorted(live, key=lambda node: paths.name_key(node.name))[: p.MAX_NODES]))

    def missing(self, shelf: Shelf, request: p.MissingRequest) -> p.MissingAnswer:
        with self.condition:
            missing = tuple(address for address in request.chunks if address not in shelf.chunks)
            uploads = []
            for _ in range(request.uploads if missing or not request.chunks else 0):
                pack = secrets.token_hex(12)
                self.slots.add(pack)
                url = f"{self.api}/store/{pack}?signature={secrets.token_hex(4)}"
                uploads.append(p.Upload(pack, url, {"If-None-Match": "*"}, int(time.time() * 1000) + 900_000, packs.PACK_MAX_BYTES))
            return p.MissingAnswer(missing, tuple(uploads))

    def register(self, shelf: Shelf, stored: tuple[p.StoredPack, ...]) -> p.PacksAnswer:
        return p.PacksAnswer(tuple(p.PackReport(each.pack, self._register(shelf, each)) for each in stored))

    def _register(self, shelf: Shelf, stored: p.StoredPack) -> p.PackState:
        path = self.directory / stored.pack
        if stored.pack not in self.slots or not path.exists():
            return p.PackState.ABSENT
        body = path.read_bytes()
        try:
            if address_of(body) != stored.address or len(body) != stored.size_bytes:
                return p.PackState.CORRUPT
            places = packs.verify_pack(body)
        except packs.BadPack:
            return p.PackState.CORRUPT
        with self.condition:
            for place in places:
                coding = p.CodingName(place.coding.name.lower())
                shelf.chunks.setdefault(
                    place.address,
                    p.ChunkPlace(place.address, stored.pack, place.offset, place.stored_bytes, place.size_bytes, coding),
                )
        return p.PackState.VERIFIED

    def content(self, shelf: Shelf, request: p.ContentRequest) -> p.ContentAnswer:
        with self.condition:
            manifest = shelf.manifests.get(request.manifest)
            if manifest is None:
                raise Refusal(404, p.ErrorCode.NOT_FOUND, "没有这个版本")
            places = tuple(shelf.chunks[c.address] for c in manifest.chunks[request.start : request.start + request.count])
            downloads = {place.pack: p.Download(f"{self.api}/store/{place.pack}?get", {}, 0) for place in places}
            return p.ContentAnswer(manifest if request.start == 0 else None, places, downloads)

    def shelf(self, library: str) -> Shelf:
        if library not in self.shelves:
            raise Refusal(404, p.ErrorCode.NOT_FOUND, "没有这个素材库")
        return self.shelves[library]

    # --- operations -----------------------------------------------------------------------------------------------

    def ops(self, who: tuple[str, str], shelf: Shelf, request: p.OpsRequest) -> p.OpsAnswer:
        self.register(shelf, request.packs)
        answers = []
        for op in request.ops:
            with self.condition:
                key = (who[0], op.op_id)
                answer = self.answers.get(key) or self._op(who[1], shelf, op)
                self.answers[key] = answer
                answers.append(answer)
                self.done.append((op, answer))
                if isinstance(op, p.Commit) and (saved := answer.second or answer.node):
                    self.saved_on.setdefault((saved.id, saved.version), who[0])
                self.condition.notify_all()
        return p.OpsAnswer(tuple(answers))

    def _op(self, member: str, shelf: Shelf, op: p.Op) -> p.OpAnswer:
        try:
            self._check_right(member, shelf, op)
            if not isinstance(op, p.Commit) and self._is_held(op.node, member):
                raise Refusal(409, p.ErrorCode.CHECKED_OUT, "别人正在编辑")
            if isinstance(op, p.Commit):
                return self._commit(member, shelf, op)
            if isinstance(op, p.MakeFolder):
                return self._make_folder(member, shelf, op)
            if isinstance(op, p.Rename):
                return self._rename(shelf, op)
            return self._delete(shelf, op)
        except Refusal as refusal:
            return p.OpAnswer(op.op_id, p.Outcome.REFUSED, error=refusal.problem)

    def _check_right(self, member: str, shelf: Shelf, op: p.Op) -> None:
        node = shelf.nodes.get(op.node)
        places = [node.id if node is not None else None, node.parent if node is not None else None]
        if not isinstance(op, p.Delete) and (node is None or isinstance(op, p.Rename)):
            places.append(op.parent)
        if any(self._granted(shelf, member, place) not in (None, p.Right.EDIT) for place in places):
            raise Refusal(403, p.ErrorCode.NOT_ALLOWED, "您不能在这个文件夹里修改")

    def _is_held(self, node: str, member: str) -> bool:
        return node in self.leases and self.leases[node].name != member

    def _put(self, shelf: Shelf, node: p.Node) -> p.Node:
        shelf.seq += 1
        node = replace(node, seq=shelf.seq)
        shelf.nodes[node.id] = node
        return node

    def _folder(self, shelf: Shelf, node: str) -> p.Node:
        folder = shelf.nodes.get(node)
        if folder is None or folder.kind is not p.NodeKind.FOLDER or not self._is_live(shelf, folder):
            raise Refusal(409, p.ErrorCode.PARENT_GONE, "所在文件夹已不存在")
        return folder

    def _named(self, shelf: Shelf, parent: str, name: str) -> p.Node | None:
        key = paths.name_key(name)
        return next((n for n in shelf.nodes.values() if n.parent == parent and not n.deleted and paths.name_key(n.name) == key), None)

    def _check_name(self, name: str) -> str:
        problem = paths.refuse_name(name)
        if problem is not None:
            raise Refusal(422, p.ErrorCode.NAME_REFUSED, problem.value)
        return paths.normal_name(name)

    def _commit(self, member: str, shelf: Shelf, op: p.Commit) -> p.OpAnswer:
        digest = manifest_digest(op.manifest)
        missing = tuple(c.address for c in op.manifest.chunks if c.address not in shelf.chunks)
        if missing:
            problem = p.Problem(p.ErrorCode.CHUNKS_MISSING, "内容尚未上传", retryable=True, missing=missing)
            return p.OpAnswer(op.op_id, p.Outcome.REFUSED, error=problem)
        if any(shelf.chunks[c.address].size != c.size_bytes for c in op.manifest.chunks):
            return p.OpAnswer(op.op_id, p.Outcome.REFUSED, error=p.Problem(p.ErrorCode.BAD_MESSAGE, "内容与清单不符"))
        node = shelf.nodes.get(op.node)
        if node is None:
            return self._create(member, shelf, op, digest)
        if node.manifest == digest and not node.deleted:
            return p.OpAnswer(op.op_id, p.Outcome.EXISTS, node)
        if node.version != op.base_version or self._is_held(node.id, member):
            second = self._second(member, shelf, op, node, new_id())
            return p.OpAnswer(op.op_id, p.Outcome.CONFLICT, node, second)
        if node.deleted and op.parent in shelf.nodes and self._granted(shelf, member, op.parent) in (None, p.Right.EDIT):
            node = replace(node, parent=op.parent, name=self._check_name(op.name))
        self._restore_folders(shelf, node)
        other = self._named(shelf, node.parent or "", node.name)
        if node.deleted and other is not None:
            node = replace(node, name=self._conflict_name(shelf, node.parent or "", node.name, member))
        return p.OpAnswer(op.op_id, p.Outcome.APPLIED, self._version(member, shelf, node, op, digest))

    def _restore_folders(self, shelf: Shelf, node: p.Node) -> None:
        folder = shelf.nodes.get(node.parent or "")
        while folder is not None:
            if folder.deleted:
                for left in [each for each in shelf.nodes.values() if each.parent == folder.id and each.deleted]:
                    self._put(shelf, left)
                self._put(shelf, replace(folder, deleted=False))
            folder = shelf.nodes.get(folder.parent or "")

    def _create(self, member: str, shelf: Shelf, op: p.Commit, digest: Address) -> p.OpAnswer:
        self._folder(shelf, op.parent)
        name = self._check_name(op.name)
        other = self._named(shelf, op.parent, name)
        if other is not None and other.manifest == digest:
            return p.OpAnswer(op.op_id, p.Outcome.EXISTS, other)
        if other is not None:
            return p.OpAnswer(op.op_id, p.Outcome.CONFLICT, other, self._second(member, shelf, op, other, op.node))
        blank = p.Node(op.node, shelf.id, op.parent, name, p.NodeKind.FILE, 0, 0, None, 0, member, False, 0)
        return p.OpAnswer(op.op_id, p.Outcome.APPLIED, self._version(member, shelf, blank, op, digest))

    def _version(self, member: str, shelf: Shelf, node: p.Node, op: p.Commit, digest: Address) -> p.Node:
        shelf.manifests[digest] = op.manifest
        node = self._put(
            shelf,
            replace(
                node, version=node.version + 1, size_bytes=op.manifest.size_bytes, manifest=digest,
                modified_ms=op.modified_ms, author=member, deleted=False,
            ),
        )  # fmt: skip
        shelf.history.append(node)
        return node

    def _second(self, member: str, shelf: Shelf, op: p.Commit, winner: p.Node, node_id: str) -> p.Node:
        name = self._conflict_name(shelf, winner.parent or "", winner.name, member)
        blank = p.Node(
            node_id, shelf.id, winner.parent, name, p.NodeKind.FILE, 0, 0, None, 0, member, False, 0, head_of=winner.id
        )  # fmt: skip
        return self._version(member, shelf, blank, op, manifest_digest(op.manifest))

    def _conflict_name(self, shelf: Shelf, parent: str, name: str, member: str) -> str:
        taken = {paths.name_key(n.name) for n in shelf.nodes.values() if n.parent == parent and not n.deleted}
        return paths.conflict_name(name, member, datetime.now(UTC), taken=taken)

    def _make_folder(self, member: str, shelf: Shelf, op: p.MakeFolder) -> p.OpAnswer:
        self._folder(shelf, op.parent)
        name = self._check_name(op.name)
        other = self._named(shelf, op.parent, name)
        if other is not None and other.kind is p.NodeKind.FOLDER:
            return p.OpAnswer(op.op_id, p.Outcome.EXISTS, other)
        if other is not None:
            name = self._conflict_name(shelf, op.parent, name, member)
        if self._depth(shelf, op.parent) >= paths.FOLDERS_DEEP:
            raise Refusal(422, p.ErrorCode.NAME_REFUSED, "层数太多")
        folder = p.Node(op.node, shelf.id, op.parent, name, p.NodeKind.FOLDER, 0, 0, None, 0, member, False, 0)
        return p.OpAnswer(op.op_id, p.Outcome.APPLIED, self._put(shelf, folder))

    def _depth(self, shelf: Shelf, folder: str) -> int:
        above = shelf.nodes[folder].parent
        return 0 if above is None else 1 + self._depth(shelf, above)

    def _rename(self, shelf: Shelf, op: p.Rename) -> p.OpAnswer:
        node = shelf.nodes.get(op.node)
        if node is None or node.deleted or node.parent is None:
            raise Refusal(409, p.ErrorCode.NODE_GONE, "已被删除")
        above: p.Node | None = self._folder(shelf, op.parent)
        while above is not None:
            if above.id == node.id:
                raise Refusal(409, p.ErrorCode.WOULD_LOOP, "不能移入自身")
            above = shelf.nodes.get(above.parent or "")
        name = self._check_name(op.name)
        if (node.parent, node.name) == (op.parent, name):
            return p.OpAnswer(op.op_id, p.Outcome.EXISTS, node)
        other = self._named(shelf, op.parent, name)
        if other is not None and other.id != node.id:
            raise Refusal(409, p.ErrorCode.NAME_TAKEN, "名称已被占用")
        return p.OpAnswer(op.op_id, p.Outcome.APPLIED, self._put(shelf, replace(node, parent=op.parent, name=name)))

    def _delete(self, shelf: Shelf, op: p.Delete) -> p.OpAnswer:
        node = shelf.nodes.get(op.node)
        if node is None or node.deleted:
            return p.OpAnswer(op.op_id, p.Outcome.EXISTS, node)
        if node.version > op.base_version:
            return p.OpAnswer(op.op_id, p.Outcome.KEPT, node)
        inside = [n for n in shelf.nodes.values() if n.parent == node.id and not n.deleted]
        if inside and not op.recursive:
            raise Refusal(409, p.ErrorCode.NOT_EMPTY, "文件夹不是空的")
        while inside:
            gone = inside.pop()
            shelf.nodes[gone.id] = replace(gone, deleted=True)
            inside += [each for each in shelf.nodes.values() if each.parent == gone.id and not each.deleted]
        return p.OpAnswer(op.op_id, p.Outcome.APPLIED, self._put(shelf, replace(node, deleted=True)))


_LIBRARY_PATH = re.compile(r"/api/agent/libraries/([^/]+)/(children|missing|packs|ops|content|leases)\Z")


class _Handler(BaseHTTPRequestHandler):
    library: FakeLibrary
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self._body())

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.library.received.append((self.path.partition("?")[0], len(body)))
        return body

    def do_PUT(self) -> None:
        body, fake = self._body(), self.library
        pack = self.path.removeprefix("/store/").partition("?")[0]
        path = fake.directory / pack
        if fake.faults.refuse_everything or pack not in fake.slots or self.headers["Host"] not in fake.api:
            self._send(403, b"")
        elif path.exists() and self.headers.get("If-None-Match") == "*":
            self._send(412, b"")
        else:
            part = path.with_suffix(f".{threading.get_ident()}")
            part.write_bytes(body)
            part.replace(path)
            self._send(200, b"")

    def _serve(self, body: bytes) -> None:
        path = self.path.partition("?")[0]
        try:
            if self.library.faults.refuse_everything:
                raise Refusal(503, p.ErrorCode.UNAVAILABLE, "正在维护", retryable=True)
            if path.startswith("/store/"):
                self._get_pack(path)
                return
            answer = to_bytes(self._answer(path, body))
        except ConnectionAbortedError:
            self.close_connection = True
            return
        except BadMessage as error:
            self._send(400, to_bytes(p.ErrorAnswer(p.Problem(p.ErrorCode.BAD_MESSAGE, "请求无法理解", str(error)))))
            return
        except Refusal as refusal:
            self._send(refusal.status, to_bytes(p.ErrorAnswer(refusal.problem)))
            return
        faults = self.library.faults
        if faults.lose and faults.lose in path and faults.lose_count > 0:
            faults.lose_count -= 1
            self.close_connection = True
            return
        self._send(200, answer)

    def _answer(self, path: str, body: bytes) -> object:
        fake = self.library
        if path == p.Endpoint.ENROL:
            return fake.enrol(from_bytes(p.EnrolRequest, body))
        who = fake.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if who is None:
            raise Refusal(401, p.ErrorCode.UNAUTHENTICATED, "设备未注册")
        if path == p.Endpoint.HEARTBEAT:
            return fake.heartbeat(who, from_bytes(p.HeartbeatRequest, body))
        if path == p.Endpoint.LIBRARIES:
            return fake.libraries()
        if path == p.Endpoint.FEED:
            return fake.feed(who, from_bytes(p.FeedRequest, body))
        match = _LIBRARY_PATH.match(path)
        if match is None:
            raise Refusal(404, p.ErrorCode.NOT_FOUND, "没有这个地址")
        shelf = fake.shelf(match[1])
        if shelf.id in fake.faults.no_edit and match[2] not in ("content", "children", "leases"):
            raise Refusal(403, p.ErrorCode.NOT_ALLOWED, "您在这个素材库里没有此权限")
        match match[2]:
            case "children":
                return fake.children(shelf, from_bytes(p.ChildrenRequest, body))
            case "missing":
                return fake.missing(shelf, from_bytes(p.MissingRequest, body))
            case "leases":
                return fake.check_out(who[1], shelf, from_bytes(p.LeasesRequest, body))
            case "packs":
                return fake.register(shelf, from_bytes(p.PacksRequest, body).packs)
            case "ops":
                answers = fake.ops(who, shelf, from_bytes(p.OpsRequest, body))
                if who[1] in fake.faults.silent_to:
                    raise ConnectionAbortedError
                return answers
            case _:
                return fake.content(shelf, from_bytes(p.ContentRequest, body))

    def _get_pack(self, path: str) -> None:
        body = (self.library.directory / path.removeprefix("/store/")).read_bytes()
        match = re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if match is None:
            self._send(200, body)
        else:
            self._send(206, body[int(match[1]) : int(match[2]) + 1])

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

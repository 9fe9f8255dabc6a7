"""The log in the bucket: each change of a library as a line of JSON, so that the catalogue can be rebuilt from the bucket alone.

    log/<library>/new/<first>-<last>-<hash>.jsonl     the lines of one request, put before it is answered
    log/<library>/<first>-<last>-<hash>.jsonl         the same lines gathered by a job, which then removes the small objects

An answer means: recoverable. So whoever is told of a change (``Receipt``) is told after its line is in the bucket; the
transaction is over by then, and nobody waits for the store under the library's lock. The first line of an object tells
what library it is; a line names the folders above its node, so that it can be placed when an earlier line, of a save that nobody
was told of, was lost with the database. Lines carry their seq: a reader keeps one of each. The hash keeps apart what a
catalogue brought back from an older backup writes under the same numbers.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, and_, bindparam, select

from sync.core.manifest import Manifest, manifest_bytes
from sync.library.assets.models import LogEntry, Node
from sync.library.grants.models import FolderGrant
from sync.library.libraries.models import Library
from sync.library.storage import ObjectStore
from workspace.db import Database
from workspace.errors import Unavailable
from workspace.i18n import _
from workspace.parts import Parts
from workspace.people.models import Group
from workspace.work import Work, open_work

LINES_AT_ONCE = 2000
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
# Made once: each save asks it.
_GRANTS = (
    select(FolderGrant.folder_id, FolderGrant.subject_kind, FolderGrant.subject_id, FolderGrant.right, Group.name, Group.kind)
    .outerjoin(Group, and_(FolderGrant.subject_kind == "group", Group.id == FolderGrant.subject_id))
    .where(FolderGrant.library_id == bindparam("library"))
)


def line_of(work: Work, node: Node, above: list[Node], manifest: Manifest | None, why: str = "") -> bytes:
    """The change that gave the node its seq. above: the folders it lies in, topmost first, without the root. why: its version's note."""
    return _packed({
        "seq": node.seq, "at": work.now.isoformat(), "member": work.actor.member_id, "by": work.actor.name, "device": work.actor.device_id,
        "node": node.id, "parent": node.parent_id, "name": node.name, "kind": node.kind, "version": node.version,
        "digest": node.digest, "size_bytes": node.size_bytes, "modified_at": node.modified_at.isoformat(),
        "author": node.author_name, "author_id": node.author_id, "head_of": node.head_of, "deleted": node.deleted_at is not None,
        "above": [[folder.id, folder.name] for folder in above],
        "manifest": base64.b64encode(manifest_bytes(manifest)).decode() if manifest is not None else None,
        **({"why": why} if why else {}),
    })  # fmt: skip


def note_of(work: Work, seq: int, **said: Any) -> bytes:
    """What happened to no single node. said: ``forgot`` [[node, number, digest]…], versions that are no more; ``purged`` [node…], out
    of the trash; ``kept`` [node, number, label], ``released`` [node, number]; ``tagged`` and ``untagged``
    [[node, tag]…]. A reader applies it to what is older than it.
    """
    return _packed({"note": seq, "at": work.now.isoformat(), "by": work.actor.name, **said})


def grants_told(work: Work, library_id: str) -> Sequence[Row[Any]]:
    """All grants in a library, as ``head_line`` tells them."""
    return work.read(_GRANTS, {"library": library_id}).all()


def head_line(work: Work, library_id: str, grants: Sequence[Row[Any]] | None = None) -> bytes:
    """What library this is, and who may do what in it, as of now. seq: its latest change, by which a reader knows the newest of these.

    grants: of who has just read them.
    """
    library = work.session.get_one(Library, library_id)
    grants = grants_told(work, library_id) if grants is None else grants
    return _packed({
        "library": library.id, "seq": library.seq, "name": library.name, "root": library.root_id, "scope_room": library.scope_room,
        "quota_bytes": library.quota_bytes, "created_at": library.created_at.isoformat(), "at": work.now.isoformat(),
        "grants": [_told(grant) for grant in sorted(grants, key=lambda each: (each.folder_id, each.subject_kind, each.subject_id))],
    })  # fmt: skip


def _told(grant: Row[Any]) -> dict[str, str]:
    """A group is told with its name, so that it can be made anew where it is lost."""
    told = {"folder": grant.folder_id, "subject": grant.subject_kind, "id": grant.subject_id, "right": grant.right}
    return told | ({"name": grant.name, "kind": grant.kind} if grant.name is not None else {})


def put_lines(store: ObjectStore, library_id: str, head: bytes, lines: Mapping[int, bytes], *, new: bool) -> None:
    """Store one object with these lines (by seq). Putting it again changes nothing: its name holds its content's hash."""
    body = b"".join(line + b"\n" for line in (head, *(lines[seq] for seq in sorted(lines))))
    store.put(key_of_lines(library_id, lines, new=new), body, "application/jsonl")


def key_of_lines(library_id: str, lines: Mapping[int, bytes], *, new: bool) -> str:
    """Where ``put_lines`` puts them: nothing else is ever put there."""
    mark = hashlib.sha256(b"\n".join(lines[seq] for seq in sorted(lines))).hexdigest()[:12]
    return f"log/{library_id}/{'new/' if new else ''}{min(lines):012d}-{max(lines):012d}-{mark}.jsonl"


class Receipt:
    """What the answer to one request rests on: changes it made itself, and earlier ones that it tells of."""

    def __init__(self, library_id: str) -> None:
        self.library_id = library_id
        self._head = b""
        self._lines: dict[int, bytes] = {}
        self._told: set[int] = set()

    def add_changes(self, work: Work, lines: Sequence[tuple[int, bytes]], grants: Sequence[Row[Any]]) -> None:
        """Lines that this request wrote, each with its number, inside their transaction. grants: see ``head_line``."""
        if lines:
            self._head = head_line(work, self.library_id, grants)
            self._lines.update(lines)

    def tell_of(self, *seqs: int) -> None:
        """The answer shows states with these numbers, whoever made them."""
        self._told.update(seqs)

    def settle(self, parts: Parts) -> None:
        """Bring into the bucket what is not there yet. Slow: after the transaction, before the answer.

        Unavailable when the store does not answer: the change stands, a job sends its line later, and the client, told
        nothing, asks again.
        """
        if not self._lines and not self._told:
            return
        store = parts.get(ObjectStore)  # type: ignore[type-abstract]
        try:
            if self._lines:
                put_lines(store, self.library_id, self._head, self._lines, new=True)
            if earlier := self._told - self._lines.keys():
                self._put_earlier(store, parts.get(Database), up_to=max(earlier))
        except Unavailable as error:
            raise Unavailable(_("对象存储没有应答，尚不能确认已安全"), _("修改已记下，会自动补存；请稍后再试。")) from error

    def _put_earlier(self, store: ObjectStore, database: Database, *, up_to: int) -> None:
        with open_work(database, writes=False) as work:
            lines = waiting_lines(work, self.library_id, up_to=up_to)
            head = head_line(work, self.library_id) if lines else b""
        if lines:
            put_lines(store, self.library_id, head, lines, new=True)


def waiting_lines(work: Work, library_id: str, *, up_to: int | None = None) -> dict[int, bytes]:
    """The oldest lines that no job has gathered yet, by seq; all of them when ``up_to`` bounds them."""
    query = select(LogEntry.seq, LogEntry.body).where(LogEntry.library_id == library_id).order_by(LogEntry.seq)
    query = query.limit(LINES_AT_ONCE) if up_to is None else query.where(LogEntry.seq <= up_to)
    return {row.seq: bytes(row.body) for row in work.session.execute(query)}


def _packed(line: dict[str, Any]) -> bytes:
    return _JSON.encode(line).encode()

"""Rebuilding the catalogue from the bucket alone: read the logs, write the tables, verify every pack into the place tables.

Runs from the command line on a database without libraries, while nothing else of the product runs. The bucket is only read.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, insert, select

from sync.core.hashing import address_of
from sync.core.packs import PACK_MAX_BYTES, BadPack, verify_pack
from sync.core.paths import name_key
from sync.core.protocol import PackState, StoredPack
from sync.library.assets.models import Node, Place, Version
from sync.library.content.access import missing_chunks
from sync.library.content.actions import CheckedPack, keep_manifests, record_packs
from sync.library.grants.access import SUBJECT_MODELS
from sync.library.grants.models import FolderGrant
from sync.library.grants.rules import SubjectKind
from sync.library.libraries.access import rooms_of_library
from sync.library.libraries.models import Library, LibraryEvent
from sync.library.previews.rules import is_previewable
from sync.library.recovery.rules import BadLine, Head, Line, Note, Placed, Rebuilt, newest_head, read_head, read_line, read_note, rebuild
from sync.library.retention.models import KeptVersion, RetentionPlan
from sync.library.retention.rules import Mode, Plan
from sync.library.storage import ObjectStore, Stored
from sync.library.tags.models import AssetTag
from sync.library.tags.rules import tag_key
from workspace.db import Database, new_id
from workspace.errors import Conflict, NotFound
from workspace.events.models import RESTORED_ROOM
from workspace.parts import Parts
from workspace.people.models import Group
from workspace.work import Work, open_work

READERS = 4
ROWS_AT_ONCE = 5000
PACKS_AT_ONCE = 32

Tell = Callable[[str], None]


@dataclass
class Report:
    """What was brought back. complaints: what could not be placed as it was; next_steps: what is left to people. Sentences."""

    libraries: int = 0
    folders: int = 0
    files: int = 0
    versions: int = 0
    packs: int = 0
    size_bytes: int = 0
    complaints: list[str] = field(default_factory=list)
    next_steps: list[str] = field(default_factory=list)


@dataclass
class _Log:
    """What the objects under ``log/<library>/`` say. heads: what each says of the library; head: the newest one, None without any."""

    library_id: str
    heads: list[Head] = field(default_factory=list)
    head: Head | None = None
    lines: list[Line] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    next_steps: list[str] = field(default_factory=list)


def recover_catalogue(database: Database, parts: Parts, tell: Tell) -> Report:
    """Rebuild every library that the bucket's logs name. Conflict when the database holds a library already."""
    with open_work(database, writes=False) as work:
        if work.session.scalar(select(func.count()).select_from(Library)):
            raise Conflict("The database already holds libraries", "Recover into an empty database; nothing was changed.")
    store = parts.get(ObjectStore)  # type: ignore[type-abstract]
    report = Report()
    for library_id in _library_ids(store):
        log = _read_log(store, library_id)
        root_id, created_at = _root_of(log)
        rebuilt = rebuild(root_id, created_at, log.lines, log.notes)
        with open_work(database, parts=parts) as work:
            library = _write_library(work, log, rebuilt)
            _write_tree(work, library, rebuilt)
            _write_grants(work, log, library, rebuilt)
            name = library.name
        tell(f"{name}: {len(rebuilt.nodes) - 1} files and folders, {len(rebuilt.versions)} versions; reading its packs")
        complaints = [*log.complaints, *rebuilt.complaints, *_take_packs(database, store, library_id, report, tell)]
        complaints += _incomplete(database, library_id, rebuilt)
        report.complaints += [f"{name}: {complaint}" for complaint in complaints]
        report.next_steps += [f"{name}: {step}" for step in log.next_steps]
        report.next_steps.append(f"{name}: nothing is thinned or let go until a manager chooses its retention plan")
        _count(report, rebuilt)
    return report


def _library_ids(store: ObjectStore) -> list[str]:
    return sorted({found.key.split("/")[1] for found in store.list("log/")})


def _read_log(store: ObjectStore, library_id: str) -> _Log:
    log, seen = _Log(library_id), set()
    for found in store.list(f"log/{library_id}/"):
        for number, body in enumerate(store.get(found.key).splitlines(), start=1):
            if body in seen:
                continue
            seen.add(body)
            try:
                _take_line(log, body)
            except BadLine as error:
                log.complaints.append(f"line {number} of {found.key} was left out: {error}")
    log.head = newest_head(log.heads, log.lines, log.notes)
    return log


def _take_line(log: _Log, body: bytes) -> None:
    head, note = read_head(body), read_note(body)
    if note is not None:
        log.notes.append(note)
    elif head is None:
        log.lines.append(read_line(body))
    else:
        log.heads.append(head)


def _root_of(log: _Log) -> tuple[str, datetime]:
    """The root folder and the library's birth, from the head; without one, from what the topmost lines name as parent."""
    if log.head is not None:
        return log.head.root_id, log.head.created_at
    known = {line.node_id for line in log.lines}
    parents = [line.parent_id for line in log.lines if line.parent_id is not None and line.parent_id not in known]
    first = min((line.at for line in log.lines), default=datetime.fromisoformat("1970-01-01T00:00:00+00:00"))
    return max(set(parents), key=parents.count) if parents else new_id(), first


def _write_library(work: Work, log: _Log, rebuilt: Rebuilt) -> Library:
    head = log.head
    if head is None:
        log.complaints.append("no line says what the library was called or who may see it; it is named after its number")
    library = Library(
        id=log.library_id, name=head.name if head else log.library_id, scope_room=head.scope_room if head else None,
        root_id=rebuilt.root_id, seq=rebuilt.seq, quota_bytes=head.quota_bytes if head else None,
        created_at=rebuilt.nodes[rebuilt.root_id].created_at,
    )  # fmt: skip
    work.session.add(library)
    work.session.flush()
    files = sum(not node.is_folder for node in rebuilt.nodes.values())
    work.record(
        LibraryEvent.RECOVERED, subject=f"library:{library.id}", rooms=[*rooms_of_library(library), "audit", RESTORED_ROOM],
        library=library.name, library_id=library.id, files=files, versions=len(rebuilt.versions),
    )  # fmt: skip
    return library


def _write_grants(work: Work, log: _Log, library: Library, rebuilt: Rebuilt) -> None:
    """Who may do what. A group that is lost is made anew, so that it needs members only; others come with the company's own backup."""
    lost = False
    for grant in log.head.grants if log.head else ():
        node = rebuilt.nodes.get(grant.folder_id)
        if node is None or not node.is_folder:
            log.complaints.append(f"a grant of {grant.right} names a folder that is not there; it was left out")
            continue
        model = SUBJECT_MODELS[SubjectKind(grant.kind)]
        if work.session.get(model, grant.subject_id) is None:
            if model is Group:
                work.session.add(Group(id=grant.subject_id, name=grant.name, kind=grant.group_kind))
                work.session.flush()
                log.next_steps.append(f"the group {grant.name} was made anew and has no members: add them, so that they see the library")
            else:
                lost = True
        work.session.add(
            FolderGrant(
                folder_id=grant.folder_id, subject_kind=grant.kind, subject_id=grant.subject_id, library_id=library.id, right=grant.right
            )
        )  # fmt: skip
    if lost:
        log.next_steps.append("grants name members, departments or sites that this database does not know: give them again")


def _write_tree(work: Work, library: Library, rebuilt: Rebuilt) -> None:
    lines = list(rebuilt.versions.values())
    for start in range(0, len(lines), ROWS_AT_ONCE):
        part = lines[start : start + ROWS_AT_ONCE]
        keep_manifests(work, [line.manifest for line in part if line.manifest is not None])
    _insert(work, Node, [_node_row(library, node_id, rebuilt.nodes[node_id]) for node_id in _parents_first(rebuilt)])
    _insert(work, Version, [_version_row(library, line) for line in lines])
    _insert(work, Place, list(_place_rows(rebuilt)))
    _write_keeping(work, library, rebuilt)
    for (node_id, tag), note in rebuilt.tags.items():
        if node_id in rebuilt.nodes:
            row = AssetTag(node_id=node_id, tag_key=tag_key(tag), library_id=library.id, tag=tag, by_name=note.by_name, at=note.at)
            work.session.merge(row)
    work.after_commit("library.index_changes", library_id=library.id, since=0)
    for node_id, node in rebuilt.nodes.items():
        line = node.line
        if line.digest is not None and node.deleted_at is None and is_previewable(node.name, line.size_bytes):
            work.after_commit("library.make_preview", node_id=node_id, number=line.version)


def _write_keeping(work: Work, library: Library, rebuilt: Rebuilt) -> None:
    """What people keep; and nothing is let go before a manager has decided: what approvals had pinned is not in the bucket."""
    for (node_id, number), note in rebuilt.kept.items():
        if note.kept is not None and (node_id, number) in rebuilt.versions:
            row = KeptVersion(node_id=node_id, number=number, library_id=library.id, label=note.kept[2], by_name=note.by_name, at=note.at)
            work.session.add(row)
    usual = Plan()
    work.session.add(
        RetentionPlan(
            library_id=library.id, mode=Mode.PAUSED.value, all_days=usual.all_days, daily_days=usual.daily_days,
            weekly_days=usual.weekly_days,
        )
    )  # fmt: skip


def _insert(work: Work, model: type[Node | Place | Version], rows: list[dict[str, object]]) -> None:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        work.session.execute(insert(model), rows[start : start + ROWS_AT_ONCE])


def _parents_first(rebuilt: Rebuilt) -> Iterator[str]:
    inside: dict[str | None, list[str]] = {}
    for node_id, node in rebuilt.nodes.items():
        inside.setdefault(node.parent_id, []).append(node_id)
    level = [rebuilt.root_id]
    while level:
        yield from level
        level = [child for node_id in level for child in inside.get(node_id, ())]


def _place_rows(rebuilt: Rebuilt) -> Iterator[dict[str, object]]:
    """As with a catalogue of before places were written down: where things are now, from their beginning, and since when not."""
    for node_id, node in rebuilt.nodes.items():
        if node_id != rebuilt.root_id:
            row = {"node_id": node_id, "parent_id": node.parent_id, "name": node.name, "assumed": True}
            yield {**row, "deleted": False, "at": node.created_at}
            if node.deleted_at is not None:
                yield {**row, "deleted": True, "at": node.deleted_at}


def _node_row(library: Library, node_id: str, node: Placed) -> dict[str, object]:
    line = node.line
    return {
        "id": node_id, "library_id": library.id, "parent_id": node.parent_id, "name": node.name, "name_key": name_key(node.name),
        "kind": line.kind, "version": line.version, "digest": line.digest, "size_bytes": line.size_bytes,
        "modified_at": line.modified_at, "author_id": line.author_id, "author_name": line.author_name, "head_of": line.head_of,
        "created_at": node.created_at, "deleted_at": node.deleted_at, "deleted_by_name": node.deleted_by_name,
        "purged_at": node.purged_at, "seq": line.seq,
    }  # fmt: skip


def _version_row(library: Library, line: Line) -> dict[str, object]:
    return {
        "node_id": line.node_id, "number": line.version, "library_id": library.id, "name": line.name, "digest": line.digest,
        "size_bytes": line.size_bytes, "author_id": line.author_id, "author_name": line.author_name, "device_id": line.device_id,
        "modified_at": line.modified_at, "at": line.at, "note": line.why,
    }  # fmt: skip


# --- packs --------------------------------------------------------------------------------------------------------------


def _take_packs(database: Database, store: ObjectStore, library_id: str, report: Report, tell: Tell) -> list[str]:
    """Verify every pack of a library, byte by byte, and record where its chunks lie. Returns what is damaged."""
    complaints = []
    packs = list(store.list(f"packs/{library_id}/"))
    with ThreadPoolExecutor(READERS) as readers:
        for start in range(0, len(packs), PACKS_AT_ONCE):
            part = packs[start : start + PACKS_AT_ONCE]
            checked = list(readers.map(lambda found: check_object(store, found), part))
            with open_work(database) as work:
                record_packs(work, library_id, checked)
            complaints += [f"pack {each.pack.pack} is damaged and serves nobody" for each in checked if each.state is PackState.CORRUPT]
            report.packs += len(part)
            report.size_bytes += sum(found.size_bytes for found in part)
            tell(f"  {start + len(part)} of {len(packs)} packs verified")
    return complaints


def check_object(store: ObjectStore, found: Stored) -> CheckedPack:
    """Read a pack that nobody announced: its address is what its bytes say. Absent when it went away meanwhile."""
    pack_id = found.key.rpartition("/")[2]
    try:
        data = store.get_range(found.key, 0, PACK_MAX_BYTES + 1)
    except NotFound:
        return CheckedPack(StoredPack(pack_id, address_of(b""), found.size_bytes), PackState.ABSENT)
    pack = StoredPack(pack_id, address_of(data), found.size_bytes)
    try:
        return CheckedPack(pack, PackState.VERIFIED, verify_pack(data))
    except BadPack:
        return CheckedPack(pack, PackState.CORRUPT)


def _incomplete(database: Database, library_id: str, rebuilt: Rebuilt) -> Iterator[str]:
    """Versions whose content the packs do not hold whole. They keep their place; reading them fails in words."""
    with open_work(database, writes=False) as work:
        for (node_id, number), line in sorted(rebuilt.versions.items()):
            if line.manifest is not None and (lost := missing_chunks(work, library_id, (each.address for each in line.manifest.chunks))):
                of = len({each.address for each in line.manifest.chunks})
                yield f"{rebuilt.path_of(node_id)}, version {number}: {len(lost)} of {of} chunks are in no sound pack"


def _count(report: Report, rebuilt: Rebuilt) -> None:
    files = sum(not node.is_folder for node in rebuilt.nodes.values())
    report.libraries += 1
    report.files += files
    report.folders += len(rebuilt.nodes) - 1 - files
    report.versions += len(rebuilt.versions)

"""From the lines of a library's log to its tree as it was. Pure: lines in, nodes and versions and complaints out.

Each line is one change (see assets/log.py). Lines are applied in the order of their numbers; a deleted folder takes along what lies
in it. What does not fit, because lines are lost or damaged, is placed where a person finds it and named in ``complaints``;
nothing is left out of the tree on account of its place.
"""

import base64
import binascii
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sync.core.hashing import Address
from sync.core.manifest import BadManifest, Manifest, manifest_digest, manifest_from_bytes
from sync.core.paths import conflict_name, name_key

RESCUED = "recovered"
"""Stands for the member's name in a name that had to be made unique."""


class BadLine(ValueError):
    """This is no line of a log; the text says why."""


@dataclass(frozen=True)
class ToldGrant:
    """A grant as the log tells it. name, group_kind: of a group; empty for others."""

    folder_id: str
    kind: str
    subject_id: str
    right: str
    name: str = ""
    group_kind: str = "free"


@dataclass(frozen=True)
class Head:
    """What the log says about its library. seq: after which change, 0 in logs of before that was said; at: when."""

    library_id: str
    name: str
    root_id: str
    scope_room: str | None
    quota_bytes: int | None
    created_at: datetime
    seq: int
    at: datetime
    grants: tuple[ToldGrant, ...]


@dataclass(frozen=True)
class Line:
    """One change: the node as it was after it. manifest: of a new version, else None; why: its author's note, "" when nothing was said."""

    seq: int
    at: datetime
    by_name: str | None
    device_id: str | None
    node_id: str
    parent_id: str | None
    name: str
    kind: str
    version: int
    digest: str | None
    size_bytes: int
    modified_at: datetime
    author_name: str
    author_id: str | None
    head_of: str | None
    deleted: bool
    above: tuple[tuple[str, str], ...]
    manifest: Manifest | None
    why: str = ""


@dataclass(frozen=True)
class Note:
    """What happened to no single node (assets/log.note_of). forgot: (node, number, digest); kept: (node, number, label) or None.

    tagged, untagged: (node, tag).
    """

    seq: int
    at: datetime
    by_name: str
    forgot: tuple[tuple[str, int, str], ...] = ()
    purged: tuple[str, ...] = ()
    kept: tuple[str, int, str] | None = None
    released: tuple[str, int] | None = None
    tagged: tuple[tuple[str, str], ...] = ()
    untagged: tuple[tuple[str, str], ...] = ()


@dataclass
class Placed:
    """A node of the rebuilt tree: its latest line, when it was first heard of, since when it is deleted and out of the trash."""

    line: Line
    parent_id: str | None
    name: str
    created_at: datetime
    deleted_at: datetime | None = None
    deleted_by_name: str | None = None
    purged_at: datetime | None = None

    @property
    def is_folder(self) -> bool:
        return self.line.kind == "folder"


@dataclass
class Rebuilt:
    """A library's tree. nodes: by id, root included. versions: by (node, number). complaints: sentences for the administrator.

    kept: (node, number) -> the note that keeps the version. tags: (node, tag) -> the note that put it there.
    last_note: number of the newest note.
    """

    root_id: str
    nodes: dict[str, Placed] = field(default_factory=dict)
    versions: dict[tuple[str, int], Line] = field(default_factory=dict)
    kept: dict[tuple[str, int], Note] = field(default_factory=dict)
    tags: dict[tuple[str, str], Note] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    last_note: int = 1

    @property
    def seq(self) -> int:
        return max(self.last_note, *(node.line.seq for node in self.nodes.values()))

    def path_of(self, node_id: str) -> str:
        """Names from the root, joined by slashes."""
        names: list[str] = []
        current: str | None = node_id
        while current is not None and current != self.root_id and current in self.nodes and len(names) < len(self.nodes):
            names.append(self.nodes[current].name)
            current = self.nodes[current].parent_id
        return "/".join(reversed(names))


def read_head(body: bytes) -> Head | None:
    """The first line of an object; None when it is a change, as in logs of before heads were written."""
    found = _parsed(body)
    if "library" not in found:
        return None
    try:
        grants = tuple(_read_grant(grant, found["root"]) for grant in found["grants"])
        created_at, at = datetime.fromisoformat(found["created_at"]), datetime.fromisoformat(found["at"])
        seq = int(found.get("seq", 0))
        return Head(found["library"], found["name"], found["root"], found["scope_room"], found["quota_bytes"], created_at, seq, at, grants)
    except (KeyError, TypeError, ValueError) as error:
        raise BadLine(f"the head is not whole: {error!r}") from error


def read_note(body: bytes) -> Note | None:
    """A note; None when the line is something else."""
    found = _parsed(body)
    if "note" not in found:
        return None
    try:
        return Note(
            int(found["note"]), datetime.fromisoformat(found["at"]), str(found["by"]),
            forgot=tuple((str(node), int(number), str(digest)) for node, number, digest in found.get("forgot", ())),
            purged=tuple(str(node) for node in found.get("purged", ())),
            kept=(str(found["kept"][0]), int(found["kept"][1]), str(found["kept"][2])) if "kept" in found else None,
            released=(str(found["released"][0]), int(found["released"][1])) if "released" in found else None,
            tagged=tuple((str(node), str(tag)) for node, tag in found.get("tagged", ())),
            untagged=tuple((str(node), str(tag)) for node, tag in found.get("untagged", ())),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BadLine(f"the note is not whole: {error!r}") from error


def _read_grant(told: dict[str, str], root_id: str) -> ToldGrant:
    """Also as it was told before grants could name folders and others than groups."""
    if "group" in told:
        return ToldGrant(root_id, "group", told["group"], told["right"], told["name"], told.get("kind", "free"))
    return ToldGrant(told["folder"], told["subject"], told["id"], told["right"], told.get("name", ""), told.get("kind", "free"))


def read_line(body: bytes) -> Line:
    """One change. BadLine when it is none, or when its manifest is not the one it names."""
    found = _parsed(body)
    try:
        manifest = manifest_from_bytes(base64.b64decode(found["manifest"])) if found["manifest"] else None
        line = Line(
            seq=int(found["seq"]), at=datetime.fromisoformat(found["at"]), by_name=found.get("by"), device_id=found["device"],
            node_id=found["node"],
            parent_id=found["parent"], name=found["name"], kind=found["kind"], version=int(found["version"]), digest=found["digest"],
            size_bytes=int(found["size_bytes"]), modified_at=datetime.fromisoformat(found["modified_at"]), author_name=found["author"],
            author_id=found["author_id"], head_of=found["head_of"], deleted=bool(found["deleted"]),
            above=tuple((node_id, name) for node_id, name in found.get("above", ())), manifest=manifest,
            why=str(found.get("why", "")),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, binascii.Error, BadManifest) as error:
        raise BadLine(f"the line is not whole: {error!r}") from error
    if manifest is not None and Address(manifest_digest(manifest)) != line.digest:
        raise BadLine(f"the manifest of {line.name} is not the one that the line names")
    if line.kind not in ("file", "folder"):
        raise BadLine(f"{line.name} is a {line.kind}")
    return line


def newest_head(heads: Iterable[Head], lines: Iterable[Line], notes: Iterable[Note]) -> Head | None:
    """By their numbers, which no clock sets back; where numbers were used again, by the time. None without any."""
    used_again = _first_used_again(seq for seq, _at, _node in _once(lines, notes))
    return max(heads, key=lambda head: (min(head.seq, used_again), head.at), default=None)


def _once(lines: Iterable[Line], notes: Iterable[Note]) -> dict[tuple[int, datetime, str], Line | Note]:
    """Each change once, by its number, time and node."""
    once: dict[tuple[int, datetime, str], Line | Note] = {(line.seq, line.at, line.node_id): line for line in lines}
    return once | {(note.seq, note.at, ""): note for note in notes}


def rebuild(root_id: str, created_at: datetime, lines: Iterable[Line], notes: Iterable[Note] = ()) -> Rebuilt:
    """The tree after these lines and notes, in any order and with repetitions."""
    once = _once(lines, notes)
    tree = _Rebuilding(root_id, created_at, _first_used_again(seq for seq, _at, _node in once))
    for _key, said in sorted(once.items(), key=lambda item: item[0]):
        if isinstance(said, Note):
            tree.heed(said)
        else:
            tree.apply(said)
    tree.mend()
    return tree.rebuilt


def _first_used_again(numbers: Iterable[int]) -> float:
    """The lowest number that two changes have, as after a catalogue was brought back from a backup; infinite where each has its own."""
    return min((seq for seq, count in Counter(numbers).items() if count > 1), default=math.inf)


class _Rebuilding:
    def __init__(self, root_id: str, created_at: datetime, used_again: float) -> None:
        self._used_again = used_again
        self.rebuilt = Rebuilt(root_id)
        self.nodes = self.rebuilt.nodes
        self._inside: dict[str, set[str]] = defaultdict(set)
        self._forgotten: set[tuple[str, int]] = set()
        self.nodes[root_id] = Placed(_folder_line(root_id, None, "", created_at, seq=1), None, "", created_at)

    def apply(self, line: Line) -> None:
        for number, (folder_id, name) in enumerate(line.above):
            if folder_id not in self.nodes:
                parent_id = line.above[number - 1][0] if number else self.rebuilt.root_id
                self._put(_folder_line(folder_id, parent_id, name, line.at, seq=line.seq))
                self.rebuilt.complaints.append(f"the folder {name} has no line of its own; it is placed where {line.name} names it")
        if line.node_id == self.rebuilt.root_id:
            return
        self._put(line)
        if line.deleted:
            self._bury(line)
        if line.manifest is not None:
            self._add_version(line)

    def heed(self, note: Note) -> None:
        """Only what is older than the note is meant."""
        self.rebuilt.last_note = max(self.rebuilt.last_note, note.seq)
        for node_id, number, digest in note.forgot:
            line = self.rebuilt.versions.get((node_id, number))
            if line is not None and line.digest == digest and self._is_older(line, note):
                del self.rebuilt.versions[node_id, number]
                self._forgotten.add((node_id, number))
        for node_id in note.purged:
            node = self.nodes.get(node_id)
            if node is not None and node.deleted_at is not None and self._is_older(node.line, note):
                node.purged_at = note.at
        if note.kept is not None:
            self.rebuilt.kept[note.kept[0], note.kept[1]] = note
        if note.released is not None:
            self.rebuilt.kept.pop(note.released, None)
        self.rebuilt.tags.update(dict.fromkeys(note.tagged, note))
        for pair in note.untagged:
            self.rebuilt.tags.pop(pair, None)

    def _is_older(self, line: Line, note: Note) -> bool:
        """By their numbers, which no clock sets back; where numbers were used again, by the time."""
        return line.seq < min(note.seq, self._used_again) or line.at <= note.at

    def _put(self, line: Line) -> None:
        former = self.nodes.get(line.node_id)
        if former is not None and former.parent_id is not None:
            self._inside[former.parent_id].discard(line.node_id)
        self.nodes[line.node_id] = Placed(line, line.parent_id, line.name, former.created_at if former else line.at)
        if line.parent_id is not None:
            self._inside[line.parent_id].add(line.node_id)

    def _bury(self, line: Line) -> None:
        """The node and what lies in it; what was deleted earlier keeps its time."""
        level = [line.node_id]
        while level:
            for each in level:
                self.nodes[each].deleted_at, self.nodes[each].deleted_by_name = line.at, line.by_name
            level = [child for each in level for child in self._inside[each] if self.nodes[child].deleted_at is None]

    def _add_version(self, line: Line) -> None:
        key = (line.node_id, line.version)
        there = self.rebuilt.versions.get(key)
        if there is not None and there.digest != line.digest:
            self.rebuilt.complaints.append(
                f"{line.name}: two different contents call themselves version {line.version}; the later one is kept"
            )
        self.rebuilt.versions[key] = line
        self._forgotten.discard(key)

    # --- what lost lines leave behind -------------------------------------------------------------------------------

    def mend(self) -> None:
        for node_id, node in list(self.nodes.items()):
            if node_id != self.rebuilt.root_id and not self._reaches_root(node_id):
                self._move_to_root(node_id, node)
        for node in self.nodes.values():
            if node.deleted_at is None:
                self._raise_folders_above(node)
        for node_id, node in self.nodes.items():  # What left the trash before that was told lost its newest version all the same.
            if node.deleted_at is not None and (node_id, node.line.version) in self._forgotten:
                node.purged_at = node.purged_at or node.deleted_at
        self._make_names_unique()

    def _reaches_root(self, node_id: str) -> bool:
        seen: set[str] = set()
        current: str | None = node_id
        while current is not None and current in self.nodes and current not in seen:
            if current == self.rebuilt.root_id:
                return True
            seen.add(current)
            current = self.nodes[current].parent_id
        return False

    def _move_to_root(self, node_id: str, node: Placed) -> None:
        if node.parent_id in self.nodes and self._reaches_root(str(node.parent_id)):
            return
        self._inside[str(node.parent_id)].discard(node_id)
        node.parent_id = self.rebuilt.root_id
        self._inside[self.rebuilt.root_id].add(node_id)
        self.rebuilt.complaints.append(f"{node.name}: the folder it lay in is not in the log; it is placed in the top folder")

    def _raise_folders_above(self, node: Placed) -> None:
        above = self.nodes.get(node.parent_id) if node.parent_id else None
        while above is not None:
            if above.deleted_at is not None:
                above.deleted_at = above.deleted_by_name = above.purged_at = None
                self.rebuilt.complaints.append(f"the folder {above.name} was deleted, but {node.name} in it was not; it is there again")
            above = self.nodes.get(above.parent_id) if above.parent_id else None

    def _make_names_unique(self) -> None:
        taken: dict[str | None, set[str]] = defaultdict(set)
        live = [node for node in self.nodes.values() if node.deleted_at is None and node.parent_id is not None]
        for node in sorted(live, key=lambda node: -node.line.seq):
            names = taken[node.parent_id]
            if name_key(node.name) in names:
                former, node.name = node.name, conflict_name(node.name, RESCUED, node.line.at, taken=names)
                self.rebuilt.complaints.append(f"{former}: another one of this name is newer; this one is now {node.name}")
            names.add(name_key(node.name))


def _folder_line(node_id: str, parent_id: str | None, name: str, at: datetime, *, seq: int) -> Line:
    return Line(
        seq=seq, at=at, by_name=None, device_id=None, node_id=node_id,
        parent_id=parent_id, name=name, kind="folder", version=0, digest=None,
        size_bytes=0, modified_at=at, author_name="", author_id=None, head_of=None, deleted=False, above=(), manifest=None,
    )  # fmt: skip


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise BadLine(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadLine("not an object")
    return found

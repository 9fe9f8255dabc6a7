"""What a look at the disk means. Pure: no disk, no index, no clock.

The name comes first: what stands under a known name is that file, also when it is another inode, because that is how
programs save (temp + rename, backup swaps). Only what has a new name may be something known that was moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sync.agent.mirror.disk import Seen
from sync.agent.mirror.records import Record
from sync.core.paths import name_key, normal_name
from sync.core.protocol import NodeKind


@dataclass
class Differences:
    """fresh: names that are new here. edited: bytes may differ. respelled: the same name in another case or form.

    gone: names that are not there any more. clashes: names that this folder has twice for a library, in other case.
    """

    fresh: list[Seen] = field(default_factory=list)
    edited: list[tuple[Record, Seen]] = field(default_factory=list)
    respelled: list[tuple[Record, Seen]] = field(default_factory=list)
    gone: list[Record] = field(default_factory=list)
    clashes: list[Seen] = field(default_factory=list)
    folders: list[tuple[Record, Seen]] = field(default_factory=list)


def compare_folder(known: Iterable[Record], seen: Iterable[Seen]) -> Differences:
    """What is different in one folder, among the names that were looked at."""
    by_key = {record.key: record for record in known}
    differences, taken = Differences(), set()
    for entry in _in_order(by_key, seen):
        key = name_key(entry.name)
        if key in taken:
            differences.clashes.append(entry)
            continue
        taken.add(key)
        record = by_key.get(key)
        if record is None or record.kind is not entry.kind:
            differences.fresh.append(entry)
            if record is not None:
                differences.gone.append(record)
            continue
        if normal_name(record.name) != normal_name(entry.name):
            differences.respelled.append((record, entry))
        if entry.kind is NodeKind.FOLDER:
            differences.folders.append((record, entry))
        elif entry.stands != record.stands:
            differences.edited.append((record, entry))
    differences.gone += [record for key, record in by_key.items() if key not in taken]
    return differences


def _in_order(known: Mapping[str, Record], seen: Iterable[Seen]) -> list[Seen]:
    """Of several spellings of one name the known one first, then by alphabet, so that every look decides alike."""

    def rank(entry: Seen) -> tuple[bool, str]:
        record = known.get(name_key(entry.name))
        return record is None or record.name != entry.name, entry.name

    return sorted(seen, key=rank)


def is_same_file(record: Record, entry: Seen) -> bool:
    """Whether a new name is this known file, moved. An inode is used again soon, so bytes must not have changed either."""
    if record.file_id != entry.file_id or record.kind is not entry.kind:
        return False
    return entry.kind is NodeKind.FOLDER or (record.size, record.mtime_ns) == (entry.size, entry.mtime_ns)


def pair_by_content(gone: Sequence[Record], fresh: Sequence[tuple[Seen, str | None]]) -> list[tuple[Record, int]]:
    """Files that were moved by copying and deleting: each gone one with the position of the new one with equal bytes."""
    left = {(entry.size, mark): position for position, (entry, mark) in reversed(list(enumerate(fresh))) if mark and entry.size}
    pairs = []
    for record in gone:
        if record.kind is NodeKind.FILE and record.mark and (position := left.pop((record.size, record.mark), None)) is not None:
            pairs.append((record, position))
    return pairs

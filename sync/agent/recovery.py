"""After a crash: what was saved goes on its way, what was being written becomes a draft.

A file that its program had closed, or had renamed onto a name, is a save: it is sent. Half a file must never be anybody's
newest version, and must not be lost either. So a file that was still being written goes back to the version that the
library has, and what was written stays beside it under a telling name, on this machine. A draft has no node, so nothing
sends it; to rename it, onto the file or to another name, or to save it in a program, makes it a save like any other.
The same becomes of a file that a full disk did not take whole, as soon as its program closes it.
If what it was writing over was a save that had not been sent, that save is put back and goes on its way; see `lasts.py`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sync.agent.index import ROOT, File
from sync.agent.journal import Entry, Kind
from sync.agent.tree import Tree
from sync.core.hashing import address_of
from sync.core.manifest import EMPTY, Manifest, manifest_digest
from sync.core.paths import conflict_name, name_key, stays_local
from sync.core.protocol import NodeKind

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
DRAFT = "恢复的草稿"
"""Stands in the name of a draft where a conflict copy has its author."""


@dataclass(frozen=True)
class Recovered:
    """saves: how many go on their way. drafts: all that are here, also those of earlier crashes."""

    saves: int
    drafts: tuple[File, ...]


def recover(tree: Tree) -> Recovered:
    """Put the index in order before anything is mounted or sent."""
    saves, lasts, boot = 0, tree.content.lasts.found(), _boot()
    cut_off = tree.index.fact("boot") != boot
    with tree.lock, tree.index.transaction() as db:
        db.execute("DELETE FROM files WHERE parent IS NULL AND ino<>?", (ROOT,))
        tree.index.forget()
        for file in tree.index.matching("dirty>0 AND local=1 AND node IS NOT NULL"):
            if not file.unsaved and _size_bytes(tree, file) == file.size and not (cut_off and _is_newer_than_sent(tree, file)):
                saves += tree.save(file.ino)
            else:  # another length than was noted at the close: the machine lost its power before the disk had it
                saves += _set_aside(tree, file, lasts.get(file.ino))
        for file in tree.index.matching("local=1 AND node IS NULL AND kind='file'"):  # for this machine only: it is what the disk has of it
            size_bytes = _size_bytes(tree, file)
            if size_bytes < 0:
                tree.index.remove(file.ino)  # its bytes went with its name, and the power before the index had written that down
            else:
                tree.index.change(file.ino, size=size_bytes)
        _trust_no_copy(tree, cut_off=cut_off)
        tree.index.put_fact("boot", boot)
        left = tree.index.matching("node IS NULL AND unsaved=1")
    tree.content.sweep()
    return Recovered(saves, tuple(file for file in left if not stays_local(file.name)))


def give_up(tree: Tree, file: File) -> None:
    """The disk did not take all of what a program wrote, and the program has closed the file: as after a crash in the middle of it."""
    with tree.lock, tree.index.transaction():
        tree.forget_writes(file.ino)
        _set_aside(tree, file, tree.content.lasts.kept(file.ino))


def _is_newer_than_sent(tree: Tree, file: File) -> bool:
    """Whether the bytes here are others than those that are on their way.

    The machine lost its power after they had arrived and a program wrote over them, and the index knows neither.
    """
    sent = tree.journal.sent_save(file)
    ours = sent is not None and (sent.ino, sent.dirty) == (file.ino, file.dirty)
    manifest = tree.index.manifest(sent.manifest) if sent is not None and ours and sent.manifest else None
    if manifest is None:
        return False
    with open(tree.content.work_path(file.ino), "rb") as stream:
        return any(address_of(stream.read(chunk.size_bytes)) != chunk.address for chunk in manifest.chunks)


def _trust_no_copy(tree: Tree, *, cut_off: bool) -> None:
    """What the library has as well need not be here, and a machine that lost its power may have kept half of it."""
    for file in tree.index.matching("local=1 AND dirty=0 AND node IS NOT NULL AND parent IS NOT NULL"):
        if cut_off or _size_bytes(tree, file) != file.size:
            tree.index.change(file.ino, local=0)
            tree.content.drop_work(file.ino)


def _boot() -> str:
    """Changes whenever the machine starts."""
    try:
        return _BOOT_ID.read_text()
    except OSError:
        return ""


def _size_bytes(tree: Tree, file: File) -> int:
    try:
        return tree.content.work_path(file.ino).stat().st_size
    except FileNotFoundError:
        return -1


def _set_aside(tree: Tree, file: File, last: Path | None) -> bool:
    """Take half a save out of the way of the whole one before it. last: its bytes, if it was not sent. Returns whether they go now."""
    if _size_bytes(tree, file) > 0 and not (last is not None and last.samefile(tree.content.work_path(file.ino))):
        _keep_draft(tree, file)
    if last is not None:
        tree.index.change(file.ino, size=last.stat().st_size, local=1, unsaved=0, manifest=None)
        # Not before the index says so: until then a crash finds the file as it was, and `last` in its place.
        tree.index.afterwards(lambda: tree.content.lasts.put_back(file.ino, last, tree.content.work_path(file.ino)))
        return tree.save(file.ino)
    sent = tree.journal.sent_save(file)
    if sent is not None and sent.ino == file.ino:
        _go_back_to(tree, file, sent)
        return False
    before = _moved_here(tree, file)
    if before is not None:
        tree.index.change(file.ino, manifest=before.digest, size=before.size_bytes, local=0, unsaved=0)
        tree.journal.save(tree.get(file.ino))
        return False
    if sent is not None:  # of the file that had this name before: without it the name would be free here, and taken in the library
        tree.journal.hand_over(sent, file)
        _go_back_to(tree, file, sent)
        return False
    if file.version == 0:
        tree.journal.drop_waiting(file.node)
        tree.index.remove(file.ino)
        return False
    tree.journal.drop_waiting(file.node, Kind.COMMIT)
    tree.index.change(file.ino, manifest=file.head, size=file.head_size, local=0, dirty=0, unsaved=0)
    return False


def _go_back_to(tree: Tree, file: File, sent: Entry) -> None:
    """The save that is on its way is newer than the version, and as whole as when it was read: the library may have it already."""
    manifest = tree.index.manifest(sent.manifest) if sent.manifest else None
    size_bytes = manifest.size_bytes if manifest is not None else 0
    tree.journal.drop_waiting(file.node, Kind.COMMIT)
    tree.index.change(file.ino, manifest=sent.manifest, size=size_bytes, local=0, dirty=sent.dirty, unsaved=0)


def _moved_here(tree: Tree, file: File) -> Manifest | None:
    """What a file held whose save is the move onto its name, if that was not sent yet.

    The version of that name is not it, and the deletion of the name it had may be on its way: it would be nowhere.
    """
    digest = file.manifest or tree.journal.bytes_sent(file.ino)  # under its former name, and perhaps not answered yet
    if digest is None or digest == file.head:
        return None
    return EMPTY if digest == manifest_digest(EMPTY) else tree.index.manifest(digest)


def _keep_draft(tree: Tree, file: File) -> None:
    assert file.parent is not None  # files without a place were forgotten above
    bytes_path = tree.content.work_path(file.ino)
    stat = bytes_path.stat()
    taken = {name_key(sibling.name) for sibling in tree.index.children(file.parent, parked=True)}
    name = conflict_name(file.name, DRAFT, datetime.fromtimestamp(stat.st_mtime, UTC).astimezone(), taken=taken)
    draft = tree.index.add(
        file.parent, name, NodeKind.FILE, file.library, stat.st_mtime_ns // 1_000_000, size=stat.st_size, local=1, dirty=1, unsaved=1
    )
    # A second name for the same bytes: whichever row the transaction leaves, `sweep` removes the name that is not needed.
    draft_path = tree.content.work_path(draft.ino)
    draft_path.unlink(missing_ok=True)
    os.link(bytes_path, draft_path)

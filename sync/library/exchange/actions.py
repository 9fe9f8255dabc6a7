"""Import of plain files into a library, and export to plain files. Both may be interrupted and run again: what is there is left alone."""

import csv
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from sync.core.chunking import Chunk, choose_cutter, cut_stream
from sync.core.hashing import address_of
from sync.core.manifest import manifest_digest, manifest_of
from sync.core.paths import name_key, normal_name, refuse_name
from sync.core.protocol import Outcome
from sync.library.assets.access import path_of
from sync.library.assets.actions import save_upload
from sync.library.assets.models import Node, Version
from sync.library.assets.wire import name_problem_in_words
from sync.library.backup.actions import operator
from sync.library.content.access import load_manifest
from sync.library.content.reading import plan_reading, stream_reading
from sync.library.content.writing import write_file
from sync.library.exchange.models import ExchangeEvent
from sync.library.exchange.sources import Found
from sync.library.libraries.access import visible_libraries
from sync.library.libraries.models import Library
from sync.library.storage import ObjectStore
from workspace.db import Database
from workspace.errors import InvalidInput
from workspace.parts import Parts
from workspace.people.models import Member
from workspace.roles.access import permissions_of
from workspace.tables import inert
from workspace.work import Actor, Work, open_work

TOLD_EVERY = 100

Tell = Callable[[str], None]


@dataclass
class Imported:
    """saved: new assets and versions. same: were there already. refused: path and why."""

    saved: int = 0
    same: int = 0
    size_bytes: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


def member_named(database: Database, login: str) -> Actor:
    """Whose the imported versions will be."""
    with open_work(database, writes=False) as work:
        member = work.session.scalar(select(Member).where(Member.login == login.strip().lower(), Member.state == "active"))
        if member is None:
            raise InvalidInput(f"Nobody signs in as {login}", "Name a member's account with --as.")
        return Actor(member.id, member.name, permissions_of(work, member.id))


def import_files(parts: Parts, actor: Actor, library: str, files: Iterable[Found], tell: Tell, *, into: str = "") -> Imported:
    """Save every file that is not there with this content already. A file that cannot be stored is named, and the next one is taken."""
    database, store = parts.get(Database), parts.get(ObjectStore)  # type: ignore[type-abstract]
    with open_work(database, actor=actor, parts=parts, writes=False) as work:
        chosen = _one_of([opened.library for opened in visible_libraries(work)], library)
    base, done = tuple(part for part in into.split("/") if part), Imported()
    for number, found in enumerate(files, start=1):
        names = tuple(normal_name(name) for name in (*base, *found.names))
        problem = next((problem for name in names if (problem := refuse_name(name))), None)
        if problem is not None:
            done.refused.append((found.path, name_problem_in_words(problem)))
        elif _is_there(database, chosen, names, found):
            done.same += 1
        else:
            _save(parts, actor, store, chosen, names, found, done)
        if number % TOLD_EVERY == 0:
            tell(f"  {number:,} files looked at, {done.saved:,} saved, {done.size_bytes / 2**20:,.1f} MiB")
    return done


def _save(parts: Parts, actor: Actor, store: ObjectStore, library: Library, names: tuple[str, ...], found: Found, done: Imported) -> None:
    with found.open() as stream:
        written = write_file(store, library.id, name=names[-1], stream=stream, size_bytes=found.size_bytes)
    with open_work(parts.get(Database), actor=actor, parts=parts, origin={"import": found.path}) as work:
        answer = save_upload(
            work, library.id, folder_id=library.root_id, folders=names[:-1], name=names[-1], manifest=written.manifest,
            packs=written.packs, modified_ms=found.modified_ms,
        )  # fmt: skip
    if answer.outcome is Outcome.REFUSED:
        done.refused.append((found.path, f"{answer.error.title} {answer.error.message}".strip() if answer.error else ""))
    else:
        done.saved += 1
        done.size_bytes += written.manifest.size_bytes


def _is_there(database: Database, library: Library, names: tuple[str, ...], found: Found) -> bool:
    """Whether the newest version at this place has this very content; the file is read for that, and nothing is sent."""
    with open_work(database, writes=False) as work:
        node = work.session.get(Node, library.root_id)
        for name in names:
            if node is not None:
                live = select(Node).where(Node.parent_id == node.id, Node.name_key == name_key(name), Node.deleted_at.is_(None))
                node = work.session.scalar(live)
    if node is None or node.kind != "file" or node.size_bytes != found.size_bytes:
        return False
    cutter = choose_cutter(names[-1], found.size_bytes)
    with found.open() as stream:
        chunks = [Chunk(address_of(piece), len(piece)) for piece in cut_stream(stream, cutter)]
    return manifest_digest(manifest_of(chunks, cutter)) == node.digest


# --- export ---------------------------------------------------------------------------------------------------------------


def export_library(parts: Parts, target: Path, library: str, tell: Tell, *, at: datetime | None = None) -> int:
    """Every file as it is now, or as its newest version was at an instant, below ``target``/files; versions.csv lists all of them.

    Folders are those of now: where a file lay earlier is not kept. Each chunk is verified before it is written. Returns how many files.
    """
    database, store = parts.get(Database), parts.get(ObjectStore)  # type: ignore[type-abstract]
    with open_work(database, writes=False) as work:
        chosen = _one_of(list(work.session.scalars(select(Library))), library)
        wanted = _chosen_versions(work, chosen, at)
    target.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    with open(target / "versions.csv", "w", newline="", encoding="utf-8-sig") as table:
        rows = csv.writer(table)
        rows.writerow(["path", "version", "author", "saved_at", "modified_at", "size_bytes", "digest"])
        for number, (folder, name, version) in enumerate(wanted, start=1):
            path = f"{folder}/{name}" if folder else name
            if name_key(path) in taken:  # Two files had one name at different times.
                path = f"{path} ({version.node_id[-6:]})"
            taken.add(name_key(path))
            _write_file(database, store, target / "files" / path, version)
            rows.writerow([
                inert(path), version.number, inert(version.author_name), version.at.isoformat(), version.modified_at.isoformat(),
                version.size_bytes, version.digest,
            ])  # fmt: skip
            if number % TOLD_EVERY == 0:
                tell(f"  {number:,} of {len(wanted):,} files")
    with open_work(database, parts=parts, actor=operator()) as work:
        work.record(
            ExchangeEvent.EXPORTED, subject=f"library:{chosen.id}", rooms=["audit"], library=chosen.name, library_id=chosen.id,
            files=len(wanted), until=at.isoformat() if at else None,
        )  # fmt: skip
    return len(wanted)


def _chosen_versions(work: Work, library: Library, at: datetime | None) -> list[tuple[str, str, Version]]:
    """(folder, name, version) of each file that was there."""
    query = select(Node).where(Node.library_id == library.id, Node.kind == "file").order_by(Node.id)
    chosen = []
    for node in work.session.scalars(query).all():
        if node.deleted_at is not None and (at is None or node.deleted_at <= at):
            continue
        versions = select(Version).where(Version.node_id == node.id).order_by(Version.number.desc()).limit(1)
        version = work.session.scalar(versions if at is None else versions.where(Version.at <= at))
        if version is not None:
            chosen.append((path_of(work, node).rpartition("/")[0], node.name if at is None else version.name, version))
    return chosen


def _write_file(database: Database, store: ObjectStore, path: Path, version: Version) -> None:
    """Whole or not at all; one that is there with this size and time is left alone."""
    modified_s = version.modified_at.timestamp()
    if path.exists() and path.stat().st_size == version.size_bytes and abs(path.stat().st_mtime - modified_s) < 1:
        return
    with open_work(database, writes=False) as work:
        reading = plan_reading(work, version.library_id, load_manifest(work, version.digest), 0, version.size_bytes)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{version.node_id}.part")
    with open(draft, "wb") as file:
        for piece in stream_reading(store, reading):
            file.write(piece)
    os.utime(draft, (modified_s, modified_s))
    draft.replace(path)


def _one_of(libraries: list[Library], wanted: str) -> Library:
    """By number, or by a name that only one has."""
    found = [library for library in libraries if wanted in (library.id, library.name)]
    if len(found) != 1:
        names = ", ".join(f"{library.name} ({library.id})" for library in found or libraries) or "none"
        raise InvalidInput(f"{len(found)} libraries are called {wanted}", f"Name one by its number: {names}")
    return found[0]

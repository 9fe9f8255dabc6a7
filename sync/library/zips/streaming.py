"""Many versions as one zip, written while it is read: nothing is kept but a run of chunks.

Stored, not deflated: media do not shrink, and packs are compressed already. Every chunk is verified before it leaves. A file that
cannot be read is replaced by a short text that says so; one that fails halfway ends there, and the text stands beside it.
"""

import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, cast
from zoneinfo import ZoneInfo

import structlog

from sync.library.content.access import load_manifest
from sync.library.content.reading import plan_reading, stream_reading
from sync.library.storage import ObjectStore
from sync.library.zips.rules import Entry, zip_time
from workspace.db import Database
from workspace.errors import MainlineError
from workspace.work import open_work

log = structlog.get_logger("zips")

READ_AHEAD_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Words:
    """What is written where a file is missing, in the reader's language; with a place for its name, {name}."""

    unreadable_name: str
    unreadable: str
    cut_name: str
    cut: str


class Held:
    """A body that gives its place back once: when it ends, fails, or is closed because the reader went away."""

    def __init__(self, body: Iterator[bytes], leave: Callable[[], None]) -> None:
        self._body, self._leave, self._left = body, leave, False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._body)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if not self._left:
            self._left = True
            self._leave()


class _Sink:
    """Takes what zipfile writes; it cannot be gone back in, so sizes come after each entry."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes | memoryview) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


def stream_zip(database: Database, store: ObjectStore, entries: Iterable[Entry], words: Words, zone: ZoneInfo) -> Iterator[bytes]:
    """The bytes of the zip. Opens a Work for each file, so that no transaction lasts as long as a download."""
    sink = _Sink()
    with zipfile.ZipFile(cast("BinaryIO", sink), "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for entry in entries:
            yield from _add(archive, sink, database, store, entry, words, zone)
    yield sink.taken()


def _add(
    archive: zipfile.ZipFile, sink: _Sink, database: Database, store: ObjectStore, entry: Entry, words: Words, zone: ZoneInfo
) -> Iterator[bytes]:
    pieces = _content(database, store, entry)
    try:
        first = _first_run(pieces)
    except MainlineError as error:
        log.warning("zip.unreadable", path=entry.path, why=str(error.message or error.title))
        archive.writestr(words.unreadable_name.format(name=entry.path), words.unreadable.format(name=entry.path))
        yield sink.taken()
        return
    info = zipfile.ZipInfo(entry.path, zip_time(entry.modified_at.astimezone(zone)))
    info.external_attr = 0o644 << 16
    failed = False
    with archive.open(info, "w", force_zip64=entry.size_bytes > 0x7000_0000) as file:
        try:
            for piece in chain(first, pieces):
                file.write(piece)
                yield sink.taken()
        except MainlineError as error:
            failed = True
            log.warning("zip.cut", path=entry.path, why=str(error.message or error.title))
    if failed:
        archive.writestr(words.cut_name.format(name=entry.path), words.cut.format(name=entry.path))
    yield sink.taken()


def _content(database: Database, store: ObjectStore, entry: Entry) -> Iterator[bytes]:
    with open_work(database, writes=False) as work:
        manifest = load_manifest(work, entry.digest)
        reading = plan_reading(work, entry.library_id, manifest, 0, manifest.size_bytes)
    yield from stream_reading(store, reading)


def _first_run(pieces: Iterator[bytes]) -> list[bytes]:
    """What is read ahead, so that most files are known to be whole before their entry begins."""
    taken: list[bytes] = []
    size = 0
    for piece in pieces:
        taken.append(bytes(piece))
        size += len(piece)
        if size >= READ_AHEAD_BYTES:
            break
    return taken

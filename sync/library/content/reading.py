"""Reading a version's bytes: where its chunks lie, and a stream that verifies each one before a byte leaves."""

from collections.abc import Iterator
from dataclasses import dataclass

from sync.core.manifest import Manifest, Span, spans
from sync.core.packs import BadPack, Coding, Place, read_chunk
from sync.library.content.access import find_chunks
from sync.library.content.actions import pack_key
from sync.library.storage import ObjectStore
from workspace.errors import Unavailable
from workspace.i18n import _
from workspace.work import Work

RUN_BYTES = 8 * 1024 * 1024  # Neighbouring chunks of one pack are fetched together up to this many bytes.


@dataclass(frozen=True)
class PlacedSpan:
    """A part of a chunk that is wanted, and where the chunk lies."""

    span: Span
    key: str
    place: Place


@dataclass(frozen=True)
class Reading:
    """The wanted bytes of a version, ready to be streamed without a database."""

    length: int
    parts: tuple[PlacedSpan, ...]


def plan_reading(work: Work, library_id: str, manifest: Manifest, offset: int, length: int) -> Reading:
    """Find the chunks of a range; ``length`` is cut at the end of the content. Unavailable when one is not to be found."""
    wanted = spans(manifest, offset, length)
    known = find_chunks(work, library_id, (manifest.chunks[span.index].address for span in wanted))
    parts = []
    for span in wanted:
        chunk = known.get(manifest.chunks[span.index].address)
        if chunk is None or chunk.size_bytes != manifest.chunks[span.index].size_bytes:
            raise Unavailable(_("内容暂时无法读取"), _("请稍后再试；问题已记录。"), code="chunk_lost")
        place = Place(chunk.address, chunk.offset, chunk.stored_bytes, chunk.size_bytes, Coding(chunk.coding))
        parts.append(PlacedSpan(span, pack_key(library_id, chunk.pack_id), place))
    return Reading(sum(part.span.stop - part.span.start for part in parts), tuple(parts))


def stream_reading(store: ObjectStore, reading: Reading) -> Iterator[bytes]:
    """The bytes in order, each chunk verified first. Unavailable when the store fails or a chunk is damaged."""
    for run in _runs(reading.parts):
        first, last = run[0].place, run[-1].place
        data = store.get_range(run[0].key, first.offset, last.offset + last.stored_bytes - first.offset)
        for part in run:
            start = part.place.offset - first.offset
            try:
                chunk = read_chunk(part.place, memoryview(data)[start : start + part.place.stored_bytes])
            except BadPack as error:
                raise Unavailable(_("内容已损坏"), f"{part.key}: {error}") from error
            yield chunk[part.span.start : part.span.stop]


def read_all(store: ObjectStore, reading: Reading) -> bytes:
    return b"".join(stream_reading(store, reading))


def _runs(parts: tuple[PlacedSpan, ...]) -> Iterator[list[PlacedSpan]]:
    """Consecutive parts that lie one after another in one pack."""
    run: list[PlacedSpan] = []
    for part in parts:
        if run and not _follows(run, part):
            yield run
            run = []
        run.append(part)
    if run:
        yield run


def _follows(run: list[PlacedSpan], part: PlacedSpan) -> bool:
    last = run[-1].place
    within = part.place.offset + part.place.stored_bytes - run[0].place.offset <= RUN_BYTES
    return part.key == run[-1].key and part.place.offset == last.offset + last.stored_bytes and within

"""Writing heads, and removing those that nobody wants any more.

    none -> making -> made            written from chunks that are verified one by one, and again if a crash comes between
    made -> doomed -> removing -> none   by collection alone, a day after nobody wanted it; wanted again, it stays

A version that nobody names any more has no row, so nobody wants its head: what retention lets go takes its copy with it.
"""

from collections.abc import Iterable, Iterator

import structlog
from sqlalchemy import select

from sync.library.content.reading import plan_reading, stream_reading
from sync.library.content.sending import kind_of
from sync.library.heads.access import libraries_lacking, versions_lacking, wanted_contents
from sync.library.heads.actions import (
    Claim,
    claim_head,
    doom_heads,
    forget_heads,
    note_made,
    take_heads,
    want_heads_again,
)
from sync.library.heads.checking import verified
from sync.library.heads.rules import prefix_of
from sync.library.libraries.models import Library
from sync.library.storage import ObjectStore
from workspace.errors import MainlineError
from workspace.jobs.registry import job, periodic
from workspace.jobs.worker import Again, JobRun

log = structlog.get_logger("heads")

LOOKED_FOR_AT_ONCE = 100
REMOVED_AT_ONCE = 100
ATTEMPTS = 8


@job("library.make_heads", lane="heads", lease_s=120, max_attempts=ATTEMPTS)
def make_heads(run: JobRun, *, library_id: str) -> None:
    """A head for every version of a library that lacks one. One that cannot be made does not hold up the others."""
    tried: set[tuple[str, int]] = set()
    failed: MainlineError | None = None
    while True:
        with run.open_work(writes=False) as work:
            lacking = [(each.node_id, each.number) for each in versions_lacking(work, library_id, tried, LOOKED_FOR_AT_ONCE)]
        if not lacking:
            break
        for node_id, number in lacking:
            tried.add((node_id, number))
            try:
                make_head(run, library_id, node_id, number)
            except Again:
                raise
            except MainlineError as error:
                log.warning("head.failed", asset=node_id, version=number, why=f"{error.title} {error.message}")
                failed = error
    if failed is not None:
        raise failed


def make_head(run: JobRun, library_id: str, node_id: str, number: int) -> None:
    """Write one, unless it is there. At least once: whoever writes it again writes the same bytes."""
    with run.open_work() as work:
        claim = claim_head(work, node_id, number)
    if claim is None:
        return
    with run.open_work(writes=False) as work:
        reading = plan_reading(work, library_id, claim.manifest, 0, claim.manifest.size_bytes)
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    _write(run, store, claim, stream_reading(store, reading))
    with run.open_work() as work:
        note_made(work, claim)


def _write(run: JobRun, store: ObjectStore, claim: Claim, pieces: Iterable[bytes]) -> None:
    checked = verified(_until_stopped(run, pieces), claim.manifest)
    store.put_pieces(claim.key, checked, claim.manifest.size_bytes, kind_of(claim.name))


def _until_stopped(run: JobRun, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        if run.stopping.is_set():
            raise Again(0, "the worker ends")
        yield piece


@periodic("library.make_missing_heads", every_s=3600)
def make_missing_heads(run: JobRun) -> None:
    """Heal lost jobs, and begin after the setting changed or a catalogue was rebuilt."""
    with run.open_work(writes=False) as work:
        lacking = libraries_lacking(work)
    if lacking:
        with run.open_work() as work:
            want_heads_again(work, lacking)


def collect_heads(run: JobRun) -> int:
    """Of every library; a step of collection. Returns how many objects went."""
    with run.open_work(writes=False) as work:
        library_ids = list(work.session.scalars(select(Library.id).order_by(Library.id)))
    return sum(collect_heads_of(run, library_id) for library_id in library_ids if not run.stopping.is_set())


def collect_heads_of(run: JobRun, library_id: str) -> int:
    """The listing is taken before the table is read. The only step that removes such objects."""
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    with run.open_work(writes=False) as work:
        listed_at = work.now
    found = {stored.key: stored.size_bytes for stored in store.list(prefix_of(library_id))}
    with run.open_work(writes=False) as work:
        wanted = wanted_contents(work, library_id)
    with run.open_work() as work:
        doom_heads(work, library_id, wanted, found, listed_at)
    with run.open_work() as work:
        going = take_heads(work, library_id)
    for start in range(0, len(going), REMOVED_AT_ONCE):
        part = going[start : start + REMOVED_AT_ONCE]
        for key in part:
            store.remove(key)
        with run.open_work() as work:
            forget_heads(work, part)
    return len(going)

"""Makes previews in the media lane and playable copies of films in their own, each in a confined child process."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import and_, or_, select

from sync.library.assets.access import content_of, library_of
from sync.library.assets.models import Node, Version
from sync.library.content.reading import Reading, plan_reading, stream_reading
from sync.library.grants.access import rooms_of_nodes
from sync.library.previews.access import film_key, preview_key
from sync.library.previews.models import Preview, PreviewEvent
from sync.library.previews.rules import CHECK_LIMITS, COPY_LIMITS, LARGEST_BYTES, PICTURE_LIMITS, Film, Reason
from sync.library.previews.sandbox import Answer, Stopping, Workplace, read_pictures, read_plain, run_drawing, workplace
from sync.library.storage import ObjectStore
from workspace.jobs.models import Job
from workspace.jobs.registry import job, periodic
from workspace.jobs.worker import Again, JobRun
from workspace.settings import Settings
from workspace.work import Work

LEFT_AFTER_S = 3600
MISSING_AT_ONCE = 200
ATTEMPTS = 20  # A store that is away for an hour loses no preview.


@dataclass(frozen=True)
class Source:
    digest: str
    reading: Reading


@job("library.make_preview", lane="media", lease_s=180, max_attempts=ATTEMPTS)
def make_preview(run: JobRun, *, node_id: str, number: int | None) -> None:
    """Make and keep the pictures of a version, unless its content was tried before. number: None for the newest."""
    if number is None:
        with run.open_work(writes=False) as work:
            number = work.session.get_one(Node, node_id).version
    source = source_of(run, node_id, number)
    with run.open_work(writes=False) as work:
        if work.session.get(Preview, source.digest) is not None:
            return
    with drawing_of(run, source) as place:
        answer = run_drawing("picture", place, PICTURE_LIMITS, run.stopping)
        pictures = read_pictures(place.out) if answer.refused is None else None
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    for size, picture in (pictures or {}).items():
        store.put(preview_key(source.digest, size), picture, "image/webp")
    with run.open_work() as work:
        if work.session.get(Preview, source.digest) is not None:
            return
        row = _row(source.digest, answer, made=pictures is not None)
        row.at = work.now
        work.session.add(row)
        if row.film == Film.WAITING.value:
            work.after_commit("library.copy_film", key=source.digest, node_id=node_id, number=number)
        if pictures is not None:
            _record_made(work, node_id, number)


@periodic("library.make_missing_previews", every_s=3600)
def make_missing_previews(run: JobRun) -> None:
    """Draw what was saved before its kind was known, or after a catalogue was rebuilt: a few at a time, newest first."""
    with run.open_work() as work:
        known = or_(*(and_(Version.name.ilike(f"%.{suffix}"), Version.size_bytes <= most) for suffix, most in LARGEST_BYTES.items()))
        tried = select(Job.id).where(Job.name == "library.make_preview", Job.key == Version.digest).exists()
        query = select(Version).outerjoin(Preview, Preview.digest == Version.digest)
        query = query.where(Preview.digest.is_(None), Version.size_bytes > 0, known, ~tried)
        for version in work.session.scalars(query.order_by(Version.at.desc(), Version.node_id).limit(MISSING_AT_ONCE)):
            work.after_commit("library.make_preview", key=version.digest, node_id=version.node_id, number=version.number)


@job("library.copy_film", lane="films", lease_s=600, max_attempts=ATTEMPTS)
def copy_film(run: JobRun, *, node_id: str, number: int) -> None:
    """Make the copy that browsers play of a film that they do not."""
    source = source_of(run, node_id, number)
    with run.open_work(writes=False) as work:
        if work.session.get_one(Preview, source.digest).film != Film.WAITING.value:
            return
    with drawing_of(run, source) as place:
        copy, refused = _checked_copy(place, run)
    if copy:
        store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
        store.put(film_key(source.digest), copy, "video/mp4")
    with run.open_work() as work:
        row = work.session.get_one(Preview, source.digest)
        row.film, row.film_bytes = (Film.COPIED if copy else Film.REFUSED).value, len(copy)
        row.reason = refused.value if refused else None
        _record_made(work, node_id, number)


def _checked_copy(place: Workplace, run: JobRun) -> tuple[bytes, Reason | None]:
    answer = run_drawing("copy", place, COPY_LIMITS, run.stopping)
    if answer.refused is not None:
        return b"", answer.refused
    try:
        copy = read_plain(place.out / "film.mp4", COPY_LIMITS.file_bytes)
    except OSError:
        return b"", Reason.DAMAGED
    # Another child looks at it, so that what the first one wrote is never opened by this process.
    with workplace(place.out.parent, [copy]) as second:
        checked = run_drawing("check", second, CHECK_LIMITS, run.stopping)
    return (copy, None) if checked.refused is None else (b"", checked.refused)


def source_of(run: JobRun, node_id: str, number: int) -> Source:
    with run.open_work(writes=False) as work:
        content = content_of(work, node_id, number)
        reading = plan_reading(work, content.library_id, content.manifest, 0, content.manifest.size_bytes)
        return Source(content.digest, reading)


@contextmanager
def drawing_of(run: JobRun, source: Source) -> Iterator[Workplace]:
    """The file in a folder of its own. Again when the worker is to end meanwhile."""
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    parent = run.parts.get(Settings).data_dir / "drawing"
    _sweep(parent)
    try:
        with workplace(parent, stream_reading(store, source.reading)) as place:
            yield place
    except Stopping as error:
        raise Again(0, "the worker ends") from error


def _sweep(parent: Path) -> None:
    """Folders left by workers that were killed."""
    for folder in parent.glob("drawing-*"):
        try:
            old = time.time() - folder.stat().st_mtime > LEFT_AFTER_S
        except FileNotFoundError:
            continue  # Another lane has just finished with it.
        if old:
            shutil.rmtree(folder, ignore_errors=True)


def _row(digest: str, answer: Answer, *, made: bool) -> Preview:
    reason = answer.refused or (None if made else Reason.DAMAGED)
    row = Preview(digest=digest, state="made" if made else "failed", width=0, height=0, reason=reason.value if reason else None)
    if made:
        row.width, row.height, row.duration_ms = answer.number("width"), answer.number("height"), answer.number("duration_ms")
        if "plays" in answer.facts:
            row.film = (Film.PLAYS if answer.facts["plays"] is True else Film.WAITING).value
    return row


def _record_made(work: Work, node_id: str, number: int) -> None:
    node = work.session.get_one(Node, node_id)
    library = library_of(work, node)
    work.record(
        PreviewEvent.MADE, subject=f"asset:{node.id}", rooms=list(rooms_of_nodes(work, library, [node]).values()),
        asset=node.name, asset_id=node.id, version=number, library_id=library.id, parent_id=node.parent_id,
    )  # fmt: skip

"""Reads documents for search in the media lane: plain text here, all others in the confined child that draws previews."""

from sqlalchemy import or_, select

from sync.library.assets.access import library_of
from sync.library.assets.models import Node, Version
from sync.library.content.reading import stream_reading
from sync.library.grants.access import rooms_of_nodes
from sync.library.previews.drawing.sniff import HEAD_BYTES, kind_of
from sync.library.previews.drawing.text import TEXT_BYTES, gathered, text_lines
from sync.library.previews.jobs import Source, drawing_of, source_of
from sync.library.previews.rules import Reason
from sync.library.previews.sandbox import read_plain, run_drawing
from sync.library.storage import ObjectStore
from sync.library.words.indexing import index_words_of
from sync.library.words.models import DocumentWords
from sync.library.words.rules import LIMITS, SUFFIXES, WORDS_MOST, is_readable
from workspace.jobs.models import Job
from workspace.jobs.registry import job, periodic
from workspace.jobs.worker import JobRun

ATTEMPTS = 20
MISSING_AT_ONCE = 200
BYTES_MOST = WORDS_MOST * 4


@job("library.read_words", lane="media", lease_s=180, max_attempts=ATTEMPTS)
def read_words(run: JobRun, *, node_id: str, number: int) -> None:
    """Read a version, unless its content was tried before, and have its asset found by what is written in it."""
    source = source_of(run, node_id, number)
    with run.open_work(writes=False) as work:
        known = work.session.get(DocumentWords, source.digest) is not None
    text, reason = ("", None) if known else _read(run, source)
    with run.open_work() as work:
        if work.session.get(DocumentWords, source.digest) is None:
            row = DocumentWords(digest=source.digest, words=text, reason=reason.value if reason else None, at=work.now)
            work.session.add(row)
        node = work.session.get_one(Node, node_id)
        work.session.flush()
        if node.digest == source.digest and node.deleted_at is None:
            library = library_of(work, node)
            index_words_of(work, [node], rooms=rooms_of_nodes(work, library, [node]), library_name=library.name)


def _read(run: JobRun, source: Source) -> tuple[str, Reason | None]:
    """Plain text is decoded here, in a hundredth of the time that a child takes; whatever has a format is parsed there."""
    head = _beginning(run, source)
    if kind_of(head[:HEAD_BYTES]) is None:
        lines = text_lines(head)
        return ("", Reason.UNKNOWN_KIND) if lines is None else (_clean(gathered(lines)), None)
    with drawing_of(run, source) as place:
        answer = run_drawing("words", place, LIMITS, run.stopping)
        if answer.refused is not None:
            return "", answer.refused
        try:
            text = read_plain(place.out / "words.txt", BYTES_MOST).decode("utf-8", "replace")
        except OSError:
            return "", Reason.DAMAGED
    return _clean(text), None


def _beginning(run: JobRun, source: Source) -> bytes:
    data = b""
    for piece in stream_reading(run.parts.get(ObjectStore), source.reading):  # type: ignore[type-abstract]
        data += piece[: TEXT_BYTES - len(data)]
        if len(data) >= TEXT_BYTES:
            break
    return data


def _clean(words: str) -> str:
    return words.replace("\x00", "").encode("utf-8", "replace").decode()[:WORDS_MOST]


@periodic("library.read_missing_words", every_s=3600)
def read_missing_words(run: JobRun) -> None:
    """What was saved before documents were read, or after a catalogue was rebuilt: a few at a time, newest first."""
    with run.open_work() as work:
        kinds = or_(*(Version.name.ilike(f"%.{suffix}") for suffix in SUFFIXES))
        tried = select(Job.id).where(Job.name == "library.read_words", Job.key == Version.digest).exists()
        query = select(Version).outerjoin(DocumentWords, DocumentWords.digest == Version.digest)
        query = query.where(DocumentWords.digest.is_(None), Version.size_bytes > 0, kinds, ~tried)
        for version in work.session.scalars(query.order_by(Version.at.desc(), Version.node_id).limit(MISSING_AT_ONCE)):
            if is_readable(version.name, version.size_bytes):
                work.after_commit("library.read_words", key=version.digest, node_id=version.node_id, number=version.number)

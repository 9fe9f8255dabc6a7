"""Keeping the index: called by the actions that change a findable thing, in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text

from workspace.search.models import SearchEntry
from workspace.search.rules import tokens_of
from workspace.work import Work


@dataclass(frozen=True)
class Document:
    """A thing to be found by title, note and ``words``, by those to whom ``room`` is open."""

    subject: str
    room: str
    title: str
    url: str
    note: str = ""
    words: str = ""


def index_document(work: Work, *, subject: str, room: str, title: str, url: str, note: str = "", words: str = "") -> None:
    """Make a thing findable by title, note and ``words`` for those to whom ``room`` is open; replaces its former entry."""
    index_documents(work, [Document(subject, room, title, url, note, words)])


def index_documents(work: Work, documents: Sequence[Document]) -> None:
    """The same for many, of different subjects, in a few statements: everybody who writes waits meanwhile."""
    subjects = [document.subject for document in documents]
    found = {entry.subject: entry for entry in work.session.scalars(select(SearchEntry).where(SearchEntry.subject.in_(subjects)))}
    former = [entry.id for entry in found.values()]
    entries = [found.get(document.subject) or SearchEntry(subject=document.subject) for document in documents]
    tokens = [tokens_of(f"{document.title}\n{document.note}\n{document.words}") for document in documents]
    for entry, document in zip(entries, documents, strict=True):
        entry.room, entry.title, entry.note, entry.url = document.room, document.title[:300], document.note[:300], document.url
    if _is_postgres(work):
        for entry, words in zip(entries, tokens, strict=True):
            entry.grams = " ".join(f"'{token}':{min(position, 16383)}" for position, token in enumerate(words, 1))
    work.session.add_all(entries)
    work.session.flush()
    if _is_postgres(work):
        return
    if former:
        work.session.execute(text("DELETE FROM search_grams WHERE rowid = :id"), [{"id": entry_id} for entry_id in former])
    grams = [{"id": entry.id, "grams": " ".join(words)} for entry, words in zip(entries, tokens, strict=True)]
    if grams:
        work.session.execute(text("INSERT INTO search_grams (rowid, grams) VALUES (:id, :grams)"), grams)


def forget_document(work: Work, subject: str) -> None:
    """Take a thing out of the index; nothing happens when it is not there."""
    entry = work.session.scalars(select(SearchEntry).where(SearchEntry.subject == subject)).one_or_none()
    if entry is None:
        return
    if not _is_postgres(work):
        work.session.execute(text("DELETE FROM search_grams WHERE rowid = :id"), {"id": entry.id})
    work.session.delete(entry)


def _is_postgres(work: Work) -> bool:
    return work.session.get_bind().dialect.name == "postgresql"

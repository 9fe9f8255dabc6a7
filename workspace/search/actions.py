"""Keeping the index: called by the actions that change a findable thing, in the same transaction."""

from sqlalchemy import select, text

from workspace.search.models import SearchEntry
from workspace.search.rules import tokens_of
from workspace.work import Work


def index_document(work: Work, *, subject: str, room: str, title: str, url: str, note: str = "", words: str = "") -> None:
    """Make a thing findable by title, note and ``words`` for those to whom ``room`` is open; replaces its former entry."""
    entry = work.session.scalars(select(SearchEntry).where(SearchEntry.subject == subject)).one_or_none()
    if entry is None:
        entry = SearchEntry(subject=subject)
        work.session.add(entry)
    entry.room, entry.title, entry.note, entry.url = room, title[:300], note[:300], url
    tokens = tokens_of(f"{title}\n{note}\n{words}")
    if _is_postgres(work):
        entry.grams = " ".join(f"'{token}':{min(position, 16383)}" for position, token in enumerate(tokens, 1))
        work.session.flush()
        return
    work.session.flush()
    work.session.execute(text("DELETE FROM search_grams WHERE rowid = :id"), {"id": entry.id})
    work.session.execute(text("INSERT INTO search_grams (rowid, grams) VALUES (:id, :grams)"), {"id": entry.id, "grams": " ".join(tokens)})


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

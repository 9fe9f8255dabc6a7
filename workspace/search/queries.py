"""Finding things: only in rooms that are open to the reader now."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, or_, select, text

from workspace.events.access import rooms_of
from workspace.search.models import SearchEntry
from workspace.search.rules import phrases_of
from workspace.work import Work


@dataclass(frozen=True)
class Found:
    """subject: "kind:id"."""

    subject: str
    title: str
    note: str
    url: str


def find(work: Work, question: str, *, limit: int = 20, kinds: Sequence[str] = ()) -> list[Found]:
    """Things that hold every part of the question, newest first; nothing for an empty question. kinds: only of these, such as "task"."""
    phrases = phrases_of(question)
    rooms = rooms_of(work)
    if not phrases or not rooms:
        return []
    if work.session.get_bind().dialect.name == "postgresql":
        matches = text("search_entry.grams @@ CAST(:question AS tsquery)").bindparams(bindparam("question", _tsquery(phrases)))
    else:
        matches = text("search_entry.id IN (SELECT rowid FROM search_grams WHERE search_grams MATCH :question)").bindparams(
            bindparam("question", _fts5(phrases))
        )
    query = select(SearchEntry).where(SearchEntry.room.in_(rooms), matches)
    if kinds:
        query = query.where(or_(*(SearchEntry.subject.startswith(f"{kind}:", autoescape=True) for kind in kinds)))
    query = query.order_by(SearchEntry.id.desc()).limit(limit)
    found = [Found(entry.subject, entry.title, entry.note, entry.url) for entry in work.session.scalars(query)]
    named = {thing.subject for thing in found}
    return [thing for thing in found if not thing.subject.startswith("words:") or _name_of(thing) not in named]


def _name_of(words: Found) -> str:
    """The entry of a document's name, behind which its words stand when both are found."""
    return f"asset:{words.subject.partition(':')[2]}"


def _fts5(phrases: list[tuple[list[str], bool]]) -> str:
    """Tokens hold only letters, digits and Chinese characters, so quoting is safe."""
    return " AND ".join(f'"{" ".join(tokens)}"{" *" if begins else ""}' for tokens, begins in phrases)


def _tsquery(phrases: list[tuple[list[str], bool]]) -> str:
    parts = [" <-> ".join(f"'{token}'{':*' if begins else ''}" for token in tokens) for tokens, begins in phrases]
    return " & ".join(f"({part})" for part in parts)

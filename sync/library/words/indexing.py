"""The words of documents in the search index: an entry beside that of the name, in the room of the asset."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Select, literal, select, update

from sync.library.assets.models import Node
from sync.library.words.access import words_of
from workspace.search.actions import Document, forget_document, index_documents
from workspace.search.models import SearchEntry
from workspace.work import Work

BEGINNING = 80


def index_words_of(work: Work, nodes: Sequence[Node], *, rooms: Mapping[str, str], library_name: str) -> None:
    """After a change of these live nodes: the words of their newest versions are found under today's names.

    Where the words are the same as before only the name and room are written: a folder of long documents is renamed in no time.
    """
    words = words_of(work, [node.digest for node in nodes])
    subjects = {f"words:{node.id}": node for node in nodes}
    known = {entry.subject: entry for entry in work.session.scalars(select(SearchEntry).where(SearchEntry.subject.in_(subjects)))}
    fresh = []
    for subject, node in subjects.items():
        text, entry = words.get(node.digest or "", ""), known.get(subject)
        if not text:
            if entry is not None:
                forget_document(work, subject)
            continue
        document = _document(subject, node, rooms[node.id], library_name, text)
        if entry is not None and entry.url == document.url:
            entry.title, entry.room, entry.note = document.title[:300], document.room, document.note[:300]
        else:
            fresh.append(document)
    index_documents(work, fresh)


def forget_words_of(work: Work, node_ids: Iterable[str]) -> None:
    for node_id in node_ids:
        forget_document(work, f"words:{node_id}")


def move_words(work: Work, node_ids: Select[str], room: str) -> None:
    """What is written in these nodes is found by those to whom this room is open, from now on."""
    subjects = select(literal("words:") + Node.id).where(Node.id.in_(node_ids))
    entries = update(SearchEntry).where(SearchEntry.subject.in_(subjects)).values(room=room)
    work.session.execute(entries.execution_options(synchronize_session=False))


def _document(subject: str, node: Node, room: str, library_name: str, text: str) -> Document:
    """The address tells which content was indexed; the note is how the text begins."""
    beginning = " ".join(text[: BEGINNING * 2].split())[:BEGINNING]
    url = f"/library/assets/{node.id}?words={str(node.digest)[3:15]}"
    return Document(subject, room, node.name, url, f"{beginning}… · {library_name}", text)

"""What was read in documents. Who may find it is the room of the asset's search entry."""

from collections.abc import Iterable

from sqlalchemy import select

from sync.library.words.models import DocumentWords
from workspace.work import Work


def words_of(work: Work, digests: Iterable[str | None]) -> dict[str, str]:
    """By digest, of contents in which there are words."""
    wanted = {digest for digest in digests if digest}
    if not wanted:
        return {}
    query = select(DocumentWords.digest, DocumentWords.words).where(DocumentWords.digest.in_(wanted), DocumentWords.words != "")
    return {row.digest: row.words for row in work.session.execute(query)}

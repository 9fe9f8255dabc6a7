"""Which contents have pictures. Who may see them is asked of the asset they belong to."""

from collections.abc import Iterable

from sqlalchemy import select

from sync.library.previews.models import Preview
from workspace.work import Work


def preview_key(digest: str, size: str) -> str:
    """The object that holds a picture of this content. size: small or large."""
    return f"previews/{digest.removeprefix('b3:')}-{size}.webp"


def film_key(digest: str) -> str:
    """The object that holds the copy of a film that browsers play."""
    return f"previews/{digest.removeprefix('b3:')}-film.mp4"


def digest_of_key(key: str) -> str:
    """The content whose picture or film an object holds."""
    return "b3:" + key.removeprefix("previews/").rpartition("-")[0]


def find_previews(work: Work, digests: Iterable[str | None]) -> dict[str, Preview]:
    """The previews that were made, by digest."""
    wanted = {digest for digest in digests if digest}
    if not wanted:
        return {}
    rows = work.session.scalars(select(Preview).where(Preview.digest.in_(wanted), Preview.state == "made"))
    return {found.digest: found for found in rows}


def find_preview(work: Work, digest: str) -> Preview | None:
    """What came of drawing this content, made or not; None while it was not tried."""
    return work.session.get(Preview, digest)

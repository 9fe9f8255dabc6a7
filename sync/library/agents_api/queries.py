"""Reads for the agents' protocol."""

from collections.abc import Iterable

from sqlalchemy import func, select

from sync.core.protocol import Library, Right
from sync.library.assets.access import versions_seen
from sync.library.assets.models import Version
from sync.library.content.models import Pack
from sync.library.grants.rules import View
from sync.library.libraries.access import OpenLibrary
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.work import Work


def library_messages(work: Work, opened: Iterable[OpenLibrary]) -> tuple[Library, ...]:
    """Libraries as messages, with what each occupies."""
    listed = list(opened)
    query = select(Pack.library_id, func.sum(Pack.size_bytes)).where(Pack.state == "verified")
    query = query.where(Pack.library_id.in_([found.library.id for found in listed])).group_by(Pack.library_id)
    used = {library_id: int(size or 0) for library_id, size in work.session.execute(query)}
    return tuple(
        Library(
            found.library.id, found.library.name, found.library.root_id, (Right.SEE, Right.EDIT) if found.may_edit else (Right.SEE,),
            found.library.seq, found.library.quota_bytes, used.get(found.library.id, 0),
        )
        for found in listed
    )  # fmt: skip


def find_digest(work: Work, view: View, digest: str) -> None:
    """NotFound unless a version that the member may see has this content."""
    query = versions_seen(view, select(Version).where(Version.library_id == view.library_id, Version.digest == digest))
    if work.session.scalars(query.limit(1)).first() is None:
        raise NotFound(_("没有找到这份内容"), _("刷新后再试。"))

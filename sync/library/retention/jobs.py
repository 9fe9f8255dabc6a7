"""Versions thin out, and what left the trash is let go, a few assets a transaction."""

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import select

from sync.library.libraries.models import Library
from sync.library.retention.actions import let_go_of_purged, thin_assets
from sync.library.retention.queries import assets_to_let_go, assets_to_thin
from workspace.jobs.registry import periodic
from workspace.jobs.worker import JobRun
from workspace.work import Work

Looks = Callable[[Work, str], Iterator[Sequence[str]]]
Acts = Callable[[Work, str, Sequence[str]], int]


@periodic("library.thin_versions", every_s=6 * 3600, lane="collection")
def thin_versions(run: JobRun) -> None:
    """Every library by its plan, and then what has left its trash."""
    with run.open_work(writes=False) as work:
        library_ids = list(work.session.scalars(select(Library.id).order_by(Library.id)))
    for library_id in library_ids:
        thin_library(run, library_id)


def thin_library(run: JobRun, library_id: str) -> int:
    """Returns how many versions went."""
    return _each(run, library_id, assets_to_thin, thin_assets) + _each(run, library_id, assets_to_let_go, let_go_of_purged)


def _each(run: JobRun, library_id: str, look: Looks, act: Acts) -> int:
    """Look without the library's lock, act under it: the action decides anew what goes."""
    with run.open_work(writes=False) as work:
        parts = list(look(work, library_id))
    count = 0
    for asset_ids in parts:
        with run.open_work() as work:
            count += act(work, library_id, asset_ids)
    return count

"""Writes of the agents' protocol that are nobody's act."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select

from sync.library.agents_api.models import DevicePosition
from sync.library.libraries.access import OpenLibrary
from workspace.work import Work


def note_positions(work: Work, positions: Mapping[str, int], opened: Iterable[OpenLibrary]) -> None:
    """Remember how far the device that sends this request has read each library that its member may see, and no others."""
    wanted = {each.library.id: min(positions[each.library.id], each.library.seq) for each in opened if each.library.id in positions}
    device_id = work.actor.device_id
    known = {row.library_id: row for row in work.session.scalars(select(DevicePosition).where(DevicePosition.device_id == device_id))}
    for library_id, old in known.items():
        if library_id not in wanted:
            work.session.delete(old)
    for library_id, seq in wanted.items():
        row = known.get(library_id)
        if row is None:
            work.session.add(DevicePosition(device_id=device_id, library_id=library_id, seq=seq, at=work.now))
        elif row.seq != seq:
            row.seq, row.at = seq, work.now

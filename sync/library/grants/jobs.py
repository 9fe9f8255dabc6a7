"""After a change of grants: past events follow into the room of their folder. And copies that were lent are removed."""

from datetime import timedelta

from sqlalchemy import delete, insert, literal, or_, select, update

from sync.library.assets.models import Node
from sync.library.grants.access import boundaries_of, nearest, region, room_at, ways_above
from sync.library.grants.chunks import day_lent
from sync.library.libraries.models import Library
from sync.library.storage import ObjectStore
from workspace.events.models import Event, EventRoom
from workspace.jobs.registry import job, periodic
from workspace.jobs.worker import JobRun
from workspace.work import Work

NODES_AT_ONCE = 500


@job("library.rehouse_events")
def rehouse_events(run: JobRun, *, library_id: str, folder_id: str) -> None:
    """Who may not see a folder finds its files in no feed of the past either. Idempotent: it reads the grants of now."""
    after = ""
    while True:
        with run.open_work() as work:
            library, folder = work.session.get_one(Library, library_id), work.session.get_one(Node, folder_id)
            boundaries = boundaries_of(work, [library_id]).get(library_id, set())
            owner = nearest(folder_id, boundaries, ways_above(work, [folder])) or library.root_id
            inside = region(folder_id, boundaries)
            part = select(inside.c.id).where(inside.c.id > after).order_by(inside.c.id).limit(NODES_AT_ONCE)
            node_ids = list(work.session.scalars(part))
            if node_ids:
                _rehouse(work, library, room_at(library_id, library.root_id, owner), node_ids)
        if len(node_ids) < NODES_AT_ONCE:
            return
        after = node_ids[-1]


def _rehouse(work: Work, library: Library, room: str, node_ids: list[str]) -> None:
    """The events of these nodes are heard in ``room`` alone; in the library's own, also where the library belongs."""
    events = select(Event.seq).where(Event.subject.in_([f"asset:{node_id}" for node_id in node_ids]))
    of_library = or_(EventRoom.room == f"library:{library.id}", EventRoom.room.startswith(f"library:{library.id}/"))
    moved = update(EventRoom).where(EventRoom.seq.in_(events), of_library, EventRoom.room != room).values(room=room)
    work.session.execute(moved.execution_options(synchronize_session=False))
    if library.scope_room is None:
        return
    in_scope = select(EventRoom.seq).where(EventRoom.room == library.scope_room)
    if room != f"library:{library.id}":
        gone = delete(EventRoom).where(EventRoom.seq.in_(events), EventRoom.room == library.scope_room)
        work.session.execute(gone.execution_options(synchronize_session=False))
        return
    housed = select(EventRoom.seq, literal(library.scope_room)).where(EventRoom.seq.in_(events), EventRoom.room == room)
    work.session.execute(insert(EventRoom).from_select(["seq", "room"], housed.where(EventRoom.seq.not_in(in_scope))))


@periodic("library.remove_lent_copies", every_s=3600)
def remove_lent_copies(run: JobRun) -> None:
    """Whoever still reads one asks anew and gets another."""
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    with run.open_work(writes=False) as work:
        yesterday = f"{work.now - timedelta(days=1):%Y%m%d}"
    for found in list(store.list("lent/")):
        if day_lent(found.key) < yesterday:
            store.remove(found.key)

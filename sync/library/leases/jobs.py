"""Check-outs end by themselves: when their time or their holder's right is over, and with the device that had the file open."""

from sqlalchemy import select

from sync.library.leases.access import ended_leases
from sync.library.leases.actions import end_leases, end_leases_of_devices
from sync.library.leases.models import Lease, LeaseEvent
from workspace.devices.models import DeviceEvent
from workspace.jobs.registry import periodic, reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import send_notices


@periodic("library.end_leases", every_s=60)
def end_all_leases(run: JobRun) -> None:
    """One transaction a library."""
    with run.open_work(writes=False) as work:
        held = work.session.scalars(select(Lease.library_id).distinct()).all()
        library_ids = [library_id for library_id in held if ended_leases(work, library_id)]
    for library_id in library_ids:
        with run.open_work() as work:
            end_leases(work, library_id)


@reacts_to(DeviceEvent.REVOKED, name="library.free_device")
def free_what_a_device_held(run: JobRun, seq: int) -> None:
    device_id = run.event(seq).subject.partition(":")[2]
    with run.open_work() as work:
        end_leases_of_devices(work, [device_id])


@reacts_to(LeaseEvent.BROKEN, name="library.lease_notices")
def tell_the_holder(run: JobRun, seq: int) -> None:
    event = run.event(seq)
    with run.open_work() as work:
        send_notices(work, event, {event.facts["holder_id"]} - {event.actor_id}, url=f"/library/assets/{event.facts['asset_id']}")

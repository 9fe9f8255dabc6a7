"""Moving desktops towards what is wanted: a job per desktop, and a periodic look at all of them so that a lost job heals."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from sqlalchemy import select

from desktops.consoles.access import abandoned_sessions, open_consoles
from desktops.consoles.actions import close_session
from desktops.hosts.actions import note_host_seen
from desktops.hosts.drivers import Hypervisors
from desktops.hosts.models import Host
from desktops.hypervisor.base import Hypervisor
from desktops.machines.actions import ADVANCE, advance_soon
from desktops.machines.carry import Seen, has_disks, in_words, power_of
from desktops.machines.idle import watch_one
from desktops.machines.models import Desktop
from desktops.machines.progress import SET_CLOCK, note_failure, note_silence
from desktops.machines.reconcile import Order, one_pass, read_order
from desktops.machines.rules import UP, Decision, State, decide
from desktops.usage.actions import note_usage_seen
from workspace.devices.models import DeviceEvent
from workspace.errors import MainlineError
from workspace.jobs.registry import job, periodic, reacts_to
from workspace.jobs.worker import Again, JobRun

log = structlog.get_logger("desktops")

PASSES = 12
POLL_S = 1.0
LOOK_EVERY_S = 10
IDLE_EVERY_S = 5
CLOCK_RETRY_S = 5.0

_turns: dict[str, threading.Lock] = {}
_turns_guard = threading.Lock()


@job(ADVANCE, lane="desktops", lease_s=120, max_attempts=1_000)
def advance(run: JobRun, desktop_id: str) -> None:
    """Work on one desktop until there is nothing to do, it has to wait, or it failed."""
    with _turn(desktop_id) as mine:
        if not mine:
            raise Again(POLL_S, "another thread works on it")
        _advance(run, desktop_id)


def _advance(run: JobRun, desktop_id: str) -> None:
    for _number in range(PASSES):
        with run.open_work(writes=False) as work:
            order = read_order(work, desktop_id)
        if order is None or order.state is State.GONE:
            return
        _wait_for_retry(order.retry_at)
        step, problem = one_pass(run, order, may_act=not _gave_up(order))
        if problem:
            _after_failure(run, desktop_id, problem)
        if step is None:
            _rest(run, desktop_id)
            return
    raise Again(POLL_S, "still moving")


def _gave_up(order: Order) -> bool:
    """Failed too often: a person must ask for more (``retry_desktop`` sets attempts back)."""
    return order.attempts > 0 and order.retry_at is None


def _wait_for_retry(at: datetime | None) -> None:
    wait_s = (at - datetime.now(UTC)).total_seconds() if at else 0.0
    if wait_s > 0:
        raise Again(wait_s, "waiting to try again")


def _after_failure(run: JobRun, desktop_id: str, problem: str) -> None:
    """Write it down and wait; the next pass looks before it does anything, since a call that timed out may have worked."""
    log.warning("desktop.step_failed", desktop=desktop_id, problem=problem)
    with run.open_work() as work:
        desktop = work.session.get_one(Desktop, desktop_id)
        note_failure(work, desktop, problem)
    _wait_for_retry(desktop.retry_at)


def _rest(run: JobRun, desktop_id: str) -> None:
    """Nothing to do now. A guest that is booting or waking is looked at again until it was heard or its time is over."""
    with run.open_work() as work:
        desktop = work.session.get_one(Desktop, desktop_id)
        if desktop.state not in (State.BOOTING, State.WAKING) or desktop.deadline_at is None:
            return
        if work.now >= desktop.deadline_at:
            note_silence(work, desktop)
            return
    raise Again(POLL_S, "waiting for its sync client")


@periodic("desktops.reconcile", every_s=LOOK_EVERY_S, lane="desktops", lease_s=120)
def reconcile(run: JobRun) -> None:
    """Compare every desktop with what its host shows; put the job of each that differs into the table."""
    with run.open_work(writes=False) as work:
        hosts = list(work.session.scalars(select(Host).where(Host.probed_at.is_not(None))))
    for host in hosts:
        _reconcile_host(run, host)
    with run.open_work(writes=False) as work:
        unplaced = list(work.session.scalars(select(Desktop.id).where(Desktop.host_id.is_(None), Desktop.state != State.GONE)))
    _put_to_work(run, unplaced)


def _reconcile_host(run: JobRun, host: Host) -> None:
    with run.open_work(writes=False) as work:
        ids = list(work.session.scalars(select(Desktop.id).where(Desktop.host_id == host.id, Desktop.state != State.GONE)))
        orders = [order for order in (read_order(work, desktop_id) for desktop_id in ids) if order]
    try:
        seen = _see_all(run.parts.get(Hypervisors).of(host.uri), orders)
        trouble = ""
    except MainlineError as error:
        seen, trouble = {}, in_words(error)
    differing = [order.desktop_id for order in orders if order.desktop_id in seen and _differs(order, seen[order.desktop_id])]
    differing += [order.desktop_id for order in orders if order.commission is None]
    with run.open_work() as work:
        note_host_seen(work, host.id, trouble)
        note_usage_seen(work, [desktop_id for desktop_id in seen if desktop_id not in differing], work.now)
    _put_to_work(run, differing)


def _see_all(hypervisor: Hypervisor, orders: list[Order]) -> dict[str, Seen]:
    domains = {domain.desktop_id: domain for domain in hypervisor.domains()}
    return {
        order.desktop_id: Seen(power_of(domains.get(order.desktop_id)), has_disks(order.commission)) for order in orders if order.commission
    }


def _differs(order: Order, seen: Seen) -> bool:
    decision = decide(order.situation(seen))
    if _gave_up(order):
        return decision.step is None and decision.state is not order.state
    return decision != Decision(order.state, restart=order.restart)


def _put_to_work(run: JobRun, desktop_ids: list[str]) -> None:
    if desktop_ids:
        with run.open_work() as work:
            for desktop_id in desktop_ids:
                advance_soon(work, desktop_id)


@periodic("desktops.watch_idle", every_s=IDLE_EVERY_S)
def watch_idle(run: JobRun) -> None:
    """Warn and hibernate desktops that nobody uses; see rules.idle_verdict."""
    _close_abandoned(run)
    with run.open_work() as work:
        consoles = open_consoles(work)
        for desktop in work.session.scalars(select(Desktop).where(Desktop.state.in_(UP))).all():
            watch_one(work, desktop, *consoles.get(desktop.id, (0, None)))


def _close_abandoned(run: JobRun) -> None:
    """Otherwise their desktops would count as watched for ever, and never sleep."""
    with run.open_work(writes=False) as work:
        session_ids = abandoned_sessions(work)
    for session_id in session_ids:
        with run.open_work() as work:
            close_session(work, session_id)


@reacts_to(DeviceEvent.MOUNTED, name="desktops.device_mounted")
def device_mounted(run: JobRun, seq: int) -> None:
    """A desktop's sync client has mounted the library: look at once instead of at the next poll."""
    _put_to_work(run, [run.event(seq).facts["desktop_id"]])


@job(SET_CLOCK, lane="desktops", max_attempts=3)
def set_clock(run: JobRun, desktop_id: str, until: str) -> None:
    """Set a woken guest's clock; its guest agent may need a moment before it answers."""
    with run.open_work(writes=False) as work:
        order = read_order(work, desktop_id)
    if order is None or order.uri is None or order.simulated or order.state not in UP:
        return
    now = datetime.now(UTC)
    if not run.parts.get(Hypervisors).of(order.uri).set_clock(desktop_id, now):
        if now < datetime.fromisoformat(until):
            raise Again(CLOCK_RETRY_S, "its guest agent does not answer yet")
        log.warning("desktop.clock_not_set", desktop=desktop_id)


@contextmanager
def _turn(desktop_id: str) -> Iterator[bool]:
    """One thread of this process at a time per desktop; False when another has it."""
    with _turns_guard:
        lock = _turns.setdefault(desktop_id, threading.Lock())
    mine = lock.acquire(blocking=False)
    try:
        yield mine
    finally:
        if mine:
            lock.release()

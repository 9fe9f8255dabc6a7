"""Writing down what the reconciler and the idle rule found: the one place where a desktop's observed state changes.

Sits beside actions (what people ask): these are called by jobs, by nobody, for nobody.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, select

from desktops.machines.models import Desktop, DesktopEvent
from desktops.machines.rules import ABSENT, UP, Decision, State, Step, deadline, retry_at
from desktops.machines.words import state_words
from desktops.usage.actions import settle_usage
from main_lines.lines.models import LineMember
from workspace.devices.actions import revoke_devices_of_desktop
from workspace.i18n import _, source
from workspace.people.models import Member
from workspace.work import Work

# What is worth a line of its own in the audit, and of interest to the colleagues of the member's main lines.
SET_CLOCK = "desktops.set_clock"
CLOCK_WITHIN = timedelta(minutes=2)
_KINDS = {State.HIBERNATED: DesktopEvent.HIBERNATED, State.STOPPED: DesktopEvent.STOPPED, State.GONE: DesktopEvent.RECLAIMED}
_SHARED = frozenset({DesktopEvent.READY, DesktopEvent.HIBERNATED, DesktopEvent.WOKEN})
_TO_MEMBER = _SHARED | {DesktopEvent.FAILED, DesktopEvent.RECLAIMED, DesktopEvent.IDLE, DesktopEvent.STOPPED}


def note_decision(work: Work, desktop: Desktop, decision: Decision, *, begins: bool = True) -> None:
    """Keep the observed state, and that the decision's step begins now (``begins``). The same again changes nothing."""
    before = (desktop.state, desktop.restart, desktop.booted_at)
    desktop.restart = desktop.restart and decision.restart
    if begins and decision.step in (Step.START, Step.WAKE):
        desktop.booted_at = work.now
    if desktop.state == decision.state:
        settle_usage(work, desktop)
        if before != (desktop.state, desktop.restart, desktop.booted_at):
            record(work, desktop, DesktopEvent.PROGRESSED)
        return
    former = State(desktop.state)
    move(work, desktop, decision.state)
    if decision.state is State.GONE:
        revoke_devices_of_desktop(work, desktop.id)
    if decision.state in UP and former not in UP:
        desktop.ready_at = work.now
        woken = former in (State.WAKING, State.HIBERNATED)
        record(work, desktop, DesktopEvent.WOKEN if woken else DesktopEvent.READY)
        if woken:  # The guest's clock stood still while it slept.
            work.after_commit(SET_CLOCK, key=desktop.id, desktop_id=desktop.id, until=(work.now + CLOCK_WITHIN).isoformat())
    else:
        record(work, desktop, _KINDS.get(decision.state, DesktopEvent.PROGRESSED))


def move(work: Work, desktop: Desktop, state: State) -> None:
    """Set the state with all that hangs on it; the caller records the event of the desktop itself."""
    before = State(desktop.state)
    if (before in ABSENT, before in UP) != (state in ABSENT, state in UP) and state not in UP:  # That it is up is told by name.
        tell_lines(work, Desktop.id == desktop.id)
    if state in UP or state in (State.HIBERNATED, State.STOPPED, State.GONE):
        desktop.problem, desktop.attempts, desktop.retry_at = "", 0, None
    desktop.state, desktop.since, desktop.deadline_at = state, work.now, deadline(state, work.now)
    settle_usage(work, desktop)


def note_failure(work: Work, desktop: Desktop, problem: str) -> None:
    """A step failed and looking again showed no progress: say why, and when it is tried again (never by itself after five)."""
    desktop.attempts += 1
    desktop.retry_at = retry_at(desktop.attempts, work.now)
    desktop.problem = problem[:400]
    record(work, desktop, DesktopEvent.FAILED, problem=desktop.problem, attempts=desktop.attempts, final=desktop.retry_at is None)


def note_waiting(work: Work, desktop: Desktop, why: str) -> str:
    """It cannot go on yet and nothing is wrong (no room, the image is being built): say what it waits for, once. Returns ``why``."""
    if desktop.problem != why:
        desktop.problem = why
        record(work, desktop, DesktopEvent.PROGRESSED, problem=why)
    return why


def note_silence(work: Work, desktop: Desktop) -> None:
    """It is powered on and its sync client was not heard in time: unknown, so it is told and watched on, not restarted."""
    desktop.deadline_at = None
    desktop.problem = _("系统启动后同步客户端一直没有回应，可以重新开机试试")
    record(work, desktop, DesktopEvent.FAILED, problem=desktop.problem, attempts=desktop.attempts, final=True)


def tell_lines(work: Work, which: ColumnElement[bool]) -> None:
    """Pages of main lines count the desktops of their members by city: say there that a count is another, and nothing of whose it is."""
    query = select(LineMember.line_id).join(Desktop, Desktop.member_id == LineMember.member_id).where(which).distinct()
    rooms = [f"line:{line_id}" for line_id in work.session.scalars(query.order_by(LineMember.line_id))]
    if rooms:
        work.record(DesktopEvent.COUNT_CHANGED, subject="desktops:count", rooms=rooms)


def record(work: Work, desktop: Desktop, kind: DesktopEvent, **facts: Any) -> None:
    """Write the event into the rooms of those whom it concerns."""
    member = work.session.get_one(Member, desktop.member_id)
    room = f"desktop:{desktop.id}"
    rooms = [room, "desktops"]
    if kind in _TO_MEMBER:
        rooms.append(f"member:{member.id}")
    if kind in _SHARED:
        rooms += [
            f"line:{line_id}" for line_id in work.session.scalars(select(LineMember.line_id).where(LineMember.member_id == member.id))
        ]
    leaves = {member.id: [room]} if kind is DesktopEvent.RECLAIMED else None
    work.record(
        kind,
        subject=room,
        rooms=rooms,
        leaves=leaves,
        member=member.name,
        name=desktop.name,
        state=desktop.state,
        state_words=source(state_words(State(desktop.state))),
        **facts,
    )

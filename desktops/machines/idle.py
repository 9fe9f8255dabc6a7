"""Applying the idle rule to one desktop; called every few seconds by the worker."""

from datetime import datetime

from desktops.machines.access import verdict_of
from desktops.machines.actions import advance_soon
from desktops.machines.models import Desktop, DesktopEvent
from desktops.machines.progress import move, record
from desktops.machines.rules import Rest, State, Wanted, up_state
from workspace.work import Work


def watch_one(work: Work, desktop: Desktop, consoles_open: int, gateway_seen_at: datetime | None) -> None:
    """Move between ready, in_use and idle, and ask for hibernation when the time is over."""
    if desktop.wanted != Wanted.RUNNING or desktop.restart:
        return
    verdict = verdict_of(work, desktop, consoles_open, gateway_seen_at)
    state = up_state(verdict.rest, consoles_open=consoles_open)
    if state != desktop.state:
        move(work, desktop, state)
        left_s = int((verdict.sleeps_at - work.now).total_seconds()) if verdict.sleeps_at else 0
        facts = (
            {"seconds_left": max(0, left_s), "sleeps_at": verdict.sleeps_at.isoformat()}
            if state is State.IDLE and verdict.sleeps_at
            else {}
        )
        record(work, desktop, DesktopEvent.IDLE if state is State.IDLE else DesktopEvent.PROGRESSED, **facts)
    elif verdict.rest is Rest.SLEEP:  # Warned for at least one round before, so never without a warning.
        desktop.wanted = Wanted.HIBERNATED
        record(work, desktop, DesktopEvent.HIBERNATE_ASKED)
        advance_soon(work, desktop.id)

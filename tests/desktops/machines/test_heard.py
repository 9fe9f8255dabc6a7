"""When a desktop counts as heard since its last start or wake."""

from datetime import UTC, datetime, timedelta

import pytest

from desktops.machines.actions import open_desktop
from desktops.machines.models import Desktop, DesktopActivity, DesktopEvent
from desktops.machines.reconcile import was_heard
from desktops.machines.rules import State
from tests.house import member_named
from workspace.db import Database, new_id
from workspace.devices.models import Device, DeviceEvent, DeviceSeen
from workspace.parts import Parts
from workspace.work import Work, open_work

BOOT = datetime(2026, 10, 1, 2, 0, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return BOOT + timedelta(seconds=seconds)


CASES = {
    # name: (state, ready at, heartbeat (at, status), channel up at, heard)
    "nothing yet": (State.BOOTING, None, None, None, False),
    "starting is not mounted": (State.BOOTING, None, (at(5), "starting"), at(4), False),
    "mounted": (State.BOOTING, None, (at(5), "mounted"), at(4), True),
    "mounted before this boot": (State.BOOTING, at(-99), (at(-5), "mounted"), at(4), False),
    "woken: the channel is enough": (State.WAKING, at(-99), (at(-5), "mounted"), at(4), True),
    "woken: the channel of before is not": (State.WAKING, at(-99), (at(-5), "mounted"), at(-4), False),
    "woken: it had never mounted": (State.WAKING, None, (at(-5), "starting"), at(4), False),
    "up since: the next heartbeat need not have come": (State.READY, at(6), (at(-5), "mounted"), at(4), True),
}


@pytest.mark.parametrize("case", CASES)
def test_heard_when_said_before_or_after_the_boot_then_only_after_counts(company: Database, parts: Parts, case: str) -> None:
    state, ready_at, heartbeat, channel_up_at, heard = CASES[case]
    with open_work(company, parts=parts, now=BOOT) as work:
        desktop = booted(work, state, ready_at)
        if heartbeat:
            device = Device(
                id=new_id(),
                kind="desktop",
                name="桌面",
                member_id=desktop.member_id,
                desktop_id=desktop.id,
                token_hash="x",
                created_at=BOOT,
            )
            work.session.add(device)
            work.session.flush()
            work.session.add(DeviceSeen(device_id=device.id, at=heartbeat[0], status={"state": heartbeat[1]}))
            work.record(DeviceEvent.ENROLLED, subject=f"device:{device.id}", rooms=["audit"])
        if channel_up_at:
            work.session.add(DesktopActivity(desktop_id=desktop.id, channel_up_at=channel_up_at))
        work.session.flush()
        assert was_heard(work, desktop) is heard


def booted(work: Work, state: State, ready_at: datetime | None) -> Desktop:
    desktop = open_desktop(work, member_id=member_named(work, "苏航").id)
    desktop.state, desktop.booted_at, desktop.ready_at = state, BOOT, ready_at
    work.record(DesktopEvent.PROGRESSED, subject=f"desktop:{desktop.id}", rooms=["desktops"])
    work.session.flush()
    return desktop

"""A ready desktop on a host that counts as real, and a signed-in designer; no hypervisor is asked."""

from collections.abc import Callable

import pytest

from desktops.hosts.models import Host, HostEvent
from desktops.machines.actions import open_desktop
from desktops.machines.models import Desktop, DesktopEvent
from desktops.machines.rules import State
from tests.house import member_named
from workspace.db import Database
from workspace.parts import Parts
from workspace.work import open_work


@pytest.fixture
def ready_desktop(company: Database, parts: Parts) -> str:
    """苏航's desktop, up."""
    with open_work(company, parts=parts) as work:
        desktop = open_desktop(work, member_id=member_named(work, "苏航").id)
        work.session.flush()
        host = work.session.query(Host).one()
        host.simulated, host.probed_at, host.facts = False, work.now, {"memory_mib": 8192, "accelerator": "qemu"}
        desktop.host_id, desktop.state, desktop.ready_at, desktop.deadline_at = host.id, State.READY, work.now, None
        work.record(HostEvent.PROBED, subject=f"host:{host.id}", rooms=["desktops"], name=host.name, verdict="")
        work.record(DesktopEvent.READY, subject=f"desktop:{desktop.id}", rooms=["desktops"], member="苏航", name=desktop.name)
        return desktop.id


@pytest.fixture
def set_state(company: Database, parts: Parts) -> Callable[[str, State], None]:
    def change(desktop_id: str, state: State) -> None:
        with open_work(company, parts=parts) as work:
            desktop = work.session.get_one(Desktop, desktop_id)
            desktop.state = state
            work.record(DesktopEvent.PROGRESSED, subject=f"desktop:{desktop.id}", rooms=["desktops"], member="苏航", name=desktop.name)

    return change

"""A worker on libvirt's test driver, with a node of its own for each test."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from desktops.hosts.drivers import Hypervisors
from desktops.hosts.jobs import look_at_hosts
from desktops.hosts.models import Host
from desktops.machines.actions import open_desktop
from desktops.machines.jobs import reconcile
from desktops.machines.models import Desktop
from desktops.machines.queries import DesktopRow, show_desktop
from tests.house import member_named
from workspace.db import Database
from workspace.jobs.worker import JobRun, Worker
from workspace.parts import Parts
from workspace.settings import Settings
from workspace.work import Actor, Work, open_work

NODE = """<node>
  <cpu><mhz>2000</mhz><model>x86_64</model><active>4</active><nodes>1</nodes><sockets>1</sockets><cores>4</cores><threads>1</threads></cpu>
  <memory>4194304</memory>
</node>"""
"""4 GiB."""


class Estate:
    """Desktops of the demo company on one simulated host, moved by hand."""

    def __init__(self, database: Database, parts: Parts) -> None:
        self.database, self.parts = database, parts
        self.run = JobRun(database, parts, 1, "test", Event())

    def work(self, *, writes: bool = True, now: datetime | None = None) -> "object":
        return open_work(self.database, parts=self.parts, writes=writes, now=now or datetime.now(UTC))

    def settle(self) -> None:
        """Run every job that is due."""
        Worker(self.database, self.parts).run_due()

    def reconcile(self) -> int:
        """One periodic look; returns how many jobs it led to."""
        reconcile(self.run)
        return Worker(self.database, self.parts).run_due()

    def open(self, name: str = "苏航") -> str:
        with self.work() as work:
            desktop_id = open_desktop(work, member_id=member_named(work, name).id).id
        self.settle()
        return desktop_id

    def as_member(self, name: str, *permissions: str) -> Callable[[Work], Work]:
        """Makes a Work act as this member."""

        def become(work: Work) -> Work:
            member = member_named(work, name)
            work.actor = Actor(member.id, member.name, frozenset(permissions or ("desktops:desktop:own",)))
            return work

        return become

    def act(self, verb: Callable[..., object], desktop_id: str, *, name: str = "苏航", permissions: tuple[str, ...] = ()) -> None:
        with self.work() as work:
            verb(self.as_member(name, *permissions)(work), desktop_id)

    def row(self, desktop_id: str) -> DesktopRow:
        with self.work(writes=False) as work:
            self.as_member("管力", "desktops:desktop:manage")(work)
            return show_desktop(work, desktop_id)

    def state(self, desktop_id: str) -> str:
        with self.work(writes=False) as work:
            return work.session.get_one(Desktop, desktop_id).state

    @property
    def hypervisor(self) -> object:
        with self.work(writes=False) as work:
            return self.parts.get(Hypervisors).of(work.session.query(Host).one().uri)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "node.xml").write_text(NODE)
    return replace(settings, libvirt_uri=f"test://{tmp_path}/node.xml")


@pytest.fixture
def estate(company: Database, parts: Parts) -> Iterator[Estate]:
    estate = Estate(company, parts)
    look_at_hosts(estate.run)
    yield estate
    estate.hypervisor.close()  # type: ignore[attr-defined]

"""A desktop's life through the real driver on libvirt's test hypervisor: nothing runs inside, everything else is real."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from desktops.consoles.models import ConsoleSession, GatewaySeen
from desktops.hosts.actions import note_probe
from desktops.hosts.drivers import Hypervisors
from desktops.hosts.models import Host
from desktops.hypervisor.base import DomainState, HypervisorError
from desktops.machines import reconcile as reconcile_module
from desktops.machines.actions import (
    connect_desktop,
    hibernate_desktop,
    open_desktop,
    reclaim_desktop,
    restart_desktop,
    retry_desktop,
)  # fmt: skip
from desktops.machines.jobs import advance, watch_idle
from desktops.machines.models import Desktop, DesktopActivity
from desktops.usage.models import UsageInterval
from tests.desktops.machines.conftest import Estate
from tests.house import member_named
from workspace.db import new_id
from workspace.errors import Conflict, NotAllowed, NotFound
from workspace.events.models import Event

MANAGE = ("desktops:desktop:manage",)


def kinds(estate: Estate, prefix: str = "desktops.desktop.") -> list[str]:
    with estate.work(writes=False) as work:
        return [
            event.kind.removeprefix(prefix) for event in work.session.query(Event).filter(Event.kind.startswith(prefix)).order_by(Event.seq)
        ]


def test_open_when_a_host_has_room_then_ready_with_one_domain(estate: Estate) -> None:
    desktop_id = estate.open()
    assert estate.state(desktop_id) == "ready"
    assert [(one.desktop_id, one.state) for one in estate.hypervisor.domains()] == [(desktop_id, DomainState.RUNNING)]
    assert kinds(estate) == ["requested", "progressed", "progressed", "progressed", "ready"]


def test_open_when_asked_again_then_the_same_desktop(estate: Estate) -> None:
    assert estate.open() == estate.open()
    assert len(estate.hypervisor.domains()) == 1


def test_open_when_pressed_by_many_and_twice_at_once_then_one_desktop_each(estate: Estate) -> None:
    names = ("苏航", "陈墨", "林悦", "赵宁") * 2
    start = threading.Barrier(len(names))

    def press(name: str) -> tuple[str, str]:
        start.wait(10)
        with estate.work() as work:
            return name, open_desktop(work, member_id=member_named(work, name).id).id

    with ThreadPoolExecutor(len(names)) as pool:
        opened = set(pool.map(press, names))
    assert len(opened) == 4
    with estate.work(writes=False) as work:
        assert sorted(number for (number,) in work.session.query(Desktop.number)) == [1, 2, 3, 4]


def test_open_when_the_host_is_full_then_it_waits_and_says_why(estate: Estate) -> None:
    opened = [estate.open(name) for name in ("苏航", "陈墨", "林悦", "赵宁")]  # 4 x 1,024 MiB fill the node.
    waiting = estate.open("吴昊")
    row = estate.row(waiting)
    assert (row.state, row.failed) == ("requested", False)
    assert "内存不足" in row.problem
    estate.act(hibernate_desktop, opened[0])
    estate.settle()
    estate.reconcile()
    assert estate.state(waiting) == "ready"
    with pytest.raises(Conflict, match="内存已满"):
        estate.act(connect_desktop, opened[0])


def test_hibernate_and_connect_when_asked_then_saved_and_woken(estate: Estate) -> None:
    desktop_id = estate.open()
    estate.act(hibernate_desktop, desktop_id)
    estate.settle()
    assert estate.state(desktop_id) == "hibernated"
    assert estate.hypervisor.domain(desktop_id).state is DomainState.SAVED
    estate.act(connect_desktop, desktop_id)
    estate.settle()
    assert estate.state(desktop_id) == "ready"
    assert kinds(estate)[5:] == ["hibernate_asked", "progressed", "hibernated", "connect_asked", "progressed", "woken"]


def test_hibernate_when_still_being_opened_then_conflict(estate: Estate) -> None:
    with estate.work() as work:
        desktop_id = open_desktop(work, member_id=member_named(work, "苏航").id).id
    with pytest.raises(Conflict):
        estate.act(hibernate_desktop, desktop_id)


@pytest.mark.parametrize("asleep", [False, True])
def test_restart_when_up_or_asleep_then_booted_anew(estate: Estate, asleep: bool) -> None:
    desktop_id = estate.open()
    if asleep:
        estate.act(hibernate_desktop, desktop_id)
        estate.settle()
    estate.act(restart_desktop, desktop_id)
    estate.settle()
    assert estate.state(desktop_id) == "ready"
    assert estate.hypervisor.domain(desktop_id).state is DomainState.RUNNING
    assert "woken" not in kinds(estate)


def test_restart_when_asked_between_looking_and_writing_then_not_forgotten(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    desktop_id = estate.open()
    booted_at = booted(estate, desktop_id)
    look = reconcile_module.look

    def slow_look(*args: object) -> object:
        monkeypatch.setattr(reconcile_module, "look", look)
        estate.act(restart_desktop, desktop_id)
        return look(*args)

    monkeypatch.setattr(reconcile_module, "look", slow_look)
    advance(estate.run, desktop_id)
    estate.settle()
    assert booted(estate, desktop_id) > booted_at
    assert estate.state(desktop_id) == "ready"


def booted(estate: Estate, desktop_id: str) -> datetime:
    with estate.work(writes=False) as work:
        at = work.session.get_one(Desktop, desktop_id).booted_at
    assert at is not None
    return at


def test_host_when_it_becomes_real_then_its_simulated_desktops_are_placed_anew(estate: Estate) -> None:
    """QEMU was installed: what was only simulated has no disk and no image to go on with."""
    desktop_id = estate.open()
    with estate.work() as work:
        host = work.session.query(Host).one()
        note_probe(work, host.id, simulated=False, facts={**host.facts, "accelerator": "qemu"}, verdict="")
    estate.reconcile()
    row = estate.row(desktop_id)
    assert (row.state, row.failed, row.simulated) == ("requested", False, False)
    assert "还没有制作完成" in row.problem


def test_reclaim_when_up_then_gone_and_a_new_one_may_come(estate: Estate) -> None:
    desktop_id = estate.open()
    with pytest.raises(NotAllowed):
        estate.act(reclaim_desktop, desktop_id)
    estate.act(reclaim_desktop, desktop_id, name="管力", permissions=MANAGE)
    estate.settle()
    assert estate.state(desktop_id) == "gone"
    assert estate.hypervisor.domains() == []
    assert estate.open() != desktop_id


def test_reconcile_when_the_domain_was_cut_off_then_it_runs_again(estate: Estate) -> None:
    desktop_id = estate.open()
    estate.hypervisor.destroy(desktop_id)
    estate.reconcile()
    assert estate.hypervisor.domain(desktop_id).state is DomainState.RUNNING
    assert estate.state(desktop_id) == "ready"


def test_reconcile_when_the_definition_is_gone_then_it_is_made_again(estate: Estate) -> None:
    desktop_id = estate.open()
    estate.hypervisor.destroy(desktop_id)
    estate.hypervisor.undefine(desktop_id)
    estate.reconcile()
    assert estate.state(desktop_id) == "ready"


def test_reconcile_when_all_is_as_wanted_then_it_writes_no_event(estate: Estate) -> None:
    estate.open()
    estate.reconcile()
    before = kinds(estate, "")
    assert estate.reconcile() == 0
    assert kinds(estate, "") == before


class Stubborn:
    """The real hypervisor, but one verb fails; ``works_anyway`` does it and then fails, like an answer that was lost."""

    def __init__(self, real: object, verb: str, *, works_anyway: bool = False) -> None:
        self._real, self._verb, self._works_anyway, self.calls = real, verb, works_anyway, 0

    def __getattr__(self, name: str) -> object:
        if name != self._verb:
            return getattr(self._real, name)

        def fail(*args: object, **options: object) -> None:
            self.calls += 1
            if self._works_anyway:
                getattr(self._real, name)(*args, **options)
            raise HypervisorError("宿主机拒绝了操作", "内存不足")

        return fail


def test_start_when_it_fails_then_words_attempts_and_a_retry_by_hand(estate: Estate) -> None:
    real = estate.hypervisor
    broken = Stubborn(real, "start")
    estate.parts.provide(Hypervisors, lambda: Hypervisors(lambda uri: broken))
    desktop_id = estate.open()
    for _attempt in range(4):
        with estate.work() as work:  # As if the pause before the next attempt had passed.
            desktop = work.session.get_one(Desktop, desktop_id)
            desktop.retry_at = datetime.now(UTC) - timedelta(seconds=1)
            estate_event(work, desktop)
        estate.reconcile()
        make_due(estate)
    row = estate.row(desktop_id)
    assert row.failed
    assert "内存不足" in row.problem
    assert broken.calls == 5
    estate.reconcile()
    assert broken.calls == 5, "it goes on by itself after a person was asked for"
    estate.parts.provide(Hypervisors, lambda: Hypervisors(lambda uri: real))
    estate.act(retry_desktop, desktop_id)
    estate.settle()
    assert estate.state(desktop_id) == "ready"
    assert estate.row(desktop_id).problem == ""


def estate_event(work: object, desktop: Desktop) -> None:
    from desktops.machines.models import DesktopEvent
    from desktops.machines.progress import record

    record(work, desktop, DesktopEvent.PROGRESSED)  # type: ignore[arg-type]


def make_due(estate: Estate) -> None:
    """Jobs that wait for their retry run now."""
    from workspace.jobs.models import Job

    with estate.work() as work:
        for waiting in work.session.query(Job):
            waiting.run_at = datetime.now(UTC)
    estate.settle()


def test_start_when_the_answer_is_lost_then_looking_again_finds_it_running(estate: Estate) -> None:
    real = estate.hypervisor
    broken = Stubborn(real, "start", works_anyway=True)
    estate.parts.provide(Hypervisors, lambda: Hypervisors(lambda uri: broken))
    desktop_id = estate.open()
    make_due(estate)
    with estate.work() as work:
        desktop = work.session.get_one(Desktop, desktop_id)
        if desktop.retry_at:
            desktop.retry_at = datetime.now(UTC) - timedelta(seconds=1)
            estate_event(work, desktop)
    make_due(estate)
    assert estate.state(desktop_id) == "ready"
    assert broken.calls == 1


def test_look_when_the_host_is_silent_then_nothing_is_concluded(estate: Estate) -> None:
    desktop_id = estate.open()
    real = estate.hypervisor
    estate.parts.provide(Hypervisors, lambda: Hypervisors(lambda uri: Stubborn(real, "domains")))
    estate.reconcile()
    row = estate.row(desktop_id)
    assert row.state == "ready"
    assert "内存不足" in row.problem or "拒绝" in row.problem
    assert kinds(estate, "desktops.host.")[-1] == "lost"
    estate.parts.provide(Hypervisors, lambda: Hypervisors(lambda uri: real))
    estate.reconcile()
    assert kinds(estate, "desktops.host.")[-1] == "back"


def test_idle_when_time_passes_then_warned_first_and_hibernated(estate: Estate) -> None:
    desktop_id = estate.open()
    with estate.work() as work:
        desktop = work.session.get_one(Desktop, desktop_id)
        desktop.ready_at = datetime.now(UTC) - timedelta(minutes=29, seconds=30)
        estate_event(work, desktop)
    watch_idle(estate.run)
    assert estate.state(desktop_id) == "idle"
    with estate.work() as work:
        desktop = work.session.get_one(Desktop, desktop_id)
        desktop.ready_at = datetime.now(UTC) - timedelta(minutes=31)
        estate_event(work, desktop)
    watch_idle(estate.run)
    estate.settle()
    assert estate.state(desktop_id) == "hibernated"


def test_idle_when_somebody_types_then_back_in_use(estate: Estate) -> None:
    desktop_id = estate.open()
    with estate.work() as work:
        desktop = work.session.get_one(Desktop, desktop_id)
        desktop.ready_at = datetime.now(UTC) - timedelta(minutes=31)
        estate_event(work, desktop)
    watch_idle(estate.run)
    assert estate.state(desktop_id) == "idle", "the first look warns, even when the time is long over"
    with estate.work() as work:
        work.session.add(DesktopActivity(desktop_id=desktop_id, last_input_at=datetime.now(UTC)))
    watch_idle(estate.run)
    assert estate.state(desktop_id) == "ready"


def test_idle_when_the_gateway_is_gone_for_good_then_its_consoles_no_longer_count(estate: Estate) -> None:
    desktop_id, long_ago = estate.open(), datetime.now(UTC) - timedelta(minutes=31)
    with estate.work() as work:
        member = member_named(work, "苏航")
        left = ConsoleSession(
            id=new_id(), member_id=member.id, desktop_id=desktop_id, sign_in_hash="x", gateway="old:1", opened_at=long_ago
        )
        desktop = work.session.get_one(Desktop, desktop_id)
        desktop.ready_at = long_ago
        work.session.add_all([left, GatewaySeen(gateway="old:1", at=long_ago)])
        estate_event(work, desktop)
    watch_idle(estate.run)
    assert estate.state(desktop_id) == "idle"
    with estate.work(writes=False) as work:
        closed = work.session.query(Event).filter_by(kind="desktops.console.closed").one()
        assert closed.actor_name == "苏航"


def test_ledger_when_a_desktop_lives_then_intervals_follow_without_overlap(estate: Estate) -> None:
    desktop_id = estate.open()
    for verb in (hibernate_desktop, connect_desktop):
        estate.act(verb, desktop_id)
        estate.settle()
    estate.act(reclaim_desktop, desktop_id, name="管力", permissions=MANAGE)
    estate.settle()
    with estate.work(writes=False) as work:
        rows = work.session.query(UsageInterval).filter_by(desktop_id=desktop_id).order_by(UsageInterval.began_at).all()
    assert [row.kind for row in rows] == ["running", "hibernated", "running"]
    assert all(row.ended_at is not None for row in rows)
    assert all(earlier.ended_at <= later.began_at for earlier, later in itertools.pairwise(rows))


def test_access_when_it_is_somebody_elses_then_absent(estate: Estate) -> None:
    desktop_id = estate.open()
    for verb in (connect_desktop, hibernate_desktop, restart_desktop, retry_desktop, reclaim_desktop):
        with pytest.raises(NotFound):
            estate.act(verb, desktop_id, name="赵宁")

"""What every Hypervisor must do: the table in desktops/hypervisor/base.py, verb by verb.

A subclass gives ``hypervisor`` (owner "tests") and ``new_spec``; libvirt's test driver and real QEMU run the same tests.
"""

import queue
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktops.hypervisor.base import DomainSpec, DomainState, Hypervisor, Refused, SavedStateMismatch
from desktops.hypervisor.xml import definition_digest

NewSpec = Callable[[], DomainSpec]
EVENT_WITHIN_S = 20.0


def state_of(hypervisor: Hypervisor, spec: DomainSpec) -> DomainState | None:
    domain = hypervisor.domain(spec.desktop_id)
    return domain.state if domain else None


class HypervisorContract:
    @pytest.fixture
    def record(self, tmp_path: Path) -> Path:
        return tmp_path / "saved.json"

    @pytest.fixture
    def defined(self, hypervisor: Hypervisor, new_spec: NewSpec) -> DomainSpec:
        spec = new_spec()
        hypervisor.define(spec)
        return spec

    @pytest.fixture
    def running(self, hypervisor: Hypervisor, defined: DomainSpec) -> DomainSpec:
        hypervisor.start(defined.desktop_id)
        return defined

    @pytest.fixture
    def saved(self, hypervisor: Hypervisor, running: DomainSpec, record: Path) -> DomainSpec:
        hypervisor.hibernate(running.desktop_id, record=record)
        return running

    def test_facts_when_asked_then_name_the_host(self, hypervisor: Hypervisor) -> None:
        facts = hypervisor.facts()
        assert facts.uri == hypervisor.uri
        assert facts.hostname
        assert facts.cpu_count >= 1
        assert facts.memory_mib > 0
        assert facts.reasons

    def test_domain_when_absent_then_none(self, hypervisor: Hypervisor, new_spec: NewSpec) -> None:
        assert hypervisor.domain(new_spec().desktop_id) is None

    def test_define_when_new_then_off_and_listed(self, hypervisor: Hypervisor, defined: DomainSpec) -> None:
        domain = hypervisor.domain(defined.desktop_id)
        assert domain is not None
        assert (domain.state, domain.generation, domain.uuid) == (DomainState.OFF, defined.generation, defined.uuid)
        assert domain.definition == definition_digest(defined)
        assert domain in hypervisor.domains()

    def test_define_when_off_and_changed_then_replaced(self, hypervisor: Hypervisor, defined: DomainSpec) -> None:
        hypervisor.define(replace(defined, generation=2, memory_mib=defined.memory_mib + 64))
        domain = hypervisor.domain(defined.desktop_id)
        assert domain is not None
        assert domain.generation == 2

    def test_define_when_running_then_only_the_same_again(self, hypervisor: Hypervisor, running: DomainSpec) -> None:
        hypervisor.define(running)
        with pytest.raises(Refused):
            hypervisor.define(replace(running, generation=2))
        assert state_of(hypervisor, running) is DomainState.RUNNING

    def test_define_when_saved_then_refused(self, hypervisor: Hypervisor, saved: DomainSpec) -> None:
        with pytest.raises(Refused):
            hypervisor.define(replace(saved, generation=2))
        assert state_of(hypervisor, saved) is DomainState.SAVED

    def test_domain_of_another_owner_is_never_touched(self, hypervisor: Hypervisor, new_spec: NewSpec) -> None:
        theirs = replace(new_spec(), owner="somebody else")
        hypervisor.define(theirs)
        assert theirs.desktop_id not in [domain.desktop_id for domain in hypervisor.domains()]
        for verb in (hypervisor.domain, hypervisor.start, hypervisor.destroy, hypervisor.undefine, hypervisor.discard_saved):
            with pytest.raises(Refused):
                verb(theirs.desktop_id)

    def test_start_when_off_then_running(self, hypervisor: Hypervisor, running: DomainSpec) -> None:
        assert state_of(hypervisor, running) is DomainState.RUNNING
        hypervisor.start(running.desktop_id)
        assert state_of(hypervisor, running) is DomainState.RUNNING
        assert hypervisor.use(running.desktop_id) is not None

    def test_start_when_absent_or_saved_then_refused(self, hypervisor: Hypervisor, new_spec: NewSpec, saved: DomainSpec) -> None:
        for desktop_id in (new_spec().desktop_id, saved.desktop_id):
            with pytest.raises(Refused):
                hypervisor.start(desktop_id)
        assert state_of(hypervisor, saved) is DomainState.SAVED

    def test_destroy_when_running_then_off(self, hypervisor: Hypervisor, running: DomainSpec) -> None:
        hypervisor.destroy(running.desktop_id)
        assert state_of(hypervisor, running) is DomainState.OFF
        hypervisor.destroy(running.desktop_id)
        assert hypervisor.use(running.desktop_id) is None

    def test_destroy_when_saved_or_absent_then_nothing(self, hypervisor: Hypervisor, new_spec: NewSpec, saved: DomainSpec) -> None:
        hypervisor.destroy(saved.desktop_id)
        assert state_of(hypervisor, saved) is DomainState.SAVED
        hypervisor.destroy(new_spec().desktop_id)

    def test_hibernate_when_running_then_saved(self, hypervisor: Hypervisor, saved: DomainSpec, record: Path) -> None:
        assert state_of(hypervisor, saved) is DomainState.SAVED
        hypervisor.hibernate(saved.desktop_id, record=record)
        assert state_of(hypervisor, saved) is DomainState.SAVED

    def test_hibernate_when_off_or_absent_then_refused(
        self, hypervisor: Hypervisor, new_spec: NewSpec, defined: DomainSpec, record: Path
    ) -> None:
        for desktop_id in (defined.desktop_id, new_spec().desktop_id):
            with pytest.raises(Refused):
                hypervisor.hibernate(desktop_id, record=record)

    def test_wake_when_saved_then_running(self, hypervisor: Hypervisor, saved: DomainSpec, record: Path) -> None:
        hypervisor.wake(saved.desktop_id, record=record)
        assert state_of(hypervisor, saved) is DomainState.RUNNING
        hypervisor.wake(saved.desktop_id, record=record)

    def test_wake_when_off_then_refused(self, hypervisor: Hypervisor, defined: DomainSpec, record: Path) -> None:
        with pytest.raises(Refused):
            hypervisor.wake(defined.desktop_id, record=record)

    @pytest.mark.parametrize("content", [None, "", "{}", '{"definition": "another", "generation": 1, "inodes": [], "disks": ""}'])
    def test_wake_when_the_record_does_not_fit_then_refused(
        self, hypervisor: Hypervisor, saved: DomainSpec, record: Path, content: str | None
    ) -> None:
        if content is None:
            record.unlink()
        else:
            record.write_text(content)
        with pytest.raises(SavedStateMismatch):
            hypervisor.wake(saved.desktop_id, record=record)
        assert state_of(hypervisor, saved) is DomainState.SAVED

    def test_discard_saved_when_saved_then_off(self, hypervisor: Hypervisor, saved: DomainSpec) -> None:
        hypervisor.discard_saved(saved.desktop_id)
        assert state_of(hypervisor, saved) is DomainState.OFF
        hypervisor.discard_saved(saved.desktop_id)

    def test_undefine_when_off_then_absent(self, hypervisor: Hypervisor, defined: DomainSpec) -> None:
        hypervisor.undefine(defined.desktop_id)
        assert state_of(hypervisor, defined) is None
        hypervisor.undefine(defined.desktop_id)

    def test_undefine_when_running_then_refused(self, hypervisor: Hypervisor, running: DomainSpec) -> None:
        with pytest.raises(Refused):
            hypervisor.undefine(running.desktop_id)
        assert state_of(hypervisor, running) is DomainState.RUNNING

    def test_listen_when_a_domain_changes_then_told(self, hypervisor: Hypervisor, new_spec: NewSpec) -> None:
        told: queue.Queue[tuple[str, DomainState | None]] = queue.Queue()
        hypervisor.listen(lambda desktop_id, state: told.put((desktop_id, state)))
        spec = new_spec()
        hypervisor.define(spec)
        hypervisor.start(spec.desktop_id)
        hypervisor.destroy(spec.desktop_id)
        hypervisor.undefine(spec.desktop_id)
        seen = []
        while (spec.desktop_id, None) not in seen:
            seen.append(told.get(timeout=EVENT_WITHIN_S))
        assert {desktop_id for desktop_id, _state in seen} == {spec.desktop_id}

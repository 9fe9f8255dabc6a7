"""The contract on libvirt's own test driver, each test with a host of its own."""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktops.hypervisor.base import Accelerator, DomainSpec, DomainState, HypervisorError, Unanswered, Unreachable
from desktops.hypervisor.libvirt_driver import LibvirtHost
from tests.contracts.hypervisor_contract import HypervisorContract, state_of
from tests.desktops.hypervisor.test_xml import PLAIN


@pytest.fixture
def hypervisor(tmp_path: Path) -> Iterator[LibvirtHost]:
    node = tmp_path / "node.xml"
    node.write_text("<node/>")
    host = LibvirtHost(f"test://{node}", owner="tests")
    yield host
    host.close()


@pytest.fixture
def new_spec() -> Callable[[], DomainSpec]:
    numbers = itertools.count(1)
    return lambda: replace(PLAIN, accelerator=Accelerator.TEST, owner="tests", desktop_id=f"desktop-{next(numbers)}")


class TestSimulated(HypervisorContract):
    def test_facts_when_simulated_then_said(self, hypervisor: LibvirtHost) -> None:
        facts = hypervisor.facts()
        assert facts.simulated
        assert facts.accelerator is Accelerator.TEST
        assert facts.reasons == ("simulated",)


def test_call_when_nobody_listens_then_unreachable(tmp_path: Path) -> None:
    host = LibvirtHost(f"qemu+unix:///system?socket={tmp_path}/none", owner="tests")
    with pytest.raises(Unreachable) as caught:
        host.domains()
    assert caught.value.retryable
    host.close()


def test_define_when_libvirt_refuses_then_our_error_with_the_state_read_again(hypervisor: LibvirtHost) -> None:
    wrong = replace(PLAIN, accelerator=Accelerator.TEST, owner="tests", vcpus=0)
    with pytest.raises(HypervisorError) as caught:
        hypervisor.define(wrong)
    assert caught.value.facts["state"] == "absent"
    assert caught.value.facts["verb"] == "define"


def test_destroy_when_it_ended_meanwhile_then_done(
    hypervisor: LibvirtHost, new_spec: Callable[[], DomainSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    """libvirt answers "domain is not running" to a destroy that comes too late; the domain is off, as was asked."""
    spec, find = new_spec(), hypervisor._find
    hypervisor.define(spec)
    hypervisor.start(spec.desktop_id)
    stale = find(spec.desktop_id)
    assert stale is not None
    stale[0].destroy()
    looks = itertools.chain([stale], iter(lambda: find(spec.desktop_id), object()))
    monkeypatch.setattr(hypervisor, "_find", lambda desktop_id: next(looks))
    hypervisor.destroy(spec.desktop_id)
    monkeypatch.undo()
    assert state_of(hypervisor, spec) is DomainState.OFF


def test_call_when_it_had_to_wait_too_long_then_it_is_not_carried_out_later(hypervisor: LibvirtHost) -> None:
    held, ran = threading.Event(), []
    hypervisor._calls.submit(held.wait)
    with pytest.raises(Unanswered):
        hypervisor._call("late", lambda: ran.append("late"), limit_s=0.05)
    held.set()
    assert hypervisor.domains() == []
    assert ran == []

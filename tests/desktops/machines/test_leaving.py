"""Stopping the product: running desktops are saved, a stubborn one is switched off, the others are left alone."""

from dataclasses import dataclass, field
from pathlib import Path

from desktops.hypervisor.base import Domain, DomainState, HypervisorError
from desktops.machines.leaving import put_to_sleep
from workspace.settings import Settings


@dataclass
class FewVerbs:
    """The three verbs that leaving uses, with what was asked of them."""

    states: dict[str, DomainState]
    stubborn: str = ""
    dead: str = ""
    did: list[tuple[str, str]] = field(default_factory=list)

    def domains(self) -> list[Domain]:
        return [Domain(name, name, name, 1, state, "") for name, state in self.states.items()]

    def hibernate(self, desktop_id: str, *, record: Path) -> None:
        if desktop_id in (self.stubborn, self.dead):
            raise HypervisorError("no room")
        self.did.append(("hibernate", desktop_id))

    def destroy(self, desktop_id: str) -> None:
        if desktop_id == self.dead:
            raise HypervisorError("no answer")
        self.did.append(("destroy", desktop_id))


def test_put_to_sleep_when_some_run_then_only_those_are_saved(tmp_path: Path) -> None:
    host = FewVerbs({"a": DomainState.RUNNING, "b": DomainState.SAVED, "c": DomainState.OFF, "d": DomainState.RUNNING}, stubborn="d")
    told: list[str] = []
    assert put_to_sleep(host, Settings(data_dir=tmp_path), tell=told.append) == 2  # type: ignore[arg-type]
    assert sorted(host.did) == [("destroy", "d"), ("hibernate", "a")]
    assert any("no room" in line for line in told)


def test_put_to_sleep_when_one_can_neither_be_saved_nor_ended_then_the_others_are_saved(tmp_path: Path) -> None:
    host = FewVerbs({"a": DomainState.RUNNING, "b": DomainState.RUNNING}, dead="a")
    told: list[str] = []
    assert put_to_sleep(host, Settings(data_dir=tmp_path), tell=told.append) == 2  # type: ignore[arg-type]
    assert host.did == [("hibernate", "b")]
    assert any("no answer" in line for line in told)

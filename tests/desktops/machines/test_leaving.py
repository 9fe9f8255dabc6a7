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
    did: list[tuple[str, str]] = field(default_factory=list)

    def domains(self) -> list[Domain]:
        return [Domain(name, name, name, 1, state, "") for name, state in self.states.items()]

    def hibernate(self, desktop_id: str, *, record: Path) -> None:
        if desktop_id == self.stubborn:
            raise HypervisorError("no room")
        self.did.append(("hibernate", desktop_id))

    def destroy(self, desktop_id: str) -> None:
        self.did.append(("destroy", desktop_id))


def test_put_to_sleep_when_some_run_then_only_those_are_saved(tmp_path: Path) -> None:
    host = FewVerbs({"a": DomainState.RUNNING, "b": DomainState.SAVED, "c": DomainState.OFF, "d": DomainState.RUNNING}, stubborn="d")
    told: list[str] = []
    assert put_to_sleep(host, Settings(data_dir=tmp_path), tell=told.append) == 2  # type: ignore[arg-type]
    assert sorted(host.did) == [("destroy", "d"), ("hibernate", "a")]
    assert any("no room" in line for line in told)

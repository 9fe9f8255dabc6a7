"""An approval on its way, for the tests of every layer."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest

from main_lines.approvals.access import steps_of
from main_lines.approvals.actions import Draft, submit_request
from main_lines.approvals.rules import Mode
from tests.house import NOW, member_named
from workspace.work import Work

WorkAs = Callable[..., AbstractContextManager[Work]]
LEAVE = {"kind": "年假", "from": "2026-10-08", "to": "2026-10-09", "reason": "家事"}


class Clerk:
    """Submits and looks things up by people's names."""

    def __init__(self, work_as: WorkAs) -> None:
        self.work_as = work_as

    def id_of(self, name: str) -> str:
        with self.work_as("林悦", writes=False) as work:
            return member_named(work, name).id

    def submit(self, *to: str, by: str = "苏航", mode: Mode = Mode.ALL, title: str = "国庆请假", key: str | None = None) -> str:
        draft = Draft(title=title, values=LEAVE, to=tuple(self.id_of(name) for name in to), mode=mode)
        with self.work_as(by) as work:
            return submit_request(work, "leave", draft, key=key).approval_id

    def step(self, approval_id: str, holder: str) -> str:
        """The newest step that this person holds or held."""
        with self.work_as(holder, writes=False) as work:
            return [step.id for step in steps_of(work, approval_id) if step.holder_name == holder][-1]

    def states(self, approval_id: str) -> dict[str, str]:
        with self.work_as("苏航", writes=False) as work:
            return {step.holder_name: step.state for step in steps_of(work, approval_id)}


@pytest.fixture
def clerk(work_as: WorkAs) -> Clerk:
    return Clerk(work_as)


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)

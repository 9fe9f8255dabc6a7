"""Two act at once on a SQLite file: exactly one wins, the other is told, and nobody waits for ever."""

import os
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from main_lines.approvals.actions import approve_request, recall_request, reject_request
from main_lines.approvals.models import Approval
from main_lines.approvals.record import Outcome
from main_lines.approvals.rules import Mode
from tests.main_lines.approvals.conftest import Clerk, WorkAs
from workspace.db import Database
from workspace.errors import Conflict
from workspace.work import Work

ROUNDS = int(os.environ.get("RACE_ROUNDS", "30"))
Verb = Callable[[Work, str, str], Outcome]


def finish(work: Work, approval_id: str, step_id: str) -> Outcome:
    return approve_request(work, approval_id, step_id=step_id)


def reject(work: Work, approval_id: str, step_id: str) -> Outcome:
    return reject_request(work, approval_id, step_id=step_id, reason="不行")


def recall(work: Work, approval_id: str, step_id: str) -> Outcome:
    return recall_request(work, approval_id)


def at_once(work_as: WorkAs, approval_id: str, *acts: tuple[str, str, Verb]) -> list[str]:
    """Run each (name, step, verb) in a thread of its own, all released together; returns what each met."""
    gate, met = threading.Barrier(len(acts)), [""] * len(acts)

    def run(number: int, name: str, step_id: str, verb: Verb) -> None:
        opened = work_as(name)
        gate.wait()
        try:
            with opened as work:
                met[number] = verb(work, approval_id, step_id).state
        except Conflict as error:
            met[number] = f"409 {error.message}"

    threads = [threading.Thread(target=run, args=(number, *act)) for number, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return met


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("other", "verb", "mode"),
    [("林悦", finish, Mode.ANY), ("林悦", reject, Mode.ANY), ("苏航", recall, Mode.ANY), ("陈墨", finish, Mode.ANY)],
    ids=["finish-finish", "finish-reject", "finish-recall", "same person twice"],
)
def test_race_when_two_decide_at_once_then_exactly_one_wins(
    clerk: Clerk, work_as: WorkAs, company: Database, other: str, verb: Verb, mode: Mode
) -> None:
    wins: Counter[int] = Counter()
    for _ in range(ROUNDS):
        approval_id = clerk.submit("陈墨", "林悦", mode=mode)
        theirs = clerk.step(approval_id, other if other != "苏航" else "林悦")
        met = at_once(work_as, approval_id, ("陈墨", clerk.step(approval_id, "陈墨"), finish), (other, theirs, verb))
        lost = [answer for answer in met if answer.startswith("409 ")]
        assert len(lost) == 1, met
        assert "已于 10:00 " in lost[0]
        with company.session(writes=False) as session:
            approval = session.get_one(Approval, approval_id)
            assert (approval.actions, approval.state) == (2, met[1 - met.index(lost[0])])
        wins[met.index(lost[0])] += 1
    assert sum(wins.values()) == ROUNDS


@pytest.mark.timeout(600)
def test_countersign_when_both_sign_at_once_then_never_hangs(clerk: Clerk, work_as: WorkAs, company: Database) -> None:
    for _ in range(ROUNDS):
        approval_id = clerk.submit("陈墨", "林悦")
        steps = {name: clerk.step(approval_id, name) for name in ("陈墨", "林悦")}
        met = at_once(work_as, approval_id, *((name, step_id, finish) for name, step_id in steps.items()))
        assert sorted(met) == ["approved", "running"]
        with company.session(writes=False) as session:
            assert session.get_one(Approval, approval_id).state == "approved"

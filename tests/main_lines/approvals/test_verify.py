"""``mainline verify`` finds what was written to approvals past the product."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from main_lines.approvals.actions import Draft, approve_request, comment_request, resubmit_request, return_request
from main_lines.approvals.log import GENESIS, action_hash
from main_lines.approvals.models import Approval, ApprovalAction, ApprovalForm
from main_lines.approvals.verify import verify_approvals
from tests.main_lines.approvals.conftest import LEAVE, Clerk, WorkAs
from workspace.cli import mainline
from workspace.db import Database
from workspace.events.verify import Altered, verify_events
from workspace.parts import Parts


@pytest.fixture
def approval_id(clerk: Clerk, work_as: WorkAs) -> str:
    """One that was commented and finished, beside one that is still running."""
    found = clerk.submit("陈墨")
    clerk.submit("林悦", title="第二项")
    with work_as("苏航") as work:
        comment_request(work, found, words="请尽快")
    step_id = clerk.step(found, "陈墨")
    with work_as("陈墨") as work:
        approve_request(work, found, step_id=step_id, comment="同意")
    return found


def test_verify_when_nothing_was_touched_then_says_so(company: Database, approval_id: str) -> None:
    with company.session(writes=False) as session:
        assert verify_approvals(session) == "approvals: 2 logs with 4 acts, chains unbroken"


def test_verify_when_a_request_was_sent_again_then_each_revision_counts(clerk: Clerk, work_as: WorkAs, company: Database) -> None:
    sent = clerk.submit("陈墨")
    for title in ("国庆请假（改）", "国庆请假（改）"):
        step_id = clerk.step(sent, "陈墨")
        with work_as("陈墨") as work:
            return_request(work, sent, step_id=step_id, reason="请改期")
        with work_as("苏航") as work:
            resubmit_request(work, sent, Draft(title=title, values=LEAVE, to=(clerk.id_of("陈墨"),)))
    with company.session(writes=False) as session:
        assert "chains unbroken" in verify_approvals(session)


def altered_comment(session: Session, approval_id: str) -> None:
    session.execute(update(ApprovalAction).where(ApprovalAction.approval_id == approval_id, ApprovalAction.seq == 2).values(comment="不急"))


def cut_tail(session: Session, approval_id: str) -> None:
    session.execute(delete(ApprovalAction).where(ApprovalAction.approval_id == approval_id, ApprovalAction.seq == 3))


def written_anew(session: Session, approval_id: str) -> None:
    """Another comment, and every hash computed again: the log by itself holds."""
    last = GENESIS
    for row in session.query(ApprovalAction).filter_by(approval_id=approval_id).order_by(ApprovalAction.seq):
        row.comment = "不急" if row.seq == 2 else row.comment
        row.prev_hash, row.hash = last, action_hash(last, row.__dict__)
        last = row.hash
    session.get_one(Approval, approval_id).log_hash = last


def taken_away(session: Session, approval_id: str) -> None:
    for table in ("approval_action", "approval_form", "approval_step", "approval_participant"):
        session.execute(text(f"DELETE FROM {table} WHERE approval_id = :id"), {"id": approval_id})
    session.execute(delete(Approval).where(Approval.id == approval_id))


def other_values(session: Session, approval_id: str) -> None:
    form = session.get_one(ApprovalForm, (approval_id, 1))
    form.values = form.values | {"to": "2026-10-31"}


def other_title(session: Session, approval_id: str) -> None:
    session.get_one(Approval, approval_id).title = "国庆长假"


@pytest.mark.parametrize(
    ("alter", "found"),
    [
        (altered_comment, "altered at number 2"),
        (cut_tail, "altered at number 3"),
        (written_anew, "is not the one that event"),
        (taken_away, "is not the one that event"),
        (other_values, "The form of approval"),
        (other_title, "The form of approval"),
    ],
)
def test_verify_when_something_was_altered_then_named(
    company: Database, approval_id: str, alter: Callable[[Session, str], None], found: str
) -> None:
    with company.session(writes=True) as session:
        alter(session, approval_id)
        session.commit()
    with company.session(writes=False) as session, pytest.raises(Altered, match=found):
        verify_approvals(session)


def test_command_when_a_check_fails_then_it_ends_with_its_sentence(
    company: Database, parts: Parts, approval_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAINLINE_DATA_DIR", str(tmp_path))
    wiring = {"make_parts": lambda settings: parts, "checks": (verify_events, verify_approvals)}
    whole = CliRunner().invoke(mainline, ["verify", "--content", "none"], obj=wiring)
    assert whole.exit_code == 0
    assert [line.rsplit(", ")[1] for line in whole.output.splitlines()] == ["chain unbroken", "chains unbroken"]
    with company.session(writes=True) as session:
        cut_tail(session, approval_id)
        session.commit()
    assert isinstance(CliRunner().invoke(mainline, ["verify", "--content", "none"], obj=wiring).exception, Altered)

"""Verbs on a real database: what is written, who is refused, what a resend answers."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from main_lines.approvals.access import get_request
from main_lines.approvals.actions import (
    Draft,
    approve_request,
    comment_request,
    copy_request,
    recall_request,
    reject_request,
    remind_holders,
    resubmit_request,
    return_request,
    submit_request,
    transfer_step,
)
from main_lines.approvals.log import CHAINED, first_broken
from main_lines.approvals.models import Approval, ApprovalAction, ApprovalEvent, ApprovalForm, ApprovalStep
from main_lines.approvals.record import Outcome
from main_lines.approvals.rules import Mode
from tests.main_lines.approvals.conftest import LEAVE, Clerk, WorkAs, later
from workspace.db import Database
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooManyRequests
from workspace.events.access import rooms_of
from workspace.people.models import Member
from workspace.work import Work


def test_submit_when_sent_then_pending_with_the_holder_and_recorded(clerk: Clerk, work_as: WorkAs) -> None:
    draft = Draft(
        title="直通车加投",
        values={"amount": "12000.50", "plan": "双十一", "from": "2026-11-01", "to": "2026-11-11", "goal": "加购"},
        to=(clerk.id_of("林悦"),),
    )
    with work_as("苏航") as work:
        outcome = submit_request(work, "ad_spend", draft)
        recorded = work.recorded[-1]
        approval = get_request(work, outcome.approval_id)
        assert (approval.state, approval.amount, approval.applicant_department) == ("running", Decimal("12000.50"), "设计策划")
    assert recorded.kind is ApprovalEvent.SUBMITTED
    assert recorded.facts["holders"] == ["林悦"]
    assert set(recorded.rooms) == {f"approval:{outcome.approval_id}", f"member:{clerk.id_of('苏航')}", f"member:{clerk.id_of('林悦')}"}
    assert recorded.joins == {clerk.id_of(name): [f"approval:{outcome.approval_id}"] for name in ("苏航", "林悦")}


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"title": "  "}, "title"), ({"title": "长" * 121}, "title"), ({"to": ()}, "to"), ({"values": {**LEAVE, "from": ""}}, "from")],
)
def test_submit_when_the_form_does_not_fit_then_the_field_is_named(
    clerk: Clerk, work_as: WorkAs, changed: dict[str, object], field: str
) -> None:
    draft = Draft(**{"title": "请假", "values": LEAVE, "to": (clerk.id_of("林悦"),), **changed})  # type: ignore[arg-type]
    with pytest.raises(InvalidInput) as refused, work_as("苏航") as work:
        submit_request(work, "leave", draft)
    assert field in refused.value.fields


def test_flow_when_passed_on_and_finished_then_approved_and_chained(clerk: Clerk, work_as: WorkAs, company: Database) -> None:
    approval_id = clerk.submit("陈墨")
    with work_as("陈墨", now=later(1)) as work:
        passed = approve_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"), to=[clerk.id_of("林悦")], comment="同意")
        assert (passed.state, passed.holders) == ("running", ["林悦"])
    with work_as("林悦", now=later(2)) as work:
        assert approve_request(work, approval_id, step_id=clerk.step(approval_id, "林悦")).state == "approved"
    assert clerk.states(approval_id) == {"陈墨": "approved", "林悦": "approved"}
    assert broken(company, approval_id) is None


def broken(database: Database, approval_id: str) -> int | None:
    with database.session(writes=False) as session:
        approval = session.get_one(Approval, approval_id)
        rows = session.scalars(select(ApprovalAction).where(ApprovalAction.approval_id == approval_id).order_by(ApprovalAction.seq))
        plain = [{name: getattr(row, name) for name in (*CHAINED, "prev_hash", "hash")} for row in rows]
        return first_broken(plain, length=approval.actions, last_hash=approval.log_hash)


@pytest.mark.parametrize(
    ("tamper", "found_at"),
    [
        (lambda: update(ApprovalAction).where(ApprovalAction.seq == 2).values(comment="另有原因"), 2),
        (lambda: update(ApprovalAction).where(ApprovalAction.seq == 1).values(actor_name="别人"), 1),
        (lambda: ApprovalAction.__table__.delete().where(ApprovalAction.seq == 3), 3),
        (lambda: ApprovalAction.__table__.delete().where(ApprovalAction.seq == 2), 2),
    ],
    ids=["comment", "name", "tail cut", "row gone"],
)
def test_log_when_a_row_is_altered_or_missing_then_found(
    clerk: Clerk, work_as: WorkAs, company: Database, tamper: Callable[[], object], found_at: int
) -> None:
    approval_id = clerk.submit("陈墨")
    with work_as("陈墨") as work:
        comment_request(work, approval_id, words="看过了")
    with work_as("陈墨") as work:
        reject_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"), reason="请另择日期")
    assert broken(company, approval_id) is None
    with company.session(writes=True) as session:
        session.execute(tamper())  # type: ignore[call-overload]
        session.commit()
    assert broken(company, approval_id) == found_at


def holder_verbs(clerk: Clerk, approval_id: str, step_id: str) -> dict[str, Callable[[Work], Outcome]]:
    return {
        "finish": lambda work: approve_request(work, approval_id, step_id=step_id),
        "pass_on": lambda work: approve_request(work, approval_id, step_id=step_id, to=[clerk.id_of("何青")]),
        "reject": lambda work: reject_request(work, approval_id, step_id=step_id, reason="不行"),
        "return": lambda work: return_request(work, approval_id, step_id=step_id, reason="请改"),
        "transfer": lambda work: transfer_step(work, approval_id, step_id=step_id, to=clerk.id_of("何青")),
    }


ANY_VERB = ["finish", "pass_on", "reject", "return", "transfer"]


@pytest.mark.parametrize("verb", [*ANY_VERB, "recall", "comment", "cc", "remind", "resubmit", "read"])
@pytest.mark.parametrize("stranger", ["赵宁", "管力"], ids=["colleague", "administrator"])
def test_stranger_when_trying_any_verb_then_the_approval_does_not_exist(clerk: Clerk, work_as: WorkAs, verb: str, stranger: str) -> None:
    approval_id = clerk.submit("陈墨")
    verbs: dict[str, Callable[[Work], object]] = {
        **holder_verbs(clerk, approval_id, clerk.step(approval_id, "陈墨")),
        "recall": lambda work: recall_request(work, approval_id),
        "comment": lambda work: comment_request(work, approval_id, words="？"),
        "cc": lambda work: copy_request(work, approval_id, to=[clerk.id_of("赵宁")]),
        "remind": lambda work: remind_holders(work, approval_id),
        "resubmit": lambda work: resubmit_request(work, approval_id, Draft(title="x", values=LEAVE, to=(clerk.id_of("陈墨"),))),
        "read": lambda work: get_request(work, approval_id),
    }
    with pytest.raises(NotFound), work_as(stranger) as work:
        verbs[verb](work)
    assert clerk.states(approval_id) == {"陈墨": "pending"}


@pytest.mark.parametrize("verb", ANY_VERB)
@pytest.mark.parametrize("participant", ["苏航", "赵宁"], ids=["applicant", "cc"])
def test_participant_when_not_the_holder_then_refused(clerk: Clerk, work_as: WorkAs, verb: str, participant: str) -> None:
    approval_id = clerk.submit("陈墨")
    with work_as("苏航") as work:
        copy_request(work, approval_id, to=[clerk.id_of("赵宁")])
    with pytest.raises(NotAllowed), work_as(participant) as work:
        holder_verbs(clerk, approval_id, clerk.step(approval_id, "陈墨"))[verb](work)
    assert clerk.states(approval_id) == {"陈墨": "pending"}


@pytest.mark.parametrize("who", ["陈墨", "赵宁"], ids=["holder", "cc"])
def test_recall_when_not_the_applicant_then_refused(clerk: Clerk, work_as: WorkAs, who: str) -> None:
    approval_id = clerk.submit("陈墨")
    with work_as("苏航") as work:
        copy_request(work, approval_id, to=[clerk.id_of("赵宁")])
    with pytest.raises(NotAllowed), work_as(who) as work:
        recall_request(work, approval_id)


@pytest.mark.parametrize("verb", ANY_VERB)
def test_late_act_when_the_step_is_closed_then_conflict_in_words(clerk: Clerk, work_as: WorkAs, verb: str) -> None:
    approval_id = clerk.submit("陈墨", "林悦", mode=Mode.ANY)
    late = holder_verbs(clerk, approval_id, clerk.step(approval_id, "林悦"))[verb]
    with work_as("陈墨", now=later(2)) as work:
        approve_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"))
    with pytest.raises(Conflict) as refused, work_as("林悦", now=later(3)) as work:
        late(work)
    assert refused.value.message == "陈墨已于 10:02 同意。"


def test_late_act_when_the_person_holds_a_new_step_then_never_applied_there(clerk: Clerk, work_as: WorkAs) -> None:
    approval_id = clerk.submit("陈墨")
    old = clerk.step(approval_id, "陈墨")
    with work_as("陈墨") as work:
        return_request(work, approval_id, step_id=old, reason="请改")
    with work_as("苏航") as work:
        resubmit_request(work, approval_id, Draft(title="国庆请假", values=LEAVE, to=(clerk.id_of("陈墨"),)))
    with pytest.raises(Conflict), work_as("陈墨") as work:
        approve_request(work, approval_id, step_id=old)
    with work_as("陈墨", writes=False) as work:
        assert get_request(work, approval_id).state == "running"


def test_key_when_sent_again_then_the_stored_reply_and_nothing_twice(clerk: Clerk, work_as: WorkAs, company: Database) -> None:
    approval_id = clerk.submit("陈墨")
    step_id = clerk.step(approval_id, "陈墨")
    answers = []
    for minute in range(3):
        with work_as("陈墨", now=later(minute)) as work:
            answers.append(approve_request(work, approval_id, step_id=step_id, comment="好", key="k1"))
    assert [answer.replayed for answer in answers] == [False, True, True]
    assert {answer.seq for answer in answers} == {2}
    with company.session(writes=False) as session:
        assert session.get_one(Approval, approval_id).actions == 2


def test_key_when_sent_with_another_body_then_refused(clerk: Clerk, work_as: WorkAs) -> None:
    approval_id = clerk.submit("陈墨")
    step_id = clerk.step(approval_id, "陈墨")
    with work_as("陈墨") as work:
        comment_request(work, approval_id, words="好", key="k1")
    for other in (
        lambda work: comment_request(work, approval_id, words="不好", key="k1"),
        lambda work: approve_request(work, approval_id, step_id=step_id, key="k1"),
    ):
        with pytest.raises(InvalidInput) as refused, work_as("陈墨") as work:
            other(work)
        assert refused.value.code == "key_reused"


def test_key_when_another_person_uses_the_same_then_it_is_theirs(clerk: Clerk, work_as: WorkAs) -> None:
    first, second = clerk.submit("陈墨", key="same"), clerk.submit("陈墨", by="赵宁", key="same")
    assert first != second
    assert clerk.submit("陈墨", key="same") == first


def test_countersign_when_all_have_signed_then_the_wish_of_an_early_signer_is_kept(clerk: Clerk, work_as: WorkAs) -> None:
    approval_id = clerk.submit("陈墨", "林悦")
    with work_as("陈墨") as work:
        signed = approve_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"), to=[clerk.id_of("何青")])
        assert (signed.state, signed.holders) == ("running", ["林悦"])
        assert work.recorded[-1].kind is ApprovalEvent.SIGNED
    with work_as("林悦") as work:
        assert approve_request(work, approval_id, step_id=clerk.step(approval_id, "林悦")).holders == ["何青"]
    assert clerk.states(approval_id) == {"陈墨": "approved", "林悦": "approved", "何青": "pending"}


def test_resubmission_when_the_form_changed_then_a_new_revision_and_round(clerk: Clerk, work_as: WorkAs, company: Database) -> None:
    approval_id = clerk.submit("陈墨")
    for changed in (LEAVE, {**LEAVE, "to": "2026-10-10"}):
        with work_as("陈墨") as work:
            return_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"), reason="请改")
        with work_as("苏航") as work:
            resubmit_request(work, approval_id, Draft(title="国庆请假", values=changed, to=(clerk.id_of("陈墨"),)))
    with company.session(writes=False) as session:
        approval = session.get_one(Approval, approval_id)
        forms = session.scalars(select(ApprovalForm).where(ApprovalForm.approval_id == approval_id).order_by(ApprovalForm.revision))
        steps = session.scalars(select(ApprovalStep).where(ApprovalStep.approval_id == approval_id).order_by(ApprovalStep.position))
        assert (approval.round, approval.form_revision) == (3, 2)
        assert [form.values["to"] for form in forms] == ["2026-10-09", "2026-10-10"]
        assert [(step.round, step.form_revision, step.state) for step in steps] == [
            (1, 1, "returned"),
            (2, 1, "returned"),
            (3, 2, "pending"),
        ]


def test_resubmission_when_running_or_closed_then_refused(clerk: Clerk, work_as: WorkAs) -> None:
    approval_id = clerk.submit("陈墨")
    with pytest.raises(Conflict), work_as("苏航") as work:
        resubmit_request(work, approval_id, Draft(title="x", values=LEAVE, to=(clerk.id_of("陈墨"),)))


def test_submit_when_meant_for_oneself_then_goes_to_the_manager(clerk: Clerk, work_as: WorkAs) -> None:
    approval_id = clerk.submit("苏航")
    assert clerk.states(approval_id) == {"林悦": "pending"}
    with pytest.raises(InvalidInput), work_as("林悦") as work:  # the director has no superior
        submit_request(work, "leave", Draft(title="x", values=LEAVE, to=(clerk.id_of("林悦"),)))


def test_transfer_when_done_then_the_former_holder_still_sees_it(clerk: Clerk, work_as: WorkAs) -> None:
    approval_id = clerk.submit("陈墨")
    with work_as("陈墨") as work:
        transfer_step(work, approval_id, step_id=clerk.step(approval_id, "陈墨"), to=clerk.id_of("何青"))
        assert work.recorded[-1].facts["people"] == ["何青"]
    assert clerk.states(approval_id) == {"陈墨": "transferred", "何青": "pending"}
    with work_as("陈墨", writes=False) as work:
        assert get_request(work, approval_id).state == "running"


def test_reminder_when_repeated_within_the_hour_then_refused(clerk: Clerk, work_as: WorkAs) -> None:
    approval_id = clerk.submit("陈墨")
    for minute, allowed in ((0, True), (30, False), (60, True)):
        with work_as("苏航", now=later(minute)) as work:
            if allowed:
                remind_holders(work, approval_id)
                continue
            with pytest.raises(TooManyRequests):
                remind_holders(work, approval_id)


def test_room_when_taking_part_then_open_until_closed(clerk: Clerk, work_as: WorkAs) -> None:
    approval_id = clerk.submit("陈墨")
    room = f"approval:{approval_id}"

    def heard(name: str) -> bool:
        with work_as(name, writes=False) as work:
            return room in rooms_of(work)

    assert [heard(name) for name in ("苏航", "陈墨", "赵宁", "管力")] == [True, True, False, False]
    with work_as("苏航") as work:
        recall_request(work, approval_id)
    assert not heard("陈墨")


def test_countersign_when_who_was_asked_for_has_left_then_the_last_signature_still_counts(
    clerk: Clerk, work_as: WorkAs, company: Database
) -> None:
    approval_id = clerk.submit("陈墨", "林悦")
    steps = {name: clerk.step(approval_id, name) for name in ("陈墨", "林悦")}
    with work_as("陈墨") as work:
        approve_request(work, approval_id, step_id=steps["陈墨"], to=[clerk.id_of("何青")])
    with company.session(writes=True) as session:
        session.execute(update(Member).where(Member.name == "何青").values(state="left"))
        session.commit()
    with work_as("林悦") as work:
        assert approve_request(work, approval_id, step_id=steps["林悦"]).state == "approved"

"""The check of approvals that ``mainline verify`` makes: logs, forms, and the audit that repeats the logs' hashes.

A log alone could be written anew from its first row on. The event log, whose own chain is checked before, tells each
hash a second time.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from main_lines.approvals.log import CHAINED, digest_of, first_broken
from main_lines.approvals.models import Approval, ApprovalAction, ApprovalEvent, ApprovalForm
from main_lines.approvals.rules import Verb
from workspace.events.models import Event
from workspace.events.verify import Altered

BATCH = 500
Row = Mapping[str, Any]


def verify_approvals(session: Session) -> str:
    """What was found, in a sentence; Altered names the first approval that is not as it was written."""
    approvals = actions = 0
    query = select(Approval).order_by(Approval.id).execution_options(yield_per=BATCH)
    for batch in session.scalars(query).partitions():
        ids = [approval.id for approval in batch]
        logs, forms = _logs_of(session, ids), _forms_of(session, ids)
        for approval in batch:
            _check_log(approval, logs[approval.id])
            _check_forms(approval, forms[approval.id], logs[approval.id])
            approvals, actions = approvals + 1, actions + approval.actions
    _check_audit(session, actions)
    return f"approvals: {approvals} logs with {actions} acts, chains unbroken"


def _check_log(approval: Approval, log: Sequence[Row]) -> None:
    broken = first_broken(log, length=approval.actions, last_hash=approval.log_hash)
    if broken is not None:
        raise Altered(f"The log of approval {approval.id} was altered at number {broken}")


def _check_forms(approval: Approval, forms: Sequence[ApprovalForm], log: Sequence[Row]) -> None:
    """Each revision is what its submission told, and the request shows the newest."""
    told = {row["payload"]["form_revision"]: row["payload"].get("form_digest") for row in log if row["verb"] == Verb.SUBMIT.value}
    kept = {form.revision: digest_of([form.title, form.values, form.pin]) for form in forms}
    newest = next((form for form in forms if form.revision == approval.form_revision), None)
    if kept != told or newest is None or (newest.title, newest.pin) != (approval.title, approval.pin):
        raise Altered(f"The form of approval {approval.id} was altered")


def _check_audit(session: Session, actions: int) -> None:
    """Every act is told once in the event log, with the hash that its log has."""
    told = 0
    kinds = [str(kind) for kind in ApprovalEvent]
    query = select(Event.seq, Event.facts).where(Event.kind.in_(kinds)).order_by(Event.seq).execution_options(yield_per=BATCH)
    for batch in session.execute(query).partitions():
        told += len(batch)
        hashes = _hashes_of(session, {facts["approval_id"] for _seq, facts in batch})
        for seq, facts in batch:
            if hashes.get((facts["approval_id"], facts["log_seq"])) != facts["log_hash"]:
                raise Altered(f"The log of approval {facts['approval_id']} is not the one that event {seq} tells of")
    if told != actions:
        raise Altered(f"The logs of approvals hold {actions} acts, the event log tells of {told}")


def _logs_of(session: Session, ids: Collection[str]) -> dict[str, list[Row]]:
    logs: dict[str, list[Row]] = defaultdict(list)
    query = select(ApprovalAction).where(ApprovalAction.approval_id.in_(ids)).order_by(ApprovalAction.approval_id, ApprovalAction.seq)
    for action in session.scalars(query):
        logs[action.approval_id].append({name: getattr(action, name) for name in (*CHAINED, "prev_hash", "hash")})
    return logs


def _forms_of(session: Session, ids: Collection[str]) -> dict[str, list[ApprovalForm]]:
    forms: dict[str, list[ApprovalForm]] = defaultdict(list)
    for form in session.scalars(select(ApprovalForm).where(ApprovalForm.approval_id.in_(ids))):
        forms[form.approval_id].append(form)
    return forms


def _hashes_of(session: Session, ids: Collection[str]) -> dict[tuple[str, int], str]:
    query = select(ApprovalAction.approval_id, ApprovalAction.seq, ApprovalAction.hash).where(ApprovalAction.approval_id.in_(ids))
    return {(approval_id, seq): hash_ for approval_id, seq, hash_ in session.execute(query)}

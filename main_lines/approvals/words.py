"""Sentences about approvals: what was done, and why a verb is refused together with the fresh state."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from main_lines.approvals.access import actions_of
from main_lines.approvals.models import Approval, ApprovalAction
from main_lines.approvals.rules import INPUT, STALE, Verb, Why
from workspace.errors import Conflict, InvalidInput, MainlineError, NotAllowed, TooManyRequests
from workspace.i18n import _, _lp
from workspace.settings import Settings
from workspace.work import Work

DONE = {
    Verb.SUBMIT.value: _lp("past", "提交"),
    Verb.PASS_ON.value: _lp("past", "同意并流转"),
    Verb.FINISH.value: _lp("past", "同意"),
    Verb.REJECT.value: _lp("past", "拒绝"),
    Verb.RETURN.value: _lp("past", "退回"),
    Verb.RECALL.value: _lp("past", "撤回"),
    Verb.TRANSFER.value: _lp("past", "转交"),
    Verb.CC.value: _lp("past", "抄送"),
    Verb.COMMENT.value: _lp("past", "评论"),
    Verb.REMIND.value: _lp("past", "催办"),
}
MOVING = frozenset({Verb.SUBMIT, Verb.PASS_ON, Verb.FINISH, Verb.REJECT, Verb.RETURN, Verb.RECALL, Verb.TRANSFER})


def refusal(work: Work, approval: Approval, why: Why, *, missing_roles: Sequence[str] = ()) -> MainlineError:
    """The error of a refused verb: 409 with the fresh state where somebody was first, 422 for input, else 403."""
    words = _(why.value)
    if why in STALE or why is Why.NOT_RUNNING:
        return Conflict(words, fresh_state(work, approval), code=f"approval_{why.name.lower()}", state=approval.state)
    if why in INPUT:
        field = {Why.NO_REASON: "reason", Why.NO_WORDS: "words"}.get(why, "to")
        return InvalidInput(words, _("请修改后再提交。"), fields={field: words})
    if why is Why.MISSING_ROLES:
        return InvalidInput(words, _("还缺：%(roles)s。请流转给他们。", roles=_("、").join(missing_roles)), roles=list(missing_roles))
    if why is Why.TOO_SOON:
        return TooManyRequests(words, _("请稍候，或直接联系对方。"))
    return NotAllowed(words, fresh_state(work, approval), code=f"approval_{why.name.lower()}")


def fresh_state(work: Work, approval: Approval) -> str:
    """Who did last what and when: "李四已于 10:02 同意。"; the date is added when it was not today."""
    moved = [row for row in actions_of(work, approval.id) if row.verb in MOVING]
    if not moved:
        return ""
    return _("%(name)s已于 %(at)s %(verb)s。", name=_name(work, moved[-1]), at=_clock(work, moved[-1]), verb=DONE[moved[-1].verb])


def _name(work: Work, row: ApprovalAction) -> str:
    return _("您") if row.actor_id == work.actor.member_id else row.actor_name


def _clock(work: Work, row: ApprovalAction) -> str:
    zone = ZoneInfo(work.parts.get(Settings).time_zone)
    at, today = row.at.astimezone(zone), work.now.astimezone(zone).date()
    return at.strftime("%H:%M") if at.date() == today else at.strftime("%m-%d %H:%M")

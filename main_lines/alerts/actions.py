"""Raising, acknowledging, escalating and closing alerts of a main line, and how its director has it watched."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from main_lines.alerts.access import get_alert, rules_mark, settings_of, stairs_of, standing_alert
from main_lines.alerts.models import (
    DETAIL_LENGTH,
    SUBJECT_LENGTH,
    TITLE_LENGTH,
    Alert,
    AlertAcknowledgement,
    AlertEvent,
    LineRule,
    LineStair,
)
from main_lines.alerts.rules import (
    KIND_OF,
    MOST_BY_HAND,
    MOST_OF_A_RULE,
    REPORTED,
    AlertKind,
    AlertRule,
    Setting,
    Severity,
    Stair,
    Step,
    head_of,
    people_of,
)
from main_lines.alerts.watching import changes_in
from main_lines.alerts.words import KINDS, RULES, SEVERITIES, STEPS, name_of, reason_of, setting_words, stair_words
from main_lines.lines.access import director_ids, get_line, get_line_as_director, is_director, line_member_ids
from main_lines.lines.models import MainLine
from main_lines.lines.rules import Phase
from main_lines.seen import others, refuse_unseen
from main_lines.tasks.models import TaskOrder
from workspace.db import new_id
from workspace.errors import Conflict, NotAllowed
from workspace.i18n import _, source
from workspace.notices.actions import read_about
from workspace.people.models import Member
from workspace.phrases import Phrase, in_source
from workspace.work import Work

Words = Phrase | str
REMIND_AGAIN = timedelta(minutes=10)
NAMES_SAID = 8


def raise_alert(work: Work, line_id: str, *, kind: AlertKind, title: str, detail: str = "", severity: Severity = Severity.WARNING) -> Alert:
    """Tell every participant at once; any member may. Who raises it has seen it. Conflict when too many stand already."""
    line = get_line(work, line_id, lock=True)
    return _raise_by_member(work, line, kind=kind, severity=severity, title=title, detail=detail)


def report_alert(
    work: Work, line_id: str, *, subject: str, kind: AlertKind, title: str, detail: str = "", severity: Severity = Severity.WARNING
) -> tuple[Alert, bool]:
    """As raise_alert, for programs: one for a subject until ``clear_by_rule``. Returns it and whether it is new."""
    line = get_line(work, line_id, lock=True)
    if subject and (known := standing_alert(work, line.id, REPORTED, subject)) is not None:
        return known, False
    rule = REPORTED if subject else ""
    return _raise_by_member(work, line, kind=kind, severity=severity, title=title, detail=detail, rule=rule, subject=subject), True


def raise_by_rule(work: Work, line_id: str, rule: AlertRule | str, subject: str, title: Words, detail: Words = "") -> str | None:
    """One alert for one cause: its id, or that of the one which stands for this rule and subject, however often it is asked.

    subject: the stable name of what it is about, at most 120 characters. title, detail: phrases, or what somebody wrote. None when the
    line is not watched by this rule, is over, or has as many alerts of the rule as anybody reads. An alert that somebody closed comes
    back only after ``clear_by_rule``.
    """
    key, line = AlertRule(rule), get_line(work, line_id, lock=True)
    if not subject or len(subject) > SUBJECT_LENGTH:
        raise ValueError(f"an alert's subject has 1 to {SUBJECT_LENGTH} characters: {subject!r}")
    known = standing_alert(work, line.id, key.value, subject)
    if known is not None:
        return known.id
    setting = settings_of(work, line.id)[key]
    if not setting.on or line.phase == Phase.CLOSED.value or _count_open(work, line.id, key.value) >= MOST_OF_A_RULE:
        return None
    return _raise(work, line, kind=KIND_OF[key], severity=setting.severity, title=title, detail=detail, rule=key.value, subject=subject).id


def clear_by_rule(work: Work, line_id: str, rule: AlertRule | str, subject: str) -> bool:
    """The cause is gone: its alert closes, the feed says so, and the next time it is raised anew. False when none stood."""
    return _take_away(work, line_id, rule, subject, AlertEvent.CLEARED)


def replace_by_rule(work: Work, line_id: str, rule: AlertRule | str, subject: str, title: Words, detail: Words = "") -> str | None:
    """The cause got worse: an alert that everybody acknowledges anew takes the place of the one that stands, if any does."""
    _take_away(work, line_id, rule, subject, AlertEvent.REPLACED)
    return raise_by_rule(work, line_id, rule, subject, title, detail)


def _take_away(work: Work, line_id: str, rule: AlertRule | str, subject: str, why: AlertEvent) -> bool:
    line = get_line(work, line_id, lock=True)
    alert = standing_alert(work, line.id, str(rule), subject)
    if alert is None:
        return False
    alert.cause_gone_at = work.now
    alert.closed_at, alert.escalates_at = alert.closed_at or work.now, None
    _record(work, why, alert)
    return True


def watch_line(work: Work, line_id: str) -> int:
    """Let the line's alerts agree with what the clock finds now; returns how many were raised or cleared."""
    line = get_line(work, line_id, lock=True)
    found = changes_in(work, line)
    for rule, subject in found.to_clear:
        clear_by_rule(work, line.id, rule, subject)
    for cause in found.to_raise:
        raise_by_rule(work, line.id, cause.rule, cause.subject, name_of(cause), reason_of(cause))
    return len(found.to_clear) + len(found.to_raise)


def acknowledge_alert(work: Work, alert_id: str) -> Alert:
    """Say "I have seen it". Saying it twice changes nothing."""
    alert = get_alert(work, alert_id)
    if work.session.get(AlertAcknowledgement, (alert.id, work.actor.member_id)) is not None:
        return alert
    work.session.add(AlertAcknowledgement(alert_id=alert.id, member_id=work.actor.member_id, at=work.now))
    read_about(work, alert.url)
    work.session.flush()
    missing, people = _missing(work, alert)
    if not missing:
        alert.escalates_at = None
    _record(work, AlertEvent.ACKNOWLEDGED, alert, acknowledged=len(people) - len(missing), people=len(people))
    return alert


def acknowledge_all(work: Work, line_id: str) -> int:
    """The same for all that stand in the line; returns how many the actor had not acknowledged."""
    line = get_line(work, line_id)
    mine = select(AlertAcknowledgement.alert_id).where(AlertAcknowledgement.member_id == work.actor.member_id)
    standing = select(Alert.id).where(Alert.line_id == line.id, Alert.closed_at.is_(None), Alert.id.not_in(mine)).order_by(Alert.id)
    alert_ids = work.session.scalars(standing).all()
    for alert_id in alert_ids:
        acknowledge_alert(work, alert_id)
    return len(alert_ids)


def close_alert(work: Work, alert_id: str) -> Alert:
    """The director, or who raised it, says that it is over."""
    alert = get_alert(work, alert_id)
    _check_keeper(work, alert, _("只有主线负责人或发出者可以解除预警"))
    if alert.closed_at is not None:
        raise Conflict(_("预警已经解除"))
    _close(work, alert)
    return alert


def remind_missing(work: Work, alert_id: str) -> int:
    """Ask those who have not acknowledged once more; the director, or who raised it, may. Returns how many they are."""
    alert = get_alert(work, alert_id)
    _check_keeper(work, alert, _("只有主线负责人或发出者可以提醒"))
    if alert.closed_at is not None:
        raise Conflict(_("预警已经解除"))
    last = max((datetime.fromisoformat(step["at"]) for step in alert.escalations), default=None)
    if last is not None and work.now - last < REMIND_AGAIN:
        raise Conflict(_("刚刚提醒过"), _("请过 %(n)s 分钟再提醒。", n=int(REMIND_AGAIN.total_seconds() // 60)))
    missing, _people = _missing(work, alert)
    if not missing:
        raise Conflict(_("所有人都已确认"))
    names = _take(work, alert, {"": missing}, missing)
    _record(work, AlertEvent.REMINDED, alert, missing=len(missing), names=names, told_id=sorted(missing))
    return len(missing)


def escalate_alert(work: Work, alert_id: str) -> Step | None:
    """Take the steps of the stair whose time has come, while somebody has not acknowledged; returns the highest taken now.

    After a pause, as when nothing ran over night, several are due at once: whom they tell is told once.
    """
    alert = get_alert(work, alert_id)
    stair = stairs_of(work, alert.line_id)[Severity(alert.severity)]
    taken = [Step(step["step"]) for step in alert.escalations if step["step"]]
    due = stair.due(alert.raised_at, taken, work.now)
    missing, people = _missing(work, alert)
    if not due or not missing or alert.closed_at is not None:
        return None
    heads, directors, owner_id = _heads(work, people), director_ids(work, alert.line_id), _owner_of(work, alert)
    told = {
        step.value: people_of(step, missing=missing, heads=heads, directors=directors, everyone=people, owner_id=owner_id) for step in due
    }
    names = _take(work, alert, told, missing)
    alert.escalates_at = stair.next_at(alert.raised_at, [*taken, *due])
    _record(
        work, AlertEvent.ESCALATED, alert, step=due[-1].value, step_words=source(STEPS[due[-1]]), missing=len(missing), names=names,
        told_id=sorted(set().union(*told.values())),
    )  # fmt: skip
    return due[-1]


def save_rules(
    work: Work, line_id: str, *, rules: dict[AlertRule, Setting], stairs: dict[Severity, Stair], seen: str = ""
) -> None:  # fmt: skip
    """How the line is watched from now on; director only. Alerts of a rule that is switched off are closed. Alerts that stand go on with
    the new stair. What the new thresholds find is raised by the reaction to the event. seen: ``rules_mark`` of what was read.
    """
    line = get_line_as_director(work, line_id)
    now_rules, now_stairs = settings_of(work, line.id), stairs_of(work, line.id)
    theirs = [(RULES[rule], setting_words(rule, now_rules[rule])) for rule in others(now_rules, rules)]
    theirs += [(SEVERITIES[severity], stair_words(now_stairs[severity])) for severity in others(now_stairs, stairs)]
    refuse_unseen(seen, rules_mark(now_rules, now_stairs), theirs)
    changed = {rule: setting for rule, setting in rules.items() if setting != now_rules[rule]}
    climbed = {severity: stair for severity, stair in stairs.items() if stair != now_stairs[severity]}
    if not changed and not climbed:
        return
    for rule, setting in changed.items():
        row = LineRule(line_id=line.id, rule=rule.value, enabled=setting.on, threshold=setting.threshold, severity=setting.severity.value)
        work.session.merge(row)
        if not setting.on:
            _stop_rule(work, line, rule)
    for severity, stair in climbed.items():
        minutes = {step.value: stair.minutes(step) for step in Step}
        work.session.merge(LineStair(line_id=line.id, severity=severity.value, **minutes))
        _restart_stairs(work, line, severity, stair)
    said = [
        {"rule": rule.value, "on": setting.on, "threshold": setting.threshold, "severity": setting.severity.value}
        for rule, setting in changed.items()
    ]
    work.record(
        AlertEvent.RULES_CHANGED, subject=line.room, rooms=[line.room], line=line.name, line_id=line.id, rules=said,
        stairs=[severity.value for severity in climbed],
    )  # fmt: skip


def _raise_by_member(
    work: Work, line: MainLine, *, kind: AlertKind, severity: Severity, title: str, detail: str, rule: str = "", subject: str = ""
) -> Alert:
    if _count_open(work, line.id, "", REPORTED) >= MOST_BY_HAND:
        raise Conflict(_("未解除的预警太多"), _("请先解除已经处理好的预警。"))
    return _raise(work, line, kind=kind, severity=severity, title=title, detail=detail, rule=rule, subject=subject, by=work.actor.member_id)


def _raise(
    work: Work, line: MainLine, *, kind: AlertKind, severity: Severity, title: Words, detail: Words, rule: str, subject: str,
    by: str | None = None,
) -> Alert:  # fmt: skip
    phrases = {name: one for name, one in (("title", title), ("detail", detail)) if not isinstance(one, str)}
    alert = Alert(
        id=new_id(), line_id=line.id, kind=kind.value, severity=severity.value, rule=rule, subject=subject,
        title=_cut(in_source(title), TITLE_LENGTH), detail=_cut(in_source(detail), DETAIL_LENGTH), said=phrases,
        raised_by_id=by, raised_at=work.now,
        escalates_at=stairs_of(work, line.id)[severity].next_at(work.now, ()), escalations=[],
    )  # fmt: skip
    work.session.add(alert)
    work.session.flush()
    if by is not None:
        work.session.add(AlertAcknowledgement(alert_id=alert.id, member_id=by, at=work.now))
    _record(work, AlertEvent.RAISED, alert, about=alert.kind, kind_words=source(KINDS[kind]), **_said(alert, "detail"))
    return alert


def _close(work: Work, alert: Alert) -> None:
    alert.closed_at, alert.closed_by_id, alert.escalates_at = work.now, work.actor.member_id, None
    if alert.rule in ("", REPORTED):  # Nobody else knows when the cause is gone.
        alert.cause_gone_at = work.now
    _record(work, AlertEvent.CLOSED, alert)


def _stop_rule(work: Work, line: MainLine, rule: AlertRule) -> None:
    """Nobody watches for the cause any more."""
    known = select(Alert).where(Alert.line_id == line.id, Alert.rule == rule.value, Alert.cause_gone_at.is_(None))
    for alert in work.session.scalars(known.order_by(Alert.id).with_for_update()).all():
        alert.cause_gone_at = work.now
        if alert.closed_at is None:
            _close(work, alert)


def _restart_stairs(work: Work, line: MainLine, severity: Severity, stair: Stair) -> None:
    standing = select(Alert).where(Alert.line_id == line.id, Alert.severity == severity.value, Alert.closed_at.is_(None))
    for alert in work.session.scalars(standing.order_by(Alert.id).with_for_update()).all():
        taken = [Step(step["step"]) for step in alert.escalations if step["step"]]
        alert.escalates_at = stair.next_at(alert.raised_at, taken) if _missing(work, alert)[0] else None


def _take(work: Work, alert: Alert, told: Mapping[str, set[str]], missing: set[str]) -> list[str]:
    """Note on the alert whom each step tells; returns some names of those who are missing, as the event says them."""
    people = missing.union(*told.values())
    names = dict(work.session.execute(select(Member.id, Member.name).where(Member.id.in_(people))).all())
    one = {"at": work.now.isoformat(), "missing": len(missing)}
    steps = [{"step": step, **one, "told": sorted(names[id] for id in ids if id in names)} for step, ids in told.items()]
    alert.escalations = [*alert.escalations, *steps]
    return sorted(names[id] for id in missing if id in names)[:NAMES_SAID]


def _missing(work: Work, alert: Alert) -> tuple[set[str], set[str]]:
    """Who of the line's active members has not acknowledged, and all of them."""
    inside = select(Member.id).where(Member.id.in_(line_member_ids(work, alert.line_id)), Member.state == "active")
    people = set(work.session.scalars(inside))
    seen = select(AlertAcknowledgement.member_id).where(AlertAcknowledgement.alert_id == alert.id)
    return people - set(work.session.scalars(seen)), people


def _heads(work: Work, inside: set[str]) -> dict[str, str]:
    """Member of the line -> the nearest one above them who is in it too."""
    managers = dict(work.session.execute(select(Member.id, Member.manager_id)).all())
    found = {member: head_of(member, managers, inside) for member in inside}
    return {member: head for member, head in found.items() if head is not None}


def _owner_of(work: Work, alert: Alert) -> str | None:
    return work.session.scalar(select(TaskOrder.owner_id).where(TaskOrder.id == alert.task_id)) if alert.task_id else None


def _count_open(work: Work, line_id: str, *rules: str) -> int:
    query = select(func.count()).select_from(Alert).where(Alert.line_id == line_id, Alert.rule.in_(rules), Alert.closed_at.is_(None))
    return work.session.scalar(query) or 0


def _check_keeper(work: Work, alert: Alert, refusal: str) -> None:
    mine = alert.raised_by_id is not None and alert.raised_by_id == work.actor.member_id
    if not mine and not is_director(work, alert.line_id):
        raise NotAllowed(refusal)


def _cut(text: str, most: int) -> str:
    text = text.strip()
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _record(work: Work, kind: AlertEvent, alert: Alert, **facts: Any) -> None:
    line = work.session.get_one(MainLine, alert.line_id)
    work.record(
        kind, subject=f"alert:{alert.id}", rooms=[line.room], line=line.name, line_id=line.id, alert_id=alert.id, rule=alert.rule,
        severity=alert.severity, severity_words=source(SEVERITIES[Severity(alert.severity)]), **_said(alert, "title"), **facts,
    )  # fmt: skip


def _said(alert: Alert, name: str) -> dict[str, Any]:
    return {name: getattr(alert, name)} | ({f"{name}_said": alert.said[name]} if name in alert.said else {})

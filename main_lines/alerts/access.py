"""Loading alerts, as confidential as their main line, and how a line is watched."""

from collections.abc import Mapping

from sqlalchemy import select

from main_lines.alerts.models import Alert, LineRule, LineStair
from main_lines.alerts.rules import DEFAULTS, STAIRS, AlertRule, Setting, Severity, Stair, Step
from main_lines.lines.access import get_line
from main_lines.seen import mark_of
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.work import Work


def get_alert(work: Work, alert_id: str, *, lock: bool = True) -> Alert:
    """An alert of one of the actor's main lines; NotFound otherwise. lock: held until the commit."""
    alert = work.session.get(Alert, alert_id, with_for_update=lock or None, populate_existing=lock)
    if alert is not None:
        try:
            get_line(work, alert.line_id)
        except NotFound:
            alert = None
    if alert is None:
        raise NotFound(_("没有找到这条预警"), _("地址有误，或您不是这条主线的成员。"))
    return alert


def standing_alert(work: Work, line_id: str, rule: str, subject: str) -> Alert | None:
    """The alert of a cause that is not gone, held, whether or not somebody has closed it. The caller has loaded the line."""
    query = select(Alert).where(Alert.line_id == line_id, Alert.rule == rule, Alert.subject == subject, Alert.cause_gone_at.is_(None))
    return work.session.scalar(query.with_for_update().execution_options(populate_existing=True))


def settings_of(work: Work, line_id: str) -> dict[AlertRule, Setting]:
    """How the line is watched by each rule. The caller has loaded the line."""
    own = {
        AlertRule(row.rule): Setting(row.enabled, row.threshold, Severity(row.severity))
        for row in work.session.scalars(select(LineRule).where(LineRule.line_id == line_id))
    }
    return {rule: own.get(rule, setting) for rule, setting in DEFAULTS.items()}


def setting_of(work: Work, line_id: str, rule: AlertRule) -> Setting:
    return settings_of(work, line_id)[rule]


def rules_mark(settings: Mapping[AlertRule, Setting], stairs: Mapping[Severity, Stair]) -> str:
    """Another one whenever a rule or a stair is another."""
    return mark_of([{key.value: repr(value) for key, value in found.items()} for found in (settings, stairs)])


def stairs_of(work: Work, line_id: str) -> dict[Severity, Stair]:
    """Who is told when of alerts that are not acknowledged. The caller has loaded the line."""
    own = {
        Severity(row.severity): Stair(**{step.value: getattr(row, step.value) for step in Step})
        for row in work.session.scalars(select(LineStair).where(LineStair.line_id == line_id))
    }
    return {severity: own.get(severity, stair) for severity, stair in STAIRS.items()}

"""Words of alerts, in the reader's language. No decision lives here."""

from typing import Any

from main_lines.alerts.models import Alert
from main_lines.alerts.rules import UNITS, AlertKind, AlertRule, Cause, Setting, Severity, Stair, Step, Unit
from main_lines.gates.rules import GateKey
from main_lines.gates.words import GATES
from workspace.events.kinds import N_
from workspace.i18n import _, _l
from workspace.phrases import Phrase, phrase, said

KINDS = {
    AlertKind.STOCK: _l("缺货"), AlertKind.SALES: _l("销售偏离"), AlertKind.BLOCKED: _l("受阻"), AlertKind.LATE: _l("延误"),
    AlertKind.SIGN_OFF: _l("待签发"), AlertKind.GATE: _l("关口"), AlertKind.OTHER: _l("其他"),
}  # fmt: skip
SEVERITIES = {Severity.CRITICAL: _l("紧急"), Severity.WARNING: _l("警告"), Severity.INFO: _l("提示")}
RULES = {
    AlertRule.LATE: _l("任务单逾期"),
    AlertRule.NOT_STARTED: _l("临近截止还没有开工"),
    AlertRule.BLOCKED: _l("受阻太久"),
    AlertRule.SIGN_OFF: _l("等待签发太久"),
    AlertRule.GATE: _l("关口可能过不去"),
    AlertRule.OUT_OF_STOCK: _l("库存导入显示缺货"),
    AlertRule.SALES: _l("销售偏离目标"),
}
RULE_HINTS = {
    AlertRule.LATE: _l("截止日过去几天还没有交付"),
    AlertRule.NOT_STARTED: _l("距离截止日结束还有几小时，仍未开始执行"),
    AlertRule.BLOCKED: _l("报告受阻后几小时还没有解除"),
    AlertRule.SIGN_OFF: _l("送签后几小时还没有签发"),
    AlertRule.GATE: _l("关口前几天，还有受阻、逾期或未签发的任务单；到了当天，未完成的也算"),
    AlertRule.OUT_OF_STOCK: _l("导入库存时，低于安全库存的商品"),
    AlertRule.SALES: _l("实际比目标低百分之几以上"),
}
UNIT_WORDS = {Unit.DAYS: _l("天"), Unit.HOURS: _l("小时"), Unit.PERCENT: "%", Unit.NONE: ""}
STEPS = {
    Step.REMIND: _l("提醒未确认的人"), Step.HEAD: _l("告知未确认者的主管"), Step.DIRECTOR: _l("告知主线负责人"),
    Step.EVERYONE: _l("再次通知全体成员"),
}  # fmt: skip
BY_HAND: Any = _l("手动提醒未确认的人")


def setting_words(rule: AlertRule, setting: Setting) -> str:
    """How a rule is set: "2 天 · 警告"."""
    if not setting.on:
        return _("关闭")
    unit = UNITS[rule]
    amount = "" if unit is Unit.NONE else f"{setting.threshold} {UNIT_WORDS[unit]} · "
    return f"{amount}{SEVERITIES[setting.severity]}"


def stair_words(stair: Stair) -> str:
    """Who is told after how long: "提醒未确认的人 15 分钟 · …"."""
    steps = [f"{STEPS[step]} {duration(minutes)}" for step in Step if (minutes := stair.minutes(step))]
    return " · ".join(steps) or "—"


def title_of(alert: Alert) -> str:
    """What it is called, in the reader's language."""
    return str(said(alert.said.get("title", alert.title)))


def detail_of(alert: Alert) -> str:
    """Why it was raised, in the reader's language."""
    return str(said(alert.said.get("detail", alert.detail)))


def name_of(cause: Cause) -> Phrase | str:
    """What the alert of a cause is called: the order, or the gate."""
    if cause.rule is AlertRule.GATE:
        return phrase(N_("关口“%(gate)s”"), gate=phrase(GATES[GateKey(cause.subject.removeprefix("gate:"))]))
    return cause.title


def reason_of(cause: Cause) -> Phrase | str:
    """Why it is raised, in one sentence."""
    day = cause.since.isoformat()[:10] if cause.since else ""
    match cause.rule:
        case AlertRule.LATE:
            return phrase(N_("%(day)s 截止，还没有交付。由%(holder)s负责。"), day=day, holder=cause.holder)
        case AlertRule.NOT_STARTED:
            return phrase(N_("%(day)s 截止，还没有开始执行。由%(holder)s负责。"), day=day, holder=cause.holder)
        case AlertRule.BLOCKED:
            return phrase(N_("受阻：%(why)s。由%(holder)s负责。"), why=cause.why.rstrip("。"), holder=cause.holder)
        case AlertRule.SIGN_OFF:
            return phrase(N_("送签后还没有签发，%(holder)s无法开工。"), holder=cause.holder)
        case AlertRule.GATE:
            return phrase(N_("应在 %(day)s 通过，还有 %(n)s 张任务单挡着。"), day=day, n=cause.count)
    return ""


def duration(minutes: int) -> str:
    """Minutes as a person says them."""
    if minutes % 1440 == 0:
        return _("%(n)s 天后", n=minutes // 1440)
    return _("%(n)s 小时后", n=minutes // 60) if minutes % 60 == 0 else _("%(n)s 分钟后", n=minutes)

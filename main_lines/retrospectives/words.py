"""Words of what a retrospective counts, in the reader's language. No decision lives here."""

from datetime import timedelta

from main_lines.retrospectives.learning import LessonKind
from main_lines.retrospectives.rules import Answer, ConclusionKind, Hand
from workspace.i18n import _, _l

HANDS = {
    Hand.SIGN_OFF: _l("等签发"), Hand.HAND_OVER: _l("等接手"), Hand.APPROVAL: _l("等审批"), Hand.ACCEPTANCE: _l("等验收"),
    Hand.REWORK: _l("等重做"), Hand.BLOCKED: _l("受阻"),
}  # fmt: skip
CONCLUSIONS = {ConclusionKind.GOOD: _l("做得好"), ConclusionKind.IMPROVE: _l("要改进"), ConclusionKind.NEXT: _l("下次")}


ANSWERS = {
    Answer.OPEN: _l("等待答复"), Answer.TAKEN: _l("已接收"), Answer.REFUSED: _l("没有接收"), Answer.RECALLED: _l("已收回"),
}  # fmt: skip
LESSONS = {
    LessonKind.LATER: _l("改日期"), LessonKind.LONGER: _l("改工期"), LessonKind.ADD: _l("加入手册"), LessonKind.DROP: _l("从手册删去"),
}  # fmt: skip


HOURS_UNTIL_DAYS = 10


def length_words(length: timedelta | None) -> str:
    """ "3 天 4 小时", "25 分钟"; hours say nothing beside many days; a dash for None."""
    if length is None:
        return "—"
    minutes = int(length.total_seconds()) // 60
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days:
        return _("%(d)s 天 %(h)s 小时", d=days, h=hours) if hours and days < HOURS_UNTIL_DAYS else _("%(d)s 天", d=days)
    if hours:
        return _("%(h)s 小时 %(m)s 分钟", h=hours, m=minutes % 60) if minutes % 60 else _("%(h)s 小时", h=hours)
    return _("%(m)s 分钟", m=minutes)

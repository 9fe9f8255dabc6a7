"""Words of a task order's states, verbs and refusals, in the reader's language. No decision lives here."""

from dataclasses import dataclass
from typing import Any

from main_lines.tasks.narrowing import Show
from main_lines.tasks.rules import State, Verb, Why
from workspace.i18n import _l


@dataclass(frozen=True)
class VerbWords:
    """How a verb looks as a button. reason: the question asked when it wants one, else empty. primary: the step forward."""

    label: Any
    icon: str
    primary: bool = False
    danger: bool = False
    reason: Any = ""
    confirm: Any = ""


STATES = {
    State.DRAFT: _l("草稿"), State.WAITING: _l("待签发"), State.READY: _l("可开工"), State.IN_PROGRESS: _l("进行中"),
    State.DELIVERED: _l("待验收"), State.RETURNED: _l("已退回"), State.ACCEPTED: _l("已验收"), State.CLOSED: _l("已关闭"),
    State.CANCELLED: _l("已取消"),
}  # fmt: skip

SHOWS = {
    Show.URGENT: _l("受阻、逾期或退回"), Show.WAITING: _l("待签发"), Show.DELIVERED: _l("待验收"), Show.OPEN: _l("未完成"),
    Show.DONE: _l("已完成"),
}  # fmt: skip

VERBS = {
    Verb.SUBMIT: VerbWords(_l("送签"), "send", primary=True),
    Verb.SIGN: VerbWords(_l("签发"), "writing-sign", primary=True),
    Verb.DECLINE: VerbWords(_l("退回修改"), "arrow-back-up", reason=_l("请写明需要修改什么")),
    Verb.START: VerbWords(_l("开始执行"), "player-play", primary=True),
    Verb.DELIVER: VerbWords(_l("交付"), "upload", primary=True),
    Verb.ACCEPT: VerbWords(_l("验收通过"), "check", primary=True),
    Verb.RETURN: VerbWords(_l("退回重做"), "arrow-back-up", reason=_l("请写明哪里不符合要求")),
    Verb.WITHDRAW: VerbWords(_l("撤回交付"), "arrow-back-up", confirm=_l("撤回后可以重新交付。")),
    Verb.EDIT: VerbWords(_l("修改"), "edit"),
    Verb.CLOSE: VerbWords(_l("关闭"), "archive", confirm=_l("关闭后不能再修改。")),
    Verb.CANCEL: VerbWords(_l("取消任务单"), "ban", danger=True, reason=_l("请写明取消的理由")),
    Verb.BLOCK: VerbWords(_l("报告受阻"), "hand-stop", reason=_l("被什么挡住了？需要谁来解决？")),
    Verb.UNBLOCK: VerbWords(_l("解除受阻"), "lock-open", primary=True),
}

REFUSALS = {
    Why.NOT_YOURS: (_l("这一步不由您操作"), _l("请联系任务单的负责人或主线负责人。")),
    Why.FROZEN: (_l("计划已经冻结"), _l("冻结之后，要求的改动和签发由主线负责人亲自作出。")),
    Why.UNSIGNED: (_l("任务单还没有签发"), _l("无单不图：请先由签发人签发。")),
    Why.BLOCKED: (_l("任务单受阻中"), _l("请先解除受阻。")),
    Why.WRONG_STATE: (_l("任务单的状态已经变化"), _l("请刷新后查看最新状态。")),
}

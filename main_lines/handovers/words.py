"""Words of a handover's refusals and states, in the reader's language."""

from main_lines.handovers.rules import State, Why
from workspace.i18n import _l

REFUSALS = {
    Why.NOT_YOURS: (_l("这次移交不由您处理"), _l("接收方决定是否接收；移交人或主线负责人可以收回。")),
    Why.OVER: (_l("这次移交已经有了结果"), _l("请刷新后查看最新状态。")),
    Why.ORDER_DONE: (_l("任务单已经结束"), _l("结束的任务单不再移交。")),
    Why.MOVED_ON: (_l("任务单已经换了负责人"), _l("这次移交不再有效，请与现在的负责人商量。")),
    Why.OFFERED_ALREADY: (_l("已经在移交中"), _l("请等对方答复，或先收回上一次移交。")),
    Why.TO_ITSELF: (_l("任务单已经在那里"), _l("请选择另一个部门或另一位成员。")),
}
STATES = {
    State.OFFERED: ("waiting", _l("等待接收")),
    State.ACCEPTED: ("done", _l("已接收")),
    State.DECLINED: ("late", _l("未接收")),
    State.WITHDRAWN: ("idle", _l("已收回")),
}

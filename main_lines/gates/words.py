"""Words of the gates and of what stands in their way, in the reader's language."""

from main_lines.gates.rules import GateKey, Obstacle, Standing
from workspace.i18n import _l

GATES = {
    GateKey.PLAN: _l("计划确认"),
    GateKey.FREEZE: _l("计划冻结"),
    GateKey.GO: _l("放行决定"),
    GateKey.WRAP: _l("执行收尾"),
    GateKey.REVIEW: _l("复盘"),
}
ABOUT = {
    GateKey.PLAN: _l("每张任务单都已签发，有截止日，没有受阻。"),
    GateKey.FREEZE: _l("通过后，要求的改动和签发由主线负责人亲自作出。"),
    GateKey.GO: _l("通过后，前期筹备关闭，主线进入中期执行。"),
    GateKey.WRAP: _l("通过后，中期执行关闭，主线进入后期监督。"),
    GateKey.REVIEW: _l("通过后，主线结束。"),
}
OBSTACLES = {
    Obstacle.BLOCKED: _l("受阻"),
    Obstacle.UNSIGNED: _l("没有签发"),
    Obstacle.LATE: _l("逾期"),
    Obstacle.UNDATED: _l("没有截止日"),
    Obstacle.OPEN: _l("没有完成"),
}
TONES = {
    Obstacle.BLOCKED: "blocked",
    Obstacle.UNSIGNED: "waiting",
    Obstacle.LATE: "late",
    Obstacle.UNDATED: "unknown",
    Obstacle.OPEN: "running",
}
STANDINGS = {
    Standing.PASSED: ("done", _l("已通过")),
    Standing.OVER: ("idle", _l("未经此关")),
    Standing.LATE: ("late", _l("已过日期")),
    Standing.TODAY: ("waiting", _l("今天")),
    Standing.AHEAD: ("ready", _l("未到")),
}

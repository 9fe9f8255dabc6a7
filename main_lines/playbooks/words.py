"""Words of what is wrong with a playbook and of what changed in one, in the reader's language. No decision lives here."""

from collections.abc import Mapping, Sequence
from typing import Any

from main_lines.gates.rules import GateKey
from main_lines.gates.words import GATES
from main_lines.playbooks.rules import Fault, Trouble
from workspace.i18n import _

NAMED_MOST = 3


def fault_words(fault: Fault) -> str:
    """One sentence that names the orders concerned."""
    names = [name or _("（无标题）") for name in fault.names]
    match fault.trouble:
        case Trouble.NO_ORDERS:
            return _("还没有任务单")
        case Trouble.NO_TITLE:
            return _("有一张任务单没有标题")
        case Trouble.NO_DEPARTMENT:
            return _("“%(title)s”没有部门", title=names[0])
        case Trouble.NO_GATE_NAME:
            return _("%(day)s 的关口没有名称", day=names[0])
        case Trouble.SAME_GATE:
            return _("关口“%(gate)s”写了两次", gate=GATES[GateKey(names[0])])
        case Trouble.SAME_KEY:
            return _("两张任务单的编号相同：%(keys)s", keys=_("、").join(fault.keys))
        case Trouble.UNKNOWN_NEED:
            return _("“%(title)s”等待的任务单不在手册里", title=names[0])
        case Trouble.CIRCLE:
            return _("互相等待：%(circle)s", circle=" → ".join([*names, names[0]]))
        case Trouble.BEGINS_EARLY:
            return _("“%(title)s”在“%(needs)s”到期之前就要开始", title=names[0], needs=names[1])
        case Trouble.EMPTY_DEPARTMENT:
            return _("%(department)s还没有任务单", department=names[0])


def changes_words(changes: Mapping[str, Any]) -> str:
    """What a version changed, by the first titles of each kind; empty for the first one."""
    parts = [
        _("新增 %(n)s 张：%(titles)s", n=len(titles), titles=_some(titles)) if (titles := changes.get("added")) else "",
        _("删除 %(n)s 张：%(titles)s", n=len(titles), titles=_some(titles)) if (titles := changes.get("removed")) else "",
        _("修改 %(n)s 张：%(titles)s", n=len(titles), titles=_some(titles)) if (titles := changes.get("changed")) else "",
        _("调整了关口、部门或顺序") if changes.get("others") else "",
    ]
    return " · ".join(part for part in parts if part)


def _some(titles: Sequence[str]) -> str:
    shown = _("、").join(titles[:NAMED_MOST])
    return shown if len(titles) <= NAMED_MOST else _("%(titles)s 等", titles=shown)

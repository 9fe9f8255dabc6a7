"""Words of a table of task orders: headings, states, and for each fault what is wrong and how it is mended. No decision lives here."""

from main_lines.order_tables.headings import Column
from main_lines.order_tables.rules import Fault, Why
from workspace.events.kinds import N_
from workspace.i18n import _, _l

HEADINGS = {
    Column.NUMBER: _l("任务单号"), Column.TITLE: _l("标题"), Column.REQUIREMENTS: _l("要求"), Column.PHASE: _l("阶段"),
    Column.DEPARTMENT: _l("负责部门"), Column.INVOLVED: _l("参与部门"),
    Column.OWNER: _l("负责人"), Column.CITY: _l("城市"), Column.DUE: _l("截止"),
    Column.DAYS: _l("工期"), Column.CHECKLIST: _l("清单"), Column.EXPECTED: _l("交付物"),
    Column.NEEDS: _l("等待"), Column.STATE: _l("状态"),
    Column.DUE_DAY: _l("到期日"), Column.LATE: _l("逾期天数"),
}  # fmt: skip

# What to write in a column, for the page that explains the table: (must be filled, hint, example).
HINTS = {
    Column.NUMBER: (False, _l("留空即新建；填已有的单号即更新那张任务单，空着的格子会清空原内容"), ""),
    Column.TITLE: (True, _l("一句话说清要交付什么，最多 120 个字"), _l("双十一主视觉")),
    Column.REQUIREMENTS: (False, _l("尺寸、数量、验收标准"), _l("横竖各一")),
    Column.PHASE: (False, _l("前期筹备、中期执行或后期监督；留空为当前阶段"), _l("前期筹备")),
    Column.DEPARTMENT: (True, _l("部门名称；填了负责人可以留空"), _l("设计策划")),
    Column.INVOLVED: (False, _l("配合的部门，可写多个"), ""),
    Column.OWNER: (False, _l("主线成员的姓名或账号；留空由部门认领"), ""),
    Column.CITY: (False, _l("城市或门店；门店可写编码，同名的写编码或“城市 门店”；留空跟随负责人"), ""),
    Column.DUE: (False, _l("D-30 随 D 日移动；2026-10-12 固定不动"), "D-30"),
    Column.DAYS: (False, _l("日历天数，含截止日当天；留空为 1"), "5"),
    Column.CHECKLIST: (False, _l("每行一项，单元格内换行"), ""),
    Column.EXPECTED: (False, _l("每行一件，交付时逐件放入"), ""),
    Column.NEEDS: (False, _l("要等哪些任务单：单号或标题，可写多个"), "3, 12"),
}  # fmt: skip

# What is wrong, and how it is mended.
_FAULTS = {
    Why.NO_COLUMNS: (N_("没有找到“标题”或“单号”列"), N_("第一行请写列名；可以下载模板照着填。")),
    Why.TWO_COLUMNS: (N_("同一列出现了两次"), N_("请只保留一列。")),
    Why.NO_ROWS: (N_("表格里没有内容"), N_("请从第二行开始填写任务单。")),
    Why.NUMBER_BAD: (N_("“%(value)s”不是单号"), N_("请填数字，新建请留空。")),
    Why.NUMBER_UNKNOWN: (N_("本主线没有第 %(value)s 号单"), N_("新建请把单号留空；更新请核对单号。")),
    Why.NUMBER_TWICE: (N_("第 %(value)s 号单在表中出现了多次"), N_("一张任务单请只写一行。")),
    Why.TITLE_MISSING: (N_("没有标题"), N_("请填写要交付什么。")),
    Why.TOO_LONG: (N_("内容太长"), N_("最多 %(value)s 个字。")),
    Why.TOO_MANY: (N_("项数太多"), N_("最多 %(value)s 项。")),
    Why.PHASE_UNKNOWN: (N_("没有“%(value)s”这个阶段"), N_("请填前期筹备、中期执行或后期监督。")),
    Why.DEPARTMENT_MISSING: (N_("没有负责部门"), N_("请填写部门，或填写负责人。")),
    Why.DEPARTMENT_UNKNOWN: (N_("没有“%(value)s”这个部门"), N_("请填组织里的部门名称。")),
    Why.OWNER_UNKNOWN: (N_("没有找到成员“%(value)s”"), N_("请填姓名或账号，或留空由部门认领。")),
    Why.OWNER_OUTSIDE: (N_("“%(value)s”不在这条主线中"), N_("请先在成员页将其加入主线，或留空由部门认领。")),
    Why.OWNER_TWO: (N_("有多位成员叫“%(value)s”"), N_("请写明是哪一位。")),
    Why.CITY_UNKNOWN: (N_("没有“%(value)s”这个城市或门店"), N_("请填组织里的城市，或门店的名称或编码，或留空。")),
    Why.CITY_TWO: (N_("有多家门店叫“%(value)s”"), N_("请写门店编码，或在门店前写明城市。")),
    Why.DUE_BAD: (N_("看不懂截止日“%(value)s”"), N_("请写 D-30 这样的天数，或 2026-10-12 这样的日期。")),
    Why.DUE_FAR: (N_("截止日“%(value)s”太远"), N_("请写 D 日前后 365 天以内，或 2000 至 2199 年之间的日期。")),
    Why.DAYS_BAD: (N_("“%(value)s”不是工期"), N_("请填 1 到 366 之间的整数。")),
    Why.NEED_UNKNOWN: (N_("没有找到要等待的“%(value)s”"), N_("请填本主线已有的单号，或本表中的标题。")),
    Why.NEED_TWO: (N_("有多张任务单叫“%(value)s”"), N_("请改填单号。")),
    Why.NEED_ITSELF: (N_("任务单不能等待自己"), N_("请从“等待”中去掉“%(value)s”。")),
    Why.NEED_BAD: (N_("要等待的第 %(value)s 行有误，不会导入"), N_("请先改好那一行，或从“等待”中去掉它。")),
    Why.CIRCLE: (N_("互相等待：%(value)s"), N_("请去掉其中一处等待。")),
    Why.NOT_YOURS: (N_("这张任务单不由您修改"), N_("请联系起草人或主线负责人，或删去这一行。")),
    Why.FINISHED: (N_("这张任务单已经结束，不能再修改"), N_("请删去这一行。")),
    Why.HANDED_IN: (N_("这张任务单已交付，标题、要求和清单不能再改"), N_("请先退回或撤回交付，或只改其他列。")),
    Why.FROZEN: (N_("计划已冻结，标题、要求、清单和交付物只有主线负责人能改"), N_("请联系主线负责人，或只改其他列。")),
}


def fault_words(fault: Fault) -> tuple[str, str]:
    """What is wrong, and how it is mended, in the reader's language."""
    what, mend = _FAULTS[fault.why]
    near = _("是不是“%(near)s”？", near=fault.near) if fault.near else ""
    return _(what, value=fault.value), near + _(mend, value=fault.value)

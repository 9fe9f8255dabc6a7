"""Words of templates of task orders, in the reader's language."""

from workspace.i18n import _l

FIELDS = {
    "name": _l("模板名称"), "title": _l("标题"), "requirements": _l("要求"), "checklist": _l("清单"), "expected": _l("应交付物"),
    "department_id": _l("负责部门"), "phase": _l("阶段"),
    "due_offset": _l("截止：距 D 日天数"), "days": _l("需要几天"), "involved": _l("协同部门"),
}  # fmt: skip

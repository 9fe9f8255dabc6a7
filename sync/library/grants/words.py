"""Words of rights and of whom grants name."""

from sync.library.grants.rules import SubjectKind
from sync.library.libraries.rules import Right
from workspace.i18n import _l

RIGHTS = {
    Right.NONE: _l("不可见"), Right.SEE: _l("可查看"), Right.COMMENT: _l("可批注"), Right.EDIT: _l("可编辑"), Right.MANAGE: _l("可管理"),
}  # fmt: skip
ICONS = {SubjectKind.GROUP: "users-group", SubjectKind.DEPARTMENT: "sitemap", SubjectKind.SITE: "map-pin", SubjectKind.MEMBER: "user"}
KINDS = {
    SubjectKind.GROUP: _l("成员组"), SubjectKind.DEPARTMENT: _l("部门（含下级）"), SubjectKind.SITE: _l("城市或门店"),
    SubjectKind.MEMBER: _l("成员"),
}  # fmt: skip

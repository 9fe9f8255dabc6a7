"""Words of store checklists, in the reader's language. No decision lives here."""

from main_lines.checks.rules import Kind, Misfit, Scope
from workspace.i18n import _l

KINDS = {Kind.TICK: _l("打勾"), Kind.TEXT: _l("文字"), Kind.NUMBER: _l("数字"), Kind.PHOTO: _l("拍照")}
SCOPES = {Scope.ALL: _l("全部门店"), Scope.CITIES: _l("按城市"), Scope.STORES: _l("指定门店")}
MISFITS = {
    Misfit.TOO_LONG: _l("内容太长"),
    Misfit.NO_NUMBER: _l("请填写数字，例如 20 或 3.5"),
    Misfit.NO_TEXT: _l("这一项需要照片"),
}

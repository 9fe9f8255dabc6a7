"""Words of the kinds of alerts, in the reader's language."""

from main_lines.alerts.rules import AlertKind
from workspace.i18n import _l

KINDS = {AlertKind.STOCK: _l("缺货"), AlertKind.BLOCKED: _l("受阻"), AlertKind.LATE: _l("延误"), AlertKind.OTHER: _l("其他")}

"""Words of a main line's enumerations, in the reader's language. No decision lives here."""

from main_lines.lines.rules import Health, LineKind, Phase
from workspace.i18n import _l

PHASES = {Phase.PREPARE: _l("前期筹备"), Phase.EXECUTE: _l("中期执行"), Phase.REVIEW: _l("后期监督"), Phase.CLOSED: _l("已结束")}
KINDS = {LineKind.PROMOTION: _l("大促"), LineKind.LAUNCH: _l("新品上市"), LineKind.OPENING: _l("门店开业"), LineKind.OTHER: _l("其他")}
HEALTHS = {Health.GREEN: _l("正常"), Health.AMBER: _l("有风险"), Health.RED: _l("危险"), Health.UNKNOWN: _l("未知")}

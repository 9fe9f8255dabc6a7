"""The orders of a retrospective as a table for a spreadsheet."""

from collections.abc import Sequence

from main_lines.retrospectives.queries import RetrospectivePage
from main_lines.retrospectives.rules import Hand
from main_lines.retrospectives.words import HANDS
from main_lines.tasks.words import STATES
from workspace.i18n import _

HOUR_S = 3600


def orders_table(page: RetrospectivePage) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Heading and rows. Waits are in hours with one decimal, so that they can be added up."""
    hands = [*Hand]
    header = [
        _("单号"), _("标题"), _("负责部门"), _("负责人"), _("状态"), _("计划"), _("完成"), _("推迟天数"), _("退回次数"),
        *(_("%(hand)s（小时）", hand=HANDS[hand]) for hand in hands), _("开启后新增"),
    ]  # fmt: skip
    rows: list[Sequence[str]] = [
        [
            str(order.number), order.title, page.departments.get(order.department_id, ""), page.members.get(order.owner_id or "", ""),
            str(STATES[order.state]), order.planned.isoformat() if order.planned else "", order.done.isoformat() if order.done else "",
            "" if order.slip is None else str(order.slip), str(order.returns),
            *(f"{order.waits[hand].total_seconds() / HOUR_S:.1f}" if hand in order.waits else "" for hand in hands),
            _("是") if order.added else "",
        ]
        for order in page.found.orders
    ]  # fmt: skip
    return header, rows

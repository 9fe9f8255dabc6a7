"""Taking task orders from a table: new ones are written, numbered ones changed, all in one commit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from main_lines.lines.access import get_line
from main_lines.order_tables.headings import Column
from main_lines.order_tables.queries import known_of
from main_lines.order_tables.reading import read_orders
from main_lines.order_tables.rules import FIELDS, Existing, OrderTable, RowPlan
from main_lines.plans.actions import add_need, drop_need, link_orders
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import Draft, draft_of, edit_task, write_tasks
from main_lines.tasks.models import TaskOrder
from workspace.errors import Conflict, InvalidInput
from workspace.i18n import _
from workspace.tables import Table
from workspace.work import Work


@dataclass(frozen=True)
class Imported:
    """How many orders were written and changed; how many rows were left out; how many signed orders wait for a new signature."""

    written: int
    changed: int
    left_out: int
    sign_again: int


def import_orders(
    work: Work, line_id: str, table: Table, *, only_good: bool = False, submit: bool = False, seen: Mapping[str, str] | None = None
) -> Imported:
    """Carry out what the table says; any member of the line may, each order as far as they may edit it.

    only_good: leave out rows that are wrong, instead of InvalidInput for the whole. submit: new orders wait for the signature at once.
    seen: order -> its mark when the changes were shown; Conflict when one of those that change has changed since.
    """
    line = get_line(work, line_id, lock=True)  # Nobody numbers or links orders meanwhile.
    found = read_orders(table.header, table.rows, known_of(work, line))
    if found.faults or (found.bad and not only_good) or not (found.new or found.changed):
        raise _refused(found)
    _hold(work, found)
    if seen is not None:
        _check_seen(found, seen)
    written = write_tasks(work, line.id, [Draft(**row.written) for row in found.new], submit=submit) if found.new else []
    orders = {row.key: order for row, order in zip(found.new, written, strict=True)}
    for row in found.changed:
        orders[row.key] = _change(work, row)
    _arrange(work, found, orders)
    return Imported(len(written), len(found.changed), len(found.bad), sum(row.sign_again for row in found.changed))


def _change(work: Work, row: RowPlan) -> TaskOrder:
    """Only what the row changes: the rest of the order may hold more than a table can say."""
    assert row.order is not None
    order = get_task(work, row.order.id)
    names = [name for change in row.changes if change.column in FIELDS for name in FIELDS[change.column]]
    return edit_task(work, order.id, replace(draft_of(order), **{name: row.written[name] for name in names})) if names else order


def _arrange(work: Work, found: OrderTable, orders: Mapping[str, TaskOrder]) -> None:
    """Who waits for whom. First what falls away, so that no circle stands on the way from one plan without circles to another."""
    changed = [row for row in found.changed if row.order and any(change.column is Column.NEEDS for change in row.changes)]
    for row in changed:
        assert row.order is not None
        for need in sorted(row.order.needs - (row.needs or frozenset())):
            drop_need(work, row.order.id, need)
    for row in found.new:
        for need in sorted(row.needs or ()):
            link_orders(work, orders[row.key], orders[need] if need in orders else get_task(work, need))
    for row in changed:
        assert row.order is not None
        for need in sorted((row.needs or frozenset()) - row.order.needs):
            add_need(work, row.order.id, orders[need].id if need in orders else need)


def _hold(work: Work, found: OrderTable) -> None:
    """The orders that change, in one order for everybody; Conflict when somebody has changed one since the table was read."""
    for order in sorted((row.order for row in found.changed if row.order), key=lambda order: order.id):
        if get_task(work, order.id, lock=True).mark != order.mark:
            raise _changed(order)


def _check_seen(found: OrderTable, seen: Mapping[str, str]) -> None:
    for row in found.changed:
        if row.order and seen.get(row.order.id) != row.order.mark:
            raise _changed(row.order)


def _changed(order: Existing) -> Conflict:
    return Conflict(_("第 %(number)s 号单刚刚被修改过", number=order.number), _("下面是最新的对照，请核对后再导入。"), code="task_changed")


def _refused(found: OrderTable) -> InvalidInput:
    if found.faults or found.bad:
        return InvalidInput(
            _("表格中有 %(n)s 处需要修改", n=len(found.all_faults)), _("什么都没有导入。请改好后重新上传，或只导入无误的行。")
        )
    return InvalidInput(_("没有要导入的内容"), _("表格与现有任务单完全相同。"))

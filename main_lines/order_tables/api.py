"""Task orders from a table through the API."""

from pydantic import BaseModel

from main_lines.lines.access import get_line
from main_lines.order_tables.actions import import_orders
from main_lines.order_tables.bodies import ImportBody
from main_lines.order_tables.queries import known_of
from main_lines.order_tables.reading import read_orders
from main_lines.order_tables.rules import Fault, OrderTable
from main_lines.order_tables.words import fault_words
from workspace.errors import InvalidInput
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("order_tables_api", __name__, api=True)


class FaultOut(BaseModel):
    """row: as sent, 0 for the table as a whole. column: null when it is about the whole row. why: for programs."""

    row: int
    column: str | None
    why: str
    what: str
    mend: str


class ImportOut(BaseModel):
    """written, changed: orders; same: rows that change nothing; left_out: rows that are wrong; sign_again: signed orders among the
    changed ones that wait for a new signature."""

    written: int
    changed: int
    same: int
    left_out: int
    sign_again: int
    faults: list[FaultOut]


@api.post("/lines/<line_id>/tasks/import", needs=SIGNED_IN, body=ImportBody, returns=ImportOut)
def import_tasks(work: Work, line_id: str, body: ImportBody) -> ImportOut:
    """Write and change task orders from a table; 422 with every fault when a row is wrong and ``only_good`` is not set."""
    line = get_line(work, line_id, lock=True)
    found = read_orders(body.header, body.table.rows, known_of(work, line))
    faults = [_fault(fault) for fault in found.all_faults]
    if not body.dry_run:
        try:
            import_orders(work, line.id, body.table, only_good=body.only_good, submit=body.submit, seen=body.seen or None)
        except InvalidInput as error:
            raise InvalidInput(error.title, error.message, faults=[fault.model_dump() for fault in faults]) from error
    return _out(found, faults)


def _out(found: OrderTable, faults: list[FaultOut]) -> ImportOut:
    return ImportOut(
        written=len(found.new), changed=len(found.changed), same=len(found.same), left_out=len(found.bad),
        sign_again=sum(row.sign_again for row in found.changed), faults=faults,
    )  # fmt: skip


def _fault(fault: Fault) -> FaultOut:
    what, mend = fault_words(fault)
    return FaultOut(row=fault.row, column=fault.column.value if fault.column else None, why=fault.why.value, what=what, mend=mend)

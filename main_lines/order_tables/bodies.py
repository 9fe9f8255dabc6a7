"""What forms and the API send about a table of task orders."""

from typing import Annotated

from pydantic import Field, StringConstraints

from main_lines.lines.bodies import Body
from main_lines.order_tables.rules import COLUMNS_MOST, ROWS_MOST
from workspace.tables import Table

Cell = Annotated[str, StringConstraints(max_length=10_000)]
RowNumber = Annotated[int, Field(ge=1, lt=2**31)]


class TableBody(Body):
    """header: headings in Chinese or English, in any order. rows: number as the spreadsheet counts, cells.

    seen: order -> ``mark`` when its changes were shown; 409 when it has changed since. Empty: nothing is compared.
    """

    header: Annotated[list[Cell], Field(max_length=COLUMNS_MOST)]
    rows: Annotated[list[tuple[RowNumber, Annotated[list[Cell], Field(max_length=COLUMNS_MOST)]]], Field(max_length=ROWS_MOST)]
    seen: dict[str, str] = {}

    @property
    def table(self) -> Table:
        return Table(tuple(self.header), [(number, tuple(cells)) for number, cells in self.rows])


class ImportBody(TableBody):
    """dry_run: only say what would happen. only_good: leave out rows that are wrong. submit: new orders wait for the signature at once."""

    dry_run: bool = False
    only_good: bool = False
    submit: bool = False

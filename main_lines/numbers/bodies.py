"""What forms and the API send about numbers."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, field_validator

from main_lines.lines.bodies import Body, Day
from main_lines.numbers.actions import MetricDraft
from main_lines.numbers.columns import number_in
from main_lines.numbers.models import NAME_LENGTH, PLACE_LENGTH, SKU_LENGTH, SOURCE_LENGTH, UNIT_LENGTH
from main_lines.numbers.reading import ROWS_MAX
from main_lines.numbers.rules import VALUE_MOST, Aim, Better, rounded
from main_lines.seen import Mark

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH)]
Amount = Annotated[Decimal, Field(ge=-VALUE_MOST, le=VALUE_MOST, allow_inf_nan=False)]
PlaceName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=PLACE_LENGTH)]


class MetricBody(Body):
    """start, end: first and last day for which the target is set. told: when everybody is told that it is off its target: "line" as
    the line's rule says, "never", or a percentage of what is expected by now, 1 to 100. seen: mark of the metric that was read."""

    name: Name
    unit: Annotated[str, StringConstraints(strip_whitespace=True, max_length=UNIT_LENGTH)] = ""
    better: Better = Better.HIGHER
    adds: bool = True
    start: Day
    end: Day
    told: Literal["line", "never"] | Annotated[int, Field(ge=1, le=100)] = "line"
    seen: Mark = ""

    def draft(self) -> MetricDraft:
        own = {"line": None, "never": 0}.get(self.told, 0) if isinstance(self.told, str) else self.told
        return MetricDraft(" ".join(self.name.split()), self.unit, self.better, self.adds, self.start, self.end, own)


class ValueBody(Body):
    """One number by hand. day: empty for the whole time so far. scope: empty for the whole line, else "city:ID" and the like."""

    aim: Aim
    value: Amount
    day: Day | None = None
    scope: Annotated[str, StringConstraints(max_length=40)] = ""

    @field_validator("day", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("value", mode="before")
    @classmethod
    def _as_people_write(cls, value: object) -> object:
        return number_in(value) if isinstance(value, str) and value.strip() else value

    @field_validator("value")
    @classmethod
    def _as_kept(cls, value: Decimal) -> Decimal:
        return rounded(value)


class NumberIn(Body):
    """metric: its name. At most one of city, store (its code or name; it is in its city anyway) and department. at: as of when, else the
    message's."""

    metric: Name
    target: Amount | None = None
    actual: Amount | None = None
    day: Day | None = None
    city: PlaceName = ""
    store: PlaceName = ""
    department: PlaceName = ""
    at: AwareDatetime | None = None


class StockIn(Body):
    """place: a warehouse or city, called as you like. store: instead of it, a store by its code or name."""

    sku: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=SKU_LENGTH)]
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=SOURCE_LENGTH)] = ""
    place: PlaceName = ""
    store: PlaceName = ""
    quantity: Amount
    safety: Annotated[Decimal, Field(ge=0, le=VALUE_MOST, allow_inf_nan=False)] | None = None
    at: AwareDatetime | None = None


class NumbersBody(Body):
    """All of it is taken, or nothing. at: as of when the numbers are; now, when absent. Send an Idempotency-Key to resend safely."""

    numbers: Annotated[list[NumberIn], Field(max_length=ROWS_MAX)] = []
    stock: Annotated[list[StockIn], Field(max_length=ROWS_MAX)] = []
    at: AwareDatetime | None = None


class PassBody(Body):
    name: Name


def instant_of(text: str) -> datetime:
    """A local time as a form sends it, 2026-11-11T08:30. ValueError for anything else."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M")  # noqa: DTZ007 - the caller puts it into the company's zone.

"""What forms and the API send about a main line."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from main_lines.lines.rules import FIRST_DAY, LAST_DAY, Phase
from main_lines.seen import Mark
from workspace.texts import all_shown

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]


class Body(BaseModel):
    """The base of all bodies: a field that is not known is a mistake, not something to ignore. Texts are taken as they are seen."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _as_seen(cls, values: Any) -> Any:
        return all_shown(values)


class HealthBody(Body):
    """health: the director's judgement; reason: one sentence that everybody reads."""

    health: Literal["green", "amber", "red"]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class GateBody(Body):
    """note: why open task orders are carried over; may be empty when there are none. phase: the one that is to be closed."""

    note: Note = ""
    phase: Phase | None = None


class MemberBody(Body):
    member_id: Annotated[str, Field(min_length=1, max_length=26)]


class DDayBody(Body):
    """seen: the D-day that was read, YYYY-MM-DD; 409 when it is another by now."""

    d_day: Day
    seen: Mark = ""


def day_in_address(text: str) -> date:
    """A day in an address. ValueError, for which Flask takes the default, also for one of which offsets would be no dates."""
    day = date.fromisoformat(text)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(text)
    return day


def sequence(text: str) -> int:
    """A sequence in an address. ValueError, for which Flask takes the default, also for a number that no database holds."""
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return number

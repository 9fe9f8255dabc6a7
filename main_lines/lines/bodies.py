"""What forms and the API send about a main line."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class Body(BaseModel):
    """The base of all bodies: a field that is not known is a mistake, not something to ignore."""

    model_config = ConfigDict(extra="forbid")


class PostBody(Body):
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class HealthBody(Body):
    """health: the director's judgement; reason: one sentence that everybody reads."""

    health: Literal["green", "amber", "red"]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class GateBody(Body):
    """note: why open task orders are carried over; may be empty when there are none."""

    note: Note = ""


class MemberBody(Body):
    member_id: Annotated[str, Field(min_length=1, max_length=26)]


class DDayBody(Body):
    d_day: date

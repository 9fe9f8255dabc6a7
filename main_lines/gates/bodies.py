"""What forms and the API send about a gate."""

from typing import Annotated

from pydantic import Field

from main_lines.gates.rules import OFFSET_MOST, GateKey
from main_lines.lines.bodies import Body, Note
from main_lines.seen import Mark


class PassBody(Body):
    """note: the conclusion; needed when something stands in the way."""

    gate: GateKey
    note: Note = ""


class RemindBody(Body):
    gate: GateKey


class ReopenBody(Body):
    gate: GateKey
    reason: Note = ""


class GateDayBody(Body):
    """offset: days from D-day, negative before it. seen: those that were read; 409 when they are others by now."""

    gate: GateKey
    seen: Mark = ""
    offset: Annotated[int, Field(ge=-OFFSET_MOST, le=OFFSET_MOST)]

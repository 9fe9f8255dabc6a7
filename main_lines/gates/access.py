"""Loading what a line says of its gates. The caller has loaded the line through access."""

from datetime import date, datetime, timedelta

from sqlalchemy import select

from main_lines.gates.models import GateEvent, GateRecord
from main_lines.gates.rules import USUAL_DAY, GateKey
from main_lines.lines.models import MainLine
from workspace.events.models import Event
from workspace.work import Work

REMIND_AGAIN = timedelta(hours=1)


def records_of(work: Work, line_id: str) -> dict[GateKey, GateRecord]:
    """The gates that something was said of."""
    rows = work.session.scalars(select(GateRecord).where(GateRecord.line_id == line_id))
    return {GateKey(row.key): row for row in rows}


def day_of(line: MainLine, key: GateKey, record: GateRecord | None) -> date:
    """The day on which the gate is to be passed; it moves with D-day."""
    offset = record.offset if record is not None and record.offset is not None else USUAL_DAY[key]
    return line.d_day + timedelta(days=offset)


def reminded_lately(work: Work, line: MainLine) -> dict[GateKey, datetime]:
    """Gate -> when somebody was reminded of what stands in its way, where that is less than an hour ago."""
    last = select(Event.facts, Event.at).where(Event.subject == line.room, Event.kind == GateEvent.REMINDED)
    found = work.session.execute(last.where(Event.at > work.now - REMIND_AGAIN).order_by(Event.seq))
    return {GateKey(facts["gate"]): at for facts, at in found}

"""What stands in a member's calendar: due days of their own orders, and of each line that they are in its D-day and its gates.

Of a line that is over only what came about: nobody waits for the rest of it any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from main_lines.calendars.rules import CANCELLED_SHOWN, ENTRIES_MOST, Entry, in_window
from main_lines.gates.access import day_of, records_of
from main_lines.gates.models import GateEvent, GateRecord
from main_lines.gates.rules import GateKey
from main_lines.gates.words import ABOUT, GATES
from main_lines.lines.access import company_today, in_my_lines, visible_lines
from main_lines.lines.models import LineEvent, MainLine
from main_lines.lines.rules import Phase, offset_words
from main_lines.lines.words import PHASES
from main_lines.tasks.models import TaskEvent, TaskOrder
from main_lines.tasks.rules import FINISHED, State, due_day
from main_lines.tasks.words import STATES
from workspace.events.models import Event
from workspace.i18n import _
from workspace.work import Work

LINE_KINDS = tuple(str(kind) for kind in (LineEvent.OPENED, LineEvent.RESCHEDULED, LineEvent.PHASE_CLOSED, *GateEvent))
TASK_KINDS = tuple(str(kind) for kind in TaskEvent if kind not in (TaskEvent.CHECKED, TaskEvent.REMINDED))
AT_ONCE = 500


@dataclass(frozen=True)
class _Last:
    """The last event that changed something: its sequence and instant."""

    seq: int
    at: datetime


def calendar_of(work: Work) -> list[Entry]:
    """The actor's entries by day. Lines that they were removed from are not there any more."""
    today = company_today(work)
    lines = {line.id: line for line in visible_lines(work)}
    line_last = _last_events(work, [line.room for line in lines.values()], LINE_KINDS)
    entries = [*_tasks(work, lines, line_last, today), *_days(work, lines, line_last, today)]
    return sorted((entry for entry in entries if in_window(entry.day, today)), key=lambda entry: (entry.day, entry.uid))[:ENTRIES_MOST]


def _tasks(work: Work, lines: Mapping[str, MainLine], line_last: Mapping[str, _Last], today: date) -> list[Entry]:
    mine = select(TaskOrder).where(in_my_lines(work, TaskOrder.line_id), TaskOrder.owner_id == work.actor.member_id)
    dated: list[tuple[TaskOrder, date]] = []
    for order in work.session.scalars(mine.order_by(TaskOrder.id.desc()).limit(ENTRIES_MOST)):
        day = due_day(lines[order.line_id].d_day, offset=order.due_offset, on=order.due_on)
        gone = order.state == State.CANCELLED and work.now - order.state_at > CANCELLED_SHOWN
        left = lines[order.line_id].is_over and State(order.state) not in FINISHED
        if day is not None and in_window(day, today) and not gone and not left:
            dated.append((order, day))
    last = _last_events(work, [f"task:{order.id}" for order, _day in dated], TASK_KINDS)
    return [_task(order, day, lines[order.line_id], last, line_last) for order, day in dated]


def _task(order: TaskOrder, day: date, line: MainLine, last: Mapping[str, _Last], line_last: Mapping[str, _Last]) -> Entry:
    """What counts from D-day also changes with it."""
    state = State(order.state)
    changes = [last.get(f"task:{order.id}"), line_last.get(line.room) if order.due_offset is not None else None]
    newest = max((found for found in changes if found), key=lambda found: found.seq, default=_Last(0, order.written_at))
    done = state in FINISHED and state is not State.CANCELLED
    note = _("%(line)s · 第 %(number)s 号单 · %(state)s", line=line.name, number=order.number, state=STATES[state])
    if order.due_offset is not None:
        note += f" · {offset_words(order.due_offset)}"
    return Entry(
        uid=f"task-{order.id}", day=day, title=f"✓ {order.title}" if done else order.title, note=note, path=f"/tasks/{order.id}",
        kind=_("任务单"), sequence=newest.seq, at=newest.at, cancelled=state is State.CANCELLED,
    )  # fmt: skip


def _days(work: Work, lines: Mapping[str, MainLine], line_last: Mapping[str, _Last], today: date) -> list[Entry]:
    entries: list[Entry] = []
    for line in lines.values():
        newest, url = line_last.get(line.room, _Last(0, line.opened_at)), f"/lines/{line.id}"
        title, note = _("D 日：%(line)s", line=line.name), f"{line.name} · {PHASES[Phase(line.phase)]}"
        if not line.is_over or line.d_day <= today:
            entries.append(Entry(f"dday-{line.id}", line.d_day, title, note, f"{url}/board", _("D 日"), newest.seq, newest.at))
        records = {key: record for key, record in _records(work, line).items() if _is_passed(record) or not line.is_over}
        entries += [_gate(line, key, record, newest) for key, record in records.items()]
    return entries


def _records(work: Work, line: MainLine) -> dict[GateKey, GateRecord | None]:
    known = records_of(work, line.id)
    return {key: known.get(key) for key in GateKey}


def _is_passed(record: GateRecord | None) -> bool:
    return record is not None and record.passed_at is not None


def _gate(line: MainLine, key: GateKey, record: GateRecord | None, newest: _Last) -> Entry:
    title = f"{'✓ ' if _is_passed(record) else ''}{_('关口：%(gate)s', gate=GATES[key])} · {line.name}"
    url = f"/lines/{line.id}/gates"
    return Entry(f"gate-{line.id}-{key.value}", day_of(line, key, record), title, str(ABOUT[key]), url, _("关口"), newest.seq, newest.at)


def _last_events(work: Work, subjects: Sequence[str], kinds: Iterable[str]) -> dict[str, _Last]:
    found: dict[str, _Last] = {}
    for start in range(0, len(subjects), AT_ONCE):
        part = list(subjects[start : start + AT_ONCE])
        newest = select(func.max(Event.seq)).where(Event.subject.in_(part), Event.kind.in_(list(kinds))).group_by(Event.subject)
        rows = work.session.execute(select(Event.subject, Event.seq, Event.at).where(Event.seq.in_(newest.scalar_subquery())))
        found.update({subject: _Last(seq, at) for subject, seq, at in rows})
    return found

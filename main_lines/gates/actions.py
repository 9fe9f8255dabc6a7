"""Passing a gate, opening it again, setting its day. The director's alone."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

from main_lines.gates.access import day_of, records_of
from main_lines.gates.models import NOTE_LENGTH, GateEvent, GateRecord
from main_lines.gates.queries import GateRow, gate_row
from main_lines.gates.rules import CLOSING, LAST, OFFSET_MOST, GateKey, Hold, Pass, decide_pass
from main_lines.gates.words import GATES
from main_lines.lines.access import get_line_as_director, line_member_ids
from main_lines.lines.actions import close_phase, open_last_phase
from main_lines.lines.models import MainLine
from main_lines.lines.rules import Phase
from main_lines.seen import refuse_unseen
from main_lines.tasks.access import count_open_orders, held_by
from main_lines.tasks.models import TaskOrder
from workspace.errors import Conflict, InvalidInput
from workspace.i18n import _, source
from workspace.work import Work


def pass_gate(work: Work, line_id: str, key: GateKey, *, note: str = "") -> Phase:
    """Pass it; in spite of what stands in its way only with a note that says why. Returns the phase of the line afterwards."""
    line = get_line_as_director(work, line_id)
    row = gate_row(work, line, key)
    decision = decide_pass(key, Phase(line.phase), passed=row.passed, obstacles=row.obstacles, reason=note)
    if not isinstance(decision, Pass):
        raise _refusal(decision, row)
    record = _record_of(work, line, key)
    record.passed_at, record.passed_by_id, record.note, record.stood = work.now, work.actor.member_id, _short(note), row.counts
    if decision.freezes:
        line.frozen_at = work.now
    kind = GateEvent.FORCED if row.obstacles else GateEvent.PASSED
    _record(work, kind, line, key, obstacles=row.obstacles, note=record.note, stood=row.counts)
    if decision.closes is not None:
        close_phase(work, line.id, open_orders=count_open_orders(work, line.id, line.phase), note=note, expected=decision.closes)
    return Phase(line.phase)


def close_current_phase(work: Work, line_id: str, *, note: str = "", expected: Phase | None = None) -> Phase:
    """Pass the gate with which the present phase ends. expected: the phase that the director means to close."""
    line = get_line_as_director(work, line_id)
    phase = Phase(line.phase)
    if expected not in (None, phase):
        raise Conflict(_("这个阶段已经关闭"), _("请刷新后查看最新状态。"))
    if phase not in CLOSING:
        raise Conflict(_("主线已经结束"))
    return pass_gate(work, line.id, CLOSING[phase], note=note)


def reopen_gate(work: Work, line_id: str, key: GateKey, *, reason: str) -> None:
    """Take back that it was passed: the freeze, and others change requirements as before; the last one, and the line goes on."""
    line = get_line_as_director(work, line_id)
    row = gate_row(work, line, key)
    if not row.may_reopen:
        raise Conflict(_("这道关口不能重新打开"), _("没有通过的关口不需要打开；关闭的阶段里，只有最后一道可以重新打开。"))
    if not reason.strip():
        raise InvalidInput(_("请写明理由"), fields={"reason": _("请写明理由")})
    record = _record_of(work, line, key)
    record.passed_at, record.passed_by_id, record.note, record.stood = None, None, "", {}
    if key is GateKey.FREEZE:
        line.frozen_at = None
    if key is LAST:
        open_last_phase(work, line)
    _record(work, GateEvent.REOPENED, line, key, reason=_short(reason))


def remind_of_gate(work: Work, line_id: str, key: GateKey) -> int:
    """Ask everybody for whom an order in its way waits once more, each once however many they are; returns how many people.

    At most once an hour. Conflict when nothing stands in its way, or all that does waits for the actor.
    """
    line = get_line_as_director(work, line_id)
    row = gate_row(work, line, key)
    if row.reminded_at is not None:
        raise Conflict(_("一小时内已经提醒过"), _("请稍后再提醒。"))
    inside, held = set(line_member_ids(work, line.id)) - {work.actor.member_id}, defaultdict(list)
    for task_id in (one.id for orders in row.orders.values() for one in orders):
        for member_id in held_by(work, work.session.get_one(TaskOrder, task_id)) & inside:
            held[member_id].append(task_id)
    if not held:
        raise Conflict(_("没有可以提醒的人"), _("挡着的任务单都由您自己处理，或执行部门还没有人在主线中。"))
    told = {member_id: task_ids[0] if len(task_ids) == 1 else "" for member_id, task_ids in sorted(held.items())}
    asked = {task_id for task_ids in held.values() for task_id in task_ids}
    _record(work, GateEvent.REMINDED, line, key, orders=len(asked), people=len(told), told_id=told)
    return len(told)


def move_gate(work: Work, line_id: str, key: GateKey, *, offset: int, seen: str = "") -> None:
    """Another day, in days from D-day; it moves with D-day. seen: the days that were read; Conflict when they are others by now."""
    line = get_line_as_director(work, line_id)
    row = gate_row(work, line, key)
    if row.passed:
        raise Conflict(_("这道关口已经通过"), _("请刷新后查看最新状态。"))
    refuse_unseen(seen, str(row.offset), [(_("距 D 日天数"), row.offset)] if row.offset != offset else [])
    if abs(offset) > OFFSET_MOST:
        raise InvalidInput(_("离 D 日太远"), fields={"offset": _("最多距 D 日 %(n)s 天", n=OFFSET_MOST)})
    place_gate(work, line, key, offset=offset)


def place_gate(work: Work, line: MainLine, key: GateKey, *, offset: int) -> None:
    """For a caller who directs the line and knows that the gate is not passed."""
    if day_of(line, key, records_of(work, line.id).get(key)) == line.d_day + timedelta(days=offset):
        return
    _record_of(work, line, key).offset = offset
    _record(work, GateEvent.MOVED, line, key, day=(line.d_day + timedelta(days=offset)).isoformat())


def _refusal(hold: Hold, row: GateRow) -> Conflict | InvalidInput:
    match hold:
        case Hold.PASSED:
            return Conflict(_("这道关口已经通过"), _("请刷新后查看最新状态。"), code="gate_passed")
        case Hold.OTHER_PHASE:
            return Conflict(_("主线不在这个阶段"), _("关口在自己的阶段里通过。"), code="gate_other_phase")
    title = _("还有 %(n)s 项挡着这道关口", n=row.obstacles)
    return InvalidInput(title, _("请先处理它们，或写明为什么仍然通过。"), fields={"note": _("请写明为什么仍然通过")}, stands=row.counts)


def _record_of(work: Work, line: MainLine, key: GateKey) -> GateRecord:
    record = records_of(work, line.id).get(key)
    if record is None:
        record = GateRecord(line_id=line.id, key=key.value, offset=None, passed_at=None, passed_by_id=None, note="", stood={})
        work.session.add(record)
    return record


def _short(text: str) -> str:
    return text.strip()[:NOTE_LENGTH]


def _record(work: Work, kind: GateEvent, line: MainLine, key: GateKey, **facts: Any) -> None:
    work.record(
        kind, subject=line.room, rooms=[line.room], line=line.name, line_id=line.id, gate=key.value, gate_words=source(GATES[key]), **facts
    )

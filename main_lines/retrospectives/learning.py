"""What a playbook learns from how a line went: which of its orders change, come and go. Pure.

The orders of the line and those of the playbook find each other by the title under which an order was first written, because
that is how the playbook wrote it; of several with one title the one of the same department comes first. Values are absolute: a
lesson that was taken once is no lesson for the next version.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from main_lines.playbooks.rules import OFFSET_MOST, Content, Entry, without
from main_lines.retrospectives.rules import Advice, OrderStory, Suggestion
from main_lines.tasks.rules import State


class LessonKind(StrEnum):
    LATER = "later"
    LONGER = "longer"
    ADD = "add"
    DROP = "drop"


@dataclass(frozen=True)
class Lesson:
    """order_id: of the line. before: None for one that is new to the playbook; after: None for one that leaves it."""

    kind: LessonKind
    order_id: str
    before: Entry | None
    after: Entry | None

    @property
    def id(self) -> str:
        return f"{self.kind.value}-{self.order_id}"

    @property
    def entry(self) -> Entry:
        """The one that it is about."""
        found = self.after or self.before
        assert found is not None, "a lesson is about an order"
        return found


def matched(orders: Iterable[OrderStory], entries: Sequence[Entry], departments: Mapping[str, str]) -> dict[str, str]:
    """Order id -> key of its entry; each entry belongs to one order at most. departments: id -> name."""
    left = list(entries)
    found: dict[str, str] = {}
    for order in sorted(orders, key=lambda order: order.number):
        same = [entry for entry in left if entry.title in (order.first_title, order.title)]
        if same:
            entry = min(
                same, key=lambda entry: (entry.title != order.first_title, entry.department != departments.get(order.department_id))
            )
            found[order.id] = entry.key
            left.remove(entry)
    return found


def lessons_of(
    orders: Sequence[OrderStory], advice: Iterable[Suggestion], content: Content, keys: Mapping[str, str], taken: Mapping[str, Entry]
) -> list[Lesson]:  # fmt: skip
    """keys: of ``matched``, also of entries that the playbook has no more. taken: order id -> what a playbook would say of it.

    What an order of the line slipped is in the lesson already where it is new to the playbook.
    """
    entries, advised = {entry.key: entry for entry in content.entries}, {one.order_id: one for one in advice}
    found = []
    for one in advised.values():
        before = entries.get(keys.get(one.order_id, ""))
        after = _advised(before, one) if before else None
        if after is not None:
            kind = LessonKind.LONGER if one.advice is Advice.LONGER else LessonKind.LATER
            found.append(Lesson(kind, one.order_id, before, after))
    for order in orders:
        if order.id not in keys and order.id in taken and order.state not in (State.DRAFT, State.CANCELLED):
            wanted = taken[order.id]
            learnt_too = _advised(wanted, advised[order.id]) if order.id in advised else None
            found.append(Lesson(LessonKind.ADD, order.id, None, learnt_too or wanted))
        elif order.cancelled and keys.get(order.id) in entries:
            found.append(Lesson(LessonKind.DROP, order.id, entries[keys[order.id]], None))
    return found


def _advised(entry: Entry, one: Suggestion) -> Entry | None:
    """None where the entry has a date of its own, or plans that much already."""
    if entry.offset is None:
        return None
    if one.advice is Advice.LONGER:
        return replace(entry, days=one.new_days) if entry.days < one.new_days else None
    later = min(one.new_offset, OFFSET_MOST)
    return replace(entry, offset=later) if entry.offset < later else None


def learnt(content: Content, lessons: Sequence[Lesson], chosen: Collection[str], keys: Mapping[str, str]) -> Content:
    """The playbook with the chosen lessons. A new order stands behind those of its department and waits for what is there; what
    waited for one that goes waits for what that one waited for.

    keys: as orders are called where the line was taken as a playbook -> as they are called in this one.
    """
    picked = [lesson for lesson in lessons if lesson.id in chosen]
    changed = {lesson.before.key: lesson.after for lesson in picked if lesson.before and lesson.after}
    gone = {lesson.before.key for lesson in picked if lesson.before and not lesson.after}
    entries = [changed.get(entry.key, entry) for entry in content.entries]
    new = [lesson for lesson in picked if lesson.kind is LessonKind.ADD]
    renamed = _new_keys(new, {entry.key for entry in entries}, keys)
    there = {entry.key for entry in entries} | set(renamed.values())
    for lesson in new:
        needs = tuple(key for need in lesson.entry.needs if (key := renamed.get(need, "")) in there)
        entry = replace(lesson.entry, key=renamed[lesson.entry.key], needs=needs)
        entries.insert(_behind(entries, entry.department), entry)
    kept = without(entries, gone)
    return Content(kept, content.gates, tuple(dict.fromkeys([*content.departments, *(entry.department for entry in kept)])))


def _new_keys(new: Iterable[Lesson], used: set[str], keys: Mapping[str, str]) -> dict[str, str]:
    """What an order is called where the line was taken as a playbook -> in this one. New ones get a key that is free."""
    found = {}
    for lesson in new:
        key = number = lesson.entry.key
        count = 1
        while key in used:
            count += 1
            key = f"{number}_{count}"
        used.add(key)
        found[number] = key
    return found | {number: key for number, key in keys.items() if number not in found}


def _behind(entries: Sequence[Entry], department: str) -> int:
    """Behind the last one of its department, else at the end."""
    places = [place for place, entry in enumerate(entries) if entry.department == department]
    return places[-1] + 1 if places else len(entries)

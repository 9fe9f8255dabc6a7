"""Pure decisions about store checklists: what an item takes, when a sheet is done, who fills it in, how n stores roll up.

A sheet is done when each of its items is answered, and open again when an answer is taken back: its state is counted from the
answers and kept nowhere else.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from main_lines.tasks.rules import Tone

TEXT_LENGTH = 500
BETWEEN_REMINDERS = timedelta(hours=1)
REMIND_FROM_HOUR, REMIND_UNTIL_HOUR = 9, 20
"""Hours of the company's day between which nobody is woken by a reminder that no person sent."""
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{1,3})?")


class Kind(StrEnum):
    TICK = "tick"
    TEXT = "text"
    NUMBER = "number"
    PHOTO = "photo"


class Scope(StrEnum):
    """Which stores a checklist goes to. Stores that the company opens later get it too, but where they were chosen by hand."""

    ALL = "all"
    CITIES = "cities"
    STORES = "stores"


@dataclass(frozen=True)
class Item:
    """One thing to do in each store. offset: days from D-day on which it is due, None = with the checklist."""

    key: str
    text: str
    kind: Kind
    offset: int | None = None


def takes(scope: Scope, chosen: Collection[str], *, store_id: str, city_id: str | None) -> bool:
    """Whether the checklist goes to this store. chosen: ids of cities or of stores, as the scope says."""
    match scope:
        case Scope.ALL:
            return True
        case Scope.CITIES:
            return city_id in chosen
        case Scope.STORES:
            return store_id in chosen


@dataclass(frozen=True)
class Value:
    """What was answered: True for a tick, else a text; None takes the answer back."""

    value: bool | str | None


class Misfit(StrEnum):
    """Why a text is no answer to an item."""

    TOO_LONG = "too_long"
    NO_NUMBER = "no_number"
    NO_TEXT = "no_text"


def read_value(kind: Kind, text: str) -> Value | Misfit:
    """What a form's text answers. Full-width digits, as Chinese keyboards give them, are digits; a photo is no text."""
    text = text.strip()
    if not text:
        return Value(None)
    match kind:
        case Kind.TICK:
            return Value(True if text.lower() in ("true", "on", "1") else None)
        case Kind.TEXT:
            return Value(text) if len(text) <= TEXT_LENGTH else Misfit.TOO_LONG
        case Kind.NUMBER:
            plain = unicodedata.normalize("NFKC", text).replace(",", "").replace(" ", "")
            return Value(plain.removeprefix("+")) if _NUMBER.fullmatch(plain) else Misfit.NO_NUMBER
        case Kind.PHOTO:
            return Misfit.NO_TEXT


def item_due(item: Item, *, d_day: date, due: date | None) -> date | None:
    """The day on which an item is due; due: that of the checklist."""
    return due if item.offset is None else d_day + timedelta(days=item.offset)


@dataclass(frozen=True)
class SheetTally:
    """How far a store has come. due: the first day on which something that is missing is due, None when nothing is.

    late_days: whole days past it.
    """

    done: int
    total: int
    missing: tuple[Item, ...]
    due: date | None
    late_days: int

    @property
    def finished(self) -> bool:
        return not self.missing

    @property
    def tone(self) -> Tone:
        if self.finished:
            return Tone.DONE
        if self.late_days:
            return Tone.LATE
        return Tone.RUNNING if self.done else Tone.READY


def tally(items: Sequence[Item], answered: Collection[str], *, d_day: date, due: date | None, today: date) -> SheetTally:
    """answered: keys of the items that have an answer; others that no item has any more do not count."""
    missing = tuple(item for item in items if item.key not in answered)
    days = [day for item in missing if (day := item_due(item, d_day=d_day, due=due)) is not None]
    first = min(days, default=None)
    late_days = max(0, (today - first).days) if first is not None else 0
    return SheetTally(len(items) - len(missing), len(items), missing, first, late_days)


@dataclass(frozen=True)
class RollUp:
    """Sheets of some stores. begun: something is answered but not everything. Sums of parts are the whole."""

    stores: int = 0
    done: int = 0
    begun: int = 0
    late: int = 0

    def __add__(self, other: "RollUp") -> "RollUp":
        return RollUp(self.stores + other.stores, self.done + other.done, self.begun + other.begun, self.late + other.late)

    @property
    def missing(self) -> int:
        return self.stores - self.done

    @property
    def tone(self) -> Tone:
        if self.stores and not self.missing:
            return Tone.DONE
        if self.late:
            return Tone.LATE
        return Tone.RUNNING if self.done or self.begun else Tone.READY


def roll_up(sheets: Iterable[SheetTally]) -> RollUp:
    whole = RollUp()
    for sheet in sheets:
        begun = bool(sheet.done) and not sheet.finished
        whole += RollUp(1, int(sheet.finished), int(begun), int(not sheet.finished and sheet.late_days > 0))
    return whole


@dataclass(frozen=True)
class Somebody:
    """A member of the main line, as far as it matters who fills in which store's sheet."""

    id: str
    department_id: str
    site_id: str


def fillers(people: Iterable[Somebody], *, store_id: str, city_id: str | None, department_id: str) -> list[str]:
    """Who is asked to fill in a store's sheet: those who are nearest, and of them those of the department.

    Of the department in the store, anybody in the store, of the department in its city; nobody when the line has none of them.
    """
    people = list(people)
    here = [one for one in people if one.site_id == store_id]
    near = [one for one in people if one.site_id == city_id]
    for found in (
        [one for one in here if one.department_id == department_id],
        here,
        [one for one in near if one.department_id == department_id],
    ):
        if found:
            return [one.id for one in found]
    return []


class CloseHold(StrEnum):
    """Why a checklist stays open."""

    CLOSED = "closed"
    REASON_MISSING = "reason_missing"


def closing(*, missing: int, reason: str, closed: bool) -> CloseHold | None:
    """None when it may be closed: with stores missing only for a written reason."""
    if closed:
        return CloseHold.CLOSED
    return CloseHold.REASON_MISSING if missing and not reason.strip() else None


def may_remind(last: datetime | None, now: datetime) -> bool:
    """Whether those who are missing may be reminded by hand again."""
    return last is None or now - last >= BETWEEN_REMINDERS


def reminds_itself(sheets: Iterable[SheetTally], *, last: date | None, today: date, hour: int) -> bool:
    """Whether those who are missing are reminded now without anybody asking: once on each day from the first due day on.

    hour: of the company's day.
    """
    if last == today or not REMIND_FROM_HOUR <= hour < REMIND_UNTIL_HOUR:
        return False
    return any(sheet.due is not None and sheet.due <= today for sheet in sheets)

"""Single cells of a table of task orders: what they say, or what is wrong with them; and how an order says the same in a cell. Pure."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from main_lines.lines.rules import FIRST_DAY, LAST_DAY, Phase, offset_words
from main_lines.order_tables.headings import BEFORE, DAY, DAYS, NUMBER, OFFSET, OFFSET_IN_WORDS, PHASE_WORDS, Column
from main_lines.order_tables.rules import (
    CHECKLIST_LENGTH,
    DAYS_MOST,
    EXPECTED_LENGTH,
    EXPECTED_MOST,
    FIELDS,
    REQUIREMENTS_LENGTH,
    TITLE_LENGTH,
    Existing,
    Known,
    Person,
    Why,
)  # fmt: skip
from main_lines.tasks.rules import OFFSET_MOST
from workspace.people.names import plain


class Line(Protocol):
    """The row that a cell is in. written: the fields that were understood so far."""

    @property
    def order(self) -> Existing | None: ...
    @property
    def written(self) -> dict[str, Any]: ...
    def fault(self, column: Column | None, why: Why, value: str = "", near: str = "") -> None: ...
    def unknown(self, column: Column, why: Why, value: str, names: Iterable[str]) -> None: ...


def _title(line: Line, text: str, known: Known) -> None:
    text = text.replace("\n", " ")
    if not text:
        if line.order is not None:
            line.fault(Column.TITLE, Why.TITLE_MISSING)
        return
    _text(line, Column.TITLE, "title", text, TITLE_LENGTH)


def _requirements(line: Line, text: str, known: Known) -> None:
    _text(line, Column.REQUIREMENTS, "requirements", text, REQUIREMENTS_LENGTH)


def _text(line: Line, column: Column, name: str, text: str, most: int) -> None:
    if len(text) > most:
        line.fault(column, Why.TOO_LONG, str(most))
    else:
        line.written[name] = text


def _checklist(line: Line, text: str, known: Known) -> None:
    if len(text) > CHECKLIST_LENGTH:
        line.fault(Column.CHECKLIST, Why.TOO_LONG, str(CHECKLIST_LENGTH))
    else:
        line.written["checklist"] = [item.strip() for item in text.splitlines() if item.strip()]


def _expected(line: Line, text: str, known: Known) -> None:
    names = list(dict.fromkeys(name.strip() for name in text.splitlines() if name.strip()))
    if len(names) > EXPECTED_MOST:
        line.fault(Column.EXPECTED, Why.TOO_MANY, str(EXPECTED_MOST))
    elif any(len(name) > EXPECTED_LENGTH for name in names):
        line.fault(Column.EXPECTED, Why.TOO_LONG, str(EXPECTED_LENGTH))
    else:
        line.written["expected"] = names


def _involved(line: Line, text: str, known: Known) -> None:
    """The department that carries it out takes part anyway."""
    ids: set[str] = set()
    for name in parts(text, known.departments.called):
        found = known.departments.called(name)
        if found:
            ids.add(found[0].key)
        else:
            line.unknown(Column.INVOLVED, Why.DEPARTMENT_UNKNOWN, name, known.departments.names())
    own = line.written.get("department_id") or (line.order.written["department_id"] if line.order else "")
    line.written["involved"] = sorted(ids - {own})


def _phase(line: Line, text: str, known: Known) -> None:
    if text and plain(text) not in PHASE_WORDS:
        line.fault(Column.PHASE, Why.PHASE_UNKNOWN, text)
    elif text:
        line.written["phase"] = Phase(PHASE_WORDS[plain(text)])


def _department(line: Line, text: str, known: Known) -> None:
    found = known.departments.called(text) if text else []
    if found:
        line.written["department_id"] = found[0].key
    elif text:
        line.unknown(Column.DEPARTMENT, Why.DEPARTMENT_UNKNOWN, text, known.departments.names())
    elif line.order is not None:
        line.fault(Column.DEPARTMENT, Why.DEPARTMENT_MISSING)


def _city(line: Line, text: str, known: Known) -> None:
    """Of several stores of one name the one where the order is already."""
    if not text:
        line.written["site_id"] = None
        return
    found = known.places.called(text)
    here = [place for place in found if line.order is not None and place.key == line.order.written["site_id"]]
    if len(found) == 1 or here:
        line.written["site_id"] = (here or found)[0].key
    elif found:
        line.fault(Column.CITY, Why.CITY_TWO, text, "、".join(place.label for place in found))
    else:
        line.unknown(Column.CITY, Why.CITY_UNKNOWN, text, [*known.places.names(), *known.places.codes()])


def _owner(line: Line, text: str, known: Known) -> None:
    if not text:
        line.written["owner_id"] = None
        return
    people = known.called(text)
    if len(people) == 1:
        line.written["owner_id"] = people[0].id
    elif people:
        line.fault(Column.OWNER, Why.OWNER_TWO, text, "、".join(f"{member.name}（{member.login}）" for member in people))
    elif plain(text) in known.outside:
        line.fault(Column.OWNER, Why.OWNER_OUTSIDE, text)
    else:
        line.unknown(Column.OWNER, Why.OWNER_UNKNOWN, text, [member.name for member in known.members])


def _due(line: Line, text: str, known: Known) -> None:
    """D-30, D+3, D, -30, or a date that stays when D-day moves."""
    plain = unicodedata.normalize("NFKC", text).replace("−", "-").replace("–", "-").strip()
    if not plain:
        line.written.update({"due_offset": None, "due_on": None})
        return
    offset, on = _offset_of(plain), _day_of(plain)
    if offset is not None and abs(offset) <= OFFSET_MOST:
        line.written.update({"due_offset": offset, "due_on": None})
    elif on is not None and FIRST_DAY <= on <= LAST_DAY:
        line.written.update({"due_offset": None, "due_on": on})
    else:
        line.fault(Column.DUE, Why.DUE_FAR if offset is not None or on is not None else Why.DUE_BAD, text)


def _offset_of(text: str) -> int | None:
    if words := OFFSET_IN_WORDS.match(text):
        return int(words.group(2)) * (-1 if words.group(1) == BEFORE else 1)
    if found := OFFSET.match(text):
        digits = (found.group(1) or found.group(2) or "0").replace(" ", "")
        return int(digits)
    return None


def _day_of(text: str) -> date | None:
    found = DAY.match(text)
    if not found:
        return None
    try:
        return date(*map(int, found.groups()))
    except ValueError:
        return None


def _days(line: Line, text: str, known: Known) -> None:
    found = DAYS.match(unicodedata.normalize("NFKC", text).strip())
    number = 1 if not text else int(found.group(1)) if found else None
    if number is None or not 1 <= number <= DAYS_MOST:
        line.fault(Column.DAYS, Why.DAYS_BAD, text)
    else:
        line.written["days"] = number


READERS = {
    Column.TITLE: _title, Column.REQUIREMENTS: _requirements, Column.PHASE: _phase, Column.DEPARTMENT: _department, Column.OWNER: _owner,
    Column.INVOLVED: _involved, Column.EXPECTED: _expected,
    Column.CITY: _city, Column.DUE: _due, Column.DAYS: _days, Column.CHECKLIST: _checklist,
}  # fmt: skip

_BETWEEN = re.compile(r"[、，,;；]")


def number_of(text: str) -> int | None:
    found = NUMBER.match(unicodedata.normalize("NFKC", text).strip())
    return int(found.group(1)) if found else None


def parts(text: str, known: Callable[[str], object]) -> list[str]:
    """What a cell names: one a line; a line that is not ``known`` as a whole may hold several between commas."""
    found: list[str] = []
    for line in text.split("\n"):
        found += [line] if known(line) else _BETWEEN.split(unicodedata.normalize("NFC", line))
    return [part.strip() for part in found if part.strip()]


def cell_of(column: Column, written: Mapping[str, Any], known: Known) -> str:
    """A field as a cell of an export shows it, so that what is imported again says the same. The phase is its key."""
    match column:
        case Column.DUE:
            on: date | None = written["due_on"]
            return on.isoformat() if on else "" if written["due_offset"] is None else offset_words(written["due_offset"])
        case Column.CHECKLIST:
            return "\n".join(written["checklist"])
        case Column.EXPECTED:
            return "\n".join(written["expected"])
        case Column.INVOLVED:
            return "、".join(one.name for one in known.departments.places if one.key in written["involved"])
        case Column.DEPARTMENT:
            return known.departments.name_of(written["department_id"])
        case Column.CITY:
            return known.places.name_of(written["site_id"] or "")
        case Column.OWNER:
            return owner_words(written["owner_id"], known.members)
    value = written[FIELDS[column][0]]
    return str(value)


def owner_words(owner_id: str | None, members: Sequence[Person]) -> str:
    owner = next((member for member in members if member.id == owner_id), None)
    if owner is None:
        return ""
    alone = sum(plain(member.name) == plain(owner.name) for member in members) == 1
    return owner.name if alone else f"{owner.name}（{owner.login}）"


def numbers(keys: Iterable[str], known: Known, new_titles: Mapping[str, str] | None = None) -> str:
    """Orders that are waited for: by number, and new ones, which have none yet, by title."""
    known_numbers = {order.id: order.number for order in known.orders}
    old = sorted(known_numbers[key] for key in keys if key in known_numbers)
    new = sorted((new_titles or {}).get(key, "") for key in keys if key not in known_numbers)
    return "、".join([*map(str, old), *new])


def same(one: Any, other: Any) -> bool:
    """Browsers send line ends as CR LF, tables keep LF: that is no change."""
    if isinstance(one, str) and isinstance(other, str):
        return _lines(one) == _lines(other)
    return bool(one == other)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]

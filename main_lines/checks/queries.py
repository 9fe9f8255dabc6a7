"""What pages read of store checklists: those of a line, one with its stores, one store's sheet, the sheets that are mine."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from main_lines.checks.access import LinePeople, fills, keeps, line_of_check, people_of_line
from main_lines.checks.models import StoreCheck, StoreSheet
from main_lines.checks.rules import Item, Kind, RollUp, SheetTally, fillers, item_due, may_remind, roll_up, tally
from main_lines.lines.access import company_today, in_my_open_lines
from main_lines.lines.models import MainLine
from main_lines.lines.queries import FeedRow, feed_rows
from main_lines.lines.rules import days_from
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.rules import due_day
from sync.library.previews.access import find_previews
from workspace.events.access import in_words
from workspace.events.models import Event
from workspace.people.models import Department, Member, Site
from workspace.people.names import Names
from workspace.people.queries import StoreRow, list_stores
from workspace.work import Work

HISTORY_MOST = 60


@dataclass(frozen=True)
class CheckRow:
    """A checklist in a list. due: of the checklist itself; tally of its stores. task_number: of the order that it carries out."""

    id: str
    line_id: str
    title: str
    due: date
    due_from_d: int
    items: int
    whole: RollUp
    closed_at: datetime | None
    task_id: str | None
    task_number: int | None


def line_checks(work: Work, line: MainLine, *, task_id: str | None = None) -> list[CheckRow]:
    """Checklists of a line, or of one of its orders: open ones first, by due day. The caller has loaded the line through access."""
    where = [StoreCheck.line_id == line.id, *([StoreCheck.task_id == task_id] if task_id else [])]
    checks = list(work.session.scalars(select(StoreCheck).where(*where)))
    if not checks:
        return []
    tallies = _tallies(work, line, checks)
    numbers = dict(work.session.execute(select(TaskOrder.id, TaskOrder.number).where(TaskOrder.line_id == line.id)).all())
    rows = [_check_row(line, check, tallies[check.id].values(), numbers.get(check.task_id or "")) for check in checks]
    return sorted(rows, key=lambda row: (row.closed_at is not None, row.due, row.id))


def _check_row(line: MainLine, check: StoreCheck, tallies: Iterable[SheetTally], number: int | None) -> CheckRow:
    due = _due(line, check)
    return CheckRow(
        check.id, line.id, check.title, due, days_from(line.d_day, due), len(check.items), roll_up(tallies), check.closed_at,
        check.task_id, number,
    )  # fmt: skip


def _due(line: MainLine, check: StoreCheck) -> date:
    due = due_day(line.d_day, offset=check.due_offset, on=check.due_on)
    assert due is not None  # The table holds that it has one.
    return due


def _tallies(work: Work, line: MainLine, checks: Sequence[StoreCheck]) -> dict[str, dict[str, SheetTally]]:
    """Checklist -> store -> how far it has come."""
    found: dict[str, dict[str, SheetTally]] = defaultdict(dict)
    by_id, today = {check.id: check for check in checks}, company_today(work)
    for sheet in work.session.scalars(select(StoreSheet).where(StoreSheet.check_id.in_(list(by_id)))):
        found[sheet.check_id][sheet.site_id] = _tally(line, by_id[sheet.check_id], sheet, today)
    return found


def tallies_of(work: Work, line: MainLine, check: StoreCheck) -> list[SheetTally]:
    """How far each store of a checklist has come."""
    return list(_tallies(work, line, [check])[check.id].values())


def _tally(line: MainLine, check: StoreCheck, sheet: StoreSheet, today: date) -> SheetTally:
    return tally(check.wanted, sheet.answered, d_day=line.d_day, due=_due(line, check), today=today)


@dataclass(frozen=True)
class OpenChecks:
    """Checklists of a line that are open, by due day, and what each of its stores has of all of them."""

    rows: Sequence[CheckRow]
    by_store: Mapping[str, RollUp]


def open_checks(work: Work, line: MainLine) -> OpenChecks:
    """The caller has loaded the line through access."""
    checks = list(work.session.scalars(select(StoreCheck).where(StoreCheck.line_id == line.id, StoreCheck.closed_at.is_(None))))
    if not checks:
        return OpenChecks([], {})
    tallies = _tallies(work, line, checks)
    by_store: dict[str, RollUp] = defaultdict(RollUp)
    for of_check in tallies.values():
        for site_id, one in of_check.items():
            by_store[site_id] += roll_up([one])
    rows = [_check_row(line, check, tallies[check.id].values(), None) for check in checks]
    return OpenChecks(sorted(rows, key=lambda row: (row.due, row.id)), dict(by_store))


@dataclass(frozen=True)
class SheetRow:
    """One store of a checklist. people: names of those who are asked to fill it in; nobody when the line has none there."""

    id: str
    site_id: str
    store: str
    code: str
    tally: SheetTally
    done_at: datetime | None
    done_by: str
    people: Sequence[str]


@dataclass(frozen=True)
class CitySheets:
    city: str
    whole: RollUp
    sheets: Sequence[SheetRow]


@dataclass(frozen=True)
class ItemCount:
    """In how many stores an item is answered."""

    item: Item
    due: date | None
    done: int


@dataclass(frozen=True)
class CheckPage:
    """A checklist with its stores, city by city, those with something late first. candidates: stores that do not have it.

    missing, unmanned: names of stores, each by which it is told from others.
    """

    row: CheckRow
    note: str
    department: str
    maker: str
    made_at: datetime
    closer: str
    closed_reason: str
    items: Sequence[ItemCount]
    cities: Sequence[CitySheets]
    missing: Sequence[str]
    unmanned: Sequence[str]
    i_keep: bool
    reminded_at: datetime | None
    may_remind: bool
    candidates: Sequence[StoreRow]


def check_page(work: Work, check: StoreCheck) -> CheckPage:
    """The caller has loaded the checklist through access."""
    line = line_of_check(work, check)
    sheets = {sheet.site_id: sheet for sheet in work.session.scalars(select(StoreSheet).where(StoreSheet.check_id == check.id))}
    stores, people, today = list_stores(work), people_of_line(work, check.line_id), company_today(work)
    names = _names(work, [*(sheet.done_by_id for sheet in sheets.values()), check.made_by_id, check.closed_by_id])
    rows: dict[str, list[SheetRow]] = defaultdict(list)
    for store in stores:
        if store.id in sheets:
            rows[store.city_name].append(_sheet_row(line, check, sheets[store.id], store, people, names, today))
    cities = [CitySheets(city, roll_up(row.tally for row in found), found) for city, found in rows.items()]
    number = work.session.scalar(select(TaskOrder.number).where(TaskOrder.id == check.task_id)) if check.task_id else None
    answered = Counter(key for sheet in sheets.values() for key in sheet.answered)
    everything = [row for city in cities for row in city.sheets]
    missing = [row for row in everything if not row.tally.finished]
    named = Names(store.named for store in stores)
    i_keep = keeps(work, check)
    i_run = i_keep and check.closed_at is None
    return CheckPage(
        row=_check_row(line, check, [row.tally for row in everything], number), note=check.note,
        department=work.session.get_one(Department, check.department_id).name, maker=names.get(check.made_by_id, ""), made_at=check.made_at,
        closer=names.get(check.closed_by_id or "", ""), closed_reason=check.closed_reason,
        items=[
            ItemCount(item, item_due(item, d_day=line.d_day, due=_due(line, check)), answered[item.key]) for item in check.wanted
        ],
        cities=sorted(cities, key=lambda city: (not city.whole.late, not city.whole.missing)),
        missing=[named.name_of(row.site_id) for row in missing],
        unmanned=[named.name_of(row.site_id) for row in missing if not row.people], i_keep=i_keep, reminded_at=check.reminded_at,
        may_remind=i_run and bool(missing) and may_remind(check.reminded_at, work.now),
        candidates=[store for store in stores if store.id not in sheets] if i_run else [],
    )  # fmt: skip


def _sheet_row(
    line: MainLine, check: StoreCheck, sheet: StoreSheet, store: StoreRow, people: LinePeople, names: Mapping[str, str], today: date
) -> SheetRow:
    asked = fillers(people.people, store_id=store.id, city_id=store.city_id, department_id=check.department_id)
    return SheetRow(
        sheet.id, store.id, store.name, store.code, _tally(line, check, sheet, today), sheet.done_at, names.get(sheet.done_by_id or "", ""),
        [people.names[one] for one in asked],
    )  # fmt: skip


def _names(work: Work, member_ids: Iterable[str | None]) -> dict[str, str]:
    wanted = {member_id for member_id in member_ids if member_id}
    return dict(work.session.execute(select(Member.id, Member.name).where(Member.id.in_(wanted))).all())


@dataclass(frozen=True)
class Photo:
    """A photo that answers an item. thumb: address of its small picture, "" while there is none."""

    name: str
    url: str
    thumb: str


@dataclass(frozen=True)
class ItemRow:
    """One item of a store's sheet. value: True, a text or None; photo: instead of it. n: see StoreSheet."""

    key: str
    text: str
    kind: Kind
    due: date | None
    due_from_d: int | None
    late_days: int
    value: bool | str | None
    photo: Photo | None
    by: str
    at: datetime | None
    n: int

    @property
    def answered(self) -> bool:
        return self.value is not None or self.photo is not None


@dataclass(frozen=True)
class SheetPage:
    """One store's sheet in full. may_fill: whether the actor may answer now. people: names of those who are asked to."""

    id: str
    check: CheckRow
    note: str
    store: str
    code: str
    city: str
    tally: SheetTally
    items: Sequence[ItemRow]
    people: Sequence[str]
    may_fill: bool
    done_at: datetime | None
    history: Sequence[FeedRow]


def sheet_page(work: Work, sheet: StoreSheet) -> SheetPage:
    """The caller has loaded the sheet through access."""
    check = work.session.get_one(StoreCheck, sheet.check_id)
    line, site = line_of_check(work, check), work.session.get_one(Site, sheet.site_id)
    city, today, people = work.session.get(Site, site.parent_id or ""), company_today(work), people_of_line(work, check.line_id)
    asked = fillers(people.people, store_id=site.id, city_id=site.parent_id, department_id=check.department_id)
    photos = _photos(work, sheet)
    one = _tally(line, check, sheet, today)
    return SheetPage(
        id=sheet.id, check=_check_row(line, check, [one], None), note=check.note, store=site.name, code=site.code or "",
        city=city.name if city else "", tally=one,
        items=[_item_row(item, sheet.answers.get(item.key), photos, line, check, today) for item in check.wanted],
        people=[people.names[found] for found in asked], may_fill=check.closed_at is None and fills(work, check, site),
        done_at=sheet.done_at, history=_history(work, sheet),
    )  # fmt: skip


def _item_row(
    item: Item, answer: Mapping[str, Any] | None, photos: Mapping[str, Photo], line: MainLine, check: StoreCheck, today: date
) -> ItemRow:
    due = item_due(item, d_day=line.d_day, due=_due(line, check))
    value = answer["value"] if answer else None
    late = max(0, (today - due).days) if due is not None and value is None else 0
    return ItemRow(
        item.key, item.text, item.kind, due, days_from(line.d_day, due) if due else None, late, None if isinstance(value, dict) else value,
        photos.get(item.key), answer["by_name"] if answer and value is not None else "",
        datetime.fromisoformat(answer["at"]) if answer and value is not None else None, answer["n"] if answer else 0,
    )  # fmt: skip


def _photos(work: Work, sheet: StoreSheet) -> dict[str, Photo]:
    """Item -> its photo. The picture is there some seconds after the photo."""
    taken = {key: answer["value"] for key, answer in sheet.answers.items() if isinstance(answer["value"], dict)}
    ready = find_previews(work, [photo["digest"] for photo in taken.values()])
    return {
        key: Photo(
            photo["name"], f"/library/assets/{photo['asset_id']}?version={photo['version']}",
            f"/library/assets/{photo['asset_id']}/versions/{photo['version']}/preview" if photo["digest"] in ready else "",
        )
        for key, photo in taken.items()
    }  # fmt: skip


def _history(work: Work, sheet: StoreSheet) -> list[FeedRow]:
    query = select(Event).where(Event.subject == f"sheet:{sheet.id}").order_by(Event.seq.desc()).limit(HISTORY_MOST)
    return feed_rows(in_words(event) for event in work.session.scalars(query))


@dataclass(frozen=True)
class MySheet:
    """A store's sheet that waits for the actor. due: of the first thing that is missing."""

    id: str
    title: str
    store: str
    code: str
    line_id: str
    line_name: str
    due: date | None
    due_from_d: int | None
    tally: SheetTally


def my_sheets(work: Work) -> list[MySheet]:
    """Sheets of open checklists that the actor is asked to fill in and that are not done, by due day."""
    mine = select(Member.site_id, Site.parent_id).join(Site, Site.id == Member.site_id).where(Member.id == work.actor.member_id)
    place = work.session.execute(mine).first()
    if place is None:
        return []
    near = (
        [place.site_id]
        if place.parent_id
        else [place.site_id, *work.session.scalars(select(Site.id).where(Site.parent_id == place.site_id))]
    )
    rows = [
        row
        for row in _open_sheets(work, StoreSheet.site_id.in_(near), in_my_open_lines(work, StoreSheet.line_id))
        if work.actor.member_id in row[4]
    ]
    today = company_today(work)
    found = [
        MySheet(
            sheet.id, check.title, site.name, site.code or "", line.id, line.name, one.due,
            days_from(line.d_day, one.due) if one.due else None, one,
        )
        for sheet, check, site, line, _asked in rows
        for one in [_tally(line, check, sheet, today)]
    ]  # fmt: skip
    return sorted(found, key=lambda row: (row.due or date.max, row.id))


def _open_sheets(work: Work, *where: ColumnElement[bool]) -> list[tuple[StoreSheet, StoreCheck, Site, MainLine, list[str]]]:
    """Sheets that are not done, of checklists that are open, with the ids of those who are asked to fill them in."""
    query = (
        select(StoreSheet, StoreCheck, Site, MainLine)
        .join(StoreCheck, StoreCheck.id == StoreSheet.check_id)
        .join(Site, Site.id == StoreSheet.site_id)
        .join(MainLine, MainLine.id == StoreSheet.line_id)
        .where(StoreSheet.done_at.is_(None), StoreCheck.closed_at.is_(None), *where)
    )
    people: dict[str, LinePeople] = {}
    found = []
    for sheet, check, site, line in work.session.execute(query):
        inside = people.get(line.id) or people_of_line(work, line.id)
        people[line.id] = inside
        asked = fillers(inside.people, store_id=site.id, city_id=site.parent_id, department_id=check.department_id)
        found.append((sheet, check, site, line, asked))
    return found


def asked_to_fill(work: Work, check_id: str) -> dict[str, list[str]]:
    """Who is asked to fill in sheets of a checklist that are not done, each with the ids of theirs; for telling them."""
    found: dict[str, list[str]] = defaultdict(list)
    for sheet, _check, _site, _line, asked in _open_sheets(work, StoreSheet.check_id == check_id):
        for member_id in asked:
            found[member_id].append(sheet.id)
    return dict(found)

"""The views over all work as JSON."""

from datetime import date, datetime

from flask import request
from pydantic import BaseModel

from main_lines.lines.access import get_line
from main_lines.tasks.api import TaskOut, task_out
from main_lines.work.places import Place, places_of
from main_lines.work.queries import load_view, mine_of
from main_lines.work.rules import Load
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("work_api", __name__, api=True)


class WaitingOut(BaseModel):
    """kind: signature, acceptance, need, approval or handover. on: who holds it, since when. what: of a need, the order waited for."""

    kind: str
    title: str
    line: str
    on: list[str]
    since: datetime
    what: str


class SheetOut(BaseModel):
    """A store's sheet that waits for the reader. code: of the store, empty for none."""

    sheet_id: str
    title: str
    store: str
    code: str
    line_id: str
    due: date | None
    late_days: int
    done: int
    total: int


class MineOut(BaseModel):
    to_sign: list[TaskOut]
    to_accept: list[TaskOut]
    overdue: list[TaskOut]
    today: list[TaskOut]
    week: list[TaskOut]
    later: list[TaskOut]
    drafts: list[TaskOut]
    sheets: list[SheetOut]
    waiting: list[WaitingOut]


class LoadOut(BaseModel):
    """days of work of available; level 0 to 4, above 2 it is too much."""

    days: int
    available: int
    open: int
    due: int
    late: int
    level: int


class PersonLoadOut(BaseModel):
    name: str
    weeks: list[LoadOut]


class DepartmentLoadOut(BaseModel):
    department: str
    weeks: list[LoadOut]
    people: list[PersonLoadOut]
    overloaded: list[str]
    undated: int


class LoadsOut(BaseModel):
    """weeks: their Mondays."""

    weeks: list[date]
    departments: list[DepartmentLoadOut]


class PlaceOut(BaseModel):
    """percent: finished orders and sheets of all, null where there is nothing to do. desktops: null where nobody has one.

    present: how many are there; null, for nobody keeps attendance yet. code: of a store, empty for none.
    """

    id: str
    name: str
    percent: int | None
    orders: int
    done: int
    late: int
    blocked: int
    sheets: int
    sheets_done: int
    people: list[str]
    desktops_up: int | None
    desktops: int | None
    present: int | None = None
    code: str = ""
    stores: list["PlaceOut"] = []


class PlacesOut(BaseModel):
    cities: list[PlaceOut]


@api.get("/work", needs=SIGNED_IN, returns=MineOut)
def get_mine(work: Work) -> MineOut:
    """What wants something of me in all my lines, and what of mine lies with others."""
    mine = mine_of(work)
    names = ("to_sign", "to_accept", "overdue", "today", "week", "later", "drafts")
    sheets = [
        SheetOut(
            sheet_id=row.id, title=row.title, store=row.store, code=row.code, line_id=row.line_id, due=row.due,
            late_days=row.tally.late_days, done=row.tally.done, total=row.tally.total,
        )
        for row in mine.sheets
    ]  # fmt: skip
    waiting = [
        WaitingOut(kind=row.kind, title=row.title, line=row.line_name, on=list(row.on), since=row.since, what=row.what)
        for row in mine.waiting
    ]
    return MineOut(**{name: [task_out(row) for row in getattr(mine, name)] for name in names}, sheets=sheets, waiting=waiting)


@api.get("/work/load", needs=SIGNED_IN, returns=LoadsOut)
def get_load(work: Work) -> LoadsOut:
    """Load of departments and their people, week by week, as far as the reader's lines go; ``line`` narrows it down."""
    view = load_view(work, line_id=request.args.get("line", ""))
    departments = [
        DepartmentLoadOut(
            department=name, weeks=[_load(load) for load in row.weeks], undated=row.undated,
            people=[PersonLoadOut(name=view.people[one].name, weeks=[_load(load) for load in loads]) for one, loads in row.people.items()],
            overloaded=[view.people[one].name for one in row.overloaded],
        )
        for name, row in view.rows
    ]  # fmt: skip
    return LoadsOut(weeks=list(view.weeks), departments=departments)


@api.get("/lines/<line_id>/cities", needs=SIGNED_IN, returns=PlacesOut)
def get_cities(work: Work, line_id: str) -> PlacesOut:
    """The cities and stores of a line, those in trouble first."""
    return PlacesOut(cities=[place_out(city) for city in places_of(work, get_line(work, line_id)).cities])


def _load(load: Load) -> LoadOut:
    return LoadOut(days=load.days, available=load.available, open=load.open, due=load.due, late=load.late, level=int(load.level))


def place_out(place: Place) -> PlaceOut:
    tally = place.tally
    return PlaceOut(
        id=place.id, name=place.name, percent=tally.percent, orders=tally.total, done=tally.done, late=tally.late, blocked=tally.blocked,
        sheets=tally.sheets.stores, sheets_done=tally.sheets.done, people=list(place.people),
        desktops_up=place.desktops.up if place.desktops else None, desktops=place.desktops.all if place.desktops else None,
        code=place.code, stores=[place_out(store) for store in place.stores],
    )  # fmt: skip

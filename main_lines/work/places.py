"""The cities and stores of a main line, as its page of cities and its battle map read them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from main_lines.checks.access import people_of_line
from main_lines.checks.queries import CheckRow, open_checks
from main_lines.lines.models import MainLine
from main_lines.tasks.glances import Glance, counts_of, line_glances
from main_lines.tasks.rules import RANK
from main_lines.work.access import DesktopsUp, PlaceFacts
from main_lines.work.rules import PlaceTally
from workspace.people.models import Site
from workspace.work import Work


@dataclass(frozen=True)
class Place:
    """A city with its stores, or a store. tally: of a city, its own orders and those of its stores. people: of the line, there.

    code: of a store that has one. desktops: None where nobody of the line has one. Whether people are present is unknown: nobody
    keeps attendance yet.
    """

    id: str
    name: str
    tally: PlaceTally
    people: Sequence[str]
    desktops: DesktopsUp | None
    stores: Sequence["Place"] = ()
    code: str = ""


@dataclass(frozen=True)
class Places:
    """nowhere: orders that name no place and whose owner has none. checks: the open checklists of stores."""

    cities: Sequence[Place]
    nowhere: PlaceTally
    checks: Sequence[CheckRow]


def places_of(work: Work, line: MainLine, *, tasks: Sequence[Glance] | None = None) -> Places:
    """Cities in which the line has anything, those in trouble first. tasks: those of the line, if they were read.

    The caller has loaded the line through access.
    """
    sites = {site.id: site for site in work.session.scalars(select(Site).order_by(Site.id))}
    tallies = _tallies(line_glances(work, line) if tasks is None else tasks)
    checks = open_checks(work, line)
    for site_id, sheets in checks.by_store.items():
        tallies[site_id] += PlaceTally(sheets=sheets)
    people, desktops = _people(work, line), work.parts.get(PlaceFacts).desktops(work, line.id)
    nowhere = tallies.pop("", PlaceTally())
    seen = {*tallies, *people, *desktops}
    cities = [_city(city, sites, seen, tallies, people, desktops) for city in sites.values() if city.parent_id is None]
    shown = [city for city in cities if city.id in seen or city.stores]
    return Places(sorted(shown, key=lambda city: _rank(city.tally)), nowhere, checks.rows)


def _tallies(tasks: Iterable[Glance]) -> dict[str, PlaceTally]:
    """Of each place, "" for none."""
    of_place: dict[str, list[Glance]] = defaultdict(list)
    for task in tasks:
        of_place[task.site_id or ""].append(task)
    tallies: dict[str, PlaceTally] = defaultdict(PlaceTally)
    for place, here in of_place.items():
        counts = counts_of(here)
        tallies[place] = PlaceTally(counts.done, counts.total, counts.late, counts.blocked)
    return tallies


def _city(
    city: Site, sites: Mapping[str, Site], seen: set[str], tallies: Mapping[str, PlaceTally], people: Mapping[str, list[str]],
    desktops: Mapping[str, DesktopsUp],
) -> Place:  # fmt: skip
    stores = [
        Place(site.id, site.name, tallies.get(site.id, PlaceTally()), people.get(site.id, []), desktops.get(site.id), code=site.code or "")
        for site in sites.values()
        if site.parent_id == city.id and site.id in seen
    ]
    tally, up = tallies.get(city.id, PlaceTally()), desktops.get(city.id)
    for store in stores:
        tally += store.tally
        up = store.desktops if up is None else up + store.desktops if store.desktops else up
    here = [*people.get(city.id, []), *(name for store in stores for name in store.people)]
    return Place(city.id, city.name, tally, here, up, sorted(stores, key=lambda store: _rank(store.tally)))


def _rank(tally: PlaceTally) -> tuple[int, int]:
    """Trouble first, then what is least ready; where nothing is to be done comes last."""
    tone = tally.tone
    return RANK[tone] if tone is not None else len(RANK), tally.percent if tally.percent is not None else 101


def _people(work: Work, line: MainLine) -> dict[str, list[str]]:
    """Site -> names of the line's members there."""
    inside = people_of_line(work, line.id)
    found: dict[str, list[str]] = defaultdict(list)
    for one in inside.people:
        found[one.site_id].append(inside.names[one.id])
    return dict(found)

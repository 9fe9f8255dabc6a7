"""Loading metrics, numbers, stock, drafts and passes: as confidential as their main line."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, func, select, tuple_

from main_lines.lines.access import get_as_director, get_line
from main_lines.numbers.columns import Column
from main_lines.numbers.models import Metric, MetricValue, NumberDraft, NumberPass, StockCount
from main_lines.numbers.places import place_of_stock
from main_lines.numbers.rules import SCOPE_KINDS
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.people.names import Named, Names
from workspace.people.queries import list_cities, list_departments, list_stores
from workspace.settings import Settings
from workspace.work import Work


def company_zone(work: Work) -> ZoneInfo:
    return ZoneInfo(work.parts.get(Settings).time_zone)


def metrics_of(work: Work, line_id: str, *, archived: bool = False) -> list[Metric]:
    """In the order in which they were defined. The caller has loaded the line through access."""
    query = select(Metric).where(Metric.line_id == line_id).order_by(Metric.id)
    return list(work.session.scalars(query if archived else query.where(Metric.archived_at.is_(None))))


def get_metric(work: Work, metric_id: str, *, as_director: bool = False) -> Metric:
    """A metric of one of the actor's main lines, whose row is held for a director who changes it; NotFound otherwise."""
    metric = get_as_director(work, Metric, metric_id) if as_director else work.session.get(Metric, metric_id)
    if metric is not None and not as_director:
        try:
            get_line(work, metric.line_id)
        except NotFound:
            metric = None
    if metric is None:
        raise NotFound(_("没有找到这个指标"), _("地址有误，或您不是这条主线的成员。"))
    return metric


def get_draft(work: Work, draft_id: str) -> NumberDraft:
    """A file that the actor has brought, in a line that they are still in; NotFound otherwise."""
    draft = work.session.get(NumberDraft, draft_id)
    if draft is not None and draft.by_id == work.actor.member_id:
        try:
            get_line(work, draft.line_id)
        except NotFound:
            draft = None
        if draft is not None:
            return draft
    raise NotFound(_("没有找到这次导入"), _("它可能已经完成或过期，请重新上传文件。"))


def get_pass(work: Work, pass_id: str) -> NumberPass:
    """A pass of a line that the actor directs; NotFound for anybody outside it."""
    found = get_as_director(work, NumberPass, pass_id)
    if found is None:
        raise NotFound(_("没有找到这个数据接口"), _("地址有误，或您不是这条主线的成员。"))
    return found


def passes_of(work: Work, line_id: str) -> list[NumberPass]:
    """Those that still open something, oldest first."""
    query = select(NumberPass).where(NumberPass.line_id == line_id, NumberPass.revoked_at.is_(None))
    return list(work.session.scalars(query.order_by(NumberPass.id)))


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def find_pass(work: Work, secret: str) -> NumberPass | None:
    """By its secret; None for one that is unknown or revoked."""
    query = select(NumberPass).where(NumberPass.digest == digest_of(secret.encode()), NumberPass.revoked_at.is_(None))
    return work.session.scalar(query)


class FigureRow(NamedTuple):
    """A value as it stands in the table. See MetricValue."""

    id: str
    metric_id: str
    source_id: str
    aim: str
    day: date | None
    scope: str
    value: Decimal
    former: Decimal | None
    since: datetime
    at: datetime


_FIGURE = [getattr(MetricValue, name) for name in FigureRow._fields]


def current_figures(work: Work, metric_ids: Collection[str]) -> list[FigureRow]:
    """What counts now of these metrics, which the caller may see."""
    if not metric_ids:
        return []
    query = select(*_FIGURE).where(MetricValue.metric_id.in_(metric_ids), MetricValue.current.is_(True))
    return [FigureRow(*row) for row in work.session.execute(query)]


def figures_to_count(work: Work, adds: Mapping[str, bool]) -> list[FigureRow]:
    """Of ``current_figures`` those that ``rules.counting`` takes, or so few more that it does not matter. adds: of each metric.

    Where a metric adds up and is said by the days of its places, the places of a day come as one figure of the whole line: a hundred
    stores are thousands of rows otherwise, each time that somebody looks at the battle map.
    """
    pair = tuple_(MetricValue.metric_id, MetricValue.aim)
    says_whole = func.max(case((MetricValue.day.is_(None), 1), else_=0))
    current = (MetricValue.metric_id.in_(list(adds)), MetricValue.current.is_(True))
    scopes: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    found = select(MetricValue.metric_id, MetricValue.aim, MetricValue.scope, says_whole).where(*current)
    for metric_id, aim, scope, whole in work.session.execute(found.group_by(MetricValue.metric_id, MetricValue.aim, MetricValue.scope)):
        scopes[metric_id, aim].append((scope, whole))
    wanted: dict[tuple[str, bool], list[tuple[str, str]]] = defaultdict(list)
    for key, said in scopes.items():
        start = next(start for start in ("", *(f"{kind}:" for kind in SCOPE_KINDS)) if any(_within(scope, start) for scope, _whole in said))
        inside = [whole for scope, whole in said if _within(scope, start)]
        wanted[start, bool(start) and adds[key[0]] and len(inside) > 1 and not any(inside)].append(key)
    figures: list[FigureRow] = []
    for (start, together), keys in wanted.items():
        where = (*current, pair.in_(keys), MetricValue.scope.startswith(start) if start else MetricValue.scope == "")
        if together:
            figures += _by_day(work, where)
        else:
            figures += [FigureRow(*row) for row in work.session.execute(select(*_FIGURE).where(*where))]
    return figures


def _within(scope: str, start: str) -> bool:
    return scope.startswith(start) if start else not scope


def _by_day(work: Work, where: Sequence[ColumnElement[bool]]) -> list[FigureRow]:
    """The figures of each day as one, with the source of the newest."""
    summed = (func.sum(MetricValue.value), func.max(MetricValue.since), func.max(MetricValue.at))
    days = select(MetricValue.metric_id, MetricValue.aim, MetricValue.day, *summed).where(*where)
    rows = work.session.execute(days.group_by(MetricValue.metric_id, MetricValue.aim, MetricValue.day)).all()
    newest: dict[tuple[str, str], datetime] = {}
    for metric_id, aim, _day, _value, _since, at in rows:
        newest[metric_id, aim] = max(at, newest.get((metric_id, aim), at))
    said = tuple_(MetricValue.metric_id, MetricValue.aim, MetricValue.at).in_([(*key, at) for key, at in newest.items()])
    known = select(MetricValue.metric_id, MetricValue.aim, func.max(MetricValue.source_id)).where(*where, said)
    by_key = {(id, aim): source for id, aim, source in work.session.execute(known.group_by(MetricValue.metric_id, MetricValue.aim))}
    return [
        FigureRow("", id, by_key[id, aim] if at == newest[id, aim] else "", aim, day, "", value, None, since, at)
        for id, aim, day, value, since, at in rows
    ]


def running_totals(work: Work, metric_ids: Collection[str]) -> list[FigureRow]:
    """All that was ever said of the whole line's time so far, oldest first: how it grew."""
    if not metric_ids:
        return []
    whole = (MetricValue.day.is_(None), MetricValue.scope == "", MetricValue.aim == "actual")
    query = select(*_FIGURE).where(MetricValue.metric_id.in_(metric_ids), *whole).order_by(MetricValue.at, MetricValue.id)
    return [FigureRow(*row) for row in work.session.execute(query)]


class StockRow(NamedTuple):
    """The stock of one SKU in one place. See StockCount. place: as it is called now. scope, code: of a store, else empty."""

    id: str
    source_id: str
    sku: str
    name: str
    place: str
    site_id: str | None
    quantity: Decimal
    safety: Decimal | None
    former: Decimal | None
    at: datetime
    scope: str = ""
    code: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.sku, self.scope or self.place


_STOCK = [getattr(StockCount, name) for name in StockRow._fields if name not in StockRow._field_defaults]


def current_stock(work: Work, line_id: str) -> list[StockRow]:
    """What counts now, by SKU and place. The caller has loaded the line through access."""
    query = select(*_STOCK).where(StockCount.line_id == line_id, StockCount.current.is_(True))
    places = places_of(work)
    rows = [_placed(StockRow(*row), places) for row in work.session.execute(query)]
    return sorted(rows, key=lambda row: (row.sku, row.place, row.id))


def _placed(row: StockRow, places: "Places") -> StockRow:
    """As its store is called now. Older counts know their store by what the file called it alone."""
    if row.site_id is not None:
        store = places.stores.by_key(f"store:{row.site_id}")
    else:
        found = place_of_stock({Column.PLACE: row.place}, places.cities, places.stores)
        store = found if isinstance(found, Named) else None
    return row if store is None else row._replace(place=places.stores.name_of(store.key), scope=store.key, code=store.code)


class Places(NamedTuple):
    """What figures can be about, each with the scope that stands for it: ``city:ID``, ``store:ID``, ``department:ID``."""

    cities: Names
    stores: Names
    departments: Names

    def names(self) -> dict[str, str]:
        """Scope -> name, of a store that shares its name with its city before it."""
        return {place.key: named.name_of(place.key) for named in self for place in named.places}

    @property
    def example_store(self) -> Named | None:
        """One that has a code, if any has."""
        return max(self.stores.places, key=lambda store: bool(store.code), default=None)


def places_of(work: Work) -> Places:
    departments = [Named(f"department:{id}", name) for id, name in list_departments(work)]
    cities = [Named(f"city:{id}", name) for id, name in list_cities(work)]
    stores = [Named(f"store:{store.id}", store.name, store.city_name, store.code) for store in list_stores(work)]
    return Places(Names(cities), Names(stores), Names(departments))

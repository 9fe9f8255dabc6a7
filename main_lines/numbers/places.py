"""Which store, city or department a line of a table names, or what is wrong with what it says. Pure.

Stores are named by their code, by their name, or by both: then the code decides, because names change, and only a name that is
another store's is a mistake.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from main_lines.numbers.columns import Column
from workspace.i18n import _
from workspace.people.names import Named, Names, plain

Said = Mapping[Column, str]
"""What the line says where, without what it leaves empty."""


@dataclass(frozen=True)
class Misplaced:
    """What is wrong in which column. said, known: what is not known, and what is; to name what might have been meant."""

    column: Column
    words: str
    said: str = ""
    known: Sequence[str] | None = None


def place_of_number(said: Said, cities: Names, stores: Names, departments: Names) -> Named | Misplaced | None:
    """The narrowest place that the line names; None for the whole main line."""
    if Column.DEPARTMENT in said and len(said) > 1:
        return Misplaced(Column.DEPARTMENT, _("部门和城市、门店不能同时写，请只留一个。"))
    if Column.STORE in said or Column.STORE_CODE in said:
        return _store(said, cities, stores, Column.CITY)
    for column, known in ((Column.CITY, cities), (Column.DEPARTMENT, departments)):
        if column in said:
            found = known.called(said[column])
            return found[0] if found else _unknown(column, said[column], known)
    return None


def place_of_stock(said: Said, cities: Names, stores: Names) -> Named | Misplaced | None:
    """The store in which the stock is; None for a warehouse or a city, which is called whatever the file calls it."""
    place = said.get(Column.PLACE, "")
    in_city = bool(cities.called(place))
    if Column.STORE in said or Column.STORE_CODE in said:
        named: Said = said if in_city else {**said, Column.PLACE: ""}
        found = _store(named, cities, stores, Column.PLACE)
        if isinstance(found, Named) and place and not in_city and found not in stores.called(place):
            return Misplaced(Column.PLACE, _("仓库和门店不能同时写，请只留一个。"))
        return found
    stores_called = [] if in_city or not place else stores.called(place)
    if len(stores_called) > 1:
        return _several(Column.PLACE, place, stores_called)
    return stores_called[0] if stores_called else None


def _store(said: Said, cities: Names, stores: Names, city_in: Column) -> Named | Misplaced:
    """city_in: the column in which its city may stand."""
    city, code, name = (said.get(column, "") for column in (city_in, Column.STORE_CODE, Column.STORE))
    if city and not cities.called(city):
        return _unknown(city_in, city, cities)
    if code:
        return _coded(code, name, city, stores, city_in)
    found = stores.called(name)
    if not found:
        return _unknown(Column.STORE, name, stores)
    inside = stores.called(name, city=city)
    if len(inside) == 1:
        return inside[0]
    if inside:
        return _several(Column.STORE, name, inside)
    names = _("、").join(store.label for store in found)
    words = _("%(city)s没有“%(name)s”，只有：%(names)s。", city=short(city), name=short(name), names=names)
    return Misplaced(Column.STORE, words)


def _coded(code: str, name: str, city: str, stores: Names, city_in: Column) -> Named | Misplaced:
    store = stores.coded(code)
    if store is None:
        return Misplaced(Column.STORE_CODE, _("没有门店编码“%(code)s”", code=short(code)), code, stores.codes())
    others = stores.called(name) if name else []
    if others and store not in others:
        words = _("编码 %(code)s 是“%(store)s”，不是“%(name)s”。请改正其中一个。", code=store.code, store=store.full, name=short(name))
        return Misplaced(Column.STORE, words)
    if city and plain(city) != plain(store.city):
        words = _("编码 %(code)s 是“%(store)s”，不在%(city)s。请改正其中一个。", code=store.code, store=store.full, city=short(city))
        return Misplaced(city_in, words)
    return store


def _several(column: Column, name: str, stores: Sequence[Named]) -> Misplaced:
    names = _("、").join(store.label for store in stores)
    return Misplaced(column, _("有多家叫“%(name)s”：%(names)s。请写门店编码，或写明城市。", name=short(name), names=names))


def _unknown(column: Column, name: str, known: Names) -> Misplaced:
    return Misplaced(column, _("没有找到“%(name)s”", name=short(name)), name, [*known.names(), *known.codes()])


def short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:19]}…"

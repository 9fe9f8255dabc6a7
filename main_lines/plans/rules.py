"""Pure decisions about the plan of a main line: who waits for whom, when an order can be ready, what decides the end.

The forecast is the critical path method (Kelley and Walker, 1959) on calendar days, for a plan that is under way: a forward
pass from today gives the day on which each open order can be ready at the earliest, a backward pass from the due days gives
the latest day on which it may be ready without making itself or anything after it late. The difference is its slack.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

Needs = Mapping[str, Collection[str]]
"""Order -> the orders that must be handed in before it can be."""


@dataclass(frozen=True)
class Planned:
    """An order as far as its plan goes. days: how many it takes, at least 1. begun: somebody works on it.

    handed_in: delivered, accepted or closed; what waits for it may go on.
    """

    id: str
    due: date | None
    days: int = 1
    begun: bool = False
    handed_in: bool = False


@dataclass(frozen=True)
class Forecast:
    """ready: the earliest day on which it can be handed in. slack: days until it makes something late, negative when it does
    already, None when nothing in its chain has a due day. driver: the order that decides its day, None when it is free to go on."""

    ready: date
    slack: int | None
    driver: str | None


def way_between(needs: Needs, start: str, end: str) -> list[str]:
    """The shortest chain of needs from ``start`` to ``end``, both named; empty when there is none.

    A need of ``end`` for ``start`` would close it to a circle.
    """
    came_from: dict[str, str] = {}
    found, waiting = {start}, [start]
    while waiting:
        following = []
        for order in waiting:
            if order == end:
                return _walk_back(came_from, end)
            for need in needs.get(order, ()):
                if need not in found:
                    found.add(need)
                    came_from[need] = order
                    following.append(need)
        waiting = following
    return []


def _walk_back(came_from: Mapping[str, str], end: str) -> list[str]:
    way = [end]
    while way[-1] in came_from:
        way.append(came_from[way[-1]])
    return way[::-1]


def all_waiting_for(needs: Needs, id: str) -> set[str]:
    """The order itself and every one that waits for it, be it by others in between: for none of them can it wait."""
    dependants: dict[str, list[str]] = defaultdict(list)
    for order, wanted in needs.items():
        for need in wanted:
            dependants[need].append(order)
    found, waiting = {id}, [id]
    while waiting:
        fresh = [order for order in dependants[waiting.pop()] if order not in found]
        found.update(fresh)
        waiting += fresh
    return found


def in_turn(ids: Iterable[str], needs: Needs) -> list[str]:
    """Every order after all that it needs; otherwise as they came. ValueError for a circle, which actions never let in."""
    ids = list(ids)
    turn = _freed(ids, needs)
    if len(turn) != len(ids):
        raise ValueError(f"orders need each other: {sorted(set(ids) - set(turn))}")
    return turn


def circling(needs: Needs) -> dict[str, list[str]]:
    """Orders that lie on a circle of needs, or between two circles, with what they need of each other; empty without a circle."""
    left = set(needs).difference(_freed(list(needs), needs))
    left.difference_update(_freed(list(left), _dependants(left, needs)))
    return {order: [need for need in needs[order] if need in left] for order in left}


def circle_through(needs: Needs, id: str) -> list[str]:
    """The shortest chain of needs from an order back to itself, named at both ends; empty when it lies on no circle."""
    way = way_between({**needs, "": needs.get(id, ())}, "", id)
    return [id, *way[1:]] if way else []


def _freed(ids: Sequence[str], needs: Needs) -> list[str]:
    """Every order after all that it needs, without those that lie on a circle and those that wait for them."""
    known = set(ids)
    missing = {order: sum(need in known for need in needs.get(order, ())) for order in ids}
    dependants = _dependants(known, needs)
    free = [order for order in ids if not missing[order]]
    turn: list[str] = []
    for order in free:  # It grows while it is walked.
        turn.append(order)
        for dependant in dependants[order]:
            missing[dependant] -= 1
            if not missing[dependant]:
                free.append(dependant)
    return turn


def forecast(orders: Iterable[Planned], needs: Needs, today: date) -> dict[str, Forecast]:
    """Of every order that is not handed in. Needs of orders that are not given are not waited for."""
    open_orders = {order.id: order for order in orders if not order.handed_in}
    turn, now = in_turn(open_orders, needs), today.toordinal()  # Days are counted: a thousand dates cost more than all else.
    due = {id: order.due.toordinal() if order.due else None for id, order in open_orders.items()}
    ready: dict[str, int] = {}
    drivers: dict[str, str | None] = {}
    for id in turn:
        waits_for = [(ready[need], need) for need in needs.get(id, ()) if need in open_orders]
        ready[id], drivers[id] = _ready(open_orders[id], due[id], waits_for, now)
    latest: dict[str, int | None] = {}
    dependants = _dependants(open_orders.keys(), needs)
    for id in reversed(turn):
        limits = [limit - open_orders[later].days for later in dependants[id] if (limit := latest[later]) is not None]
        own = due[id]
        latest[id] = min(limits if own is None else [*limits, own], default=None)
    return {id: Forecast(date.fromordinal(ready[id]), _slack(ready[id], latest[id]), drivers[id]) for id in turn}


def _ready(order: Planned, due: int | None, waits_for: Sequence[tuple[int, str]], now: int) -> tuple[int, str | None]:
    """What is begun is believed to be on time until its due day is over; what is not begun takes its days from when it can start.

    Days are ordinals: due of the order, those of what it waits for, and today.
    """
    length = order.days - 1
    if order.begun:
        alone, start = max(due or now, now), 0
    else:
        alone, start = max(due or now, now + length), 1 + length
    held, driver = max(waits_for, default=(0, ""))
    if driver and held + start > alone:
        return held + start, driver
    return alone, None


def _slack(ready: int, latest: int | None) -> int | None:
    return latest - ready if latest is not None else None


def critical_path(forecasts: Mapping[str, Forecast]) -> list[str]:
    """The chain of orders that decides the end, first one first.

    It goes through the order with the least slack: back over what drives it, and on over what it drives, where there are
    several by the least slack again. Of orders with the same slack, the one that is ready last counts.
    """

    def pressing(id: str) -> tuple[bool, int, int, str]:
        found = forecasts[id]
        return found.slack is None, found.slack or 0, -found.ready.toordinal(), id

    if all(found.slack is None for found in forecasts.values()):
        return []
    driven: dict[str, list[str]] = defaultdict(list)
    for id, found in forecasts.items():
        if found.driver is not None:
            driven[found.driver].append(id)
    chain = _chain(forecasts, min(forecasts, key=pressing))
    while following := driven[chain[-1]]:
        chain.append(min(following, key=pressing))
    return chain


def _chain(forecasts: Mapping[str, Forecast], end: str) -> list[str]:
    chain = [end]
    while (driver := forecasts[chain[-1]].driver) is not None:
        chain.append(driver)
    return chain[::-1]


def _dependants(ids: Collection[str], needs: Needs) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for order in ids:
        for need in needs.get(order, ()):
            if need in ids:
                found[need].append(order)
    return found

"""Which plan a library has, and which versions are held against it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import select

from sync.library.retention.models import KeptVersion, RetentionPlan
from sync.library.retention.rules import Mode, Plan
from workspace.work import Work

Held = tuple[str, int]
"""Asset and version number."""
Holder = Callable[[Work, str], Iterable[Held]]
"""Of a library, the versions that a feature needs for ever."""


@dataclass(frozen=True)
class Holders:
    """A part of the process: who else holds versions. Not a list that modules add themselves to: were one of them not loaded,
    its versions would be let go, whereas a missing part is an error."""

    each: tuple[Holder, ...]


def plan_of(work: Work, library_id: str) -> Plan:
    row = work.session.get(RetentionPlan, library_id)
    return Plan() if row is None else Plan(Mode(row.mode), row.all_days, row.daily_days, row.weekly_days)


def labels_of(work: Work, node_ids: Iterable[str]) -> dict[str, list[str]]:
    """Node id -> what people call its kept versions, newest first; nodes without are left out."""
    query = select(KeptVersion.node_id, KeptVersion.label).where(KeptVersion.node_id.in_(list(node_ids)), KeptVersion.label != "")
    found: dict[str, list[str]] = {}
    for node_id, label in work.session.execute(query.order_by(KeptVersion.number.desc())):
        found.setdefault(node_id, []).append(label)
    return found


def kept_versions(work: Work, node_id: str) -> dict[int, str]:
    """Number -> what it is called, may be empty, of an asset's versions that somebody keeps by hand."""
    rows = work.session.execute(select(KeptVersion.number, KeptVersion.label).where(KeptVersion.node_id == node_id))
    return {row.number: row.label for row in rows}


def held_versions(work: Work, library_id: str) -> set[Held]:
    """What nobody may let go, as of now."""
    kept = select(KeptVersion.node_id, KeptVersion.number).where(KeptVersion.library_id == library_id)
    held = {(row.node_id, row.number) for row in work.session.execute(kept)}
    for holder in work.parts.get(Holders).each:
        held.update(holder(work, library_id))
    return held

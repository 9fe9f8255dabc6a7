"""Writing the usage ledger as desktops move; called by the reconciler in the same transaction as the move."""

from datetime import datetime

from sqlalchemy import select, update

from desktops.machines.models import Desktop
from desktops.machines.rules import State
from desktops.usage.models import UsageInterval
from desktops.usage.rules import ends_at, usage_of
from workspace.db import new_id
from workspace.people.models import Member
from workspace.work import Work


def settle_usage(work: Work, desktop: Desktop) -> None:
    """Make the open interval agree with the desktop's state; doing it again changes nothing."""
    wanted = usage_of(State(desktop.state))
    current = work.session.scalar(select(UsageInterval).where(UsageInterval.desktop_id == desktop.id, UsageInterval.ended_at.is_(None)))
    if current is not None and wanted is not None and current.kind == str(wanted):
        current.seen_at = max(current.seen_at, work.now)
        return
    if current is not None:
        current.ended_at = ends_at(seen_at=current.seen_at, now=work.now)
        work.session.flush()
    if wanted is not None:
        department_id = work.session.get_one(Member, desktop.member_id).department_id
        work.session.add(
            UsageInterval(
                id=new_id(),
                desktop_id=desktop.id,
                member_id=desktop.member_id,
                department_id=department_id,
                kind=str(wanted),
                began_at=work.now,
                seen_at=work.now,
            )
        )


def note_usage_seen(work: Work, desktop_ids: list[str], at: datetime) -> None:
    """These desktops were observed in the state the ledger has them in."""
    if desktop_ids:
        still = update(UsageInterval).where(UsageInterval.desktop_id.in_(desktop_ids), UsageInterval.ended_at.is_(None))
        work.session.execute(still.values(seen_at=at))

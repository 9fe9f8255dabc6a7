"""Checking an asset out by hand, in the browser: a fragment of its page."""

from dataclasses import dataclass
from datetime import datetime

from flask import render_template, request

from sync.library.assets.access import asset_right, get_asset
from sync.library.leases.access import find_lease
from sync.library.leases.actions import break_lease, return_lease, take_lease
from sync.library.libraries.rules import Right
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("leases", __name__)


@dataclass(frozen=True)
class LeaseView:
    """holder: "" while nobody has it. way: see models.Lease."""

    asset_id: str
    holder: str
    holder_id: str
    way: str
    mine: bool
    since: datetime | None
    until: datetime | None
    may_edit: bool
    may_manage: bool


@pages.get("/library/assets/<asset_id>/lease", needs=SIGNED_IN)
def show_lease(work: Work, asset_id: str) -> str:
    """Who has the asset, and what can be done about it."""
    return _fragment(work, asset_id)


@pages.post("/library/assets/<asset_id>/lease", needs=SIGNED_IN)
def take(work: Work, asset_id: str) -> str:
    """Check it out for a working day."""
    take_lease(work, asset_id, way="hand")
    return _fragment(work, asset_id)


@pages.post("/library/assets/<asset_id>/lease/return", needs=SIGNED_IN)
def give_back(work: Work, asset_id: str) -> str:
    """Let others change it again."""
    get_asset(work, asset_id)
    return_lease(work, asset_id)
    return _fragment(work, asset_id)


@pages.post("/library/assets/<asset_id>/lease/breaking", needs=SIGNED_IN)
def take_back(work: Work, asset_id: str) -> str:
    """Take it back from who has it."""
    break_lease(work, asset_id, holder_id=request.form.get("holder"))
    return _fragment(work, asset_id)


def _fragment(work: Work, asset_id: str) -> str:
    asset = get_asset(work, asset_id)
    work.session.flush()
    lease, right = find_lease(work, asset.id), asset_right(work, asset)
    holder = (lease.member_name, lease.member_id, lease.way) if lease else ("", "", "")
    view = LeaseView(
        asset.id, *holder, bool(lease and lease.member_id == work.actor.member_id), lease.taken_at if lease else None,
        lease.until if lease else None, right >= Right.EDIT and asset.deleted_at is None, right >= Right.MANAGE,
    )  # fmt: skip
    return render_template("library/_lease.html", lease=view)

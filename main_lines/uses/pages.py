"""Where an asset is used, as a fragment that the asset's page loads: the library knows nothing of main lines."""

from flask import render_template

from main_lines.uses.queries import uses_of
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("uses", __name__)


@pages.get("/uses/<asset_id>", needs=SIGNED_IN)
def show_uses(work: Work, asset_id: str) -> str:
    """The main line, task orders, approvals and posts of an asset, as far as the reader may see them."""
    return render_template("uses/_uses.html", uses=uses_of(work, asset_id))

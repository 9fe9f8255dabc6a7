"""/library: the libraries that one may see."""

from flask import render_template

from sync.library.libraries.queries import library_cards
from sync.library.quotas.access import limits_of
from workspace.roles.models import WorkspacePermission
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("libraries", __name__)


@pages.get("/library", needs=SIGNED_IN)
def show_libraries(work: Work) -> str:
    """Libraries as cards."""
    return render_template(
        "library/libraries.html", cards=library_cards(work), limits=limits_of(work), MANAGE_MEMBERS=WorkspacePermission.MEMBER_MANAGE
    )


@pages.get("/library/cards", needs=SIGNED_IN)
def show_cards(work: Work) -> str:
    """The cards alone, for a page that moves by itself."""
    return render_template("library/_cards.html", cards=library_cards(work))

"""The trash of a library in the browser."""

from typing import Any

from flask import flash, redirect, render_template, request

from sync.library.assets.actions import restore_node
from sync.library.trash.actions import empty_trash
from sync.library.trash.queries import trash_view
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("trash", __name__)


@pages.get("/library/<library_id>/trash", needs=SIGNED_IN)
def show_trash(work: Work, library_id: str) -> str:
    """What was deleted from a library, by whom and when."""
    return render_template("library/trash.html", trash=trash_view(work, library_id))


@pages.get("/library/<library_id>/trash/items", needs=SIGNED_IN)
def show_items(work: Work, library_id: str) -> str:
    """The items alone, for a page that moves by itself or asks for more."""
    after = request.args.get("after", "")
    return render_template("library/_trash.html", trash=trash_view(work, library_id, after=after), after=after)


@pages.post("/library/nodes/<node_id>/recovery", needs=SIGNED_IN)
def restore(work: Work, node_id: str) -> Any:
    """Bring a file or folder back under its folder."""
    node = restore_node(work, node_id)
    flash(_("已恢复“%(name)s”", name=node.name), "success")
    return redirect(f"/library/{node.library_id}/trash", 303)


@pages.post("/library/<library_id>/trash/emptying", needs=SIGNED_IN)
def empty(work: Work, library_id: str) -> Any:
    """Let go of everything in the trash."""
    flash(_("回收站已清空（%(n)s 项）", n=empty_trash(work, library_id)), "success")
    return redirect(f"/library/{library_id}/trash", 303)

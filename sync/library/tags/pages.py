"""Tags in the browser: on the page of an asset, and for what was chosen in a folder."""

from typing import Any

from flask import flash, jsonify, redirect, render_template, request

from sync.library.assets.access import get_node
from sync.library.assets.selection_pages import chosen_nodes
from sync.library.libraries.rules import Right
from sync.library.tags.actions import tag_nodes, untag_nodes
from sync.library.tags.queries import tags_view
from sync.library.tags.rules import read_tags
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, is_htmx, wants_json
from workspace.work import Work

pages = Routes("tags", __name__)


@pages.get("/library/assets/<asset_id>/tags", needs=SIGNED_IN)
def show_tags(work: Work, asset_id: str) -> str:
    """The tags of an asset; a fragment of its page."""
    return render_template("library/_tags.html", view=tags_view(work, asset_id), typed="", problem="")


@pages.post("/library/assets/<asset_id>/tags", needs=SIGNED_IN)
def add_tags(work: Work, asset_id: str) -> Any:
    """Put tags on an asset."""
    typed = request.form.get("tags", "")
    try:
        tag_nodes(work, [get_node(work, asset_id, to=Right.EDIT)], read_tags(typed))
    except InvalidInput as error:
        if not is_htmx():
            raise
        return render_template("library/_tags.html", view=tags_view(work, asset_id), typed=typed[:200], problem=error.message), 422
    return _shown_again(work, asset_id)


@pages.post("/library/assets/<asset_id>/tags/removal", needs=SIGNED_IN)
def remove_tag(work: Work, asset_id: str) -> Any:
    """Take a tag off an asset."""
    untag_nodes(work, [get_node(work, asset_id, to=Right.EDIT)], read_tags(request.form.get("tag", "")))
    return _shown_again(work, asset_id)


@pages.post("/library/folders/<folder_id>/tags", needs=SIGNED_IN)
def change_tags(work: Work, folder_id: str) -> Any:
    """Put tags on what was chosen in this folder, or take them off."""
    nodes = [node for node, _version in chosen_nodes(work, get_node(work, folder_id, to=Right.EDIT))]
    removes = request.form.get("verb") == "remove"
    done = (untag_nodes if removes else tag_nodes)(work, nodes, read_tags(request.form.get("tags", "")))
    said = _("已从 %(n)s 个文件取下标签", n=done) if removes else _("已给 %(n)s 个文件加上标签", n=done)
    if wants_json():
        return jsonify({"done": done, "said": said, "refused": []})
    flash(said, "success")
    return redirect(f"/library/folders/{folder_id}", 303)


def _shown_again(work: Work, asset_id: str) -> Any:
    if is_htmx():
        return render_template("library/_tags.html", view=tags_view(work, asset_id), typed="", problem="")
    return redirect(f"/library/assets/{asset_id}", 303)

"""What is done with several files and folders at once: move, delete, and the choice of a folder to move into."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import flash, jsonify, redirect, render_template, request

from sync.core.protocol import OpAnswer, Outcome, Problem
from sync.library.assets.access import get_node
from sync.library.assets.actions import delete_nodes, move_nodes
from sync.library.assets.models import Node
from sync.library.assets.queries import picker_view
from sync.library.libraries.rules import Right
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, wants_json
from workspace.work import Work

pages = Routes("selection", __name__)

CHOSEN_MOST = 2000


@pages.get("/library/folders/<folder_id>/picker", needs=SIGNED_IN)
def show_picker(work: Work, folder_id: str) -> str:
    """The folders in a folder, to choose where something is moved."""
    return render_template("library/_picker.html", picker=picker_view(work, folder_id))


@pages.post("/library/folders/<folder_id>/move", needs=SIGNED_IN)
def move(work: Work, folder_id: str) -> Any:
    """Move what was chosen into this folder."""
    folder = get_node(work, folder_id, to=Right.EDIT)
    nodes = [node for node, _version in chosen_nodes(work, folder)]
    return _tell(move_nodes(work, nodes, folder), folder, lambda n: _("已移动 %(n)s 项", n=n))


@pages.post("/library/folders/<folder_id>/deletion", needs=SIGNED_IN)
def delete(work: Work, folder_id: str) -> Any:
    """Delete what was chosen in this folder."""
    folder = get_node(work, folder_id, to=Right.EDIT)
    return _tell(delete_nodes(work, folder, chosen_nodes(work, folder)), folder, lambda n: _("已删除 %(n)s 项，可在回收站恢复", n=n))


def chosen_nodes(work: Work, folder: Node) -> list[tuple[Node, int]]:
    """``ids``: node ids, each with the version that the page showed, as "id:3"."""
    asked = list(dict.fromkeys(request.form.getlist("ids")))
    if not asked or len(asked) > CHOSEN_MOST:
        raise InvalidInput(_("请先选择文件"), _("一次最多选择 %(n)s 项。", n=CHOSEN_MOST))
    found = []
    for each in asked:
        node_id, _colon, version = each.partition(":")
        node = get_node(work, node_id, to=Right.EDIT)
        if node.library_id != folder.library_id:
            raise InvalidInput(_("只能在同一个素材库里移动"), _("请下载后上传到另一个素材库。"))
        found.append((node, int(version) if version.isdecimal() and len(version) < 9 else node.version))
    return found


def _tell(answers: Sequence[tuple[Node, OpAnswer]], folder: Node, words: Callable[[int], str]) -> Any:
    refused = [
        {"name": node.name, "why": _why(answer)} for node, answer in answers if answer.error is not None or answer.outcome is Outcome.KEPT
    ]
    done = len(answers) - len(refused)
    if wants_json():
        return jsonify({"done": done, "said": words(done) if done else "", "refused": refused})
    if done:
        flash(words(done), "success")
    for each in refused[:5]:
        flash(_("“%(name)s”没有处理：%(why)s", name=each["name"], why=each["why"]), "error")
    return redirect(f"/library/folders/{folder.id}", 303)


def _why(answer: OpAnswer) -> str:
    if isinstance(answer.error, Problem):
        return answer.error.title
    return _("刚刚有人保存了新版本")

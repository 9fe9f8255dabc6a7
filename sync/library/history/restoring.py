"""What restoring a folder to a time would change: compared under the lock or without it, shown before it is done."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from sync.library.assets.access import find_folder, library_of, visible_nodes
from sync.library.assets.models import Node
from sync.library.assets.queries import Crumb
from sync.library.history.queries import PastItem, crumbs_to, placed_then
from sync.library.history.rules import Act, State, acts_for
from sync.library.zips.rules import DEPTH_MOST
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.work import Work

NODES_MOST = 20_000
CHANGES_MOST = 1000
"""In one transaction, which holds the library for a few seconds."""
_BATCH = 500


@dataclass(frozen=True)
class Step:
    """What happens to one node. path: of then, below the folder. now: its path or name of now where that differs, else ""."""

    item: PastItem
    parent_id: str
    path: str
    acts: tuple[Act, ...]
    now: str
    now_version: int


@dataclass(frozen=True)
class Restoration:
    """steps: folders before what is in them. later: what came after that time and would go to the trash if wanted.

    same: how many files and folders are as they were. stamp: changes with what would be done.
    """

    folder_id: str
    library_id: str
    name: str
    crumbs: list[Crumb]
    steps: list[Step]
    later: list[Node]
    same: int

    @property
    def stamp(self) -> str:
        said = [f"{step.item.id} {step.item.digest} {step.now_version} {step.acts}" for step in self.steps]
        return hashlib.sha256("\n".join([*said, *(node.id for node in self.later)]).encode()).hexdigest()[:16]

    def having(self, act: Act) -> list[Step]:
        """Each step once, under what matters most to a reader."""
        order = (Act.BACK, Act.CONTENT, Act.PLACE)
        return [step for step in self.steps if next(each for each in order if each in step.acts) is act]


def restoration_view(work: Work, folder_id: str, at: datetime) -> Restoration:
    """What the actor sees of it. InvalidInput when it is more than is done in one act."""
    folder, _view, _right = find_folder(work, folder_id)
    library = library_of(work, folder)
    then = _then_below(work, folder, at)
    nodes = {node_id: node for node_id in then if (node := work.session.get(Node, node_id)) is not None}
    steps = [step for node_id, (home, path, item) in then.items() if (step := _step(nodes[node_id], home, path, item)).acts]
    later = _later(work, folder, set(then))
    if len(then) > NODES_MOST or len(steps) + len(later) > CHANGES_MOST:
        raise InvalidInput(_("要恢复的内容太多"), _("一次最多恢复 %(n)s 项，请到下面的文件夹里分别恢复。", n=CHANGES_MOST))
    name, crumbs = folder.name or library.name, crumbs_to(work, folder, library)
    return Restoration(folder.id, library.id, name, crumbs, steps, later, len(then) - len(steps))


def _then_below(work: Work, folder: Node, at: datetime) -> dict[str, tuple[str, str, PastItem]]:
    """id -> (folder id, path, item) of all that lay in a folder then and below it, folders before what was in them."""
    found: dict[str, tuple[str, str, PastItem]] = {}
    level, depth = {folder.id: ""}, 0
    while level and len(found) <= NODES_MOST and depth <= DEPTH_MOST:
        below: dict[str, str] = {}
        for home, item in placed_then(work, list(level), at):
            path = level[home] + item.name
            if item.id not in found:
                found[item.id] = (home, path, item)
                if item.is_folder:
                    below[item.id] = path + "/"
        level, depth = below, depth + 1
    return found


def _step(node: Node, home: str, path: str, item: PastItem) -> Step:
    now = State(node.deleted_at is None, str(node.parent_id), node.name, node.digest or "")
    then = State(True, home, item.name, "" if item.is_folder else item.digest)
    return Step(item, home, path, acts_for(then, now), node.name if node.name != item.name else "", node.version)


def _later(work: Work, folder: Node, known: set[str]) -> list[Node]:
    """The topmost live files and folders below a folder that were not there then, as far as the actor sees them."""
    found: list[str] = []
    level = [folder.id]
    while level:
        inner: list[str] = []
        for start in range(0, len(level), _BATCH):
            query = select(Node.id, Node.kind).where(Node.parent_id.in_(level[start : start + _BATCH]), Node.deleted_at.is_(None))
            for node_id, kind in work.session.execute(query.order_by(Node.kind.desc(), Node.name_key)):
                if node_id not in known:
                    found.append(node_id)
                elif kind == "folder":
                    inner.append(node_id)
        level = inner
    return visible_nodes(work, found) if len(found) <= NODES_MOST else _too_many(found)


def _too_many(found: Sequence[str]) -> list[Node]:
    raise InvalidInput(_("要恢复的内容太多"), _("一次最多恢复 %(n)s 项，请到下面的文件夹里分别恢复。", n=CHANGES_MOST))

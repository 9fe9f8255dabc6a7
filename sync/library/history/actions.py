"""Making a folder again what it was at a time, as one act: nothing is overwritten or lost, and the same act undoes it.

Contents of then become new versions, what was deleted comes back from the trash, names and places are those of then. What came
since stays where it is, or goes to the trash if the person wants that. All of it happens, or nothing.
"""

from datetime import datetime

from sync.core.paths import conflict_name
from sync.core.protocol import Commit, Delete, ErrorCode, Op, OpAnswer, Outcome, Problem, Rename
from sync.library.assets.access import get_node
from sync.library.assets.models import AssetEvent, Node
from sync.library.assets.tree import lock_tree
from sync.library.assets.writer import Writer
from sync.library.content.access import load_manifest
from sync.library.history.restoring import Restoration, Step, restoration_view
from sync.library.history.rules import Act
from sync.library.libraries.rules import Right
from workspace.db import new_id
from workspace.errors import Conflict, NotAllowed
from workspace.i18n import _
from workspace.work import Work


def restore_folder(work: Work, folder_id: str, at: datetime, *, take_away: bool, stamp: str = "", said: str = "") -> int:
    """Returns how many files and folders were changed. Conflict, and nothing is done, when one of them cannot be.

    take_away: what came since goes to the trash. stamp: of what the person was shown; Conflict when it is not that any more.
    said: the time in words, for the event.
    """
    folder = get_node(work, folder_id, to=Right.EDIT)
    tree = lock_tree(work, folder.library_id)
    plan = restoration_view(work, folder_id, at)
    if stamp and plan.stamp != stamp:
        raise Conflict(_("刚刚有人改动了这个文件夹"), _("请重新看一遍要恢复的内容，再确认。"))
    count = len(plan.steps) + (len(plan.later) if take_away else 0)
    if count:
        commits = _contents(work, plan)
        writer = Writer(tree, commits)
        _Restorer(work, writer, plan, commits).run(take_away)
        work.record(
            AssetEvent.REWOUND, subject=f"asset:{folder.id}", rooms=writer.permits.rooms(folder), asset=plan.name,
            asset_id=folder.id, library_id=folder.library_id, when=said or at.isoformat(), count=count,
        )  # fmt: skip
    return count


def _contents(work: Work, plan: Restoration) -> list[Commit]:
    """The saves that make contents of then the newest versions."""
    now_ms = int(work.now.timestamp() * 1000)
    changed = [(step, load_manifest(work, step.item.digest)) for step in plan.steps if Act.CONTENT in step.acts]
    return [
        Commit(new_id(), step.item.id, step.parent_id, step.item.name, step.now_version, manifest, now_ms) for step, manifest in changed
    ]


class _Restorer:
    """Carries out a plan on a locked tree. The order matters: what lies in something newer is taken out before that goes away."""

    def __init__(self, work: Work, writer: Writer, plan: Restoration, commits: list[Commit]) -> None:
        self._work, self._writer, self._tree, self._plan, self._commits = work, writer, writer.tree, plan, commits
        self._wanted = {step.item.id for step in plan.steps}

    def run(self, take_away: bool) -> None:
        for step in self._plan.steps:
            self._bring_back(step)
        moves = [step for step in self._plan.steps if Act.BACK in step.acts or Act.PLACE in step.acts]
        moves = self._place(self._place(moves))  # A name may become free by another's move.
        if take_away:
            for node in self._plan.later:
                self._carry_out(Delete(new_id(), node.id, node.version, recursive=node.kind == "folder"), node)
        moves = self._place(moves)
        for step in moves:  # Two have each other's names, or somebody newer has it.
            self._step_aside(step)
        for step in self._place(moves):
            self._place_beside(step)
        for commit in self._commits:
            self._carry_out(commit, self._node(commit.node))
        self._writer.finish()

    def _bring_back(self, step: Step) -> None:
        node = self._node(step.item.id)
        self._work.session.refresh(node)  # A folder before it may have brought it along.
        if node.deleted_at is None:
            return
        if self._writer.permits.right(node) < Right.EDIT or not self._writer.permits.may_take_all(node):
            raise NotAllowed(_("“%(name)s”不能恢复", name=node.name), _("其中有您不能修改的内容，请联系素材库的管理者。"))
        self._writer.restore(node, self._wanted)

    def _place(self, steps: list[Step]) -> list[Step]:
        """Move what can be moved; returns those whose name somebody else still has."""
        return [step for step in steps if not self._moved(step, step.item.name)]

    def _moved(self, step: Step, name: str) -> bool:
        node = self._node(step.item.id)
        if (node.parent_id, node.name) == (step.parent_id, name):
            return True
        answer = self._writer.apply(Rename(new_id(), node.id, step.parent_id, name))
        taken = isinstance(answer.error, Problem) and answer.error.code is ErrorCode.NAME_TAKEN
        if not taken:
            self._check(answer, node)
        return not taken

    def _step_aside(self, step: Step) -> None:
        node = self._node(step.item.id)
        name = self._telling(step, str(node.parent_id))
        self._carry_out(Rename(new_id(), node.id, str(node.parent_id), name), node)

    def _place_beside(self, step: Step) -> None:
        """The name stays with who has it now: the node comes to its folder of then under a telling one."""
        if self._node(step.item.id).parent_id != step.parent_id:
            self._moved(step, self._telling(step, step.parent_id))

    def _telling(self, step: Step, folder_id: str) -> str:
        return conflict_name(step.item.name, self._work.actor.name, self._work.now, taken=self._tree.keys_in(folder_id))

    def _carry_out(self, op: Op, node: Node) -> None:
        self._check(self._writer.apply(op), node)

    def _check(self, answer: OpAnswer, node: Node) -> None:
        if isinstance(answer.error, Problem):
            raise Conflict(_("“%(name)s”不能恢复", name=node.name), f"{answer.error.title} {answer.error.message or ''}".strip())
        if answer.outcome in (Outcome.CONFLICT, Outcome.KEPT):
            raise Conflict(_("“%(name)s”不能恢复", name=node.name), _("刚刚有人保存了新版本"))

    def _node(self, node_id: str) -> Node:
        node = self._tree.node(node_id)
        assert node is not None  # The plan was made under the lock.
        return node

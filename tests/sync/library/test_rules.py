"""Every row of the decision tables in assets/rules.py, and rights."""

import pytest

from sync.library.assets.rules import CommitDecision as Commit
from sync.library.assets.rules import DeleteDecision as Delete
from sync.library.assets.rules import State, decide_commit, decide_delete

FILE = State(is_folder=False, live=True, version=3, digest="head")
GONE = State(is_folder=False, live=False, version=3, digest="head")
FOLDER = State(is_folder=True, live=True, version=0, digest=None)
OTHER = State(is_folder=False, live=True, version=1, digest="other")


@pytest.mark.parametrize(
    ("node", "sibling", "base", "digest", "parent_live", "decision"),
    [
        pytest.param(None, None, 0, "new", True, Commit.CREATE, id="new name"),
        pytest.param(None, None, 7, "new", True, Commit.CREATE, id="unknown node, old base"),
        pytest.param(None, None, 0, "new", False, Commit.REFUSE_PARENT, id="folder gone"),
        pytest.param(None, OTHER, 0, "other", True, Commit.SAME_SIBLING, id="name taken by the same content"),
        pytest.param(None, OTHER, 0, "new", True, Commit.SECOND_OF_SIBLING, id="name taken by other content"),
        pytest.param(None, FOLDER, 0, "new", True, Commit.SECOND_OF_SIBLING, id="name taken by a folder"),
        pytest.param(FILE, None, 3, "head", True, Commit.SAME, id="nothing new"),
        pytest.param(FILE, None, 1, "head", True, Commit.SAME, id="nothing new, old base"),
        pytest.param(FILE, None, 3, "new", True, Commit.UPDATE, id="based on the head"),
        pytest.param(FILE, None, 2, "new", True, Commit.SECOND_OF_NODE, id="based on an older version"),
        pytest.param(FILE, None, 4, "new", True, Commit.SECOND_OF_NODE, id="based on a version that never was"),
        pytest.param(GONE, None, 3, "new", True, Commit.REVIVE, id="deleted meanwhile"),
        pytest.param(GONE, None, 3, "head", True, Commit.REVIVE, id="deleted meanwhile, same content"),
        pytest.param(GONE, OTHER, 3, "new", True, Commit.SECOND_OF_SIBLING, id="deleted and replaced"),
        pytest.param(GONE, OTHER, 3, "other", True, Commit.SAME_SIBLING, id="deleted and replaced by the same"),
        pytest.param(FOLDER, None, 0, "new", True, Commit.REFUSE_FOLDER, id="a folder"),
    ],
)
def test_decide_commit(node: State, sibling: State, base: int, digest: str, parent_live: bool, decision: Commit) -> None:
    assert decide_commit(node, sibling, base_version=base, digest=digest, parent_live=parent_live) is decision


@pytest.mark.parametrize(
    ("node", "base", "recursive", "children", "decision"),
    [
        pytest.param(None, 0, False, False, Delete.GONE, id="unknown"),
        pytest.param(GONE, 3, False, False, Delete.GONE, id="deleted before"),
        pytest.param(FILE, 3, False, False, Delete.DELETE, id="as seen"),
        pytest.param(FILE, 2, False, False, Delete.KEEP, id="edited meanwhile"),
        pytest.param(FILE, 2, True, False, Delete.KEEP, id="edited meanwhile, recursive"),
        pytest.param(FILE, 0, True, False, Delete.DELETE, id="recursive, version unseen"),
        pytest.param(FOLDER, 0, False, False, Delete.DELETE, id="empty folder"),
        pytest.param(FOLDER, 0, False, True, Delete.REFUSE_NOT_EMPTY, id="full folder"),
        pytest.param(FOLDER, 0, True, True, Delete.DELETE, id="full folder, recursive"),
    ],
)
def test_decide_delete(node: State, base: int, recursive: bool, children: bool, decision: Delete) -> None:
    assert decide_delete(node, base_version=base, recursive=recursive, has_children=children) is decision

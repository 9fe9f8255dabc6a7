"""What becomes of an operation on the tree. Pure: values in, a decision out; actions.py carries it out.

Commit (a save made from ``base_version``):

    node      at its place          content           decision
    unknown   nothing               –                 CREATE        (parent gone: REFUSE_PARENT)
    unknown   a file                the same          SAME_SIBLING
    unknown   anything              other             SECOND_OF_SIBLING
    live      itself                the same          SAME
    live      itself, base = head   other             UPDATE
    live      itself, base ≠ head   other             SECOND_OF_NODE
    deleted   nothing               any               REVIVE        (an edit beats a delete; its place is that of the save)
    deleted   a file                the same          SAME_SIBLING
    deleted   anything              other             SECOND_OF_SIBLING
    folder    –                     –                 REFUSE_FOLDER

Delete (of what was seen as ``base_version``):

    unknown or deleted                                GONE
    file, head newer than base                        KEEP          (a delete loses to an edit; recursive with base 0: DELETE)
    folder with something in it, not recursive        REFUSE_NOT_EMPTY
    otherwise                                         DELETE
"""

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True)
class State:
    """A node as the decision sees it. digest: None for a folder."""

    is_folder: bool
    live: bool
    version: int
    digest: str | None


class CommitDecision(Enum):
    CREATE = auto()
    UPDATE = auto()
    REVIVE = auto()
    SAME = auto()
    SAME_SIBLING = auto()
    SECOND_OF_NODE = auto()
    SECOND_OF_SIBLING = auto()
    REFUSE_PARENT = auto()
    REFUSE_FOLDER = auto()


class DeleteDecision(Enum):
    DELETE = auto()
    GONE = auto()
    KEEP = auto()
    REFUSE_NOT_EMPTY = auto()


def decide_commit(node: State | None, sibling: State | None, *, base_version: int, digest: str, parent_live: bool) -> CommitDecision:
    """sibling: another live node under the name at the place where the node is, or would be."""
    if node is not None and node.is_folder:
        return CommitDecision.REFUSE_FOLDER
    if node is not None and node.live:
        if node.digest == digest:
            return CommitDecision.SAME
        return CommitDecision.UPDATE if node.version == base_version else CommitDecision.SECOND_OF_NODE
    if node is None and not parent_live:
        return CommitDecision.REFUSE_PARENT
    if sibling is None:
        return CommitDecision.CREATE if node is None else CommitDecision.REVIVE
    same = not sibling.is_folder and sibling.digest == digest
    return CommitDecision.SAME_SIBLING if same else CommitDecision.SECOND_OF_SIBLING


def decide_delete(node: State | None, *, base_version: int, recursive: bool, has_children: bool) -> DeleteDecision:
    if node is None or not node.live:
        return DeleteDecision.GONE
    if not node.is_folder and node.version > base_version and not (recursive and base_version == 0):
        return DeleteDecision.KEEP
    if node.is_folder and has_children and not recursive:
        return DeleteDecision.REFUSE_NOT_EMPTY
    return DeleteDecision.DELETE

"""The three-way decision: what to do about one node, and about a whole tree. Pure.

`base` is what both sides last agreed on, `local` what is here, `remote` what the library says, `pending` which nodes have
an operation in the journal that the library has not answered yet. Nothing is decided about bytes that are still on
their way: the answer to the operation comes first, so a single writer can never meet a conflict copy.

    content here   content there   decision
    same           same            NOTHING (or MOVE, if only name or folder differ)
    same           changed         TAKE
    changed        same            SEND
    changed        changed alike   ADOPT          both made the same bytes
    changed        changed         KEEP_BOTH      the library's head stays, ours becomes the second head
    gone           same            SEND_DELETE
    gone           changed         TAKE           an edit beats a delete
    same           gone            DROP
    changed        gone            SEND           an edit beats a delete
    gone           gone            FORGET
    any            any, pending    WAIT
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from sync.core.hashing import Address
from sync.core.messages import message


@message(frozen=True)
class Entry:
    """A node as one side sees it. content: manifest digest, None for a folder. version: as known by the library."""

    parent: str | None
    name: str
    content: Address | None
    version: int = 0


class Decision(StrEnum):
    """What to do about one node."""

    NOTHING = "nothing"
    WAIT = "wait"
    TAKE = "take"
    SEND = "send"
    ADOPT = "adopt"
    KEEP_BOTH = "keep_both"
    SEND_DELETE = "send_delete"
    DROP = "drop"
    FORGET = "forget"
    TAKE_MOVE = "take_move"
    SEND_MOVE = "send_move"


@message(frozen=True)
class Step:
    """One decision of a plan. `entry` is the state to reach, None when the node goes away."""

    node: str
    decision: Decision
    entry: Entry | None


@message(frozen=True)
class Head:
    """A contender for the name of an asset. committed_seq: None while the library has not seen it."""

    committed_seq: int | None
    modified_ms: int
    content: Address


def wins_conflict(first: Head, second: Head) -> bool:
    """Whether `first` keeps the name when both changed; exactly one of two different heads wins, in either order.

    Committed beats uncommitted and the earlier commit beats the later, because others may already work on it.
    Between two that nobody has seen, the newer one; equal times are settled by the address.
    """
    if first.committed_seq is not None or second.committed_seq is not None:
        if first.committed_seq is None or second.committed_seq is None:
            return second.committed_seq is None
        if first.committed_seq != second.committed_seq:
            return first.committed_seq < second.committed_seq
    return (first.modified_ms, first.content) > (second.modified_ms, second.content)


def decide(local: Entry | None, base: Entry | None, remote: Entry | None, *, pending: bool = False) -> Decision:
    """The decision for one node; see the table above."""
    if pending:
        return Decision.WAIT
    if local is None or remote is None:
        return _decide_absent(local, base, remote)
    here, there = _changed(local, base), _changed(remote, base)
    if here and there:
        return Decision.ADOPT if local.content == remote.content else Decision.KEEP_BOTH
    if there:
        return Decision.TAKE
    if here:
        return Decision.SEND
    return _decide_place(local, base or remote, remote)


def _changed(side: Entry, base: Entry | None) -> bool:
    return base is None or side.content != base.content


def _decide_absent(local: Entry | None, base: Entry | None, remote: Entry | None) -> Decision:
    if local is None and remote is None:
        return Decision.FORGET
    if local is None:
        assert remote is not None
        return Decision.TAKE if _changed(remote, base) else Decision.SEND_DELETE
    return Decision.SEND if _changed(local, base) else Decision.DROP


def _decide_place(local: Entry, base: Entry, remote: Entry) -> Decision:
    if _place(local) == _place(remote):
        return Decision.NOTHING
    # Moved on both sides: the library's place stands, like its head does.
    return Decision.TAKE_MOVE if _place(remote) != _place(base) else Decision.SEND_MOVE


def _place(entry: Entry) -> tuple[str | None, str]:
    return entry.parent, entry.name


def plan(local: Mapping[str, Entry], base: Mapping[str, Entry], remote: Mapping[str, Entry], journal: Collection[str]) -> list[Step]:
    """What brings `local` and `remote` together, parents before children and removals last, deepest first.

    journal: ids of nodes with an unanswered operation. A folder that one side removed stays while the other side
    changed something inside it.
    """
    decisions = {
        node: decide(local.get(node), base.get(node), remote.get(node), pending=node in journal) for node in {*local, *base, *remote}
    }
    _keep_needed_folders(decisions, local, remote)
    steps = [
        Step(node, decision, _target(decision, local.get(node), remote.get(node)))
        for node, decision in decisions.items()
        if decision is not Decision.NOTHING
    ]
    return sorted(steps, key=lambda step: _order(step, local, base, remote))


_REMOVALS = frozenset({Decision.DROP, Decision.SEND_DELETE, Decision.FORGET})


def _keep_needed_folders(decisions: dict[str, Decision], local: Mapping[str, Entry], remote: Mapping[str, Entry]) -> None:
    """Turn the removal of a folder into its return wherever something inside it stays."""
    for node, decision in list(decisions.items()):
        if decision in _REMOVALS:
            continue
        entry = _target(decision, local.get(node), remote.get(node)) or local.get(node) or remote.get(node)
        seen: set[str] = set()
        while entry is not None and entry.parent is not None and entry.parent not in seen:
            parent = entry.parent
            seen.add(parent)
            if decisions.get(parent) is Decision.DROP:
                decisions[parent] = Decision.SEND
            elif decisions.get(parent) is Decision.SEND_DELETE:
                decisions[parent] = Decision.TAKE
            entry = local.get(parent) or remote.get(parent)


def _target(decision: Decision, local: Entry | None, remote: Entry | None) -> Entry | None:
    if decision in _REMOVALS:
        return None
    if decision in (Decision.SEND, Decision.SEND_MOVE):
        return local
    return remote or local


def _order(step: Step, *trees: Mapping[str, Entry]) -> tuple[int, int, str]:
    depth = max(_depth(step.node, tree) for tree in trees)
    removal = step.decision in _REMOVALS
    return int(removal), -depth if removal else depth, step.node


def _depth(node: str, tree: Mapping[str, Entry]) -> int:
    seen: set[str] = set()
    entry = tree.get(node)
    while entry is not None and entry.parent is not None and entry.parent not in seen:
        seen.add(entry.parent)
        entry = tree.get(entry.parent)
    return len(seen)

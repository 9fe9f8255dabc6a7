"""The three-way decision: what to do about one node, and about a whole tree. Pure.

`base` is what both sides last agreed on, `local` what is here, `remote` what the library says, `pending` which nodes have
an operation in the journal that the library has not answered yet. Nothing is decided about bytes that are still on
their way: the answer to the operation comes first, so a single writer can never meet a conflict copy.

The agent asks `decide` about one node at a time, in the order in which rows and saves come. `plan` says the same of whole trees, with the
folders in mind; `tests/sync/machine/pure` lets agents live by it alone.

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

    journal: ids of nodes with an unanswered operation. What no step names is agreed, and `remote` has its new base. A folder that
    one side removed stays while the other side changed something inside it, and as long as something of it waits. Names are not
    looked at: whoever carries the plan out has two of one name wait for each other.
    """
    sides = _Sides(local, base, remote)
    decisions = {
        node: decide(local.get(node), base.get(node), remote.get(node), pending=node in journal) for node in {*local, *base, *remote}
    }
    while _open_rings(decisions, sides) or _wait_for_folders(decisions, sides):
        pass
    _keep_needed_folders(decisions, sides)
    changed = [(node, decision) for node, decision in decisions.items() if decision is not Decision.NOTHING]
    steps = [Step(node, decision, sides.goal(node, decision)) for node, decision in changed]
    return sorted(steps, key=lambda step: _order(step, decisions, sides))


_REMOVALS = frozenset({Decision.DROP, Decision.SEND_DELETE, Decision.FORGET})


@message(frozen=True)
class _Sides:
    """The three trees of a plan."""

    local: Mapping[str, Entry]
    base: Mapping[str, Entry]
    remote: Mapping[str, Entry]

    def goal(self, node: str, decision: Decision) -> Entry | None:
        """The state of a node once its step is carried out, None when it goes away. What waits stays as it is."""
        here, there = self.local.get(node), self.remote.get(node)
        if decision in _REMOVALS:
            return None
        if here is None or there is None or decision is Decision.WAIT:
            return here or there
        if decision is Decision.SEND_MOVE or (decision in _BOTH_WAYS and self._moved_here_alone(node, here, there)):
            place = here
        else:
            place = there
        content = here if decision is Decision.SEND else there
        return Entry(place.parent, place.name, content.content, content.version)

    def _moved_here_alone(self, node: str, here: Entry, there: Entry) -> bool:
        """Then a change of content on the other side does not take the move back."""
        base = self.base.get(node)
        return base is not None and _decide_place(here, base, there) is Decision.SEND_MOVE

    def places(self, node: str, decision: Decision) -> list[Entry]:
        """Where a node is or will be, on either side, while or after its step is carried out."""
        goal = self.goal(node, decision)
        found = [goal] if goal is not None else []
        if decision is Decision.KEEP_BOTH:
            found.append(self.local[node])  # the second head leaves from here
        return found

    def above(self, node: str, decisions: Mapping[str, Decision]) -> list[str]:
        """The folders above a node once all is carried out, nearest first; the last one is `node` itself if it lies in a ring."""
        found: list[str] = []
        goal = self.goal(node, decisions[node])
        while goal is not None and goal.parent is not None and goal.parent not in found:
            found.append(goal.parent)
            if goal.parent == node or goal.parent not in decisions:
                break
            goal = self.goal(goal.parent, decisions[goal.parent]) or self.local.get(goal.parent) or self.remote.get(goal.parent)
        return found


_BOTH_WAYS = frozenset({Decision.TAKE, Decision.SEND, Decision.ADOPT})
"""Decisions about content, beside which a move may go the other way."""


def _open_rings(decisions: dict[str, Decision], sides: _Sides) -> bool:
    """Both sides moved folders into each other: the library's places stand. Returns whether there was such a ring."""
    for node in sorted(node for node, decision in decisions.items() if decision in (Decision.SEND_MOVE, Decision.TAKE_MOVE)):
        ring = sides.above(node, decisions)
        if not ring or ring[-1] != node:
            continue
        back = [each for each in ring if decisions[each] is Decision.SEND_MOVE]
        if back:
            decisions[min(back)] = Decision.TAKE_MOVE
        else:
            decisions[node] = Decision.WAIT  # one of the ring is on its way, and may yet be refused
        return True
    return False


def _wait_for_folders(decisions: dict[str, Decision], sides: _Sides) -> bool:
    """Nothing is put into a folder that is not here while it is open whether it goes away. Returns whether something has to wait."""
    found = False
    for node, decision in decisions.items():
        goal = sides.goal(node, decision)
        if goal is None or goal.parent is None or decision in (Decision.NOTHING, Decision.WAIT):
            continue
        for folder in sides.above(node, decisions):
            if folder in sides.local:
                break
            if decisions.get(folder) is Decision.WAIT:
                decisions[node] = Decision.WAIT
                found = True
    return found


def _keep_needed_folders(decisions: dict[str, Decision], sides: _Sides) -> None:
    """Turn the removal of a folder into its return wherever something inside it stays, or put it off while something inside it waits."""
    for waits in (False, True):
        needed = [
            place
            for node, decision in decisions.items()
            if decision not in _REMOVALS and decision is not Decision.NOTHING and (decision is Decision.WAIT) is waits
            for place in sides.places(node, decision)
        ]
        while needed:
            folder = needed.pop().parent
            decision = decisions.get(folder or "")
            if folder is None or decision not in (Decision.DROP, Decision.SEND_DELETE):
                continue
            if waits:
                decisions[folder] = Decision.WAIT
            else:
                decisions[folder] = Decision.SEND if decision is Decision.DROP else Decision.TAKE
            needed += sides.places(folder, decisions[folder])


def _order(step: Step, decisions: Mapping[str, Decision], sides: _Sides) -> tuple[bool, int, str]:
    if step.decision not in _REMOVALS:
        return False, len(sides.above(step.node, decisions)), step.node
    return True, -_depth(step.node, sides.local if step.decision is Decision.DROP else sides.remote), step.node


def _depth(node: str, tree: Mapping[str, Entry]) -> int:
    """How many folders are above a node. Neither side has rings."""
    depth, entry = 0, tree.get(node)
    while entry is not None and entry.parent is not None:
        depth, entry = depth + 1, tree.get(entry.parent)
    return depth

"""A library as a plan meets it: rows with numbers, names that are free or taken, first answers kept. What becomes of a save or a
deletion is decided by the product's own rules; here they are only carried out, in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum, auto
from functools import cache

from sync.core.paths import conflict_name, name_key
from sync.core.plan import Entry
from sync.core.protocol import Outcome
from sync.library.assets.rules import CommitDecision, DeleteDecision, State, decide_commit, decide_delete

ROOT = "root"
_key = cache(name_key)
WHEN = datetime(2026, 11, 21, 14, 3, 22, tzinfo=UTC)


class Kind(Enum):
    """The operations of the protocol."""

    COMMIT = auto()
    FOLDER = auto()
    MOVE = auto()
    DELETE = auto()


@dataclass(frozen=True)
class Op:
    """What an agent asks for. entry: place and content that it wants; its version is what the agent saw last. by: the agent."""

    op_id: str
    kind: Kind
    node: str
    entry: Entry
    by: str


@dataclass(frozen=True)
class Answer:
    """refused: why. node, row: what the operation's node is now called, and what it is. seq: from which number on a feed tells of this."""

    op_id: str
    outcome: Outcome
    seq: int
    node: str | None = None
    row: Entry | None = None
    refused: str = ""


@dataclass(frozen=True)
class Row:
    """A node, live or deleted. seq: the number of its last change."""

    entry: Entry
    seq: int
    live: bool = True
    head_of: str | None = None


def sibling(tree: Mapping[str, Entry], node: str, parent: str | None, name: str) -> str | None:
    """Who else has this name in this folder."""
    key = _key(name)
    for other, entry in tree.items():
        if entry.parent == parent and other != node and _key(entry.name) == key:
            return other
    return None


def is_below(tree: Mapping[str, Entry], node: str | None, above: str) -> bool:
    """Whether `node` is `above` or lies in it."""
    while node is not None and node != above:
        node = tree[node].parent if node in tree else None
    return node == above


def telling_name(tree: Mapping[str, Entry], parent: str | None, name: str, by: str) -> str:
    """The name of whoever has to step aside."""
    return conflict_name(name, by, WHEN, taken={name_key(entry.name) for entry in tree.values() if entry.parent == parent})


class Library:
    """swap: whether a save is compared with what is there. A library that does not is a bug planted on purpose."""

    def __init__(self, *, swap: bool = True) -> None:
        self.rows: dict[str, Row] = {ROOT: Row(Entry(None, "", None), 1)}
        self.seq = 1
        self._answers: dict[str, Answer] = {}
        self._swap = swap

    def tree(self) -> dict[str, Entry]:
        """What is live."""
        return {node: row.entry for node, row in self.rows.items() if row.live}

    def answer(self, op: Op) -> Answer:
        """Carry an operation out, once: whoever asks again gets the first answer."""
        if op.op_id not in self._answers:
            carry_out = {Kind.COMMIT: self._commit, Kind.FOLDER: self._folder, Kind.MOVE: self._move, Kind.DELETE: self._delete}
            self._answers[op.op_id] = carry_out[op.kind](op)
        return self._answers[op.op_id]

    def _put(self, node: str, entry: Entry, *, live: bool = True, head_of: str | None = None) -> None:
        self.seq += 1
        former = self.rows.get(node)
        self.rows[node] = Row(entry, self.seq, live, head_of or (former.head_of if former else None))

    def _answer(self, op: Op, outcome: Outcome, node: str | None = None) -> Answer:
        return Answer(op.op_id, outcome, self.seq, node, self.rows[node].entry if node in self.rows else None)

    def _refuse(self, op: Op, why: str) -> Answer:
        return Answer(op.op_id, Outcome.REFUSED, self.seq, refused=why)

    def _is_folder(self, node: str | None) -> bool:
        row = self.rows.get(node or "")
        return row is not None and row.live and row.entry.content is None

    def _state(self, node: str | None) -> State | None:
        row = self.rows.get(node or "")
        return row and State(row.entry.content is None, row.live, row.entry.version, row.entry.content)

    # --- operations ---------------------------------------------------------------------------------------------------

    def _commit(self, op: Op) -> Answer:
        row, wanted = self.rows.get(op.node), op.entry
        home = wanted.parent if row is None else self._restored(row.entry.parent)
        name = wanted.name if row is None else row.entry.name
        other = sibling(self.tree(), op.node, home, name)
        base = wanted.version if self._swap or row is None else row.entry.version
        decision = decide_commit(
            self._state(op.node), self._state(other), base_version=base, digest=str(wanted.content), parent_live=self._is_folder(home)
        )
        match decision:
            case CommitDecision.REFUSE_PARENT | CommitDecision.REFUSE_FOLDER:
                return self._refuse(op, "parent_gone" if decision is CommitDecision.REFUSE_PARENT else "not_allowed")
            case CommitDecision.SAME:
                return self._answer(op, Outcome.EXISTS, op.node)
            case CommitDecision.SAME_SIBLING:
                return self._answer(op, Outcome.EXISTS, other)
            case CommitDecision.SECOND_OF_SIBLING | CommitDecision.SECOND_OF_NODE:
                winner = op.node if decision is CommitDecision.SECOND_OF_NODE else str(other)
                return self._second_head(op, winner, op.node if row is None else f"second of {op.op_id}")
        self._put(op.node, Entry(home, name, wanted.content, (row.entry.version if row else 0) + 1))
        return self._answer(op, Outcome.APPLIED, op.node)

    def _second_head(self, op: Op, winner: str, node: str) -> Answer:
        head = self.rows[winner].entry
        name = telling_name(self.tree(), head.parent, head.name, op.by)
        self._put(node, Entry(head.parent, name, op.entry.content, 1), head_of=winner)
        return self._answer(op, Outcome.CONFLICT, node)

    def _restored(self, folder: str | None) -> str | None:
        """The live folder for a file that comes back: its own returns with it, or one that has its name now."""
        row = self.rows[folder or ROOT]
        if row.live:
            return folder
        entry = replace(row.entry, parent=self._restored(row.entry.parent))
        other = sibling(self.tree(), str(folder), entry.parent, entry.name)
        if self._is_folder(other):
            return other
        if other is not None:
            entry = replace(entry, name=telling_name(self.tree(), entry.parent, entry.name, "library"))
        self._put(str(folder), entry)
        return folder

    def _folder(self, op: Op) -> Answer:
        row = self.rows.get(op.node)
        if row is not None and row.live:
            return self._answer(op, Outcome.EXISTS, op.node)
        if not self._is_folder(op.entry.parent):
            return self._refuse(op, "parent_gone")
        other = sibling(self.tree(), op.node, op.entry.parent, op.entry.name)
        if other is not None:
            return self._answer(op, Outcome.EXISTS, other) if self._is_folder(other) else self._refuse(op, "name_taken")
        self._put(op.node, replace(op.entry, version=0))
        return self._answer(op, Outcome.APPLIED, op.node)

    def _move(self, op: Op) -> Answer:
        row, wanted = self.rows.get(op.node), op.entry
        if row is None or not row.live:
            return self._refuse(op, "node_gone")
        if not self._is_folder(wanted.parent):
            return self._refuse(op, "parent_gone")
        if is_below(self.tree(), wanted.parent, op.node):
            return self._refuse(op, "would_loop")
        if sibling(self.tree(), op.node, wanted.parent, wanted.name) is not None:
            return self._refuse(op, "name_taken")
        if (row.entry.parent, row.entry.name) == (wanted.parent, wanted.name):
            return self._answer(op, Outcome.EXISTS, op.node)
        self._put(op.node, replace(row.entry, parent=wanted.parent, name=wanted.name))
        return self._answer(op, Outcome.APPLIED, op.node)

    def _delete(self, op: Op) -> Answer:
        inside = any(entry.parent == op.node for entry in self.tree().values())
        match decide_delete(self._state(op.node), base_version=op.entry.version, recursive=False, has_children=inside):
            case DeleteDecision.GONE:
                return self._answer(op, Outcome.EXISTS, op.node)
            case DeleteDecision.KEEP:
                return self._answer(op, Outcome.KEPT, op.node)
            case DeleteDecision.REFUSE_NOT_EMPTY:
                return self._refuse(op, "not_empty")
        self._put(op.node, self.rows[op.node].entry, live=False)
        return self._answer(op, Outcome.APPLIED, op.node)

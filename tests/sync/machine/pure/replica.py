"""An agent that is nothing but a plan and whoever carries it out: what is here, what both sides agreed on, what the library said, and
which operations are unanswered. Everything in it survives a crash, except for a plan that is half carried out: it is made anew.

Steps are carried out strictly, as a disk would: nothing goes into a folder that is not there, no folder goes away with something in it,
and none is moved into itself. Two files that are to have one name are not the plan's business: the newcomer is parked until it is free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sync.core.paths import name_key
from sync.core.plan import Decision, Entry, Step
from sync.core.protocol import Outcome
from tests.sync.machine.ledger import Violation
from tests.sync.machine.pure.library import ROOT, Answer, Kind, Op, is_below, sibling, telling_name

Plan = Callable[[Mapping[str, Entry], Mapping[str, Entry], Mapping[str, Entry], Sequence[str]], list[Step]]
Tree = dict[str, Entry]
_SENT = frozenset({Decision.SEND, Decision.KEEP_BOTH, Decision.SEND_DELETE, Decision.SEND_MOVE})


@dataclass
class Replica:
    """journal: unanswered operations, or answered ones of which the feed has still to tell, in order. parked: nodes whose name is taken."""

    name: str
    plan: Plan
    local: Tree = field(default_factory=dict)
    base: Tree = field(default_factory=dict)
    remote: Tree = field(default_factory=lambda: {ROOT: Entry(None, "", None)})
    cursor: int = 0
    journal: dict[str, Op] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    parked: set[str] = field(default_factory=set)
    counted: int = 0

    # --- what comes in ------------------------------------------------------------------------------------------------

    def page(self, cursor: int, tree: Tree) -> None:
        """The feed: how the library was at this number. An older one than is known says nothing."""
        if cursor >= self.cursor:
            self.cursor, self.remote = cursor, dict(tree)
            self._settle_answers()

    def answered(self, answers: Sequence[Answer]) -> None:
        """Answers, in any order and any number of times."""
        self.answers.update({answer.op_id: answer for answer in answers if answer.op_id in self.journal})
        self._settle_answers()

    def _settle_answers(self) -> None:
        """Take note of the answers of whose changes the feed has told."""
        for op_id, answer in list(self.answers.items()):
            if answer.seq <= self.cursor:
                op = self.journal.pop(op_id)
                del self.answers[op_id]
                if answer.outcome is Outcome.REFUSED:
                    self._refused(op, answer)
                elif answer.node is not None and answer.row is not None:
                    self._settled(op, answer, answer.node, answer.row)
        self._unpark()

    def _settled(self, op: Op, answer: Answer, node: str, row: Entry) -> None:
        base = self.base.get(node)
        match op.kind, answer.outcome:
            case ((Kind.COMMIT | Kind.FOLDER), _) if answer.outcome is Outcome.CONFLICT or node != op.node:
                self._become(op, node, row)
            case Kind.COMMIT, _ if base is not None:
                self.base[node] = replace(base, content=row.content, version=row.version)
            case ((Kind.COMMIT | Kind.FOLDER), _):
                self.base[node] = row
            case Kind.MOVE, _ if base is not None:
                self.base[node] = replace(base, parent=row.parent, name=row.name)
            case Kind.DELETE, Outcome.APPLIED | Outcome.EXISTS:
                self.base.pop(node, None)

    def _become(self, op: Op, node: str, row: Entry) -> None:
        """What was sent as one node is another one in the library: a second head, or what was there already."""
        here = self.local.get(op.node)
        self.base.pop(op.node, None)
        if node != op.node and node in self.local and node != ROOT:
            if here is not None and here.content is None:
                self._move_inside(op.node, node)
                self._remove(op.node)
            elif here is not None and here.content == row.content:
                self._remove(op.node)
            return  # else somebody went on with it: it is sent once more, and becomes what it is by then
        self.base[node] = row
        if here is not None:
            self._remove(op.node)
            moved = (here.parent, here.name) != (op.entry.parent, op.entry.name)
            place = here if moved else row
            self._put(node, Entry(place.parent if place.parent in self.local else here.parent, place.name, here.content, row.version))
            self._move_inside(op.node, node)

    def _move_inside(self, former: str, folder: str) -> None:
        for inside, entry in list(self.local.items()):
            if entry.parent == former:
                self._put(inside, replace(entry, parent=folder))

    def _refused(self, op: Op, answer: Answer) -> None:
        """A name that somebody else has, and keeps: whoever comes second steps aside. All else is looked at again by the next plan."""
        here = self.local.get(op.node)
        if answer.refused != "name_taken" or here is None or (here.parent, here.name) != (op.entry.parent, op.entry.name):
            return
        other = sibling(self.remote, op.node, here.parent, here.name)
        if other is not None and self._stays(other, here):
            self._put(op.node, replace(here, name=telling_name({**self.remote, **self.local}, here.parent, here.name, self.name)))

    # --- names --------------------------------------------------------------------------------------------------------

    def _stays(self, other: str, place: Entry) -> bool:
        """Whether what has this name in the library has it here as well, or is to have it."""
        here = self.local.get(other)
        if here is None:
            return other not in self.base and all(op.node != other for op in self.journal.values())
        return here.parent == place.parent and name_key(here.name) == name_key(place.name)

    def visible(self) -> Tree:
        """What a person sees: all but what is parked, with what lies in it."""
        hidden = set(self.parked)
        return {node: entry for node, entry in self.local.items() if not any(is_below(self.local, node, each) for each in hidden)}

    def _put(self, node: str, entry: Entry) -> None:
        shown = {each: there for each, there in self.local.items() if each not in self.parked}
        self.local[node] = entry
        if sibling(shown, node, entry.parent, entry.name) is None:
            self.parked.discard(node)
        else:
            self.parked.add(node)

    def _remove(self, node: str) -> None:
        self.local.pop(node, None)
        self.parked.discard(node)

    def _unpark(self) -> None:
        for node in sorted(self.parked):
            self._put(node, self.local[node])

    # --- what people do -----------------------------------------------------------------------------------------------

    def save(self, node: str, entry: Entry) -> None:
        """A person made, changed or moved this."""
        self._put(node, entry)
        self._unpark()

    def delete(self, node: str) -> None:
        """A person took this away."""
        self._remove(node)
        self._unpark()

    # --- the plan, carried out ----------------------------------------------------------------------------------------

    def work(self, most: int | None = None) -> int:
        """Make a plan and carry out the first steps of it, all with None; returns how many were done or sent."""
        steps = self.plan(self.local, self.base, self.remote, [op.node for op in self.journal.values()])
        self._agree({step.node for step in steps})
        done, there = 0, self._expected()
        waiting: list[Step] = []
        for number, step in enumerate(steps[:most]):
            if step.decision in _SENT:
                later = set() if waiting else {each.node for each in steps[number + 1 :] if each.decision in _SENT}
                sent = self._send(step, there, later)
                done += sent
                waiting += [] if sent else [step]
            elif step.decision is not Decision.WAIT:
                self._carry_out(step)
                done += 1
        self._unpark()
        if not done and not self.journal and most is None:
            done = any(self._give_way(step) for step in waiting)
        return done

    def _agree(self, planned: set[str]) -> None:
        """What no step names is as the library says."""
        for node, entry in self.remote.items():
            if node not in planned:
                if node not in self.local:
                    raise Violation(f"P2 {self.name} has no {node}, and its plan does not say so")
                self.base[node] = entry
                self.local[node] = replace(self.local[node], version=entry.version)

    def _carry_out(self, step: Step) -> None:
        node, entry = step.node, step.entry
        if entry is None:
            if step.decision is Decision.DROP and any(inside.parent == node for inside in self.local.values()):
                raise Violation(f"P5 {self.name} takes {node} away with something in it")
            if step.decision is Decision.DROP:
                self._remove(node)
            self.base.pop(node, None)
            return
        there = self.remote[node]
        if node != ROOT and entry.parent not in self.local:
            raise Violation(f"P5 {self.name} puts {node} into {entry.parent}, which is not there")
        if is_below(self.local, entry.parent, node):
            raise Violation(f"P5 {self.name} puts {node} into itself")
        base = self.base.get(node, there)
        place = there if (entry.parent, entry.name) == (there.parent, there.name) else base
        self.base[node] = Entry(place.parent, place.name, there.content, there.version)
        self._put(node, entry)

    def _send(self, step: Step, there: Tree, later: set[str]) -> bool:
        """Write an operation down; returns False for one that has to wait. there: the library, as far as it is known, after the operations
        before this one. later: what this plan sends after it, and so must not be needed for it.
        """
        node, here, head, base = step.node, self.local.get(step.node), self.remote.get(step.node), self.base.get(step.node)
        seen = base.version if base else 0
        if head is not None and base is not None and head.content == base.content:
            seen = head.version
        if step.decision is Decision.SEND_DELETE:
            inside = [each for each, entry in there.items() if entry.parent == node]
            if later.intersection(inside):
                raise Violation(f"P5 {self.name} deletes {node} before what is in it")
            return not inside and self._note(Kind.DELETE, node, Entry(None, "", None, seen), there)
        if here is None or step.entry is None:
            raise Violation(f"P3 {self.name} sends {node}, which it has not")
        if head is not None and step.decision is not Decision.SEND_MOVE:
            return self._note(Kind.COMMIT, node, replace(here, version=seen), there)
        if here.parent in later and here.parent not in there:
            raise Violation(f"P5 {self.name} sends {node} before its folder")
        loops, other = is_below(there, here.parent, node), sibling(there, node, here.parent, here.name)
        if loops and any(is_below(there, here.parent, each) and is_below(there, each, node) for each in later):
            raise Violation(f"P5 {self.name} sends {node} into itself, before what will lead out of it")
        if here.parent not in there or loops or (other is not None and not self._stays(other, here)):
            return False
        return self._note(self._kind(node, here), node, replace(here, version=seen), there)

    def _give_way(self, step: Step) -> bool:
        """Names that become free only by each other: one goes by a name of its own, for a moment."""
        here, head = self.local.get(step.node), self.remote.get(step.node)
        if here is None or step.decision is Decision.SEND_DELETE:
            return False
        folder = here.parent
        if folder not in self.remote or is_below(self.remote, folder, step.node):
            folder = head.parent if head is not None else None
        entry = replace(here, parent=folder, name=f"{here.name} of {step.node}")
        if folder is None or (head is not None and (head.parent, head.name) == (entry.parent, entry.name)):
            return False
        return self._note(self._kind(step.node, here), step.node, entry, {})

    def _kind(self, node: str, here: Entry) -> Kind:
        if node in self.remote:
            return Kind.MOVE
        return Kind.FOLDER if here.content is None else Kind.COMMIT

    def _note(self, kind: Kind, node: str, entry: Entry, there: Tree) -> bool:
        self.counted += 1
        op = Op(f"{self.name} {self.counted}", kind, node, entry, self.name)
        self.journal[op.op_id] = op
        _expect(op, there)
        return True

    def _expected(self) -> Tree:
        """The library as it is known, after what it was asked for and has not answered."""
        there = dict(self.remote)
        for op in self.journal.values():
            _expect(op, there)
        return there


def _expect(op: Op, there: Tree) -> None:
    if op.kind is Kind.DELETE:
        there.pop(op.node, None)
    elif op.kind is not Kind.COMMIT or op.node not in there:
        there[op.node] = op.entry

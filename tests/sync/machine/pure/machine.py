"""State machine (b): two or three agents that are only a plan, a library that is only its rules, a line that loses, repeats and reorders.

Hypothesis makes up the steps. What is on the line are the requests, answers and pages themselves, each to be delivered, lost or repeated
at any later time, so that every upload and download happens somewhere between its beginning and its end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sync.core.hashing import Address, address_of
from sync.core.paths import name_key
from sync.core.plan import Decision, Entry
from sync.core.plan import plan as real_plan
from tests.sync.machine.ledger import Violation
from tests.sync.machine.pure.library import ROOT, Answer, Library, Op, is_below, sibling
from tests.sync.machine.pure.replica import Plan, Replica, Tree

NAMES = ("a.psd", "A.psd", "b.txt", "f", "g")
COMMON = tuple(address_of(name.encode()) for name in ("logo", "empty"))
"""Contents that several people save independently. Of these nobody can say whose copy it was."""
ROUNDS = 30
AGENTS = st.integers(0, 2)
PICK = st.integers(0, 40)
ACTS = st.sampled_from(("edit", "take_back", "make_folder", "move", "delete", "delete_above"))


@dataclass
class Message:
    """Something on the line. by: the agent that asked, to which answers and pages go."""

    by: int
    what: tuple[Op, ...] | tuple[Answer, ...] | tuple[int, Tree]
    kind: str


class PlanMachine(RuleBasedStateMachine):
    """See module. plan, swap, durable: what a bug planted on purpose takes the place of. steps: carried out by all machines so far."""

    plan: ClassVar[Plan] = staticmethod(real_plan)  # type: ignore[assignment]
    swap = True
    durable = True
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.library = Library(swap=self.swap)
        self.agents: list[Replica] = []
        self.line: list[Message] = []
        self.made = 0
        self.saved: set[Address] = set()
        self.replaced: set[Address] = set()
        self.offered: set[Address] = set(COMMON)
        self.agreed: Tree = {}
        self.content_by: dict[str, set[int]] = {}
        self.place_by: dict[str, set[int]] = {}

    @initialize(agents=st.integers(2, 3), alone=st.booleans(), tree=st.booleans())
    def begin(self, agents: int, alone: bool, tree: bool) -> None:
        """alone: one of them writes, the others only read. tree: there is something in the library already."""
        self.agents = [Replica(name, type(self).plan) for name in ("lin", "wang", "zhao")[:agents]]
        self.writers = 1 if alone else agents
        self.exchange(0)
        if tree:
            for node, parent, name in (("f1", ROOT, "f"), ("f2", "f1", "g"), ("f3", ROOT, "g"), ("f4", "f3", "f")):
                self.save(0, node, Entry(parent, name, None))
            for node, parent, name in (("x1", ROOT, "a.psd"), ("x2", "f1", "a.psd"), ("x3", "f2", "b.txt"), ("x4", "f4", "a.psd")):
                self.save(0, node, Entry(parent, name, self.content(len(COMMON))))
        self.settle()

    def agent(self, number: int, *, writes: bool = False) -> tuple[int, Replica]:
        number %= self.writers if writes else len(self.agents)
        return number, self.agents[number]

    # --- people -------------------------------------------------------------------------------------------------------

    def folder(self, agent: Replica, pick: int) -> str:
        folders = sorted(node for node, entry in agent.visible().items() if entry.content is None)
        return folders[pick % len(folders)]

    def some(self, agent: Replica, pick: int) -> str | None:
        nodes = sorted({*agent.visible()} - {ROOT})
        return nodes[pick % len(nodes)] if nodes else None

    def free_names(self, agent: Replica, folder: str) -> list[str]:
        return [name for name in NAMES if sibling(agent.visible(), "", folder, name) is None]

    def content(self, common: int) -> Address:
        self.made += 1
        content = COMMON[common] if common < len(COMMON) else address_of(b"%d" % self.made)
        self.offered.add(content)
        if content not in COMMON:
            self.saved.add(content)
        return content

    def node(self) -> str:
        self.made += 1
        return f"n{self.made}"

    @rule(agent=AGENTS, where=PICK, name=st.sampled_from(NAMES), common=st.integers(0, 7))
    def write(self, agent: int, where: int, name: str, common: int) -> None:
        """Save under a name: a new file, or the next version of the one that has it."""
        number, pc = self.agent(agent, writes=True)
        parent = self.folder(pc, where)
        there = sibling(pc.visible(), "", parent, name)
        if there is None:
            self.save(number, self.node(), Entry(parent, name, self.content(common)))
        elif pc.local[there].content is not None:
            self.save(number, there, replace(pc.local[there], content=self.content(common)))

    @rule(agent=AGENTS, which=PICK, what=ACTS, where=PICK, name=PICK)
    def act(self, agent: int, which: int, what: str, where: int, name: int) -> None:
        """One person does something with a file or folder."""
        number, pc = self.agent(agent, writes=True)
        node = self.some(pc, which)
        if node is not None:
            getattr(self, what)(number, node, where, name)

    @rule(agent=AGENTS, which=PICK, acts=st.lists(st.tuples(st.booleans(), ACTS, PICK, PICK), min_size=2, max_size=6))
    def act_at_once(self, agent: int, which: int, acts: list[tuple[bool, str, int, int]]) -> None:
        """Two people do things with the same file or folder, and do not know of each other."""
        number, pc = self.agent(agent, writes=True)
        both = number, (number + 1) % self.writers
        nodes = sorted(({*pc.visible()} & {*self.agents[both[1]].visible()}) - {ROOT})
        for other, what, where, name in acts if nodes else ():
            node = nodes[which % len(nodes)]
            if node in self.agents[both[other]].visible():
                getattr(self, what)(both[other], node, where, name)

    def edit(self, number: int, node: str, common: int, name: int) -> None:
        """Save a file, or a new one in a folder."""
        pc = self.agents[number]
        if pc.local[node].content is not None:
            self.save(number, node, replace(pc.local[node], content=self.content(common % 8)))
        elif free := self.free_names(pc, node):
            self.save(number, self.node(), Entry(node, free[name % len(free)], self.content(common % 8)))

    def take_back(self, number: int, node: str, _where: int, _name: int) -> None:
        """Undo: the bytes are those of the version before again."""
        pc = self.agents[number]
        if node in pc.base and pc.base[node].content is not None:
            self.save(number, node, replace(pc.local[node], content=pc.base[node].content))

    def make_folder(self, number: int, node: str, _where: int, name: int) -> None:
        """In a folder, or beside a file."""
        pc = self.agents[number]
        parent = node if pc.local[node].content is None else str(pc.local[node].parent)
        if free := self.free_names(pc, parent):
            self.save(number, self.node(), Entry(parent, free[name % len(free)], None))

    def move(self, number: int, node: str, where: int, name: int) -> None:
        """Rename or move, a file or a folder with all in it."""
        pc = self.agents[number]
        parent = self.folder(pc, where)
        free = self.free_names(pc, parent)
        if free and not is_below(pc.local, parent, node):
            self.save(number, node, replace(pc.local[node], parent=parent, name=free[name % len(free)]))

    def delete(self, number: int, node: str, _where: int, _name: int) -> None:
        """Take a file away, or a folder with all in it, unless something in it waits for its name."""
        pc = self.agents[number]
        if any(is_below(pc.local, each, node) for each in pc.parked):
            return
        for each in sorted(pc.local, key=lambda each: depth(pc.local, each), reverse=True):
            if is_below(pc.local, each, node):
                self.touch(number, each, pc.local[each], None)
                pc.delete(each)

    def delete_above(self, number: int, node: str, where: int, name: int) -> None:
        """Take away the folder in which this is."""
        folder = self.agents[number].local[node].parent
        if folder not in (None, ROOT):
            self.delete(number, str(folder), where, name)

    @rule(agent=AGENTS, which=PICK, other=PICK)
    def change_places(self, agent: int, which: int, other: int) -> None:
        """Two change places, of which none lies in the other; or the inner one of two folders becomes the outer one."""
        number, pc = self.agent(agent, writes=True)
        one, two = self.some(pc, which), self.some(pc, other)
        if one is None or two is None or one == two or is_below(pc.local, one, two):
            return
        here, there = pc.local[one], pc.local[two]
        if not is_below(pc.local, two, one):
            self.save(number, one, replace(here, name="for a moment"))
            self.save(number, two, replace(there, parent=here.parent, name=here.name))
            self.save(number, one, replace(here, parent=there.parent, name=there.name))
        elif there.content is None and (free := self.free_names(pc, two)):
            self.save(number, two, replace(there, parent=here.parent, name="for a moment"))
            self.save(number, one, replace(here, parent=two, name=free[0]))
            self.save(number, two, replace(there, parent=here.parent, name=here.name))

    def save(self, number: int, node: str, entry: Entry) -> None:
        pc = self.agents[number]
        self.touch(number, node, pc.local.get(node), entry)
        pc.save(node, entry)

    def touch(self, number: int, node: str, before: Entry | None, after: Entry | None) -> None:
        """Note who changed what, and which bytes somebody who saw them gave up."""
        if before is not None and before.content is not None and (after is None or after.content != before.content):
            self.replaced.add(before.content)
        if before is None or after is None or before.content != after.content:
            self.content_by.setdefault(node, set()).add(number)
        if before is None or after is None or (before.parent, before.name) != (after.parent, after.name):
            self.place_by.setdefault(node, set()).add(number)

    # --- the line -----------------------------------------------------------------------------------------------------

    @rule(agent=AGENTS)
    def ask(self, agent: int) -> None:
        """The feed answers now; the page arrives later."""
        number, _pc = self.agent(agent)
        self.line.append(Message(number, (self.library.seq, self.library.tree()), "page"))

    @precondition(lambda self: any(pc.journal for pc in self.agents))
    @rule(agent=AGENTS)
    def send(self, agent: int) -> None:
        """Send what is unanswered, again if need be."""
        number, pc = self.agent(agent)
        if pc.journal:
            self.line.append(Message(number, tuple(pc.journal.values()), "request"))

    @precondition(lambda self: self.line)
    @rule(which=PICK, repeated=st.booleans())
    def deliver(self, which: int, repeated: bool) -> None:
        """Any message, in any order. repeated: it comes once more."""
        message = self.line[which % len(self.line)]
        if not repeated:
            self.line.remove(message)
        self.arrive(message)

    @precondition(lambda self: self.line)
    @rule(which=PICK)
    def lose(self, which: int) -> None:
        del self.line[which % len(self.line)]

    @precondition(lambda self: any(message.kind == "request" for message in self.line))
    @rule(which=PICK, count=st.integers(0, 5))
    def cut(self, which: int, count: int) -> None:
        """The library dies in the middle of a request: some of it is done, nobody is told."""
        requests = [message for message in self.line if message.kind == "request"]
        message = requests[which % len(requests)]
        self.line.remove(message)
        for op in message.what[:count]:
            self.library.answer(op)  # type: ignore[arg-type]

    def arrive(self, message: Message) -> None:
        if message.kind == "request":
            self.line.append(Message(message.by, tuple(self.library.answer(op) for op in message.what), "answers"))  # type: ignore[arg-type]
        elif message.kind == "answers":
            self.agents[message.by].answered(message.what)  # type: ignore[arg-type]
        else:
            self.agents[message.by].page(*message.what)  # type: ignore[arg-type]

    @rule(agent=AGENTS, most=st.integers(0, 8))
    def work(self, agent: int, most: int) -> None:
        """Plan, and carry out the first few steps."""
        self.agent(agent)[1].work(most)

    @rule(agent=AGENTS)
    def sync(self, agent: int) -> None:
        """All at once, as on a good day."""
        self.exchange(self.agent(agent)[0])

    @rule(agent=AGENTS)
    def crash(self, agent: int) -> None:
        """The agent dies: what is on its way to it is lost, and what it heard of answers; its requests may still arrive."""
        number, pc = self.agent(agent)
        self.line = [message for message in self.line if message.by != number or message.kind == "request"]
        pc.answers.clear()
        if not self.durable:
            pc.journal.clear()

    def exchange(self, number: int) -> int:
        """Feed, plan, send, answer, feed. How much there was to do."""
        pc = self.agents[number]
        pc.page(self.library.seq, self.library.tree())
        done = len(pc.journal) + pc.work()
        pc.answered([self.library.answer(op) for op in list(pc.journal.values())])
        pc.page(self.library.seq, self.library.tree())
        return done

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def whole(self) -> None:
        """P5, at every moment: nothing lies in a folder that is gone, nor in itself; no two things have one name."""
        type(self).steps += 1
        for pc in self.agents:
            check_tree(pc.name, pc.local, pc.parked)
        check_tree("library", self.library.tree(), set())

    @rule()
    def settle(self) -> None:
        """The line is up: within a bound all is at rest, and every property holds."""
        mine = dict(self.agents[0].visible())
        before = [dict(pc.local) for pc in self.agents]
        while self.line:
            self.arrive(self.line.pop(0))
        for _round in range(ROUNDS):
            if not sum([self.exchange(number) for number in range(len(self.agents))]):
                break
        else:
            raise Violation(f"P1 does not come to rest: {[pc.plan(pc.local, pc.base, pc.remote, ()) for pc in self.agents]}")
        tree = self.library.tree()
        self.check_replicas(tree)
        self.check_bytes(tree)
        self.check_alone(tree, mine)
        self.check_left_alone(tree, before)
        self.check_newcomer(tree)
        self.agreed, self.content_by, self.place_by = tree, {}, {}

    def check_replicas(self, tree: Tree) -> None:
        for pc in self.agents:
            if pc.journal or pc.parked:
                raise Violation(f"P1 {pc.name} waits: {pc.journal} {pc.parked}")
            if not pc.local == pc.base == pc.remote == tree:
                raise Violation(f"P2 {pc.name}: here {differing(pc.local, tree)}, agreed {differing(pc.base, tree)}")

    def check_bytes(self, tree: Tree) -> None:
        live = {entry.content for entry in tree.values() if entry.content is not None}
        if lost := self.saved - self.replaced - live:
            raise Violation(f"P3 bytes vanished that nobody replaced: {lost}")
        if strange := live - self.offered:
            raise Violation(f"P3 bytes that nobody saved: {strange}")

    def check_alone(self, tree: Tree, mine: Tree) -> None:
        """P4, and more: what one writer has, all have, and nothing else."""
        if self.writers > 1:
            return
        if copies := [row.entry.name for row in self.library.rows.values() if row.head_of]:
            raise Violation(f"P4 a conflict copy with one writer: {copies}")
        if unlike := differing(without_versions(mine), without_versions(tree)):
            raise Violation(f"P4 one writer's own files were changed: {unlike}")

    def check_left_alone(self, tree: Tree, before: list[Tree]) -> None:
        """P3 for what is no bytes: what nobody touched is as it was, what one alone changed or moved is as they left it."""
        for node, former in self.agreed.items():
            by_content, by_place = self.content_by.get(node, set()), self.place_by.get(node, set())
            if former.content is None or len(by_content) > 1 or len(by_place) > 1:
                continue
            content = (before[next(iter(by_content))] if by_content else self.agreed).get(node)
            place = (before[next(iter(by_place))] if by_place else self.agreed).get(node)
            if content is None or place is None:
                gone = by_content == by_place  # else one took it away, and the other changed or moved it
                if gone and node in tree:
                    raise Violation(f"P3 {node} was taken away by one alone and is there again")
            elif node not in tree or tree[node].content != content.content or (tree[node].parent != place.parent and place.parent in tree):
                raise Violation(f"P3 {node} was {content.content} in {place.parent}, and now {tree.get(node)}")

    def check_newcomer(self, tree: Tree) -> None:
        """P6: from the library alone the same tree, whether nothing is left here or only the index is lost."""
        newcomer = Replica("newcomer", type(self).plan)
        while newcomer.local != tree:
            newcomer.page(self.library.seq, tree)
            if not newcomer.work(3) or newcomer.journal:
                raise Violation(f"P6 a newcomer has {differing(newcomer.local, tree)}")
        steps = type(self).plan(tree, {}, tree, ())
        if unlike := [step for step in steps if step.decision is not Decision.ADOPT or step.entry != tree[step.node]]:
            raise Violation(f"P6 an index that was lost: {unlike}")

    def teardown(self) -> None:
        if self.agents:
            self.settle()


def depth(tree: Tree, node: str) -> int:
    """How many folders are above this."""
    entry = tree.get(node)
    return 0 if entry is None or entry.parent is None else 1 + depth(tree, entry.parent)


def check_tree(whose: str, tree: Tree, parked: set[str]) -> None:
    """Every folder is there, none lies in itself, and names are unique, but for those that wait for one."""
    names = set()
    for node, entry in tree.items():
        at, seen = entry.parent, {node}
        while at is not None:
            if at in seen or at not in tree or tree[at].content is not None:
                raise Violation(f"P5 {whose}: {node} lies in {at}, which is no folder there")
            seen.add(at)
            at = tree[at].parent
        key = entry.parent, name_key(entry.name)
        if node not in parked and key in names:
            raise Violation(f"P2 {whose}: two are called {key}")
        names |= {key} if node not in parked else set()


def without_versions(tree: Tree) -> Tree:
    """Places and contents alone."""
    return {node: replace(entry, version=0) for node, entry in tree.items()}


def differing(one: Tree, other: Tree) -> dict[str, Any]:
    """Where two trees differ."""
    return {node: (one.get(node), other.get(node)) for node in {*one, *other} if one.get(node) != other.get(node)}

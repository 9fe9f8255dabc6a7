"""The three-way decision: the table, both directions, and whole perturbed trees."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.hashing import address_of
from sync.core.plan import Decision, Entry, Head, decide, plan, wins_conflict

OLD = Entry("root", "a.psd", address_of(b"old"), 1)
HERE = Entry("root", "a.psd", address_of(b"here"), 1)
THERE = Entry("root", "a.psd", address_of(b"there"), 2)
MOVED_HERE = Entry("folder", "a.psd", OLD.content, 1)
MOVED_THERE = Entry("root", "b.psd", OLD.content, 1)


@pytest.mark.parametrize(
    ("local", "base", "remote", "decision"),
    [
        (OLD, OLD, OLD, Decision.NOTHING),
        (OLD, OLD, THERE, Decision.TAKE),
        (HERE, OLD, OLD, Decision.SEND),
        (HERE, OLD, HERE, Decision.ADOPT),
        (HERE, OLD, THERE, Decision.KEEP_BOTH),
        (None, OLD, OLD, Decision.SEND_DELETE),
        (None, OLD, THERE, Decision.TAKE),
        (OLD, OLD, None, Decision.DROP),
        (HERE, OLD, None, Decision.SEND),
        (None, OLD, None, Decision.FORGET),
        (HERE, None, None, Decision.SEND),
        (None, None, THERE, Decision.TAKE),
        (HERE, None, THERE, Decision.KEEP_BOTH),
        (HERE, None, HERE, Decision.ADOPT),
        (MOVED_HERE, OLD, OLD, Decision.SEND_MOVE),
        (OLD, OLD, MOVED_THERE, Decision.TAKE_MOVE),
        (MOVED_HERE, OLD, MOVED_THERE, Decision.TAKE_MOVE),
        (MOVED_HERE, OLD, MOVED_HERE, Decision.NOTHING),
    ],
)
def test_decide_when_sides_differ_then_by_the_table(local: Entry, base: Entry, remote: Entry, decision: Decision) -> None:
    assert decide(local, base, remote) is decision
    assert decide(local, base, remote, pending=True) is Decision.WAIT


heads = st.builds(Head, st.none() | st.integers(1, 5), st.integers(0, 3), st.binary(max_size=1).map(address_of))


@given(heads, heads)
def test_wins_conflict_when_asked_both_ways_round_then_exactly_one_wins(first: Head, second: Head) -> None:
    if first != second:
        assert wins_conflict(first, second) != wins_conflict(second, first)


def test_wins_conflict_when_one_is_committed_then_it_wins() -> None:
    mine, theirs = Head(None, 999, address_of(b"b")), Head(3, 1, address_of(b"a"))
    assert wins_conflict(theirs, mine)
    assert not wins_conflict(mine, theirs)


@given(st.data())
def test_decide_when_any_three_sides_then_no_edit_is_thrown_away(data: st.DataObject) -> None:
    """P3 in small: what only one side has and nobody replaced is never dropped or overwritten unseen."""
    sides = st.none() | st.sampled_from([OLD, HERE, THERE])
    local, base, remote = data.draw(sides), data.draw(st.none() | st.just(OLD)), data.draw(sides)
    decision = decide(local, base, remote)
    edited_here = local is not None and (base is None or local.content != base.content)
    edited_there = remote is not None and (base is None or remote.content != base.content)
    if edited_here and (remote is None or remote.content != local.content):
        assert decision in (Decision.SEND, Decision.KEEP_BOTH)
    if edited_there and (local is None or remote.content != local.content):
        assert decision in (Decision.TAKE, Decision.KEEP_BOTH)


def folder(parent: str | None, name: str) -> Entry:
    return Entry(parent, name, None)


def test_plan_when_a_tree_arrives_then_parents_come_first() -> None:
    remote = {"z": folder(None, ""), "m": folder("z", "m"), "a": Entry("m", "a", address_of(b"1"), 1)}
    assert [step.node for step in plan({}, {}, remote, ())] == ["z", "m", "a"]


def test_plan_when_a_tree_goes_then_children_go_first() -> None:
    tree = {"z": folder(None, ""), "m": folder("z", "m"), "a": Entry("m", "a", address_of(b"1"), 1)}
    steps = plan(tree, tree, {"z": tree["z"]}, ())
    assert [(step.node, step.decision) for step in steps] == [("a", Decision.DROP), ("m", Decision.DROP)]


def test_plan_when_the_folder_of_an_edit_is_gone_then_it_comes_back() -> None:
    base = {"z": folder(None, ""), "m": folder("z", "m"), "a": Entry("m", "a", address_of(b"1"), 1)}
    local = {**base, "a": Entry("m", "a", address_of(b"2"), 1)}
    steps = {step.node: step.decision for step in plan(local, base, {"z": base["z"]}, ())}
    assert steps == {"m": Decision.SEND, "a": Decision.SEND}


def apply(steps: list, local: dict, remote: dict) -> tuple[dict, dict]:
    """Carry a plan out on two trees the way the engine and the library do."""
    local, remote = dict(local), dict(remote)
    for step in steps:
        if step.decision in (Decision.DROP, Decision.FORGET, Decision.SEND_DELETE):
            local.pop(step.node, None)
            remote.pop(step.node, None)
        elif step.decision is Decision.KEEP_BOTH:
            copy = local[step.node]
            local[step.node] = remote[step.node]
            local[step.node + "'"] = remote[step.node + "'"] = copy
        elif step.decision is not Decision.WAIT:
            local[step.node] = remote[step.node] = step.entry
    return local, remote


@given(st.data())
def test_plan_when_trees_are_perturbed_then_one_pass_makes_them_equal(data: st.DataObject) -> None:
    """CanopyCheck in small: perturb one tree into three, plan, and demand convergence and rest."""
    contents = [address_of(bytes([n])) for n in range(3)]
    nodes = [f"{n}" for n in range(6)]

    def tree() -> dict[str, Entry]:
        chosen = data.draw(st.sets(st.sampled_from(nodes)))
        return {node: Entry(None, data.draw(st.sampled_from("xy")) + node, data.draw(st.sampled_from(contents)), 1) for node in chosen}

    local, base, remote = tree(), tree(), tree()
    after_local, after_remote = apply(plan(local, base, remote, ()), local, remote)
    assert after_local == after_remote
    assert plan(after_local, after_local, after_remote, ()) == []
    before = set(local.values()) | set(remote.values())
    survivors = {entry.content for entry in after_local.values()}
    for entry in before:
        edited = all(entry.content != old.content for old in base.values())
        assert not edited or entry.content in survivors


def test_plan_when_a_node_waits_for_an_answer_then_nothing_is_decided_about_it() -> None:
    for local, remote in itertools.product([None, HERE], [None, THERE]):
        steps = plan({"n": local} if local else {}, {"n": OLD}, {"n": remote} if remote else {}, {"n"})
        assert [step.decision for step in steps] == [Decision.WAIT]


TOP = folder(None, "")
F, G = folder("z", "f"), folder("z", "g")
X, NEXT, OURS = (Entry("f", "x", address_of(text), version) for text, version in ((b"1", 1), (b"2", 2), (b"3", 1)))
TREE = {"z": TOP, "f": F, "g": G, "x": X}


def without(tree: dict[str, Entry], *nodes: str) -> dict[str, Entry]:
    return {node: entry for node, entry in tree.items() if node not in nodes}


def inside(entry: Entry, parent: str) -> Entry:
    return replace(entry, parent=parent)


# What state machine (b) found, see docs/reference/sync-machine.md.
@pytest.mark.parametrize(
    ("local", "remote", "journal", "steps"),
    [
        pytest.param(
            *(without(TREE, "f", "x"), {**TREE, "y": X}, {"f", "x"}),
            [("f", Decision.WAIT, F), ("x", Decision.WAIT, X), ("y", Decision.WAIT, X)],
            id="nothing is put into a folder whose deletion is on its way",
        ),
        pytest.param(
            *(without(TREE, "f", "x"), TREE, {"x"}),
            [("f", Decision.WAIT, F), ("x", Decision.WAIT, X)],
            id="a deleted folder does not come back while the deletion of what was in it is on its way",
        ),
        pytest.param(
            *({**TREE, "x": OURS}, without(TREE, "f", "x"), {"x"}),
            [("f", Decision.WAIT, F), ("x", Decision.WAIT, OURS)],
            id="a folder stays here while a save in it is on its way",
        ),
        pytest.param(
            *({**TREE, "x": inside(OURS, "f")}, {**without(TREE, "f"), "x": inside(NEXT, "g")}, set()),
            [("f", Decision.SEND, F), ("x", Decision.KEEP_BOTH, inside(NEXT, "g"))],
            id="the folder of a second head stays",
        ),
        pytest.param(
            *({**TREE, "x": inside(X, "g")}, {**TREE, "x": NEXT}, set()),
            [("x", Decision.TAKE, inside(NEXT, "g"))],
            id="a move here and a save there both stand",
        ),
        pytest.param(
            *({**TREE, "x": OURS}, {**TREE, "x": inside(X, "g")}, set()),
            [("x", Decision.SEND, inside(OURS, "g"))],
            id="a save here and a move there both stand",
        ),
        pytest.param(
            *({**TREE, "f": inside(F, "g")}, {**TREE, "g": inside(G, "f")}, set()),
            [("f", Decision.TAKE_MOVE, F), ("g", Decision.TAKE_MOVE, inside(G, "f"))],
            id="of two folders moved into each other the library's move stands",
        ),
        pytest.param(
            *({**TREE, "f": inside(F, "g")}, {**TREE, "g": inside(G, "f")}, {"f"}),
            [("f", Decision.WAIT, inside(F, "g")), ("g", Decision.WAIT, G)],
            id="a folder is not moved into itself before the answer to the move the other way",
        ),
    ],
)
def test_plan_when_folders_and_answers_meet_then_nothing_lies_nowhere(
    local: dict[str, Entry], remote: dict[str, Entry], journal: set[str], steps: list[tuple[str, Decision, Entry]]
) -> None:
    found = sorted((step.node, step.decision, step.entry) for step in plan(local, TREE, remote, journal))
    assert found == steps


@pytest.mark.parametrize("by_us", [True, False])
def test_plan_when_the_inner_folder_becomes_the_outer_one_then_it_moves_first(by_us: bool) -> None:
    base = {"z": TOP, "f": F, "g": inside(G, "f")}
    turned = {"z": TOP, "f": inside(F, "g"), "g": G}
    local, remote = (turned, base) if by_us else (base, turned)
    assert [step.node for step in plan(local, base, remote, ())] == ["g", "f"]


def test_plan_when_a_folder_was_moved_up_and_then_deleted_then_what_is_in_it_goes_first() -> None:
    base = {"z": TOP, "g": G, "h": folder("g", "h"), "f": folder("h", "f"), "x": folder("z", "x")}
    remote = {**base, "f": F, "x": folder("f", "x")}
    steps = plan(without(base, "f", "x"), base, remote, ())
    assert [(step.node, step.decision) for step in steps] == [("x", Decision.SEND_DELETE), ("f", Decision.SEND_DELETE)]

"""Bugs planted on purpose into the plan: each is a line of it written otherwise, and each must be caught."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass

from sync.core import plan as module
from tests.sync.machine.pure.machine import PlanMachine
from tests.sync.machine.pure.replica import Plan

_SHARED = {"Entry", "Decision", "Step"}


@dataclass(frozen=True)
class Bug:
    """right: a text that is in plan.py once. wrong: what stands there instead. swap, durable: see PlanMachine."""

    right: str = ""
    wrong: str = ""
    swap: bool = True
    durable: bool = True


def written_otherwise(bug: Bug) -> Plan:
    """The plan with the bug in it."""
    source = inspect.getsource(module)
    if bug.right and source.count(bug.right) != 1:
        raise ValueError(f"not once in plan.py: {bug.right}")
    tree = ast.parse(source.replace(bug.right, bug.wrong) if bug.right else source)
    tree.body = [part for part in tree.body if not (isinstance(part, ast.ClassDef) and part.name in _SHARED)]
    names = dict(vars(module))
    exec(compile(tree, "plan.py with a bug", "exec"), names)
    return names["plan"]  # type: ignore[no-any-return]


def machine_with(bug: Bug) -> type[PlanMachine]:
    """A machine of its own, so that none of its bugs stays behind."""
    return type("Planted", (PlanMachine,), {"plan": staticmethod(written_otherwise(bug)), "swap": bug.swap, "durable": bug.durable})


_BOTH = "return Decision.ADOPT if local.content == remote.content else Decision.KEEP_BOTH"
_CHANGED = "return base is None or side.content != base.content"
_DELETED = "return Decision.SEND if _changed(local, base) else Decision.DROP"
_MOVED = "return Decision.TAKE_MOVE if _place(remote) != _place(base) else Decision.SEND_MOVE"
_RETURN = "decisions[folder] = Decision.SEND if decision is Decision.DROP else Decision.TAKE"
_LOOKED_AT = "while _open_rings(decisions, sides) or _wait_for_folders(decisions, sides):"
_ORDER = "return False, len(sides.above(step.node, decisions)), step.node"
_WAS = "return False, max(_depth(step.node, sides.local), _depth(step.node, sides.remote)), step.node"
_LAST = "sides.local if step.decision is Decision.DROP else sides.remote)"

PLANTED: dict[str, Bug] = {
    # The four of the spec.
    "no_compare_and_swap": Bug(swap=False),
    "clobbering_download": Bug(_BOTH, _BOTH.replace("KEEP_BOTH", "TAKE")),
    "no_journal": Bug(durable=False),
    "blind_delete": Bug("return Decision.TAKE if _changed(remote, base) else", "return Decision.TAKE if base is None else"),
    # One node.
    "the_feed_overtakes_the_answer": Bug("if pending:", "if pending and remote is None:"),
    "a_delete_beats_an_edit": Bug(_DELETED, "return Decision.SEND if base is None else Decision.DROP"),
    "a_delete_is_not_believed": Bug(_DELETED, "return Decision.SEND"),
    "what_is_gone_on_both_sides_is_remembered": Bug("return Decision.FORGET", "return Decision.NOTHING"),
    "the_same_bytes_are_a_conflict": Bug(_BOTH, "return Decision.KEEP_BOTH"),
    "what_is_new_is_no_change": Bug(_CHANGED, "return base is not None and side.content != base.content"),
    "versions_are_compared_in_place_of_bytes": Bug(_CHANGED, "return base is None or side.version != base.version"),
    "an_edit_there_is_not_taken": Bug("    if there:\n        return Decision.TAKE\n", ""),
    "a_move_is_not_seen": Bug("return entry.parent, entry.name", "return entry.parent, ''"),
    "moves_are_only_taken": Bug(_MOVED, "return Decision.TAKE_MOVE"),
    "moves_are_only_sent": Bug(_MOVED, "return Decision.SEND_MOVE"),
    # Whole trees.
    "an_edit_takes_a_move_back": Bug("decision in _BOTH_WAYS and", "decision in () and"),
    "a_save_moves_back": Bug("frozenset({Decision.TAKE, Decision.SEND, Decision.ADOPT})", "frozenset({Decision.TAKE, Decision.ADOPT})"),
    "a_folder_goes_with_what_is_in_it": Bug("    _keep_needed_folders(decisions, sides)\n", ""),
    "folders_return_on_the_wrong_side": Bug(_RETURN, _RETURN.replace("DROP", "SEND_DELETE")),
    "only_the_nearest_folder_is_kept": Bug("            needed += sides.places(folder, decisions[folder])\n", ""),
    "a_folder_goes_while_something_of_it_waits": Bug("for waits in (False, True):", "for waits in (False,):"),
    "a_folder_returns_while_something_of_it_waits": Bug("decisions[folder] = Decision.WAIT", _RETURN),
    "the_folder_of_a_second_head_goes": Bug("found.append(self.local[node])", "pass"),
    "a_ring_is_closed": Bug(_LOOKED_AT, "while _wait_for_folders(decisions, sides):"),
    "a_ring_waits_for_ever": Bug("if back:", "if back and not ring:"),
    "a_ring_is_closed_before_the_answer": Bug("decisions[node] = Decision.WAIT  # one", "continue  # one"),
    "what_goes_into_a_folder_does_not_wait_for_it": Bug(_LOOKED_AT, "while _open_rings(decisions, sides):"),
    "removals_come_first": Bug(_ORDER, _ORDER.replace("False", "True")),
    "children_come_before_parents": Bug(_ORDER, _ORDER.replace("len", "-len")),
    "the_order_is_of_where_things_were": Bug(_ORDER, _WAS),
    "folders_go_before_what_is_in_them": Bug("return True, -_depth(", "return True, _depth("),
    "removals_are_ordered_by_the_other_side": Bug(_LAST, "sides.remote if step.decision is Decision.DROP else sides.local)"),
    "removals_are_ordered_by_what_was_agreed": Bug(_LAST, "sides.base)"),
}

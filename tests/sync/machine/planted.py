"""Bugs planted on purpose: a machine that does not find them proves nothing. Each one is a mistake that sync engines have made."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from sync.agent import arrivals, engine
from sync.agent.content import Content
from sync.agent.journal import Journal, Kind
from sync.agent.tree import Tree
from sync.core.plan import Decision
from sync.library.assets import writer
from sync.library.assets.answers import Answers
from sync.library.assets.log import Receipt
from sync.library.assets.rules import CommitDecision, DeleteDecision, State, decide_commit
from tests.sync.machine.disk import stand_in

Plant = Callable[[], Callable[[], None]]


def _into(place: type | types.ModuleType, **names: Any) -> Callable[[], None]:
    return stand_in({place: names})  # type: ignore[dict-item]


def no_compare_and_swap() -> Callable[[], None]:
    """The library takes every save as the next version, whatever it was made from."""

    def decide(node: State | None, sibling: State | None, **facts: Any) -> CommitDecision:
        found = decide_commit(node, sibling, **facts)
        return CommitDecision.UPDATE if found is CommitDecision.SECOND_OF_NODE else found

    return _into(writer, decide_commit=decide)


def clobbering_download() -> Callable[[], None]:
    """What the feed brings is taken, although something here was not sent yet."""
    return _into(arrivals, decide=lambda *_sides, **_facts: Decision.TAKE)


def no_journal() -> Callable[[], None]:
    """After a crash nobody remembers what was to be sent."""
    recover = engine.recover

    def forgetful(tree: Tree) -> Any:
        found = recover(tree)
        with tree.index.transaction() as db:
            db.execute("DELETE FROM ops")
            db.execute("UPDATE files SET dirty=0 WHERE node IS NOT NULL")
        tree.index.forget()
        return found

    return _into(engine, recover=forgetful)


def blind_delete() -> Callable[[], None]:
    """A deletion takes away a version that whoever deleted never saw."""
    return _into(writer, decide_delete=lambda node, **_facts: DeleteDecision.DELETE if node and node.live else DeleteDecision.GONE)


def answer_not_stored() -> Callable[[], None]:
    """A repeated operation is carried out again."""
    return _into(Answers, keep=lambda self: None)


def rename_loses_pending_save() -> Callable[[], None]:
    """Moving a file forgets that it was still to be sent."""
    move = Tree._move_file

    def moved(self: Tree, file: Any, parent: int, name: str) -> None:
        move(self, file, parent, name)
        self.journal.drop_waiting(file.node, Kind.COMMIT)

    return _into(Tree, _move_file=moved)


def feed_overtakes_answer() -> Callable[[], None]:
    """The feed does not ask whether something of this file is on its way."""
    return _into(Journal, awaits=lambda *_arguments: False)


def answer_before_the_log() -> Callable[[], None]:
    """The library acknowledges what only its database knows."""
    return _into(Receipt, settle=lambda *_arguments: None)


def bytes_go_before_the_index() -> Callable[[], None]:
    """Bytes are removed while the transaction that gives them up may still come to nothing."""
    return _into(Content, drop_work=lambda self, ino: self.work_path(ino).unlink(missing_ok=True))


def half_a_save_is_sent() -> Callable[[], None]:
    """What is sent is read while a program writes over it."""
    snapshot = Tree.snapshot

    def hasty(self: Tree, ino: int) -> Any:
        file, writes = snapshot(self, ino)
        return (file._replace(unsaved=False) if file else None), writes

    return _into(Tree, snapshot=hasty)


def check_out_does_not_bind() -> Callable[[], None]:
    """The library takes a save of what somebody else has checked out."""
    return _into(writer, binding_leases=lambda *_arguments: {})


PLANTED: dict[str, Plant] = {
    plant.__name__: plant
    for plant in (
        no_compare_and_swap, clobbering_download, no_journal, blind_delete, answer_not_stored, rename_loses_pending_save,
        feed_overtakes_answer, answer_before_the_log, bytes_go_before_the_index, half_a_save_is_sent,
        check_out_does_not_bind,
    )
}  # fmt: skip

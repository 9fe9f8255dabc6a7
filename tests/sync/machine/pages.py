"""Runs in which people work on pages as well: they move, rename, delete and bring back there, and rights come and go.

At rest each agent has what its member may see; then all rights are given back, and everybody has everything. Bytes that could not be
sent any more, because a place went out of sight, count while they are kept on their machine. Stated limit: nobody works alone here,
because two names on two pages are two writers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from sqlalchemy import select

from sync.library.assets.actions import delete_node, move_nodes, rename_node, restore_node
from sync.library.assets.models import Node
from sync.library.grants.access import rights_of, shows, views_of
from sync.library.grants.actions import put_right
from sync.library.grants.models import FolderGrant
from sync.library.grants.rules import Subject, SubjectKind
from sync.library.libraries.rules import Right
from sync.library.quotas.actions import set_library_quota
from tests.sync.machine.luck import USER, WEIGHTS, Profile, Step, profile_of
from tests.sync.machine.pc import Pc
from tests.sync.machine.people import FILES, FOLDERS
from tests.sync.machine.real import RealWorld
from tests.sync.machine.run import Failure, Make, perform
from workspace.errors import MainlineError
from workspace.work import Work, open_work

PAGE_WEIGHTS = {"page_move": 5, "page_rename": 4, "page_delete": 2, "page_restore": 3, "page_right": 5, "page_library": 1, "page_quota": 1}
"""How often people do something on a page, beside `WEIGHTS`."""
_WEIGHTS = WEIGHTS | {"mkdir": 6, "move_folder": 5, "rmdir": 3} | PAGE_WEIGHTS
_RIGHTS = (Right.NONE, Right.NONE, Right.SEE, Right.EDIT, None, None)
_TOP_RIGHTS = (Right.NONE, Right.SEE, None, None)


class PagesWorld(RealWorld):
    """A run with pages. a, b, c of a step: which node, which folder, name or agent, and which right."""

    @contextmanager
    def _page(self, pc: Pc) -> Iterator[Work]:
        """A page of the agent's member; what they may not do there comes to nothing."""
        actor = self.library.server.actors[pc.number]
        with suppress(MainlineError), open_work(self.library.database, actor=actor, parts=self.library.parts) as work:
            yield work

    def _nodes(self, work: Work, *, live: bool = True, kind: str = "") -> list[Node]:
        query = select(Node).where(Node.library_id == self.library.id, Node.parent_id.is_not(None)).order_by(Node.seq, Node.id)
        found = work.session.scalars(query.where(Node.deleted_at.is_(None) if live else Node.deleted_at.is_not(None)))
        return [node for node in found if kind in ("", node.kind)]

    def _top(self, work: Work) -> Node:
        return work.session.get_one(Node, self.library.root)

    def _do_page_move(self, pc: Pc, step: Step) -> None:
        with self._page(pc) as work:
            folders = [*self._nodes(work, kind="folder"), self._top(work)]
            if nodes := self._nodes(work):
                move_nodes(work, [nodes[step.a % len(nodes)]], folders[step.b % len(folders)])

    def _do_page_rename(self, pc: Pc, step: Step) -> None:
        with self._page(pc) as work:
            if nodes := self._nodes(work):
                node = nodes[step.a % len(nodes)]
                names = (*FOLDERS, "F") if node.kind == "folder" else FILES
                rename_node(work, node, name=names[step.b % len(names)])

    def _do_page_delete(self, pc: Pc, step: Step) -> None:
        with self._page(pc) as work:
            if nodes := self._nodes(work):
                node = nodes[step.a % len(nodes)]
                inside = [node]
                for each in inside:  # grows while it is gone through
                    inside += [child for child in nodes if child.parent_id == each.id]
                seen = [self._content(str(each.digest)) for each in inside if each.kind == "file"]
                delete_node(work, node, base_version=node.version)
                for content in seen:
                    self.ledger.give_up(content)

    def _do_page_restore(self, pc: Pc, step: Step) -> None:
        with self._page(pc) as work:
            if nodes := self._nodes(work, live=False):
                restore_node(work, nodes[step.a % len(nodes)].id)

    def _do_page_right(self, pc: Pc, step: Step) -> None:
        with self._page(pc) as work:
            if folders := self._nodes(work, kind="folder"):
                self._put_right(work, folders[step.a % len(folders)], step.b, _RIGHTS[step.c % len(_RIGHTS)])

    def _do_page_library(self, pc: Pc, step: Step) -> None:
        with self._page(pc) as work:
            self._put_right(work, self._top(work), step.b, _TOP_RIGHTS[step.c % len(_TOP_RIGHTS)])

    def _do_page_quota(self, pc: Pc, step: Step) -> None:
        """The library is full from now on, or has room."""
        with self._page(pc) as work:
            set_library_quota(work, self.library.id, (0, None)[step.c % 2])

    def _put_right(self, work: Work, folder: Node, agent: int, right: Right | None) -> None:
        member = self.library.server.actors[agent % len(self.pcs)].member_id
        put_right(work, folder, Subject(SubjectKind.MEMBER, str(member)), right)

    # --- at rest ------------------------------------------------------------------------------------------------------

    def _do_settle(self, pc: Pc, step: Step) -> None:
        """Who may only look somewhere, or only at a folder, does not come to rest with what they had saved elsewhere before."""
        self._give_back(pc, lambda grant: grant.right == Right.SEE.stored)
        parts = self._who_see_parts(pc)
        self._give_back(pc, lambda grant: grant.folder_id == self.library.root and grant.subject_id in parts)
        for each in self.pcs:  # whoever sees the library
            self._do_page_quota(each, Step("page_quota", c=1))
        super()._do_settle(pc, step)
        if self._give_back(pc, lambda grant: True):
            super()._do_settle(pc, step)

    def _who_see_parts(self, pc: Pc) -> set[str]:
        members = {str(actor.member_id) for actor in self.library.server.actors}
        with self._page(pc) as work:
            views = {member: views_of(work, member_id=member).get(self.library.id) for member in members}
        return {member for member, view in views.items() if view is not None and view.best >= Right.SEE}

    def _give_back(self, pc: Pc, which: Callable[[FolderGrant], bool]) -> int:
        """Take grants to members away; returns how many there were."""
        own = select(FolderGrant).where(FolderGrant.subject_kind == SubjectKind.MEMBER, FolderGrant.library_id == self.library.id)
        with self._page(pc) as work:
            found = [grant for grant in work.session.scalars(own) if which(grant)]
            for grant in found:
                put_right(work, work.session.get_one(Node, grant.folder_id), Subject(SubjectKind.MEMBER, grant.subject_id), None)
            return len(found)
        return 0

    def _reborn(self, pc: Pc, power: bool) -> None:
        self._count_kept(pc)
        super()._reborn(pc, power)

    def _check(self) -> None:
        for pc in self.pcs:
            self._count_kept(pc)
        super()._check()

    def _count_kept(self, pc: Pc) -> None:
        for path in pc.engine.content.aside.glob("*"):
            self.ledger.give_up(path.read_bytes())

    def _check_replica(self, pc: Pc, live: dict[str, Node]) -> None:
        """What the member may see is what is there, and nothing else."""
        with self._page(pc) as work:
            view = views_of(work, library_id=self.library.id).get(self.library.id)
            nodes = [node for node in self._nodes(work) if view is not None]
            rights = rights_of(work, view, nodes) if view is not None else {}
            seen = {node.id: live[node.id] for node in nodes if view is not None and shows(view, node.id, rights[node.id])}
        super()._check_replica(pc, seen)

    def _check_recoverable(self, body: bytes) -> None:
        """A change of rights gives nodes numbers that no line of the log has."""


def pages_profile_of(seed: int) -> Profile:
    """The kind of a run: all agents' members work."""
    profile = profile_of(seed)
    return replace(profile, writers=profile.agents)


def pages_steps_of(seed: int, count: int, profile: Profile) -> list[Step]:
    """The steps of a run. They come to rest often: who gets everything back sees what went wrong before."""
    numbers = random.Random(f"steps {seed}")
    kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    without = {"jump": profile.jumps, "power": profile.power, "check_out": profile.leases, "check_in": profile.leases}
    steps = []
    for number in range(count):
        kind = numbers.choices(kinds, weights)[0]
        acts = kind in PAGE_WEIGHTS or kind in USER - {"read"}
        agent = numbers.randrange(profile.writers if acts else profile.agents)
        kind = kind if without.get(kind, True) else "tick"
        steps.append(Step(kind, agent, *(numbers.randrange(1000) for _ in range(3)), numbers.randrange(2**32)))
        if number % 40 == 39:
            steps.append(Step("settle", luck=numbers.randrange(2**32)))
    return [*steps, Step("settle")]


def run_pages_seed(make: Make, seed: int, count: int) -> tuple[int, Failure | None]:
    """A whole run by its seed."""
    profile = pages_profile_of(seed)
    return perform(make, profile, seed, pages_steps_of(seed, count, profile))

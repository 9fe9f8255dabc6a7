"""What grants mean together. Pure.

Walking from a folder up to the library's top, the nearest folder whose grants say anything about a person decides.
Within that folder a grant to the person beats those to their group, department or site; among these the highest counts.
``none`` there takes away what folders above would give.

no grant on the way names the person            NONE
group: see, department: edit                    EDIT
member: see, group: manage                      SEE
group: none (folder), group: edit (above)       NONE
member: none, group: edit                       NONE
group: none, department: see (same folder)      SEE
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from sync.library.libraries.rules import Right


class SubjectKind(StrEnum):
    """Whom a grant can name. A department counts with those below it, a city with its stores."""

    GROUP = "group"
    DEPARTMENT = "department"
    SITE = "site"
    MEMBER = "member"


@dataclass(frozen=True)
class Subject:
    kind: SubjectKind
    id: str


@dataclass(frozen=True)
class Grant:
    folder_id: str
    subject: Subject
    right: Right


def deciding(grants: Iterable[Grant]) -> list[Grant]:
    """Of the grants of one folder that name one person, those that count: their own, or else the highest."""
    listed = list(grants)
    own = [grant for grant in listed if grant.subject.kind is SubjectKind.MEMBER]
    highest = max((grant.right for grant in own or listed), default=Right.NONE)
    return [grant for grant in own or listed if grant.right is highest]


def decisions(grants: Iterable[Grant], subjects: Collection[Subject]) -> dict[str, Right]:
    """What each folder says about the person who is these subjects; folders that say nothing are left out."""
    naming: dict[str, list[Grant]] = defaultdict(list)
    for grant in grants:
        if grant.subject in subjects:
            naming[grant.folder_id].append(grant)
    return {folder_id: deciding(found)[0].right for folder_id, found in naming.items()}


def closed_upwards(links: Mapping[str, str], start: Iterable[str]) -> dict[str, str]:
    """Those links (folder -> its parent) that lie on the ways from ``start`` to the top."""
    found: dict[str, str] = {}
    for folder_id in start:
        while folder_id in links and folder_id not in found:
            found[folder_id] = links[folder_id]
            folder_id = links[folder_id]
    return found


@dataclass(frozen=True)
class View:
    """One person's rights in one library.

    decided: what folders say about the person. parents: folder -> its parent, on the ways from the decided folders to the top.
    buried: those decided folders that lie in the trash; they lead nowhere.
    """

    library_id: str
    root_id: str
    decided: Mapping[str, Right]
    parents: Mapping[str, str]
    buried: frozenset[str] = frozenset()

    @property
    def top(self) -> Right:
        """The right in the top folder."""
        return self.decided.get(self.root_id, Right.NONE)

    @property
    def is_even(self) -> bool:
        """The same everywhere in the library: only the top folder says anything about the person."""
        return self.decided.keys() <= {self.root_id}

    @property
    def sees_all(self) -> bool:
        return self.top >= Right.SEE and all(right >= Right.SEE for right in self.decided.values())

    @property
    def best(self) -> Right:
        """The highest right that the person has anywhere in the library."""
        return max((right for folder_id, right in self.decided.items() if folder_id not in self.buried), default=Right.NONE)

    @cached_property
    def leading(self) -> frozenset[str]:
        """Folders that the person may not see, but that lead to one which they may: these show their name and nothing else."""
        found: set[str] = set()
        for folder_id, right in self.decided.items():
            if right < Right.SEE or folder_id in self.buried:
                continue
            while (parent := self.parents.get(folder_id)) is not None and parent not in found:
                found.add(parent)
                folder_id = parent
        return frozenset(folder_id for folder_id in found if self.right_at(folder_id, self.parents) < Right.SEE)

    def decider_of(self, folder_id: str, parents: Mapping[str, str]) -> str | None:
        """The folder whose grants decide about this one; parents: the way from it to the top at least."""
        at: str | None = folder_id
        while at is not None and at not in self.decided:
            at = parents.get(at)
        return at

    def right_at(self, folder_id: str, parents: Mapping[str, str]) -> Right:
        decider = self.decider_of(folder_id, parents)
        return self.decided[decider] if decider is not None else Right.NONE

    def lies_below(self, folder_id: str, above: str) -> bool:
        """Whether a decided folder lies somewhere in ``above``."""
        at = self.parents.get(folder_id)
        while at is not None and at != above:
            at = self.parents.get(at)
        return at is not None

    def least_below(self, folder_id: str) -> Right:
        """The lowest right in any folder below this one that decides for itself; MANAGE where none does."""
        return min((right for found, right in self.decided.items() if self.lies_below(found, folder_id)), default=Right.MANAGE)

    @property
    def fingerprint(self) -> str:
        """Changes with each of the rights."""
        return " ".join(f"{folder_id}={right.stored}" for folder_id, right in sorted(self.decided.items()))

"""What a post may hold, whom it calls, who has read it, which events a part of the feed shows. Pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum

from workspace.events.kinds import N_

TEXT_LENGTH = 2000
MOST_MENTIONS = 10
MOST_FILES = 10
MOST_SEEN = 500
"""Posts that one report of a reader may name."""
LOUD_LEAST = 5
LOUD_AN_HOUR = 3
"""Posts of one member within an hour that tell most of a line."""
NAME_LENGTH = 60
EVERYBODY = (N_("所有人"), "everyone", "all")
"""What stands behind an @ that calls the whole line, in whatever language one writes."""
SUGGESTED = 8


class MentionKind(StrEnum):
    """In the order in which they are offered."""

    ALL = "all"
    MEMBER = "member"
    DEPARTMENT = "department"
    CITY = "city"
    ROLE = "role"


@dataclass(frozen=True)
class Insider:
    """Somebody in the line. departments, cities, roles: id -> name of all that they belong to, also of what stands above."""

    id: str
    name: str
    login: str
    departments: Mapping[str, str]
    cities: Mapping[str, str]
    roles: Mapping[str, str]


@dataclass(frozen=True)
class Called:
    """Whom an @ can call: one or several members of the line. note: what tells a person from another of that name."""

    kind: MentionKind
    id: str
    name: str
    members: frozenset[str]
    note: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.id}"


def callable_in(circle: Iterable[Insider]) -> list[Called]:
    """Everybody and everything that has a member in the line, by kind and name."""
    circle = list(circle)
    inside = frozenset(one.id for one in circle)
    found = [Called(MentionKind.ALL, "", name, inside) for name in EVERYBODY]
    found += [Called(MentionKind.MEMBER, one.id, one.name, frozenset({one.id}), next(iter(one.departments.values()), "")) for one in circle]
    found += _sets(MentionKind.DEPARTMENT, {one.id: one.departments for one in circle})
    found += _sets(MentionKind.CITY, {one.id: one.cities for one in circle})
    found += _sets(MentionKind.ROLE, {one.id: one.roles for one in circle})
    order = list(MentionKind)
    return sorted(found, key=lambda called: (order.index(called.kind), called.name if called.kind is not MentionKind.ALL else ""))


def _sets(kind: MentionKind, belongs: Mapping[str, Mapping[str, str]]) -> list[Called]:
    members: dict[str, set[str]] = defaultdict(set)
    names: dict[str, str] = {}
    for member_id, sets in belongs.items():
        for set_id, name in sets.items():
            members[set_id].add(member_id)
            names[set_id] = name
    return [Called(kind, set_id, names[set_id], frozenset(members[set_id])) for set_id in members]


_AT = re.compile(r"(?<![0-9A-Za-z._-])@")


def called_in(text: str, offered: Iterable[Called], chosen: Collection[str] = ()) -> list[Called]:
    """Those whom the text calls: behind each @ the longest name that is offered. chosen: keys that somebody picked.

    Where several share a name, the picked ones are meant, else all of them: it is worse to miss somebody than to tell one too many.
    """
    by_name: dict[str, list[Called]] = defaultdict(list)
    for called in offered:
        by_name[called.name.casefold()].append(called)
    found: dict[str, Called] = {}
    for at in _AT.finditer(text):
        name = _longest(text[at.end() : at.end() + NAME_LENGTH], by_name)
        bearers = by_name[name] if name else []
        meant = [called for called in bearers if called.key in chosen] or bearers
        found.update((called.key, called) for called in meant)
    return list(found.values())


def _longest(rest: str, names: Collection[str]) -> str:
    """The longest of the names that ``rest`` begins with; a Latin name ends where its word does."""
    folded = rest.casefold()
    for length in range(len(folded), 0, -1):
        name = folded[:length]
        if name in names and not (_is_latin(name[-1]) and _is_latin(folded[length : length + 1])):
            return name
    return ""


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def audience(called: Iterable[Called], *, author_id: str | None) -> set[str]:
    """Members who are told; nobody is told of what they wrote themselves."""
    return {member_id for one in called for member_id in one.members} - {author_id or ""}


def suggestions(
    offered: Iterable[Called], logins: Mapping[str, str], words: str, *, reader_id: str | None, everybody: str = EVERYBODY[0]
) -> list[Called]:
    """What fits the words behind an @: names that begin with them first, then those that hold them. logins: member id -> login.

    Nobody needs to call themselves. everybody: by which of its names the whole line is offered to who has typed nothing yet.
    """
    asked = words.strip().casefold()
    fitting: list[tuple[int, Called]] = []
    for called in offered:
        if not called.members - {reader_id} or (called.kind is MentionKind.ALL and called.name != everybody and not asked):
            continue
        place = called.name.casefold().find(asked)
        if place < 0 and logins.get(called.id, "").casefold().startswith(asked):
            place = 1
        if place >= 0:
            fitting.append((min(place, 1), called))
    best = [called for _place, called in sorted(fitting, key=lambda one: one[0])]
    whole = next((called for called in best if called.kind is MentionKind.ALL), None)
    return [called for called in best if called.kind is not MentionKind.ALL or called is whole][:SUGGESTED]


class Why(Enum):
    """Why something is refused."""

    EMPTY = "empty"
    TOO_LONG = "too long"
    TOO_MANY_MENTIONS = "too many mentions"
    TOO_MANY_FILES = "too many files"
    TOO_LOUD = "too loud"
    NOT_OWN = "not own"
    GONE = "gone"
    IN_AUDIT = "in audit"


@dataclass(frozen=True)
class Refuse:
    why: Why


def is_loud(told: int, inside: int) -> bool:
    """Whether a post that tells so many of so many calls most of the line, by whatever name: @所有人, or a department that is nearly all
    of it. Where few are in a line, nobody counts."""
    return told >= LOUD_LEAST and 2 * told >= inside


def decide_post(text: str, *, mentions: int, files: int, loud: int = 0) -> Refuse | None:
    """text: cleaned; a file needs a word with it, so that one knows what is asked. loud: for a loud post, how many its author wrote
    within the hour before it."""
    if not text:
        return Refuse(Why.EMPTY)
    if len(text) > TEXT_LENGTH:
        return Refuse(Why.TOO_LONG)
    if mentions > MOST_MENTIONS:
        return Refuse(Why.TOO_MANY_MENTIONS)
    if files > MOST_FILES:
        return Refuse(Why.TOO_MANY_FILES)
    return Refuse(Why.TOO_LOUD) if loud >= LOUD_AN_HOUR else None


def decide_withdrawal(*, own: bool, withdrawn: bool, in_audit: bool) -> Refuse | None:
    if not own:
        return Refuse(Why.NOT_OWN)
    if withdrawn:
        return Refuse(Why.GONE)
    return Refuse(Why.IN_AUDIT) if in_audit else None


def cursor_after(cursor: int, unread: Iterable[int], seen: Collection[int]) -> int:
    """How far somebody has read who saw these posts. unread: numbers of what they had not read.

    The newest post stands on top, so whoever sees it has not read what lies below: the cursor stops before the first unseen one.
    """
    for number in sorted(unread):
        if number not in seen:
            break
        cursor = number
    return cursor


@dataclass(frozen=True)
class Reading:
    """A member of the line: since when, and how far they have read."""

    member_id: str
    joined_at: datetime
    number: int


def readers_of(number: int, at: datetime, author_id: str, readings: Iterable[Reading]) -> tuple[list[str], list[str]]:
    """(who has read a post, who has not), of those who were in the line when it was made and still are. The author is not asked."""
    asked = [reading for reading in readings if reading.member_id != author_id and reading.joined_at <= at]
    read = [reading.member_id for reading in asked if reading.number >= number]
    return read, [reading.member_id for reading in asked if reading.number < number]


class Part(StrEnum):
    """Parts of the feed that can be shown alone."""

    POSTS = "posts"
    APPROVALS = "approvals"
    TASKS = "tasks"
    ASSETS = "assets"
    ALERTS = "alerts"


KINDS_OF: dict[Part, Sequence[str]] = {
    Part.POSTS: ("main_lines.post.",),
    Part.APPROVALS: ("main_lines.approval.",),
    Part.TASKS: ("main_lines.task.", "main_lines.plan."),
    Part.ASSETS: ("library.",),
    Part.ALERTS: ("main_lines.alert.",),
}
HIDDEN = ("main_lines.post.withdrawn", "main_lines.post.read")
"""A withdrawn post says so itself, in its place; who read what is shown with the post."""

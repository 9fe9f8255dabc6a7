"""Who looks at what right now: pure bookkeeping, no socket, no clock of its own, and nothing of it is ever stored.

A page names its subject (``task:…``) and the room whose members may see that (``line:…``), signed by the web process for its
reader. Whoever loses the room is gone from the subject at once; whoever leaves the page, a moment later, so that turning a
page does not flicker. Several tabs of one person are one person.

Realtime processes tell each other of their people (``news``, ``heard``); what one of them said is forgotten when it has been
silent for SILENT_S. What browsers are sent is bounded: at most SHOWN people and a number, and of one subject the rarer the
more look at it (TOLD_PER_S).
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from workspace.realtime_rooms import Sending

SHOWN = 9  # Eight faces, and the reader's own, which their browser leaves out.
LINGER_S = 2.0
TELL_AFTER_S = 0.2
TOLD_PER_S = 1000  # Messages about one subject that a process sends in a second: 3,000 who look hear of each other every 3 s.
EVERYTHING_EVERY_S = 10.0
SILENT_S = 25.0


@dataclass(frozen=True)
class Looker:
    """A person as others see them. room: whoever has it open may see the subject."""

    member: str
    name: str
    initials: str
    room: str


@dataclass
class _Subject:
    """tabs: those of this process, sid -> member. here: their people. until: of those without a tab, when they are gone.

    there: people of other processes. told: what was sent last, when, and to whom it was not. due: when to send again.
    """

    tabs: dict[str, str] = field(default_factory=dict)
    tabs_of: Counter[str] = field(default_factory=Counter)
    here: dict[str, Looker] = field(default_factory=dict)
    until: dict[str, float] = field(default_factory=dict)
    there: dict[str, dict[str, Looker]] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    told_at: float = float("-inf")
    untold: set[str] = field(default_factory=set)
    due: float | None = None

    def people(self) -> dict[str, Looker]:
        """Everybody once; those of this process first, in the order in which they came."""
        found = dict(self.here)
        for people in self.there.values():
            for member, looker in people.items():
                found.setdefault(member, looker)
        return found

    def drop_tab(self, sid: str) -> str:
        """Whose it was."""
        member = self.tabs.pop(sid)
        self.tabs_of[member] -= 1
        if not self.tabs_of[member]:
            del self.tabs_of[member]
        self.untold.discard(sid)
        return member


@dataclass
class Presence:
    """process: what this one calls itself to the others; empty for one that is alone. Times are of any clock that does not jump."""

    process: str = ""
    _subjects: dict[str, _Subject] = field(default_factory=dict)
    _looking_at: dict[str, str] = field(default_factory=dict)
    _of_member: dict[str, set[str]] = field(default_factory=dict)
    _lingering: set[str] = field(default_factory=set)
    _heard_at: dict[str, float] = field(default_factory=dict)
    _came: dict[tuple[str, str], Looker] = field(default_factory=dict)
    _went: set[tuple[str, str]] = field(default_factory=set)
    _everything_at: float = float("-inf")

    # What tabs do

    def look(self, sid: str, subject: str, looker: Looker, now: float) -> None:
        """This tab looks at the subject, and at nothing else any more."""
        if self._looking_at.get(sid) == subject:
            return
        self.away(sid, now)
        found = self._subject(subject)
        self._looking_at[sid] = subject
        found.tabs[sid] = looker.member
        found.tabs_of[looker.member] += 1
        found.untold.add(sid)
        found.until.pop(looker.member, None)
        if looker.member not in found.here:
            found.here[looker.member] = looker
            self._of_member.setdefault(looker.member, set()).add(subject)
            if self.process:
                self._came[subject, looker.member] = looker
                self._went.discard((subject, looker.member))
        _want_telling(found, now)

    def away(self, sid: str, now: float) -> None:
        """This tab looks at nothing: it is hidden, or closed, or its line is cut."""
        subject = self._looking_at.pop(sid, None)
        if subject is None:
            return
        found = self._subjects[subject]
        member = found.drop_tab(sid)
        if member not in found.tabs_of:
            found.until[member] = now + LINGER_S
            self._lingering.add(subject)

    def lost(self, member: str, rooms: Iterable[str], now: float) -> None:
        """A member has lost rooms: with this very event nobody sees them there, wherever they are connected."""
        closed = set(rooms)
        for subject in list(self._of_member.get(member, ())):
            found = self._subjects[subject]
            if not any(people[member].room in closed for people in (found.here, *found.there.values()) if member in people):
                continue
            for sid in [sid for sid, whose in found.tabs.items() if whose == member]:
                found.drop_tab(sid)
                del self._looking_at[sid]
            self._leave_here(subject, member)
            for process in list(found.there):
                self._leave_there(process, subject, member)
            found.due = now

    # What browsers are told

    def tell(self, now: float) -> list[Sending]:
        """What is to be sent now; asked a few times a second."""
        self._expire(now)
        out: list[Sending] = []
        for subject, found in list(self._subjects.items()):
            if found.due is None or now < found.due:
                continue
            people = list(found.people().values())
            shown = [[looker.member, looker.name, looker.initials] for looker in people[:SHOWN]]
            body = {"subject": subject, "count": len(people), "people": shown}
            sids = list(found.tabs if body != found.told else found.untold)
            found.told, found.told_at, found.due = body, now, None
            found.untold.clear()
            if sids:
                out.append((sids, "looking", body))
            if not people:
                del self._subjects[subject]
        return out

    # What processes tell each other

    def news(self, now: float) -> dict[str, Any] | None:
        """What the others are to hear: who came and went here since the last time, and now and then everybody; None = nothing."""
        said: dict[str, Any] | None = None
        if now >= self._everything_at:
            self._everything_at = now + EVERYTHING_EVERY_S
            here = [_plain(subject, looker) for subject, found in self._subjects.items() for looker in found.here.values()]
            said = {"process": self.process, "all": here}
        elif self._came or self._went:
            came = [_plain(subject, looker) for (subject, _member), looker in self._came.items()]
            said = {"process": self.process, "came": came, "went": sorted(self._went)}
        self._came.clear()
        self._went.clear()
        return said

    def heard(self, said: dict[str, Any], now: float) -> None:
        """Another process said this. One that was not heard of before is told everything in turn."""
        process = str(said["process"])
        if process == self.process:
            return
        if process not in self._heard_at:
            self._everything_at = now
        self._heard_at[process] = now
        if "all" in said:
            self._forget(process, now, but={(row[0], row[1]) for row in said["all"]})
        for subject, member, name, initials, room in said.get("all", said.get("came", ())):
            found, looker = self._subject(subject), Looker(member, name, initials, room)
            if found.there.setdefault(process, {}).get(member) != looker:
                found.there[process][member] = looker
                self._of_member.setdefault(member, set()).add(subject)
                _want_telling(found, now)
        for subject, member in said.get("went", ()):
            if self._leave_there(process, subject, member):
                _want_telling(self._subjects[subject], now)

    # Bookkeeping

    def _subject(self, subject: str) -> _Subject:
        return self._subjects.setdefault(subject, _Subject())

    def _expire(self, now: float) -> None:
        for subject in list(self._lingering):
            found = self._subjects.get(subject)
            for member in [member for member, until in found.until.items() if now >= until] if found else ():
                self._leave_here(subject, member)
                _want_telling(self._subjects[subject], now)
            if found is None or not found.until:
                self._lingering.discard(subject)
        for process in [process for process, at in self._heard_at.items() if now - at > SILENT_S]:
            del self._heard_at[process]
            self._forget(process, now)

    def _forget(self, process: str, now: float, *, but: Collection[tuple[str, str]] = ()) -> None:
        for subject, found in self._subjects.items():
            for member in [member for member in found.there.get(process, ()) if (subject, member) not in but]:
                self._leave_there(process, subject, member)
                _want_telling(found, now)

    def _leave_here(self, subject: str, member: str) -> None:
        found = self._subjects[subject]
        found.until.pop(member, None)
        if found.here.pop(member, None) is not None:
            self._unlink(subject, member)
            if self.process:
                self._came.pop((subject, member), None)
                self._went.add((subject, member))

    def _leave_there(self, process: str, subject: str, member: str) -> bool:
        found = self._subjects.get(subject)
        if found is None or found.there.get(process, {}).pop(member, None) is None:
            return False
        if not found.there[process]:
            del found.there[process]
        self._unlink(subject, member)
        return True

    def _unlink(self, subject: str, member: str) -> None:
        found, subjects = self._subjects[subject], self._of_member.get(member)
        if subjects is None or any(member in people for people in (found.here, *found.there.values())):
            return
        subjects.discard(subject)
        if not subjects:
            del self._of_member[member]


def _want_telling(found: _Subject, now: float) -> None:
    due = max(now + TELL_AFTER_S, found.told_at + len(found.tabs) / TOLD_PER_S)
    found.due = due if found.due is None else min(found.due, due)


def _plain(subject: str, looker: Looker) -> list[str]:
    return [subject, looker.member, looker.name, looker.initials, looker.room]

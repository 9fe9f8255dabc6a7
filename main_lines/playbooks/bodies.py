"""What forms, files and the API send about playbooks, and the one form in which a playbook is kept and exchanged."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints

from main_lines.gates.rules import GateKey
from main_lines.lines.bodies import Body, Day
from main_lines.lines.rules import LineKind, Phase
from main_lines.playbooks.models import NAME_LENGTH, NOTE_LENGTH
from main_lines.playbooks.rules import (
    ENTRIES_MOST,
    GATES_MOST,
    OFFSET_MOST,
    REQUIREMENTS_LENGTH,
    TITLE_LENGTH,
    Content,
    Entry,
    Milestone,
    Timing,
)

FORMAT = "mainline-playbook"
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
Offset = Annotated[int, Field(ge=-OFFSET_MOST, le=OFFSET_MOST)]
DepartmentName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH)]
BookId = Annotated[str, StringConstraints(max_length=26)]
Item = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]


class EntryBody(Body):
    """An order. offset: days from D-day; on: a date of its own instead. A draft may still lack its title or department."""

    key: Key
    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=TITLE_LENGTH)] = ""
    department: DepartmentName = ""
    phase: Literal[Phase.PREPARE, Phase.EXECUTE, Phase.REVIEW] = Phase.PREPARE
    offset: Offset | None = None
    on: Day | None = None
    days: Annotated[int, Field(ge=1, le=366)] = 1
    requirements: Annotated[str, StringConstraints(strip_whitespace=True, max_length=REQUIREMENTS_LENGTH)] = ""
    checklist: Annotated[list[Item], Field(max_length=2000)] = []
    needs: Annotated[list[Key], Field(max_length=ENTRIES_MOST)] = []
    expected: Annotated[list[Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)]], Field(max_length=30)] = []
    involved: Annotated[list[DepartmentName], Field(max_length=ENTRIES_MOST)] = []

    def entry(self) -> Entry:
        return Entry(
            key=self.key, department=self.department, offset=None if self.on else self.offset, days=self.days, title=self.title,
            requirements=self.requirements, phase=self.phase, needs=tuple(dict.fromkeys(self.needs)),
            checklist=tuple(item for item in self.checklist if item), on=self.on,
            expected=tuple(name for name in self.expected if name), involved=tuple(name for name in self.involved if name),
        )  # fmt: skip


class GateBody(Body):
    """gate: one of the gates that every line has, which needs no name; null for another day that everybody looks at."""

    gate: GateKey | None = None
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    offset: Offset


class ContentBody(Body):
    """departments: in their order; those that orders name besides are added behind them."""

    departments: Annotated[list[DepartmentName], Field(max_length=ENTRIES_MOST)] = []
    gates: Annotated[list[GateBody], Field(max_length=GATES_MOST)] = []
    orders: Annotated[list[EntryBody], Field(max_length=ENTRIES_MOST)] = []

    def content(self) -> Content:
        gates = tuple(Milestone("" if gate.gate else gate.name, gate.offset, gate.gate) for gate in self.gates)
        content = Content(tuple(order.entry() for order in self.orders), gates, tuple(self.departments))
        return Content(content.entries, gates, tuple(content.all_departments()))

    @classmethod
    def values_of(cls, content: Content) -> dict[str, Any]:
        """As it is kept and exchanged; ``model_validate`` of it gives the same content."""
        return {
            "departments": content.all_departments(),
            "gates": [{"name": gate.name, "offset": gate.offset, "gate": gate.gate.value if gate.gate else None} for gate in content.gates],
            "orders": [_entry_values(entry) for entry in content.entries],
        }


def _entry_values(entry: Entry) -> dict[str, Any]:
    return {
        "key": entry.key, "title": entry.title, "department": entry.department, "phase": entry.phase.value, "offset": entry.offset,
        "on": entry.on.isoformat() if entry.on else None, "days": entry.days, "requirements": entry.requirements,
        "checklist": list(entry.checklist), "needs": list(entry.needs),
        "expected": list(entry.expected), "involved": list(entry.involved),
    }  # fmt: skip


class DraftBody(ContentBody):
    """base: the version that it was begun with; 409 from ``versions`` when that is not the newest any more.

    writer: any name by which one window knows itself. seen: ``saved_at`` of the draft that it began with or kept last, empty for
    none; 409 when another window has kept one since. Without a writer nothing is compared.
    """

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=NAME_LENGTH)] = ""
    kind: LineKind = LineKind.PROMOTION
    base: Annotated[int, Field(ge=1, lt=2**31)]
    writer: Annotated[str, StringConstraints(max_length=40)] = ""
    seen: AwareDatetime | Literal[""] = ""


class VersionBody(ContentBody):
    """note: what was changed and why."""

    name: Name
    kind: LineKind = LineKind.PROMOTION
    base: Annotated[int, Field(ge=1, lt=2**31)]
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=NOTE_LENGTH)] = ""


class FileBody(ContentBody):
    """A playbook as a file. made_on: when it was exported; nothing depends on it."""

    format: Literal["mainline-playbook"]
    format_version: Literal[1] = 1
    name: Name
    kind: LineKind = LineKind.PROMOTION
    made_on: date | None = None

    @classmethod
    def values_for(cls, name: str, kind: LineKind, content: Content, made_on: date) -> dict[str, Any]:
        head = {"format": FORMAT, "format_version": 1, "name": name, "kind": kind.value, "made_on": made_on.isoformat()}
        return head | cls.values_of(content)


class NewPlaybookBody(Body):
    """of: the playbook to copy; empty begins with an empty one."""

    name: Name
    kind: LineKind = LineKind.PROMOTION
    of: BookId = ""


class TakeBody(Body):
    """A main line as a playbook. keep_names: people whose name stays in the texts; the others become their departments."""

    name: Name
    pinned: Literal["offsets", "dates"] = "offsets"
    cancelled: bool = False
    keep_names: Annotated[list[Annotated[str, StringConstraints(max_length=60)]], Field(max_length=500)] = []


class OpenLineBody(Body):
    """members: ids beside the actor, who becomes the director. playbook: empty, the key of a shipped one, or an id.

    timing: keep the playbook's days, or press what would begin before today into the days left ("today"). departments: name in
    the playbook -> id in the company, or "skip" to leave its orders out; what is not named goes to the department of the same name,
    else to the director's. owners: name in the playbook -> id of a member, who joins the line, or "nobody"; what is not named goes to
    the line's first member of that department. version: refused with 409 when the playbook has another one by now.
    """

    name: Name
    kind: LineKind = LineKind.PROMOTION
    d_day: Day
    goal: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    playbook: BookId = ""
    members: list[str] = []
    timing: Timing = Timing.KEEP
    version: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    departments: dict[str, BookId] = {}
    owners: dict[str, BookId] = {}

    def with_choices(self, departments: dict[str, str], owners: dict[str, str]) -> Self:
        """What a form says of them, whose fields are numbered."""
        return self.model_copy(update={"departments": departments, "owners": owners})

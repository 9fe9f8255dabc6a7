"""Which orders of a line somebody wants to see, on its page and in an export alike. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from main_lines.tasks.queries import TaskRow
from main_lines.tasks.rules import OPEN, State, Tone


class Show(StrEnum):
    """urgent: late, blocked or returned, which is what the battle map calls pressing."""

    URGENT = "urgent"
    WAITING = "waiting"
    DELIVERED = "delivered"
    OPEN = "open"
    DONE = "done"


@dataclass(frozen=True)
class Narrow:
    """department: id of one that carries orders out or takes part in them. Empty and None leave everything in."""

    department: str = ""
    phase: str = ""
    show: Show | None = None

    @classmethod
    def asked(cls, args: Mapping[str, str]) -> "Narrow":
        """As the address of a list says it; what is no way of showing leaves everything in."""
        show = args.get("show", "")
        return cls(args.get("department", ""), args.get("phase", ""), Show(show) if show in set(Show) else None)

    def keeps(self, row: TaskRow) -> bool:
        here = self.department in ("", row.department_id, *row.involved) and self.phase in ("", row.phase)
        return here and (self.show is None or _shows(self.show, row))


def _shows(show: Show, row: TaskRow) -> bool:
    match show:
        case Show.URGENT:
            return row.tone in (Tone.BLOCKED, Tone.LATE)
        case Show.WAITING:
            return row.state is State.WAITING
        case Show.DELIVERED:
            return row.state is State.DELIVERED
        case Show.OPEN:
            return row.state in OPEN
    return row.finished and not row.cancelled

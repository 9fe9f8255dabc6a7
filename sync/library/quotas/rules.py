"""Which limit stands in the way of a save, and what a person may type as one. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

GB = 1_000_000_000
MOST_GB = 1_000_000


@dataclass(frozen=True)
class Limit:
    """What holds for the members of a department and of those below it, or for a library. id: of which of them."""

    id: str
    name: str
    quota_bytes: int
    used_bytes: int

    @property
    def full(self) -> int:
        """0 to 100."""
        return min(100, self.used_bytes * 100 // self.quota_bytes) if self.quota_bytes else 100


def first_full(limits: Iterable[Limit], more_bytes: int) -> Limit | None:
    """The limit that so many bytes more would exceed."""
    return next((limit for limit in limits if limit.used_bytes + more_bytes > limit.quota_bytes), None)


def way_up(department_id: str, parents: Mapping[str, str | None]) -> list[str]:
    """A department and those above it, itself first."""
    found: list[str] = []
    at: str | None = department_id
    while at is not None and at not in found:
        found.append(at)
        at = parents.get(at)
    return found


def parse_gigabytes(text: str) -> int | None:
    """Bytes of what somebody typed, as "1.5"; None for no limit. ValueError for all that is no size from 0.001 to 1,000,000 GB."""
    text = text.strip().replace(",", "")
    if not text:
        return None
    value = float(text) if text.isascii() else math.nan
    if not 0.001 <= value <= MOST_GB:  # No number is neither.
        raise ValueError(f"no size: {text}")
    return round(value * GB)

"""What other parts of the product know of a place; each is asked only about lines that the reader is in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workspace.work import Work


@dataclass(frozen=True)
class DesktopsUp:
    """Desktops of a line's people at one place. simulated: at least one of them is."""

    up: int = 0
    all: int = 0
    simulated: bool = False

    def __add__(self, other: "DesktopsUp") -> "DesktopsUp":
        return DesktopsUp(self.up + other.up, self.all + other.all, self.simulated or other.simulated)


@dataclass(frozen=True)
class PlaceFacts:
    """A part of the process: facts of places that features above this one know. desktops: line -> by site.

    Who is present is not among them while nobody keeps attendance: pages say "unknown".
    """

    desktops: Callable[[Work, str], Mapping[str, DesktopsUp]]

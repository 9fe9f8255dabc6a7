"""What people call a city, a store or a department in a table. Pure.

Two cities may each have a store of one name. Such a store is found by its city and its name together; its name alone means either
of them, and whoever asks gets both, to say so rather than to guess.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_BETWEEN = re.compile(r"[\s·・•/\\|>＞—–_-]+")
"""What people write between a city and its store, if anything."""


@dataclass(frozen=True)
class Named:
    """key: whatever the caller knows it by. city: of a store, empty for anything else."""

    key: str
    name: str
    city: str = ""

    @property
    def full(self) -> str:
        return f"{self.city} {self.name}" if self.city else self.name


class Names:
    """Some of them, looked up by what somebody wrote."""

    def __init__(self, places: Iterable[Named]) -> None:
        self.places: Sequence[Named] = tuple(places)
        self._by_name: dict[str, list[Named]] = defaultdict(list)
        self._by_full: dict[str, list[Named]] = defaultdict(list)
        for place in self.places:
            self._by_name[plain(place.name)].append(place)
            if place.city:
                self._by_full[_joined(place.full)].append(place)
        self._names = {place.key: self._name(place) for place in self.places}

    def called(self, text: str, *, city: str = "") -> list[Named]:
        """Those that are meant: none, one, or several of one name. A city comes before stores that are called like it.

        city: the city in which it has to be, where the table says so elsewhere.
        """
        found = self._by_name.get(plain(text)) or self._by_full.get(_joined(text)) or []
        if city:
            return [place for place in found if plain(place.city) == plain(city)]
        return [place for place in found if not place.city] or list(found)

    def name_of(self, key: str) -> str:
        """By which it is found again: its name, with its city where that alone does not do. Empty for one that is not known."""
        return self._names.get(key, "")

    def names(self) -> dict[str, str]:
        """Name -> key, each as ``name_of`` says it."""
        return {name: key for key, name in self._names.items()}

    def _name(self, place: Named) -> str:
        return place.name if self.called(place.name) == [place] else place.full


def plain(text: str) -> str:
    """As names are compared: capitals, widths of characters and spaces do not matter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _joined(text: str) -> str:
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", text).casefold())

"""What people call a city, a store or a department in a table. Pure.

Two cities may each have a store of one name. Such a store is found by its code, or by its city and its name together; its name alone
means either of them, and whoever asks gets both, to say so rather than to guess. A code stays when a name changes.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CODE_LENGTH = 20
_CODE = re.compile(r"[\w./-]{1,20}")
_BETWEEN = re.compile(r"[\s·・•/\\|>＞—–_-]+")
"""What people write between a city and its store, if anything."""


@dataclass(frozen=True)
class Named:
    """key: whatever the caller knows it by. city, code: of a store, empty for anything else and for a store without a code."""

    key: str
    name: str
    city: str = ""
    code: str = ""

    @property
    def full(self) -> str:
        return f"{self.city} {self.name}" if self.city else self.name

    @property
    def with_code(self) -> str:
        return f"{self.name} {self.code}".rstrip()

    @property
    def label(self) -> str:
        """By which somebody tells it from others of its name."""
        return f"{self.full}（{self.code}）" if self.code else self.full


class Names:
    """Some of them, looked up by what somebody wrote."""

    def __init__(self, places: Iterable[Named]) -> None:
        self.places: Sequence[Named] = tuple(places)
        self._by_name: dict[str, list[Named]] = defaultdict(list)
        self._by_full: dict[str, list[Named]] = defaultdict(list)
        self._by_key = {place.key: place for place in self.places}
        self._by_code = {plain(place.code): place for place in self.places if place.code}
        for place in self.places:
            self._by_name[plain(place.name)].append(place)
            for full in {_joined(text) for text in (place.full, place.with_code, place.label) if text != place.name}:
                self._by_full[full].append(place)
        self._names = {place.key: self._name(place) for place in self.places}

    def called(self, text: str, *, city: str = "") -> list[Named]:
        """Those that are meant by a name or a code: none, one, or several. A city comes before stores that are called like it.

        city: the city in which it has to be, where the table says so elsewhere.
        """
        named, coded = self._by_name.get(plain(text)) or self._by_full.get(_joined(text)) or [], self.coded(text)
        found = named if coded is None or coded in named else [coded, *named]
        if city:
            return [place for place in found if plain(place.city) == plain(city)]
        return [place for place in found if not place.city] or list(found)

    def coded(self, text: str) -> Named | None:
        """The one that has this code."""
        return self._by_code.get(plain(text))

    def by_key(self, key: str) -> Named | None:
        return self._by_key.get(key)

    def codes(self) -> list[str]:
        return [place.code for place in self.places if place.code]

    def name_of(self, key: str) -> str:
        """By which it is found again: its name, with its city where that alone does not do, or with its code where that does not do either.
        Empty for one that is not known.
        """
        return self._names.get(key, "")

    def names(self) -> dict[str, str]:
        """Name -> key, each as ``name_of`` says it."""
        return {name: key for key, name in self._names.items()}

    def _name(self, place: Named) -> str:
        return next((name for name in (place.name, place.full, place.with_code) if self.called(name) == [place]), place.full)


def plain(text: str) -> str:
    """As names are compared: capitals, widths of characters and spaces do not matter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def code_in(text: str) -> str | None:
    """A store's code as it is kept; None for what cannot be one. Two are the same when ``plain`` says so."""
    code = unicodedata.normalize("NFKC", text).strip()
    return code if _CODE.fullmatch(code) else None


def _joined(text: str) -> str:
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", text).casefold())

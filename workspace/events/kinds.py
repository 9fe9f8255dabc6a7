"""What can happen. Each feature declares its own ``EventKind`` enum beside its models; here is the base.

A kind's value is ``area.thing.verb`` in the past tense; its words are the sentence by which a person reads it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from workspace.i18n import _
from workspace.phrases import said, within_quotes


class EventKind(StrEnum):
    """``NAME = "area.thing.verb", "sentence with %(actor)s and facts"``; the sentence is a gettext source text.

    Mark sentences with ``N_`` so that extraction finds them without translating at import time.
    """

    words: str

    def __new__(cls, value: str, words: str) -> "EventKind":
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words
        return member

    def sentence(self, facts: Mapping[str, Any]) -> str:
        """The sentence in the reader's language. A fact that is missing shows as a dash, never as an error.

        Facts named ``…_words`` are source texts of ours and are translated too, and those that have a phrase of theirs beside them, named
        ``…_said``, are said by it (see workspace.phrases); all others are shown as they are.
        """
        shown = {name: _(value) if name.endswith("_words") else _shown(value) for name, value in facts.items()}
        shown |= {name.removesuffix("_said"): said(value) for name, value in facts.items() if name.endswith("_said")}
        return _(self.words) % defaultdict(lambda: "—", within_quotes(self.words, shown))


def N_(text: str) -> str:
    """Mark a text for extraction and leave it as it is."""
    return text


_quiet: set[str] = set()


def make_quiet(*kinds: EventKind) -> None:
    """These move pages and stand in the audit, but in no feed: they come by the hundred, and would push out what people read."""
    _quiet.update(kind.value for kind in kinds)


def quiet_kinds() -> Iterator[str]:
    yield from sorted(_quiet)


def all_kinds() -> Iterator[EventKind]:
    """Every kind of every feature that has been imported."""
    for enum in EventKind.__subclasses__():
        yield from enum


_known: dict[str, EventKind] = {}


def kind_named(value: str) -> EventKind | None:
    if value not in _known:
        _known.update((kind.value, kind) for kind in all_kinds())
    return _known.get(value)


def _shown(value: Any) -> Any:
    return _("、").join(map(str, value)) if isinstance(value, list) else value

"""What a role can allow. Each feature declares its own ``Permission`` enum; values are ``area:thing:verb``."""

from collections.abc import Iterator
from enum import StrEnum

from workspace.i18n import _


class Permission(StrEnum):
    """``NAME = "area:thing:verb", "words"``; the words name it on the roles page."""

    words: str

    def __new__(cls, value: str, words: str) -> "Permission":
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words
        return member

    @property
    def label(self) -> str:
        return _(self.words)


def all_permissions() -> Iterator[Permission]:
    """Every permission of every feature that has been imported."""
    for enum in Permission.__subclasses__():
        yield from enum

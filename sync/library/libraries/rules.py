"""Rights in a library, from least to most. Pure."""

from enum import IntEnum


class Right(IntEnum):
    """Each right holds all lower ones. The names are what the grant table stores."""

    NONE = 0
    SEE = 1
    COMMENT = 2
    EDIT = 3
    MANAGE = 4

    @property
    def stored(self) -> str:
        return self.name.lower()


def right_named(name: str) -> Right:
    return Right[name.upper()]

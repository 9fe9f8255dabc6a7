"""What an alert can be about. Pure."""

from enum import StrEnum


class AlertKind(StrEnum):
    STOCK = "stock"
    BLOCKED = "blocked"
    LATE = "late"
    OTHER = "other"

"""The hash chain of an approval's log, as pure functions."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
CHAINED = (
    "approval_id",
    "seq",
    "step_id",
    "actor_id",
    "actor_name",
    "actor_department",
    "on_behalf_of_id",
    "verb",
    "comment",
    "payload",
    "key",
    "body_digest",
    "at",
)


def digest_of(value: Any) -> str:
    """SHA-256 of the value's canonical JSON, as 64 hex digits."""
    return hashlib.sha256(_canonical(value).encode()).hexdigest()


def action_hash(prev_hash: str, row: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{prev_hash}\n{_canonical({name: row[name] for name in CHAINED})}".encode()).hexdigest()


def first_broken(rows: Iterable[Mapping[str, Any]], *, length: int, last_hash: str) -> int | None:
    """seq of the first row that does not follow from its predecessor, or of the first that is missing; None when all holds.

    length, last_hash: as the approval itself remembers them, so that a cut tail is found.
    """
    prev_hash, seq = GENESIS, 0
    for seq, row in enumerate(rows, start=1):
        if row["seq"] != seq or row["prev_hash"] != prev_hash or row["hash"] != action_hash(prev_hash, row):
            return seq
        prev_hash = row["hash"]
    if seq != length:
        return min(seq, length) + 1
    return None if prev_hash == last_hash else seq


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} is not part of a log row")

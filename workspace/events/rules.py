"""The hash chain of the event table, as pure functions."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
CHAINED = ("seq", "kind", "at", "actor_id", "actor_name", "subject", "rooms", "facts", "rooms_changed", "origin")


def event_hash(prev_hash: str, row: Mapping[str, Any]) -> str:
    """SHA-256 over the predecessor's hash and the canonical JSON of the row's chained columns, as 64 hex digits."""
    text = _CANONICAL.encode({name: _plain(row[name]) for name in CHAINED})
    return hashlib.sha256(f"{prev_hash}\n{text}".encode()).hexdigest()


def first_broken(rows: Iterable[Mapping[str, Any]], *, start_hash: str = GENESIS, start_seq: int = 0) -> int | None:
    """Sequence of the first row that does not follow from its predecessor, or None when the chain holds.

    A cut tail cannot be seen from the rows alone: the caller compares the last hash with a kept anchor.
    """
    prev_hash, prev_seq = start_hash, start_seq
    for row in rows:
        if row["seq"] != prev_seq + 1 or row["prev_hash"] != prev_hash or row["hash"] != event_hash(prev_hash, row):
            return int(row["seq"])
        prev_hash, prev_seq = row["hash"], row["seq"]
    return None


def shown_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as clients get them: without ids, which are there for reactions.

    A reader of an event need not know everything that it names: an approver outside the main line must not learn
    from its id that there is one. What a client may open is the event's subject.
    """
    return {name: shown_facts(value) if isinstance(value, Mapping) else value for name, value in facts.items() if not name.endswith("_id")}


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value

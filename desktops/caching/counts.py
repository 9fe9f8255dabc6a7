"""What the cache saved: counted in its process, told in a small file, read by the worker for the page of hosts."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from workspace.settings import Settings


@dataclass(frozen=True)
class Counts:
    """Since the start. hit_bytes: stored bytes that the store was not asked for; fetched_bytes: those that it was."""

    hits: int = 0
    hit_bytes: int = 0
    fetches: int = 0
    fetched_bytes: int = 0
    used_bytes: int = 0


def hit_percent(counts: dict[str, Any]) -> int | None:
    """How much of what desktops read the store was not asked for; None before anything was read."""
    saved, fetched = counts.get("hit_bytes", 0), counts.get("fetched_bytes", 0)
    return 100 * saved // (saved + fetched) if saved + fetched else None


def tell_counts(settings: Settings, counts: Counts) -> None:
    """Write the file anew; a disk that is full keeps the former one."""
    path = _path(settings)
    part = path.with_suffix(".part")
    with contextlib.suppress(OSError):
        part.write_text(json.dumps(asdict(counts)))
        os.replace(part, path)


def cache_counts(settings: Settings) -> dict[str, Any] | None:
    """What was told last; None where no cache has said anything."""
    try:
        told = json.loads(_path(settings).read_bytes())
        return {field.name: int(told[field.name]) for field in fields(Counts)}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(settings: Settings) -> Path:
    return settings.data_dir / "chunks" / "counts.json"

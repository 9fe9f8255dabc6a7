"""A machine with an agent, as the parts of a run see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sync.agent.engine import Engine


@dataclass
class Pc:
    """One machine with an agent. open: handle numbers of programs that have not closed their files yet."""

    number: int
    state_dir: Path
    engine: Engine
    open: list[int] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    checked: set[str] = field(default_factory=set)

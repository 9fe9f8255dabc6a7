"""Which jobs, periodic jobs and reactions exist. Filled by decorators when feature modules are imported by app.py."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workspace.events.kinds import EventKind

Handler = Callable[..., None]


@dataclass(frozen=True)
class JobType:
    """lane: jobs of one lane share threads, so that slow libvirt calls never hold up a notice.

    lease_s: a job whose worker died runs again after this long. every_s: period of a periodic job, else None.
    """

    name: str
    handler: Handler
    lane: str
    lease_s: int
    max_attempts: int
    every_s: int | None = None


JOBS: dict[str, JobType] = {}
_REACTIONS: dict[str, list[str]] = defaultdict(list)


def job(name: str, *, lane: str = "quick", lease_s: int = 60, max_attempts: int = 12) -> Callable[[Handler], Handler]:
    """Register ``handler(run, **args)``; it must be idempotent, because it runs at least once."""
    return _register(name, lane=lane, lease_s=lease_s, max_attempts=max_attempts, every_s=None)


def periodic(name: str, *, every_s: int, lane: str = "quick", lease_s: int = 60) -> Callable[[Handler], Handler]:
    """Register ``handler(run)`` to run about every ``every_s`` seconds on one worker."""
    return _register(name, lane=lane, lease_s=lease_s, max_attempts=1, every_s=every_s)


def reacts_to(*kinds: EventKind, name: str) -> Callable[[Handler], Handler]:
    """Register ``handler(run, seq)`` to run once the event is committed; ``run.event(seq)`` loads it."""

    def decorate(handler: Handler) -> Handler:
        job(name)(handler)
        for kind in kinds:
            _REACTIONS[str(kind)].append(name)
        return handler

    return decorate


def lane_of(name: str) -> str:
    return JOBS[name].lane


def reactions_to(kind: EventKind) -> list[str]:
    return _REACTIONS.get(str(kind), [])


def lanes() -> set[str]:
    return {known.lane for known in JOBS.values()}


def _register(name: str, **options: Any) -> Callable[[Handler], Handler]:
    def decorate(handler: Handler) -> Handler:
        known = JOBS.get(name)
        if known is not None and known.handler.__qualname__ != handler.__qualname__:
            raise ValueError(f"two jobs are named {name}")
        JOBS[name] = JobType(name=name, handler=handler, **options)
        return handler

    return decorate

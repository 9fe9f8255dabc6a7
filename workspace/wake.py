"""Wake: tells the other processes at once that something was committed. A lost wake costs a poll, never data.

With Redis one channel reaches all machines; without, datagrams go to the unix sockets in ``run/wake``.
"""

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import Protocol

from workspace.errors import InvalidInput
from workspace.settings import Settings

CHANNEL = "mainline:wake"
SOCKET_PATH_BYTES = 107  # sockaddr_un.sun_path without its terminating zero
_LONGEST_NAME = "wake/4194304-00000000.sock"


def require_short_paths(run_dir: Path) -> None:
    """InvalidInput when sockets below this folder could not be opened: every process would start, and none hear of anything."""
    over = len(os.fsencode(run_dir / _LONGEST_NAME)) - SOCKET_PATH_BYTES
    if over > 0:
        raise InvalidInput(
            f"The path of the data folder is too long: {run_dir.parent}",
            f"Sockets below it may have {SOCKET_PATH_BYTES} bytes in all; choose one that is {over} bytes shorter, with --data-dir.",
        )


class Listener(Protocol):
    def wait(self, timeout_s: float) -> bool:
        """True when woken, False when the time ran out."""

    def close(self) -> None:
        """Stop listening."""


class Wake(Protocol):
    def __call__(self) -> None:
        """Wake every listener; never raises, never blocks."""

    def listener(self, *, own: bool = True) -> Listener:
        """own: whether it hears of what this process itself commits; False for who is told of that directly."""


class LocalWake:
    def __init__(self, run_dir: Path) -> None:
        self._folder = run_dir / "wake"

    def __call__(self) -> None:
        deaf = _others_of(os.getpid())
        with contextlib.suppress(FileNotFoundError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            for name in os.listdir(self._folder):
                if name.startswith(deaf) or not name.endswith(".sock"):
                    continue
                try:
                    sender.sendto(b"1", f"{self._folder}/{name}")
                except BlockingIOError:
                    continue  # Its queue is full: it will wake anyway.
                except OSError:
                    (self._folder / name).unlink(missing_ok=True)  # Its process is gone.

    def listener(self, *, own: bool = True) -> "_LocalListener":
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{os.getpid()}-" if own else _others_of(os.getpid())
        return _LocalListener(self._folder / f"{name}{os.urandom(4).hex()}.sock")


def _others_of(pid: int) -> str:
    """How the names of sockets begin that hear of other processes alone."""
    return f"{pid}~"


class _LocalListener:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        self._socket.close()

    def wait(self, timeout_s: float) -> bool:
        self._socket.settimeout(timeout_s)
        try:
            self._socket.recv(16)
        except TimeoutError:
            return False
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(16)
        return True


class RedisWake:
    def __init__(self, url: str) -> None:
        import redis

        self._redis = redis.Redis.from_url(url, socket_timeout=5, health_check_interval=15)
        self._mark = os.urandom(8).hex()
        self._errors = redis.RedisError

    def __call__(self) -> None:
        with contextlib.suppress(self._errors):
            self._redis.publish(CHANNEL, self._mark)

    def listener(self, *, own: bool = True) -> "_RedisListener":
        return _RedisListener(self._redis, self._errors, deaf_to=None if own else self._mark)


class _RedisListener:
    def __init__(self, redis_client: "object", errors: type[Exception], *, deaf_to: str | None) -> None:
        self._pubsub = redis_client.pubsub(ignore_subscribe_messages=True)  # type: ignore[attr-defined]
        self._pubsub.subscribe(CHANNEL)
        self._errors, self._deaf_to = errors, deaf_to

    def close(self) -> None:
        self._pubsub.close()

    def wait(self, timeout_s: float) -> bool:
        until = time.monotonic() + timeout_s
        try:
            while True:
                message = self._pubsub.get_message(timeout=max(0.0, until - time.monotonic()))
                if message is None or self._deaf_to is None or message["data"] != self._deaf_to.encode():
                    return message is not None
        except self._errors:
            time.sleep(timeout_s)  # Redis is away: fall back to polling.
            return False


def make_wake(settings: Settings) -> Wake:
    return RedisWake(settings.redis_url) if settings.redis_url else LocalWake(settings.run_dir)

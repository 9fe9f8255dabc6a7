"""Where every save is: on this machine -> uploading n % -> safe -> seen by n others. One small JSON file, replaced whole.

The panel of the desktop, `mainline-agent status` and tests read it; nothing in the agent does.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SHOWN = 20
"""So many saves are told of, the newest."""
_LEAST_S = 0.1
_AGAIN_S = 1.0
_ROOM_BYTES = 16 * 1024
"""The file is never shorter, so that a full disk has room where the former one was."""


@dataclass
class Save:
    """state: on_this_machine, uploading, safe, conflict, refused, draft; fetching or here for what comes to a mirror.
    percent: of the bytes that must be sent or fetched.

    seen: how many other devices know of it.
    """

    path: str
    state: str
    percent: int = 0
    version: int = 0
    at_ms: int = 0
    took_ms: int = 0
    message: str = ""
    seen: int = 0


class Status:
    """Collects what happens and writes it at most ten times a second, from a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._condition = threading.Condition()
        self._writing = threading.Lock()
        self._facts: dict[str, Any] = {"state": "starting", "error": None, "refused": None, "pending_ops": 0, "pending_bytes": 0}
        self._saves: OrderedDict[int, Save] = OrderedDict()
        self._changed = True
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)
        self._thread.start()

    def set(self, **facts: object) -> None:
        """Change facts about the agent as a whole."""
        with self._condition:
            if any(self._facts.get(name) != value for name, value in facts.items()):
                self._facts.update(facts)
                self._notify()

    def get(self, name: str) -> Any:
        """A fact."""
        with self._condition:
            return self._facts.get(name)

    def saved(self, key: int, path: str, **values: object) -> None:
        """A save is on this machine; with `values`, another file of which there is something to tell."""
        with self._condition:
            began_ms = int(time.time() * 1000)
            self._saves[key] = Save(path, "on_this_machine", at_ms=began_ms)
            for name, value in values.items():
                setattr(self._saves[key], name, value)
            self._saves.move_to_end(key)
            while len(self._saves) > SHOWN:
                self._saves.popitem(last=False)
            self._notify()

    def draft(self, key: int, path: str) -> None:
        """A file was being written when the agent or the machine stopped; see `recovery.py`."""
        self.saved(key, path)
        self.progress(key, state="draft", message="上次没有保存完的内容，只在这台机器上；改名或另存后才会进入素材库")

    def progress(self, key: int, **values: object) -> None:
        """A save got further."""
        with self._condition:
            save = self._saves.get(key)
            if save is None:
                return
            for name, value in values.items():
                setattr(save, name, value)
            save.took_ms = int(time.time() * 1000) - save.at_ms
            self._notify()

    def safe(self) -> list[int]:
        """The saves that others may have seen by now."""
        with self._condition:
            return [key for key, save in self._saves.items() if save.state in ("safe", "conflict")]

    def seen(self, key: int, count: int) -> None:
        """So many other devices know of a save."""
        with self._condition:
            save = self._saves.get(key)
            if save is not None and save.seen != count:
                save.seen = count
                self._notify()

    def close(self) -> None:
        """Write the last word."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        self._thread.join(5)

    def _notify(self) -> None:
        if not self._changed:  # Else the thread knows, and is about to write: waking it takes a turn from those who save.
            self._changed = True
            self._condition.notify_all()

    def flush(self) -> None:
        """Write now."""
        with self._condition:
            data = self._told()
        self._write(data)

    def _told(self) -> dict[str, Any]:
        return {**self._facts, "saves": [asdict(save) for save in reversed(self._saves.values())]}

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._changed or self._closed)
                # A moment later: what changes together is written once, and not while a save is about to leave.
                self._condition.wait_for(lambda: self._closed, _LEAST_S)
                self._changed = False
                done = self._closed
                data = self._told()
            written = self._write(data)
            if done:
                return
            if not written:
                with self._condition:
                    self._condition.wait_for(lambda: self._closed, _AGAIN_S)
                    self._changed = True

    def _write(self, data: dict[str, Any]) -> bool:
        """Returns whether it stands; a disk that takes nothing must not stop the agent from sending what it has."""
        text = json.dumps(data, ensure_ascii=False).encode()
        part = self._path.with_name(self._path.name + ".part")
        with self._writing:
            try:
                part.write_bytes(text.ljust(_ROOM_BYTES))
                part.replace(self._path)
                return True
            except OSError:
                return self._write_over(part, text)

    def _write_over(self, part: Path, text: bytes) -> bool:
        """On a full disk, in the place of the former one; who reads it in this very moment reads again."""
        try:
            part.unlink(missing_ok=True)
            with open(self._path, "r+b", buffering=0) as file:
                room = os.fstat(file.fileno()).st_size
                return len(text) <= room and file.write(text.ljust(room)) == room
        except OSError:
            return False

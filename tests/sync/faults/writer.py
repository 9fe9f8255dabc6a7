"""One person who saves in every way that programs do, and knows what was acknowledged.

A step that is cut off, because the agent died under it, is done again after the agent is back, as a person does. Who changes bytes in
place destroys what they were, here as on any disk: cut off, the file is what the library has of it, and what was written is a
draft beside it. Who empties a file and writes it anew has the last save until the new one is complete.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

from sync.agent.recovery import DRAFT
from tests.sync.faults.site import Agent, until

KIB = 1024


class Writer:
    """may_be: what may be found at a path: what was acknowledged, and what a save that was cut off would have left. None: no file."""

    def __init__(self, agent: Agent, numbers: random.Random) -> None:
        self.agent, self.numbers = agent, numbers
        self.may_be: dict[str, set[bytes | None]] = {}
        self.now = self._writing = ""
        self.cut_off = 0
        self.acknowledged = 0

    def saved(self, below: str = "") -> dict[str, bytes]:
        """What the library must have when nothing is cut off any more."""
        found = {}
        for path, contents in self.may_be.items():
            (content,) = contents
            if content is not None and path.startswith(below):
                found[path] = content
        return found

    def tell(self, folder: str, former: str | None = None) -> None:
        """Save in a folder of its own. former: one of before, of which this machine holds no copy any more."""
        draw, layers, note, sheet = (f"{folder}/{name}" for name in ("海报.psd", "图层.psb", "说明.txt", "报价.xlsx"))
        self.now = folder
        self.step(lambda: self._path(folder).mkdir(exist_ok=True))
        self.save(note, 200)
        self.save(draw, 90 * KIB)
        self.save(layers, 1200 * KIB)
        self.save(draw, 80 * KIB, flush=True)
        self.swap(sheet, 60 * KIB)
        self.swap(sheet, 61 * KIB)
        self.move(note, f"{folder}/读我.txt")
        self.delete(draw)
        if former is not None:
            self.append(f"{former}/图层.psb", 40 * KIB)
            self.cut_to(f"{former}/报价.xlsx", 30 * KIB)

    def _path(self, path: str) -> Path:
        return self.agent.folder / path

    def step(self, act: Callable[[], object]) -> None:
        """Do something, again if the agent died under it."""
        for _attempt in range(3):
            try:
                act()
            except OSError:
                if not self._died():
                    raise
                self.cut_off += 1
                self.come_back()
            else:
                self.acknowledged += 1
                return
        raise AssertionError("cut off three times, by one kill")

    def _died(self) -> bool:
        try:
            until(lambda: self.agent.is_dead, "the agent is dead", 10)
        except AssertionError:
            return False
        return True

    def come_back(self) -> None:
        """Start the agent again; everything that was acknowledged is in its folder."""
        self.agent.begin_again()
        try:
            self._look()
        except OSError:
            if not self._died():
                raise
            self.agent.begin_again()  # the moment came when the folder was looked at
            self._look()

    def _look(self) -> None:
        for path, contents in self.may_be.items():
            if path.startswith(self.now):
                found = _read(self._path(path))
                if found is None and path == self._writing:
                    found = self._drafted(path)
                assert found in contents, f"{path} has {_short(found)}, may have {[_short(each) for each in contents]}"

    def _drafted(self, path: str) -> bytes | None:
        """What the draft of a file was to be, if it is as much of that as was written."""
        stem = self._path(path).stem
        drafts = [each.read_bytes() for each in self._path(path).parent.iterdir() if each.name.startswith(f"{stem} ({DRAFT}")]
        whole = [content for content in self.may_be[path] if content is not None and any(content.startswith(draft) for draft in drafts)]
        return whole[0] if whole else None

    # --- ways to save -------------------------------------------------------------------------------------------------

    def save(self, path: str, size: int, *, flush: bool = False) -> None:
        """Truncate, write, close."""
        content = self.numbers.randbytes(size)
        self._leave(path, content, lambda: _write(self._path(path), content, flush=flush))

    def swap(self, path: str, size: int) -> None:
        """Write beside it, rename onto it."""
        content = self.numbers.randbytes(size)
        beside = self._path(f"{path}.tmp")

        def act() -> None:
            _write(beside, content, flush=False)
            os.replace(beside, self._path(path))

        self._leave(path, content, act)

    def append(self, path: str, size: int) -> None:
        """Open for writing without emptying: the agent fetches what it does not have."""
        (before,) = self.may_be[path]
        more = self.numbers.randbytes(size)
        assert before is not None

        def act() -> None:
            with open(self._path(path), "r+b", buffering=0) as file:
                file.seek(len(before))
                file.write(more)

        self._leave(path, before + more, act, within=True)

    def cut_to(self, path: str, size: int) -> None:
        """Set the length by name."""
        (before,) = self.may_be[path]
        assert before is not None
        self._leave(path, before[:size], lambda: os.truncate(self._path(path), size))

    def delete(self, path: str) -> None:
        self._leave(path, None, lambda: self._path(path).unlink(missing_ok=True))

    def move(self, path: str, target: str) -> None:
        content = self.may_be[path]
        self.may_be[path], self.may_be[target] = content | {None}, content | {None}

        def act() -> None:
            if self._path(path).exists():
                self._path(path).rename(self._path(target))

        self.step(act)
        self.may_be[path], self.may_be[target] = {None}, content

    def _leave(self, path: str, content: bytes | None, act: Callable[[], object], *, within: bool = False) -> None:
        """within: by writing into the file that is there."""
        self.may_be[path] = self.may_be.get(path, {None}) | {content}
        self._writing = path if within else ""
        self.step(act)
        self.may_be[path] = {content}


def _write(path: Path, content: bytes, *, flush: bool) -> None:
    with open(path, "wb", buffering=0) as file:
        for start in range(0, len(content), 128 * KIB):
            file.write(content[start : start + 128 * KIB])
        if flush:
            os.fsync(file.fileno())


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _short(content: bytes | None) -> str:
    return "no file" if content is None else f"{len(content)} bytes {content[:6].hex()}"

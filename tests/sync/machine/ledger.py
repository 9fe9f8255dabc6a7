"""What people saved, and what they replaced knowingly: the other half of every property about bytes.

A save is acknowledged when close() or a rename onto a name returned. From then on its bytes must be found among the live files of
the library and of every replica, until somebody who saw them wrote over them or took them away.
"""

from __future__ import annotations

from dataclasses import dataclass, field


class Violation(AssertionError):
    """A property does not hold; the first word says which."""


@dataclass
class Ledger:
    """saved: acknowledged. replaced: given up by somebody who saw them. written: every whole content that was ever offered as a save,
    acknowledged or not: what is in no such list may be nobody's version. flushed: by agent, acknowledged by fsync alone.
    joined: what was saved as a new file under a name where the library already had these bytes, and is since then a version of that file.
    Whoever saves or deletes that from this version has it before them, by compare-and-swap: it then lies among the file's versions.
    """

    saved: dict[bytes, int] = field(default_factory=dict)
    replaced: set[bytes] = field(default_factory=set)
    written: set[bytes] = field(default_factory=lambda: {b""})
    flushed: dict[int, set[bytes]] = field(default_factory=dict)
    joined: set[bytes] = field(default_factory=set)
    pending: dict[tuple[int, int], set[bytes]] = field(default_factory=dict)

    def offer(self, content: bytes) -> None:
        """A program is about to make this a save."""
        self.written.add(content)

    def save(self, agent: int, content: bytes) -> None:
        """A program was told that this is saved."""
        self.written.add(content)
        self.saved[content] = agent
        self.joined.discard(content)

    def give_up(self, content: bytes | None) -> None:
        """Somebody who saw this replaced it or took it away."""
        if content is not None:
            self.replaced.add(content)

    def write_over(self, agent: int, ino: int, content: bytes | None) -> None:
        """A program is writing over this and has not closed the file: a crash brings the version back."""
        if content is not None:
            self.pending.setdefault((agent, ino), set()).add(content)

    def close(self, agent: int, ino: int) -> None:
        """The program closed the file: what it wrote over is replaced."""
        self.replaced |= self.pending.pop((agent, ino), set())

    def mark(self) -> tuple[set[bytes], dict[tuple[int, int], set[bytes]]]:
        """What is replaced and written over by now, for `back_to`."""
        return set(self.replaced), {key: set(contents) for key, contents in self.pending.items()}

    def back_to(self, mark: tuple[set[bytes], dict[tuple[int, int], set[bytes]]]) -> None:
        """What somebody was about to do since was refused."""
        self.replaced, self.pending = mark

    def crash(self, agent: int, safe: set[bytes], *, power: bool, on_disk: set[bytes]) -> None:
        """The agent was killed. safe: in the library. What was written over comes back if the library has it, and only then.

        power: what was not flushed and not in the library may be gone; nobody promised it.
        """
        for key in [key for key in self.pending if key[0] == agent]:
            self.replaced |= self.pending.pop(key) - safe
        if power:
            for content in [content for content, by in self.saved.items() if by == agent and content not in safe]:
                del self.saved[content]
        kept = self.flushed.pop(agent, set())
        lost = kept - safe - self.replaced - on_disk
        if lost:
            raise Violation(f"P3 flushed to disk, then gone with a crash: {sorted(lost)}")

    def must_live(self) -> set[bytes]:
        """What has to be among the live files when all is at rest."""
        return set(self.saved) - self.replaced - self.joined - {b""}

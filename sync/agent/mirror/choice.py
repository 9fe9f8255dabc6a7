"""Which folders are mirrored, and what is left out: the member's choice, and ignore rules in the language of .gitignore.

A path is covered by the nearest decision at or above it; without any it is not. Rules are those of the file
`.mainline-ignore` in the mirror's folder and of one in each library; neither file leaves this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sync.core.paths import name_key

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec  # at run time only where there are rules: a desktop's agent has none

IGNORE_FILE = ".mainline-ignore"


def path_key(path: str) -> str:
    """A path in the form in which two are compared."""
    return "/".join(name_key(name) for name in path.split("/"))


@dataclass(frozen=True)
class Chosen:
    """folders: paths as `library` or `library/folder`, True for chosen and False for left out. everything: all libraries."""

    folders: dict[str, bool]
    everything: bool = False

    def covers(self, path: str) -> bool:
        """Whether a path is mirrored."""
        if not self.folders:
            return self.everything
        decisions = {path_key(folder): chosen for folder, chosen in self.folders.items()}
        key = path_key(path)
        while key:
            if key in decisions:
                return decisions[key]
            key = key.rpartition("/")[0]
        return self.everything

    def leads_to(self, path: str) -> bool:
        """Whether a folder is needed here because one inside it is chosen."""
        inside = path_key(path) + "/"
        return any(chosen and path_key(folder).startswith(inside) for folder, chosen in self.folders.items())


class Choice:
    """The choice as it is now. Paths begin with the library's name."""

    def __init__(self, root: Path, chosen: Chosen) -> None:
        self._root = root
        self.chosen = chosen
        self._specs: dict[str, GitIgnoreSpec] = {}

    def covers(self, path: str) -> bool:
        """Whether a file or folder of this path belongs on this machine, as far as the choice goes."""
        return self.chosen.covers(path)

    def wants(self, path: str, *, folder: bool) -> bool:
        """Whether the library's file or folder of this path is to be on this machine."""
        if self.ignores(path, folder=folder):
            return False
        return self.chosen.covers(path) or (folder and self.chosen.leads_to(path))

    def ignores(self, path: str, *, folder: bool) -> bool:
        """Whether a rule leaves this path out, in both directions."""
        if path.rpartition("/")[2] == IGNORE_FILE:
            return True
        library, _, inside = path.partition("/")
        asked = path + "/" if folder else path
        if self._spec("").match_file(asked):
            return True
        return bool(inside) and self._spec(library).match_file(asked[len(library) + 1 :])

    def stamp(self) -> tuple[tuple[str, int], ...]:
        """Changes with the rules of the mirror's folder and of every library in it, whether anybody has asked for them yet or not."""
        try:
            libraries = [path.parent.name for path in self._root.glob(f"*/{IGNORE_FILE}")]
        except OSError:
            return ()  # a volume that fails; it looks different when it is back
        return tuple((library, self._modified(library)) for library in sorted({"", *libraries}))

    def _modified(self, library: str) -> int:
        try:
            return (self._root / library / IGNORE_FILE).stat().st_mtime_ns
        except OSError:
            return 0

    def _spec(self, library: str) -> GitIgnoreSpec:
        kept = self._specs.get(library)
        if kept is None:
            kept = self._specs[library] = read_rules(self._root / library / IGNORE_FILE)
        return kept

    def forget_rules(self) -> None:
        """Read the rules anew when they are next asked for."""
        self._specs.clear()


def read_rules(path: Path) -> GitIgnoreSpec:
    """The rules of a file; a line that makes no sense is passed over, none at all if there is no file."""
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore import GitIgnorePatternError

    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return GitIgnoreSpec.from_lines([])
    good = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
            good.append(line)
        except GitIgnorePatternError:
            continue
    return GitIgnoreSpec.from_lines(good)

"""What a golden image is made of, read from `deploy/images/NAME/recipe.toml`, and the digest of all its inputs.

No building here: reading and hashing only.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.settings import ROOT

RECIPES = ROOT / "deploy" / "images"
BUILDER_VERSION = 1  # raised when the builder's code makes something else of the same inputs


@dataclass(frozen=True)
class KernelRecipe:
    """package: Debian metapackage of the kernel. kept_modules: path prefixes below lib/modules/VERSION/."""

    package: str
    initramfs_modules: tuple[str, ...]
    kept_modules: tuple[str, ...]
    cmdline: str


@dataclass(frozen=True)
class Recipe:
    """folder: where the recipe and its `files/` lie. python: major.minor of the suite, for the agent's wheels."""

    folder: Path
    name: str
    title: str
    suite: str
    python: str
    time_zone: str
    locale: str
    disk_gib: int
    memory_mib: int
    packages: tuple[str, ...]
    excluded_paths: tuple[str, ...]
    included_paths: tuple[str, ...]
    kernel: KernelRecipe

    @property
    def files(self) -> Path:
        return self.folder / "files"


@dataclass(frozen=True)
class AgentSource:
    """Where the sync agent comes from: the repository's `sync` package and the list of its dependencies.

    wheels: folder of ready wheels; None = pip fetches and builds them.
    """

    root: Path = ROOT
    wheels: Path | None = None

    @property
    def requirements(self) -> Path:
        return self.root / "requirements" / "agent.in"

    def modules(self) -> list[Path]:
        """The Python files that go into the image: the shared core and the agent, nothing of the server."""
        sync = self.root / "sync"
        return sorted([sync / "__init__.py", *(sync / "core").rglob("*.py"), *(sync / "agent").rglob("*.py")])


def load_recipe(name: str = "desktop", *, folder: Path | None = None) -> Recipe:
    """Read a recipe; raises InvalidInput that names the file and the field when it does not fit."""
    folder = folder or RECIPES / name
    path = folder / "recipe.toml"
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InvalidInput(_("没有名为 %(name)s 的镜像配方", name=name), str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(_("镜像配方 %(path)s 不是有效的 TOML", path=path), str(error)) from error
    try:
        kernel = KernelRecipe(**_tuples(values.pop("kernel")))
        return Recipe(folder=folder, kernel=kernel, **_tuples(values))
    except (TypeError, KeyError) as error:
        raise InvalidInput(_("镜像配方 %(path)s 的字段不对", path=path), str(error)) from error


def inputs_digest(recipe: Recipe, agent: AgentSource) -> str:
    """BLAKE2b over everything that decides what the image contains, except the versions Debian has today.

    Same digest = nothing to build. File modes count: an init script that lost its x bit is another image.
    """
    state = hashlib.blake2b(digest_size=20)
    for label, data in _inputs(recipe, agent):
        for part in (label.encode(), data):
            state.update(len(part).to_bytes(8, "big"))
            state.update(part)
    return state.hexdigest()


def packages_digest(recipe: Recipe) -> str:
    """Of the part of the recipe that decides which Debian packages are unpacked, and how."""
    parts = (recipe.suite, recipe.packages, recipe.excluded_paths, recipe.included_paths, recipe.kernel.package, BUILDER_VERSION)
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def _inputs(recipe: Recipe, agent: AgentSource) -> Iterator[tuple[str, bytes]]:
    yield "builder", str(BUILDER_VERSION).encode()
    yield "recipe", (recipe.folder / "recipe.toml").read_bytes()
    yield from _labelled("files", recipe.files, sorted(p for p in recipe.files.rglob("*") if p.is_file()))
    yield from _labelled("agent", agent.root, [*agent.modules(), agent.requirements])


def _labelled(kind: str, root: Path, paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        executable = "x" if path.stat().st_mode & 0o100 else "-"
        yield f"{kind}:{executable}:{path.relative_to(root)}", path.read_bytes()


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}

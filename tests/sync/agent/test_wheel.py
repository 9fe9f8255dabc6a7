"""`pip install .` is the agent alone: the wheel with only the agent's packages, in a Python that has no others."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.sync.agent.conftest import ROOT

SERVER_ONLY = ("flask", "sqlalchemy", "minio", "libvirt", "gevent", "redis", "PIL", "alembic")


def with_dependencies(names: set[str]) -> set[str]:
    """Names of distributions that these need on this system."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower()
        if name in found:
            continue
        found.add(name)
        for line in requires(name) or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def agent_requirements() -> set[str]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements/agent.in").read_text().splitlines()]
    wanted = [Requirement(line) for line in lines if line]
    return {each.name for each in wanted if each.marker is None or each.marker.evaluate()}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel and links to the agent's own packages as they are installed here: no network."""
    made = tmp_path_factory.mktemp("alone")
    build = "from setuptools.build_meta import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
    source = made / "source"
    source.mkdir()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in ("pyproject.toml", "README.md", "requirements", "sync", "app.py", "command.py", "demo.py", "demo_line.py", "processes.py",
                 "wiring.py"):  # fmt: skip
        if any(path == name or path.startswith(f"{name}/") for path in listed.split("\0")):
            (source / name).symlink_to(ROOT / name)
    done = subprocess.run([sys.executable, "-c", build, str(made)], cwd=source, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    site = made / "site"
    site.mkdir()
    (wheel,) = made.glob("*.whl")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], check=True)
    here = Path(sysconfig.get_paths()["purelib"])
    for name in with_dependencies(agent_requirements()):
        for file in distribution(name).files or []:
            top = file.parts[0]
            if top != ".." and not (site / top).exists():
                (site / top).symlink_to(here / top)
    return site


def run(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python that sees this folder and the standard library only."""
    code = f"import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + [{str(site)!r}]; "
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code + arguments[0], *arguments[1:]],
        check=False, capture_output=True, text=True, timeout=60, env={**os.environ, "MAINLINE_LANG": "zh"}, cwd=site,
    )  # fmt: skip


def test_wheel_when_installed_alone_then_every_module_of_the_agent_can_be_imported(alone: Path) -> None:
    modules = [
        ".".join(path.relative_to(alone).with_suffix("").parts).removesuffix(".__init__")
        for folder in ("sync/agent", "sync/core")
        for path in sorted((alone / folder).rglob("*.py"))
    ]
    assert "sync.agent.mirror.engine" in modules
    done = run(alone, f"import importlib\nfor m in {modules!r}: importlib.import_module(m)")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", SERVER_ONLY)
def test_wheel_when_installed_alone_then_no_package_of_the_server_is_there(alone: Path, package: str) -> None:
    assert run(alone, f"import {package}").returncode == 1


def test_wheel_when_installed_alone_then_its_command_runs(alone: Path, tmp_path: Path) -> None:
    """With a folder of its own for the state, as on a computer that was never enrolled."""
    code = "import sys; from sync.agent.cli import main; sys.exit(main(sys.argv[1:]))"
    listed = run(alone, code, "--state-dir", str(tmp_path), "mirror", "list")
    assert (listed.returncode, listed.stdout.strip()) == (0, "还没有选择素材库。用 mirror add 选择。")
    assert run(alone, code, "--state-dir", str(tmp_path), "mirror", "run").returncode == 3


def test_wheel_when_read_then_it_needs_the_agents_packages_and_nothing_of_the_server() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements/agent.in"]}
    needed = with_dependencies(agent_requirements())
    assert not needed & {"flask", "sqlalchemy", "minio", "libvirt-python", "gevent"}

"""Recipes: reading them, and when an image counts as unchanged."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from desktops.images.build import build_image, list_images
from desktops.images.commands import BuildFailed, output_of, require_programs, run
from desktops.images.recipe import RECIPES, AgentSource, Recipe, inputs_digest, load_recipe, packages_digest
from workspace.errors import InvalidInput

MANIFEST = """{"name": "desktop", "title": "t", "digest": "d", "inputs_digest": "%s", "cmdline": "", "memory_mib": 512,
"disk_gib": 4, "size_bytes": 3, "built_at": "2026-11-21T00:00:00+00:00", "kernel_version": "6.1", "packages": {}}"""


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    folder = shutil.copytree(RECIPES / "desktop", tmp_path / "recipe")
    return load_recipe(folder=Path(folder))


@pytest.fixture
def agent(tmp_path: Path) -> AgentSource:
    for name in ("sync/core", "sync/agent", "requirements"):
        (tmp_path / "source" / name).mkdir(parents=True)
    for name in ("sync/__init__.py", "sync/core/a.py", "sync/agent/b.py", "requirements/agent.in"):
        (tmp_path / "source" / name).write_text(name)
    return AgentSource(root=tmp_path / "source")


def test_load_recipe_when_shipped_then_reads() -> None:
    recipe = load_recipe()
    assert recipe.name == "desktop"
    assert "busybox-static" in recipe.packages
    assert recipe.files.is_dir()


def test_load_recipe_when_absent_or_wrong_then_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        load_recipe("absent")
    (tmp_path / "recipe.toml").write_text("name = [")
    with pytest.raises(InvalidInput):
        load_recipe(folder=tmp_path)
    (tmp_path / "recipe.toml").write_text('name = "x"\n[kernel]\npackage = "linux"\n')
    with pytest.raises(InvalidInput):
        load_recipe(folder=tmp_path)


def test_inputs_digest_when_any_input_changes_then_changes(recipe: Recipe, agent: AgentSource) -> None:
    seen = [inputs_digest(recipe, agent)]
    assert inputs_digest(recipe, agent) == seen[0]
    script = recipe.files / "usr/lib/mainline/boot"
    for change in (
        lambda: (agent.root / "sync/agent/b.py").write_text("changed"),
        lambda: (agent.root / "requirements/agent.in").write_text("changed"),
        lambda: (recipe.files / "etc/new").write_text(""),
        lambda: script.write_text("changed"),
        lambda: script.chmod(0o644),
        lambda: (recipe.folder / "recipe.toml").write_text("changed"),
    ):
        change()
        seen.append(inputs_digest(recipe, agent))
    assert len(set(seen)) == len(seen)


def test_packages_digest_when_only_the_agent_or_files_change_then_the_same(recipe: Recipe) -> None:
    before = packages_digest(recipe)
    (recipe.files / "etc/new").write_text("")
    assert packages_digest(load_recipe(folder=recipe.folder)) == before
    toml = recipe.folder / "recipe.toml"
    toml.write_text(toml.read_text("utf-8").replace('"xterm"', '"xterm", "hello"'), "utf-8")
    assert packages_digest(load_recipe(folder=recipe.folder)) != before


def test_agent_modules_are_core_and_agent_only() -> None:
    agent = AgentSource()
    names = {str(path.relative_to(agent.root)) for path in agent.modules()}
    assert "sync/core/manifest.py" in names
    assert not any(name.startswith("sync/library") for name in names)


def test_build_image_when_nothing_changed_then_the_one_there(recipe: Recipe, agent: AgentSource, tmp_path: Path) -> None:
    there = tmp_path / "images" / "desktop-1"
    there.mkdir(parents=True)
    (there / "manifest.json").write_text(MANIFEST % inputs_digest(recipe, agent))
    told: list[str] = []
    assert build_image(recipe, agent, tmp_path / "images", tell=told.append).folder == there
    assert len(told) == 1
    assert [image.folder for image in list_images(tmp_path / "images")] == [there]


def test_build_image_when_a_program_is_missing_then_named_with_its_package() -> None:
    with pytest.raises(BuildFailed) as caught:
        require_programs({"surely-absent": "absent-package", "sh": "dash"})
    assert "surely-absent" in str(caught.value.title)
    assert "absent-package" in str(caught.value.message)
    assert "dash" not in str(caught.value.message)


def test_run_when_a_step_fails_then_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed) as caught:
        run(["sh", "-c", "echo the reason >&2; exit 3"], log=tmp_path / "log", step="step")
    assert "3" in str(caught.value.title)
    assert str(caught.value.message).splitlines()[-1] == "the reason"
    with pytest.raises(BuildFailed):
        run(["surely-absent"], log=tmp_path / "log", step="step")
    with pytest.raises(BuildFailed):
        output_of(["sh", "-c", "exit 1"], step="step")
    assert output_of(["sh", "-c", "echo fine"], step="step") == "fine\n"


@pytest.mark.parametrize("script", [path for path in (RECIPES / "desktop/files").rglob("*") if path.is_file() and os.access(path, os.X_OK)])
def test_guest_scripts_parse(script: Path) -> None:
    first = script.read_text("utf-8").splitlines()[0]
    if "python" in first:
        compile(script.read_text("utf-8"), str(script), "exec")
    else:
        subprocess.run(["sh", "-n", str(script)], check=True)

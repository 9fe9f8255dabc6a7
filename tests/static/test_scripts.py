"""The browser scripts' own tests, run by node; and what holds for every template and stylesheet without a browser."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))


def node() -> str:
    """Node of the machine, else the one that set-up put beside Python."""
    beside = Path(sys.executable).parent / "node"
    found = shutil.which("node") or (str(beside) if beside.exists() else None)
    assert found, "node is missing: run script/setup"
    return found


def test_scripts_when_run_by_node_then_all_pass() -> None:
    done = subprocess.run(
        [node(), "--test", *map(str, sorted((ROOT / "tests/static").glob("*.test.js")))],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"# pass [1-9]", done.stdout) or re.search(r"ℹ pass [1-9]", done.stdout), done.stdout


def test_modules_when_imported_then_the_import_map_names_them() -> None:
    listed = re.search(r"macro boot\(modules=\((.*?)\)[,)]", (ROOT / "templates/_parts/shell.html").read_text("utf-8"))
    assert listed
    named = set(re.findall(r"'(\w+)'", listed.group(1)))
    imported = {name for script in SCRIPTS for name in re.findall(r'from "mainline/(\w+)"', script.read_text("utf-8"))}
    assert imported <= named
    assert all((ROOT / "static/js" / f"{name}.js").exists() for name in named)


def test_texts_when_a_script_uses_one_then_the_page_brings_it() -> None:
    brought = set(re.findall(r"'(\w+)': _\(", (ROOT / "templates/_parts/shell.html").read_text("utf-8")))
    used = {name for script in SCRIPTS for name in re.findall(r'\btext\("(\w+)"\)', script.read_text("utf-8"))}
    assert used <= brought


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_template_when_read_then_the_csp_and_the_reader_can_live_with_it(template: Path) -> None:
    source = template.read_text("utf-8")
    bare = re.sub(r"\{#.*?#\}", "", source, flags=re.S)
    assert not re.search(r"""\sstyle\s*=\s*["']""", bare), "inline style: refused by the CSP"
    assert not re.search(r"""\son[a-z]+\s*=\s*["']""", bare), "inline handler: refused by the CSP"
    assert "<style" not in bare
    outside = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", bare, flags=re.S)
    assert not re.search(r"[\u4e00-\u9fff]", outside), "Chinese outside _(): it would not be translated"


def test_icons_when_a_template_shows_one_then_the_sprite_holds_it() -> None:
    listed = (ROOT / "static/icons.txt").read_text("utf-8").split()
    assert listed == sorted(set(listed)), "static/icons.txt is sorted, one name a line"
    used = {name for template in TEMPLATES for name in re.findall(r"""\bicon\(\s*['"]([a-z0-9-]+)['"]""", template.read_text("utf-8"))}
    used |= {name for template in TEMPLATES for name in re.findall(r"""icon_name=['"]([a-z0-9-]+)['"]""", template.read_text("utf-8"))}
    assert used <= set(listed)

"""script/vendor on a small node_modules of its own, and the icons that the pages ask for."""

import importlib.machinery
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("vendor_script", str(ROOT / "script" / "vendor"))
    spec = importlib.util.spec_from_loader("vendor_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def modules(tmp_path: Path, script: ModuleType) -> Path:
    """A node_modules that holds one short file wherever the script looks."""
    folder = tmp_path / "node_modules"
    outline = folder / "@tabler" / "icons" / "icons" / "outline"
    wanted = [*script.FILES.values(), *script.LICENSES.values(), "@novnc/novnc/core/rfb.js", "@novnc/novnc/core/util/int.js"]
    for path in wanted:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"/* {path} */\n//# sourceMappingURL=x.map\n")
    outline.mkdir(parents=True)
    for name in ("home", "bell"):
        (outline / f"{name}.svg").write_text(
            '<svg xmlns="http://www.w3.org/2000/svg"><path stroke="none" d="M0 0h24v24H0z" fill="none" /><path d="M5 12l-2 0" /></svg>'
        )
    (folder / ".package-lock.json").write_text("{}")
    return folder


@pytest.fixture
def icons(tmp_path: Path) -> Path:
    path = tmp_path / "icons.txt"
    path.write_text("# navigation\nhome\nbell\nhome\n")
    return path


def built(_modules: Path) -> dict[str, bytes]:
    """In place of the bundles, which take a second."""
    return {"base.css": b"css", "base.js": b"js"}


def test_vendor_names_files_by_content_and_lists_them(script: ModuleType, modules: Path, icons: Path, tmp_path: Path) -> None:
    target = tmp_path / "vendor"
    assert script.vendor(modules, icons, target, built)
    manifest = json.loads((target / "manifest.json").read_text())
    assert re.fullmatch(r"htmx-[0-9a-f]{10}\.js", manifest["htmx.js"])
    assert re.fullmatch(r"novnc-[0-9a-f]{10}/core/util/int\.js", manifest["novnc/core/util/int.js"])
    assert all((target / path).is_file() for path in manifest.values())
    assert b"sourceMappingURL" not in (target / manifest["htmx.js"]).read_bytes()


def test_vendor_does_nothing_when_nothing_changed(script: ModuleType, modules: Path, icons: Path, tmp_path: Path) -> None:
    assert script.vendor(modules, icons, tmp_path / "vendor", built)
    assert not script.vendor(modules, icons, tmp_path / "vendor", built)


def test_vendor_removes_what_a_new_version_replaced(script: ModuleType, modules: Path, icons: Path, tmp_path: Path) -> None:
    target = tmp_path / "vendor"
    script.vendor(modules, icons, target, built)
    before = json.loads((target / "manifest.json").read_text())
    (modules / script.FILES["htmx.js"]).write_text("newer")
    (modules / "@novnc/novnc/core/rfb.js").write_text("newer")
    (modules / ".package-lock.json").write_text('{"new": 1}')
    assert script.vendor(modules, icons, target, built)
    after = json.loads((target / "manifest.json").read_text())
    assert before["htmx.js"] != after["htmx.js"]
    assert not (target / before["htmx.js"]).exists()
    assert not (target / before["novnc/core/rfb.js"]).parents[1].exists()


def test_sprite_holds_each_icon_once_without_its_empty_square(script: ModuleType, modules: Path, icons: Path) -> None:
    sprite = script.sprite(modules, icons).decode()
    assert re.findall(r'id="tabler-(\w+)"', sprite) == ["bell", "home"]
    assert "M0 0h24v24H0z" not in sprite
    assert sprite.count('<path d="M5 12l-2 0"/>') == 2


def test_unknown_icon_is_named(script: ModuleType, modules: Path, icons: Path) -> None:
    icons.write_text("home\nunicorn-9\n")
    with pytest.raises(script.VendorError, match="unicorn-9"):
        script.sprite(modules, icons)


def test_missing_library_is_named(script: ModuleType, modules: Path, icons: Path, tmp_path: Path) -> None:
    (modules / script.FILES["echarts.js"]).unlink()
    with pytest.raises(script.VendorError, match=r"echarts\.min\.js is missing: run `npm ci"):
        script.vendor(modules, icons, tmp_path / "vendor", built)


@pytest.fixture(scope="module")
def bundles(script: ModuleType) -> dict[str, str]:
    made: dict[str, bytes] = script.bundles(ROOT / "node_modules")
    return {name: content.decode() for name, content in made.items()}


def test_stylesheet_when_built_then_what_pages_name_is_in_it_and_little_else(bundles: dict[str, str]) -> None:
    style = bundles["base.css"]
    assert len(style) < 150_000, "Tabler alone is 635 kB"
    for kept in (
        ".btn-primary",
        ".btn-danger",
        ".form-check-input:checked",
        ".form-control.is-invalid",
        ".dropdown-menu.show",
        ".icon-sm",
        ".sidebar",
    ):
        assert kept in style, kept
    for unused in (".carousel", ".accordion", ".offcanvas"):
        assert unused not in style, unused
    ours = "".join(path.read_text("utf-8") for path in (ROOT / "static" / "css").glob("*.css"))
    tabler = (ROOT / "node_modules" / "@tabler/core/dist/css/tabler.min.css").read_text("utf-8")
    spoken = {name for name in re.findall(r"var\((--tblr-[\w-]+)", ours) if f"{name}:" in tabler}
    assert all(f"{name}:" in style for name in spoken)


def test_scripts_when_built_then_one_module_exports_what_all_do(bundles: dict[str, str]) -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "static" / "js").glob("*.js")]
    imported = {name for source in sources for name in re.findall(r'from "mainline/(\w+)"', source)}
    exports = [
        name
        for module in imported
        for name in re.findall(
            r"^export (?:async )?(?:function|const|class) (\w+)", (ROOT / f"static/js/{module}.js").read_text("utf-8"), re.M
        )
    ]
    assert len(exports) == len(set(exports)), "one name exported by two modules would silently be left out"
    given = re.search(r"export\{([^}]*)\};?\s*$", bundles["base.js"])
    assert given
    assert {part.split(" as ")[-1] for part in given.group(1).split(",")} == set(exports)


def test_icons_that_templates_ask_for_are_listed() -> None:
    listed = set((ROOT / "static" / "icons.txt").read_text().split())
    asked = {
        name
        for template in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"\bicon\(\s*['\"]([a-z0-9-]+)['\"]", template.read_text("utf-8"))
    }
    assert asked
    assert asked <= listed, f"add to static/icons.txt: {sorted(asked - listed)}"

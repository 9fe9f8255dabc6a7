"""Every text has its English, and no Chinese is shown that the catalogue cannot reach."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog
from flask import Flask

from workspace.i18n import _, _lp, _p
from workspace.settings import ROOT

CHINESE = re.compile(r"[\u3400-\u9fff]")
UNFIT = re.compile(r"[\u3000-\u9fff\uff00-\uffef!]")  # In English: Chinese, its punctuation, and shouting.
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|\{\w+\}")
MARKS = {"_", "_l", "N_", "_p", "_lp"}

# Chinese that is no source text, and why.
UNMARKED = {
    "main_lines/order_tables/headings.py": "what people write in tables of their own, in whatever language they read the page",
    "demo.py": "the demo company's own words",
    "demo_line.py": "the demo company's own words",
    "main_lines/checks/photos.py": "the name of a folder in the line's library, the same for every reader",
    "main_lines/numbers/columns.py": "what columns of imported files are called, in whatever language",
    "main_lines/playbooks/shipped": "a playbook's texts become task orders, which stay as they were written",
    "sync/agent": "the agent has no catalogue: a Chinese title for the person, an English detail for the log",
    "desktops/images/wallpaper.py": "the product's name on the wallpaper",
    "sync/library/previews/drawing/fonts.py": "letters of a specimen, the same for every reader",
    "workspace/openapi.py": "the product's name",
    "workspace/settings.py": "a company's name, the default of a setting",
    "workspace/web.py": "the visitor's name in the audit, which stays as it was recorded",
}


@cache
def translate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translate", ROOT / "script/translate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def english() -> Catalog:
    return translate().english()


@cache
def source_texts() -> Catalog:
    return translate().source_texts()


def ids(catalog: Catalog) -> set[tuple[str, str]]:
    """(context, text) of each message; most have no context."""
    return {(message.context or "", message.id) for message in catalog if message.id}


def test_texts_when_extracted_then_those_of_every_kind_of_file_are_found() -> None:
    """Guards the extraction itself: what it overlooks would count as translated."""
    files = {name for message in source_texts() for name, _line in message.locations}
    assert {"app.py", "workspace/web.py", "sync/library/storage.py", "templates/_parts/shell.html", "templates/_base.html"} <= files


def test_texts_when_extracted_then_the_catalogue_has_these_and_no_others() -> None:
    assert ids(source_texts()) == ids(english()), "run script/translate"
    assert not english().obsolete


def test_texts_when_listed_then_each_has_english() -> None:
    assert [message.id for message in english() if message.id and not message.string.strip()] == []
    assert [message.id for message in english() if message.id and message.fuzzy] == []
    assert [message.string for message in english() if message.id and UNFIT.search(message.string)] == []


def test_texts_when_translated_then_the_placeholders_are_the_same() -> None:
    for message in english():
        if message.id:
            assert set(PLACEHOLDER.findall(message.id)) == set(PLACEHOLDER.findall(message.string)), message.id


def test_catalogue_when_written_again_then_the_same_bytes() -> None:
    text = translate().ENGLISH.read_text("utf-8")
    assert translate().written(english()) == text
    assert text.startswith(translate().HEADER)
    assert not re.search("@|Date", translate().HEADER)


def test_word_when_it_has_a_context_then_each_has_its_own_english(app: Flask) -> None:
    with app.test_request_context("/?lang=en"):
        assert [_("主线"), _p("brand", "主线"), str(_lp("past", "同意"))] == ["Main lines", "Mainline", "Approved"]
    with app.test_request_context("/?lang=zh"):
        assert [_("主线"), _p("brand", "主线"), str(_lp("past", "同意"))] == ["主线", "主线", "同意"]
    assert str(_lp("past", "%(n)s 版", n=3)) == "3 版", "also where there is no request"


@pytest.mark.parametrize(("locale", "words"), [("zh", "登录"), ("en", "Sign in")])
def test_pages_when_read_in_a_language_then_in_its_words(app: Flask, locale: str, words: str) -> None:
    page = app.test_client().get(f"/sign-in?lang={locale}").get_data(as_text=True)
    assert f">{words}<" in page


def test_templates_when_read_then_no_chinese_outside_gettext() -> None:
    for path in sorted((ROOT / "templates").rglob("*.html")):
        text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
        text = re.sub(r"""\b(?:(?:_|N_)\(|pgettext\('[a-z ]+',)\s*('[^']*'|"[^"]*")""", "", text)
        assert not CHINESE.search(text), f"{path.relative_to(ROOT)}: {shown(text)}"


def test_scripts_when_read_then_no_chinese_outside_comments() -> None:
    """Texts of scripts come from the page that loads them."""
    for path in sorted((ROOT / "static/js").rglob("*.js")):
        text = re.sub(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert not CHINESE.search(text), f"{path.relative_to(ROOT)}: {shown(text)}"


def test_code_when_read_then_no_chinese_outside_gettext() -> None:
    unmarked = {}
    for path in product_modules():
        found = list(unmarked_texts(path))
        if found:
            unmarked[path.relative_to(ROOT).as_posix()] = found
    unexplained = {name: found for name, found in unmarked.items() if excuse(name) is None}
    assert not unexplained, "mark these with _, _l or N_, or with _p or _lp"
    assert {excuse(name) for name in unmarked} == set(UNMARKED), "an exception that nothing needs any more"


def product_modules() -> list[Path]:
    rooms = ("workspace", "sync", "main_lines", "desktops")
    return sorted([*ROOT.glob("*.py"), *(path for room in rooms for path in (ROOT / room).rglob("*.py"))])


def unmarked_texts(path: Path) -> Iterator[str]:
    """String literals with Chinese that are neither a docstring nor inside _(), _l() or N_()."""
    text = path.read_text("utf-8")
    if not CHINESE.search(text):
        return
    passed: set[ast.AST] = set()
    nodes = list(ast.walk(ast.parse(text)))
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            passed.update(ast.walk(node))
        elif isinstance(node, ast.Expr):
            passed.add(node.value)
    for node in nodes:
        if isinstance(node, ast.Constant) and node not in passed and isinstance(node.value, str) and CHINESE.search(node.value):
            yield f"line {node.lineno}: {node.value[:40]}"


def excuse(name: str) -> str | None:
    return next((place for place in UNMARKED if name == place or name.startswith(f"{place}/")), None)


def shown(text: str) -> str:
    return next(line.strip()[:120] for line in text.splitlines() if CHINESE.search(line))

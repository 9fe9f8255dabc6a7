"""Nothing is undeclared, undocumented or unread: settings, events, permissions, routes, docstrings, migrations."""

import ast
import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from workspace.db import Base, Database
from workspace.events.kinds import EventKind, all_kinds
from workspace.migrate import migrate_database
from workspace.roles.permissions import all_permissions
from workspace.settings import ROOT, Settings
from workspace.web import ANYONE

AREAS = ("workspace", "library", "main_lines", "desktops")
ROOMS = ("workspace", "sync", "main_lines", "desktops")


def modules() -> list[Path]:
    return sorted([*ROOT.glob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))])


def settings_table() -> str:
    """The table of docs/reference/settings.md, made from the fields."""
    rows = ["| Setting | Default | What it does |", "|---|---|---|"]
    for field in fields(Settings):
        shown = "`var/`" if field.name == "data_dir" else f"`{field.default}`" if field.default != "" else "–"
        rows.append(f"| `{field.name}` | {shown} | {field.metadata['help']} |")
    return "\n".join(rows) + "\n"


def test_settings_when_listed_then_each_is_documented_with_its_default(regenerate: bool) -> None:
    path = ROOT / "docs/reference/settings.md"
    head, mark, _table = path.read_text("utf-8").partition("<!-- settings -->\n")
    assert mark
    if regenerate:
        path.write_text(head + mark + settings_table(), "utf-8")
    assert path.read_text("utf-8") == head + mark + settings_table(), "run pytest tests/complete --regenerate"


def test_events_when_listed_then_each_kind_has_a_name_and_words(app: Flask) -> None:
    kinds = list(all_kinds())
    assert len({str(kind) for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+){2}", str(kind)), kind
        assert str(kind).split(".")[0] in AREAS, kind
        assert kind.words, kind


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_events_when_read_then_a_sentence_without_leftovers(app: Flask, locale: str) -> None:
    with app.test_request_context(f"/?lang={locale}"):
        for kind in all_kinds():
            sentence = kind.sentence({"actor": "LY"})
            assert "%(" not in sentence, kind
            if locale == "en":
                assert not re.search(r"[\u4e00-\u9fff]", sentence), f"{kind} is not translated: {sentence}"


def test_permissions_when_listed_then_each_has_a_name_and_words(app: Flask) -> None:
    for permission in all_permissions():
        assert re.fullmatch(r"[a-z_]+(:[a-z_]+){2}", str(permission)), permission
        assert permission.words, permission


def test_routes_when_listed_then_each_is_declared_and_explained(app: Flask) -> None:
    declared = {facts.endpoint: facts for facts in app.extensions["mainline"].facts}
    undeclared = {rule.endpoint for rule in app.url_map.iter_rules()} - set(declared) - {"static", "health", "openapi_document"}
    assert not undeclared
    for facts in declared.values():
        assert facts.needs, facts.endpoint
        assert facts.doc, f"{facts.endpoint} has no docstring"


def test_routes_when_open_to_anyone_then_known_by_name(app: Flask) -> None:
    open_routes = {facts.endpoint for facts in app.extensions["mainline"].facts if facts.needs == ANYONE}
    assert open_routes == OPEN_ROUTES


OPEN_ROUTES = {
    "calendars.send_calendar",
    "signin.show_sign_in", "signin.submit_sign_in", "signin.choose_language", "agents_api.enrol",
    "shares.show_link", "shares.enter", "shares.show_inside", "shares.send_picture", "shares.send_copy", "shares.send_content",
    "shares.send_folder", "numbers_api.send_with_pass",
}  # fmt: skip


def loaded_by(module: str) -> dict[str, list[str]]:
    """What a process knows that imported this composition alone: tables, kinds of events, permissions, jobs."""
    program = f"""
import {module}, json
from workspace.db import Base
from workspace.events.kinds import all_kinds
from workspace.jobs.registry import JOBS
from workspace.roles.permissions import all_permissions
known = dict(tables=Base.metadata.tables, kinds=map(str, all_kinds()), permissions=map(str, all_permissions()), jobs=JOBS)
print(json.dumps({{name: sorted(found) for name, found in known.items()}}))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_wiring_when_loaded_without_the_pages_then_knows_as_much_as_the_web_process() -> None:
    """The worker and the migrations load no page; a table or a permission that only pages import would be unknown to them."""
    assert loaded_by("wiring") == loaded_by("app")


def test_command_when_loaded_then_the_product_is_not_yet() -> None:
    """web and realtime are about to become gunicorn, which loads the product itself."""
    program = "import sys, command; print(sorted({'flask', 'sqlalchemy', 'wiring', 'app', 'processes', 'structlog'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_modules_when_read_then_each_says_what_lives_there() -> None:
    for path in modules():
        text = path.read_text("utf-8")
        assert not text.strip() or ast.get_docstring(ast.parse(text)), f"{path.relative_to(ROOT)} has no docstring"


def test_migrations_when_run_then_the_tables_are_those_of_the_models(settings: Settings, app: Flask, tmp_path: Path) -> None:
    migrated = Database(f"sqlite:///{tmp_path / 'migrated.db'}")
    migrate_database(migrated)
    with migrated.engine.connect() as connection:
        ours = {
            "compare_type": False,
            "include_name": lambda name, kind, _parents: not (kind == "table" and name.startswith("search_grams")),
        }
        context = MigrationContext.configure(connection, opts=ours)
        assert compare_metadata(context, Base.metadata) == []
    migrated.dispose()


def test_event_kinds_when_declared_then_recorded_somewhere() -> None:
    """An enum member that no code mentions is dead."""
    texts = "\n".join(path.read_text("utf-8") for path in modules())
    for enum in EventKind.__subclasses__():
        for kind in enum:
            assert texts.count(f"{enum.__name__}.{kind.name}") > 0, f"{enum.__name__}.{kind.name} is never recorded"

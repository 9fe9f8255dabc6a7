"""Every state that a feature can show has a word and a tone, and what is not known is grey."""

from enum import Enum

import pytest
from jinja2 import Environment, FileSystemLoader

import desktops.machines.rules as machines
import main_lines.alerts.rules as alerts
import main_lines.approvals.rules as approvals
import main_lines.lines.rules as lines
import main_lines.tasks.rules as tasks
from workspace.settings import ROOT

ENUMS = {
    "task": tasks.State,
    "approval": approvals.RequestState,
    "step": approvals.StepState,
    "desktop": machines.State,
    "phase": lines.Phase,
    "health": lines.Health,
    "alert": alerts.AlertKind,
}
SHOWN = "{% import '_parts/ui.html' as ui with context %}{{ ui.state(kind, value) }}"


@pytest.fixture(scope="module")
def jinja() -> Environment:
    environment = Environment(loader=FileSystemLoader(ROOT / "templates"), autoescape=True, extensions=["jinja2.ext.i18n"])
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(vendor_url=str, asset_url=str)
    return environment


def shown(jinja: Environment, kind: str, value: str) -> str:
    return jinja.from_string(SHOWN).render(kind=kind, value=value)


@pytest.mark.parametrize(("kind", "state"), [(kind, state) for kind, enum in ENUMS.items() for state in enum], ids=str)
def test_state_when_a_feature_has_it_then_it_has_words(jinja: Environment, kind: str, state: Enum) -> None:
    assert f"</svg>{state.value}</span>" not in shown(jinja, kind, state.value)


def test_state_when_it_is_unheard_of_then_it_is_grey(jinja: Environment) -> None:
    assert 'class="state tone-unknown"' in shown(jinja, "task", "unheard_of")


def test_health_when_unknown_then_it_is_never_green(jinja: Environment) -> None:
    assert 'class="state tone-unknown"' in shown(jinja, "health", "unknown")

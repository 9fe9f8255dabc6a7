"""The connection of a page: whatever one answer does, what it has missed arrives."""

import subprocess
from pathlib import Path

import pytest

from tests.realtime.cuts import scripts_in
from tests.static.test_scripts import node
from workspace.settings import ROOT


@pytest.mark.parametrize("first", ["refuses", "hangs"])
def test_page_when_an_answer_refuses_or_never_comes_then_it_catches_up_all_the_same(first: str, tmp_path: Path) -> None:
    """Refused: signed out and in again. Never comes: a phone that changed its network, whose old line nobody ends."""
    argv = [node(), str(ROOT / "tests/realtime/connection.mjs"), str(scripts_in(tmp_path)), first]
    told = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert (told.returncode, told.stdout) == (0, "[1]\n"), told.stderr

"""The connection of a page: whatever one answer does, what it has missed arrives, and after a restore the page goes on."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.realtime.cuts import scripts_in
from tests.static.test_scripts import node
from workspace.settings import ROOT


def told(folder: Path, **plan: Any) -> dict[str, list[int]]:
    """What a page of this plan says (see connection.mjs): shown, the sequences that reached it; resyncs, the head of each."""
    argv = [node(), str(ROOT / "tests/realtime/connection.mjs"), str(scripts_in(folder)), json.dumps(plan)]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, list[int]] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("first", ["refuses", "hangs"])
def test_page_when_an_answer_refuses_or_never_comes_then_it_catches_up_all_the_same(first: str, tmp_path: Path) -> None:
    """Refused: signed out and in again. Never comes: a phone that changed its network, whose old line nobody ends."""
    assert told(tmp_path, first=first)["shown"] == [1]


@pytest.mark.parametrize(
    ("page", "server"),
    [
        pytest.param({"head": 9, "epoch": "a"}, {"head": 4, "epoch": "b"}, id="restored, and little happened since"),
        pytest.param({"head": 9, "epoch": "a"}, {"head": 20, "epoch": "b"}, id="restored, and much happened since"),
        pytest.param({"head": 9, "epoch": "a"}, {"head": 4, "epoch": "a"}, id="put back by other means"),
    ],
)
def test_page_when_the_database_was_restored_then_fetched_anew_once_and_what_comes_is_shown(
    page: dict[str, Any], server: dict[str, Any], tmp_path: Path
) -> None:
    head = server["head"]
    assert told(tmp_path, page=page, server=server) == {"resyncs": [head], "shown": [head + 1, head + 2]}


def test_page_when_the_first_ticket_comes_after_the_second_then_one_connection_and_fetched_anew_once(tmp_path: Path) -> None:
    """On the line again while the first was under way: each connection brings an event here."""
    found = told(tmp_path, page={"head": 9, "epoch": "a"}, server={"head": 4, "epoch": "b"}, late=1000)
    assert found == {"resyncs": [4], "shown": [5]}


def test_page_when_nothing_was_restored_then_what_it_missed_comes_and_it_is_not_fetched_anew(tmp_path: Path) -> None:
    found = told(tmp_path, page={"head": 9, "epoch": "a"}, server={"head": 11, "epoch": "a"})
    assert found == {"resyncs": [], "shown": [10, 11, 12, 13]}


def test_page_when_drawn_by_the_release_before_then_not_fetched_anew(tmp_path: Path) -> None:
    assert told(tmp_path, page={"head": 9}, server={"head": 9, "epoch": "a"}) == {"resyncs": [], "shown": [10, 11]}

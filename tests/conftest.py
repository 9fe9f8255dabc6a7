"""Fixtures for every test: the house (house.py), its pages in a browser (pages.py), servers (servers.py, scaled.py), order (stages.py)."""

import pytest

from tests.house import *  # noqa: F403
from tests.pages import *  # noqa: F403
from tests.scaled import *  # noqa: F403
from tests.servers import *  # noqa: F403
from tests.stages import (
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_ignore_collect,
    pytest_sessionfinish,
    pytest_sessionstart,
    pytest_terminal_summary,
)

__all__ = [
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_ignore_collect",
    "pytest_sessionfinish",
    "pytest_sessionstart",
    "pytest_terminal_summary",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="rewrite golden files instead of comparing with them")
    parser.addoption("--postgres", action="store_true", help="run on PostgreSQL what runs on SQLite by default")


@pytest.fixture
def regenerate(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew."""
    return bool(request.config.getoption("--regenerate"))

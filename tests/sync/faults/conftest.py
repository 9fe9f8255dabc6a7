"""One product and two devices for all the faults: 苏航 writes at one, 陈墨 sees at the other what arrived."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import short_folder
from tests.sync.faults.scene import Scene
from tests.sync.faults.site import Site, running_site


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with short_folder("faults") as folder, running_site(folder) as running:
        yield running


@pytest.fixture(scope="module")
def scene(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("scene"), site, random.Random(7))
    yield made
    made.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a test may put devices of its own."""
    return tmp_path

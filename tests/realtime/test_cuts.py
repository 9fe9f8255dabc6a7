"""Random cuts of the line: every browser ends with exactly the events of its member, in the order of the database.

Here on SQLite with one process of each kind; tests/journeys/test_scaled.py does so behind nginx. The suite makes a few cuts,
``script/check-realtime`` as many as wanted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.product import Product, running_product
from tests.realtime.cuts import CUTS, TIMEOUT_S, UNLIMITED, run_cuts
from workspace.settings import Settings

pytestmark = [pytest.mark.server, pytest.mark.timeout(TIMEOUT_S)]


def test_browsers_when_cut_at_random_then_the_log_is_the_database_s(request: pytest.FixtureRequest, short_tmp: Path) -> None:
    """The relay is killed between a commit and its frame, and so is the process that pushes."""
    with own_or_shared(request, short_tmp) as product:
        settings = Settings(data_dir=product.data_dir, port=product.port)
        kills = [lambda: product.kill("worker"), lambda: product.kill("realtime")] * (2 if CUTS else 1)
        outcome = run_cuts(settings, product.url, short_tmp / "cuts", cuts=CUTS or 150, kills=kills)
        for name in ("worker", "realtime"):
            product.wait_for(name)
    outcome.require_none()


@contextmanager
def own_or_shared(request: pytest.FixtureRequest, folder: Path) -> Iterator[Product]:
    """The session's product; in a long run one that does not count how often somebody asks."""
    if not CUTS:
        yield request.getfixturevalue("product")
    else:
        with running_product(folder / "own", MAINLINE_RATE_LIMIT=UNLIMITED) as product:
            yield product

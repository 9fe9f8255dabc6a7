"""Random cuts of the line: every browser ends with exactly the events of its member, in the order of the database.

Here on SQLite with one process of each kind; tests/journeys/test_scaled.py does so behind nginx. The suite makes a few cuts,
``script/check-realtime`` as many as wanted.
"""

from pathlib import Path

import pytest

from tests.product import Product
from tests.realtime.cuts import CUTS, TIMEOUT_S, run_cuts
from workspace.settings import Settings

pytestmark = [pytest.mark.server, pytest.mark.timeout(TIMEOUT_S)]


def test_browsers_when_cut_at_random_then_the_log_is_the_database_s(product: Product, short_tmp: Path) -> None:
    """The relay is killed between a commit and its frame, and so is the process that pushes."""
    settings = Settings(data_dir=product.data_dir, port=product.port)
    kills = [lambda: product.kill("worker"), lambda: product.kill("realtime")] * (2 if CUTS else 1)
    outcome = run_cuts(settings, product.url, short_tmp / "cuts", cuts=CUTS or 150, kills=kills)
    for name in ("worker", "realtime"):
        product.wait_for(name)
    outcome.require_none()

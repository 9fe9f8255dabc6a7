"""A backup is restored under pages that stay open: the sequence goes on lower than what they have seen, and so do they."""

import uuid
from contextlib import closing
from pathlib import Path

import pytest

from tests.journeys.server_story import Caller
from tests.product import Product, free_port_block, running_product, wait_until
from tests.realtime.cuts import Browsers, page_of, scripts_in
from tests.scaled import WEB_PROCESSES, another
from tests.servers import PostgresServer

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]
LOST = 5
SIMULATED = {"MAINLINE_LIBVIRT_URI": "test:///default"}


def test_pages_when_a_backup_is_restored_under_them_then_fetched_anew_once_and_go_on(short_tmp: Path) -> None:
    with running_product(short_tmp / "first", **SIMULATED) as product:
        restored_under_pages(product, short_tmp, elsewhere={})


def test_pages_when_scaled_out_and_realtime_is_left_running_then_they_go_on_as_well(
    postgres: PostgresServer, redis_server: str, short_tmp: Path
) -> None:
    """Two web processes; browsers are with a realtime process of another machine, which nobody stops."""
    names = [f"restored_{uuid.uuid4().hex}" for _ in range(2)]
    for name in names:
        postgres.execute(f"CREATE DATABASE {name}")
    first, elsewhere = ({"MAINLINE_DATABASE_URL": postgres.url(name)} for name in names)
    port, folder = free_port_block(), short_tmp / "scaled"
    shape = {"MAINLINE_REDIS_URL": redis_server, "MAINLINE_WEB_PROCESSES": str(WEB_PROCESSES)}
    pushing = {"MAINLINE_REALTIME_URL": f"http://127.0.0.1:{port + 1}"}
    with (
        running_product(folder / "first", **SIMULATED, **shape, **pushing, **first) as product,
        another("realtime", product, port, log=folder / "realtime.log"),
    ):
        restored_under_pages(product, folder, elsewhere=elsewhere)
    for name in names:
        postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


def restored_under_pages(product: Product, folder: Path, *, elsewhere: dict[str, str]) -> None:
    """elsewhere: settings of the installation into which the backup is restored, beside its data folder."""
    callers = [Caller(product.url, login) for login in ("linyue", "suhang")]
    line = callers[0].command("/api/lines", {"name": "恢复演练", "d_day": "2027-11-11"})["id"]
    people = [page_of(caller) | {"member": caller.login} for caller in callers]
    with closing(Browsers(product.url, scripts_in(folder / "scripts"), people)) as browsers:
        product.command("backup", str(folder / "backup"))
        for number in range(LOST):
            callers[0].command(f"/api/lines/{line}/posts", {"text": f"丢失的第 {number} 条"})
        lost = callers[0].events()[-1]["seq"]
        wait_until(lambda: lost in seqs(browsers)[0], what="the page has what will be lost")
        product.stop()
        product.data_dir = folder / "second" / "var"
        product.data_dir.parent.mkdir()
        product.environment |= elsewhere
        product.command("restore", str(folder / "backup"))
        product.start()
        before = len(seqs(browsers)[0])
        browsers.hurry()
        wait_until(lambda: all(report["resyncs"] for report in browsers.report()), what="both pages were fetched anew")
        callers[0].command(f"/api/lines/{line}/posts", {"text": "恢复后的第一条"})
        fresh = callers[0].events()[-1]["seq"]
        wait_until(lambda: fresh in seqs(browsers)[0][before:], what="the page has what happened since")
        assert fresh <= lost, "the sequence began again lower, or nothing was shown here"
        lives = sum(report["lives"] for report in browsers.report())
        for number in range(len(people)):
            browsers.cut(number, 50)
        browsers.come_back(lives + len(people))
        assert [report["resyncs"] for report in browsers.report()] == [1, 1]


def seqs(browsers: Browsers) -> list[list[int]]:
    """Of each browser the events that it was shown, as they came."""
    return [[what for kind, what, *_rest in report["journal"] if kind == "event"] for report in browsers.report()]

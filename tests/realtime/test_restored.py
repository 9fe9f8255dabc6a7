"""A backup is restored under pages that stay open: the sequence goes on lower than what they have seen, and so do they."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.journeys.server_story import Caller
from tests.product import running_product, wait_until
from tests.realtime.cuts import Browsers, page_of, scripts_in

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]
LOST = 5


def test_pages_when_a_backup_is_restored_under_them_then_fetched_anew_once_and_go_on(short_tmp: Path) -> None:
    with running_product(short_tmp / "restored", MAINLINE_LIBVIRT_URI="test:///default") as product:
        callers = [Caller(product.url, login) for login in ("linyue", "suhang")]
        line = callers[0].command("/api/lines", {"name": "恢复演练", "d_day": "2027-11-11"})["id"]
        people = [page_of(caller) | {"member": caller.login} for caller in callers]
        with closing(Browsers(product.url, scripts_in(short_tmp / "scripts"), people)) as browsers:
            product.command("backup", str(short_tmp / "backup"))
            for number in range(LOST):
                callers[0].command(f"/api/lines/{line}/posts", {"text": f"丢失的第 {number} 条"})
            lost = callers[0].events()[-1]["seq"]
            wait_until(lambda: lost in seqs(browsers)[0], what="the page has what will be lost")
            product.stop()
            product.data_dir = short_tmp / "second" / "var"
            product.data_dir.parent.mkdir()
            product.command("restore", str(short_tmp / "backup"))
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

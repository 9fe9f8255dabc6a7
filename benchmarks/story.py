"""The story: a save in the guest until it is seen in another city; how fast the product starts, what it weighs at rest.

The guest writes its own clock into a file once every two seconds and closes it; a browser of a colleague in another city
watches the folder. What lies between the instant in the file and the change on that page is measured, after taking off
the difference of the two clocks (asked of the guest agent, the shortest of several answers). Goal: the issue's second.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Row, percentile, resident_mib
from tests.browser import chromium
from tests.journeys.story import LINE, Story, until_stable
from tests.product import ROOT, Product, wait_until

FILE = "stamp.txt"
PAUSE_S = 2
WATCH = """(name) => {
    window.seen = {};
    const look = () => {
        const shown = document.querySelector('main').innerText.split(name)[1] ?? '';
        const found = shown.match(/版本 (\\d+)/);
        if (found && !(found[1] in window.seen)) window.seen[found[1]] = Date.now();
    };
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
    look();
}"""


def measure(quick: bool) -> list[Row]:
    saves = 10 if quick else 50
    images = ROOT / "var" / "images"
    subprocess.run([".venv/bin/mainline", "image", "build", "--output", str(images)], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="mb-") as name:
        Path(name).chmod(0o711)
        product = Product(data_dir=Path(name) / "var", environment={"MAINLINE_IMAGE_DIR": str(images)})
        cold_s = _timed_start(product)
        product.stop()
        warm_s = _timed_start(product)
        try:
            until_stable(10)
            weight_mib = _weight_mib(product)
            with chromium() as browser:
                story = Story(browser, product.url)
                delays_s = _save_delays_s(story, product, saves)
        finally:
            product.stop()
    return [
        Row(
            "save-seen-p50",
            f"Save in the guest, seen in another city: median of {len(delays_s)}",
            "s",
            "lower",
            percentile(delays_s, 0.5),
            goal=1.0,
        ),
        Row("save-seen-p95", f"The same, 95 of 100 (n = {len(delays_s)})", "s", "lower", percentile(delays_s, 0.95), goal=1.0),
        Row("start-cold", "First start with the demo company, image built before", "s", "lower", cold_s),
        Row("start-warm", "Second start", "s", "lower", warm_s, goal=10.0),
        Row("memory", "Memory of all processes at rest, without guests", "MiB", "lower", weight_mib),
    ]


def _timed_start(product: Product) -> float:
    started_at = time.perf_counter()
    product.start()
    return time.perf_counter() - started_at


def _save_delays_s(story: Story, product: Product, saves: int) -> list[float]:
    """Seconds from the instant that the guest wrote into the file to the change on the other page, per save."""
    story.open_line()
    story.open_desktop()
    story.connect_desktop()
    story.open_terminal()
    colleague = story.visit("chenmo")
    colleague.go("/library")
    colleague.page.get_by_role("link", name=LINE).first.click()
    colleague.page.wait_for_url("**/library/**")
    colleague.wait_live()
    colleague.page.evaluate(WATCH, FILE)
    offset_s = _guest_clock_offset_s(product, story.desktop)
    story.type_in_guest(f"for i in $(seq {saves}); do date +%s%N > {FILE}; sleep {PAUSE_S}; done")
    seen = lambda: colleague.page.evaluate("window.seen")  # noqa: E731
    wait_until(lambda: str(saves) in seen(), within_s=saves * (PAUSE_S + 4) + 60, what=f"{saves} saves were seen", every_s=1)
    subject = next(event["subject"] for event in reversed(story.events("chenmo")) if event["facts"].get("asset") == FILE)
    asset = subject.removeprefix("asset:")
    delays = []
    for number, at_ms in seen().items():
        content = colleague.page.request.get(f"{story.url}/library/assets/{asset}/versions/{number}/content").text()
        saved_at_ns = int(content)
        assert saved_at_ns > 1e18, f"no instant in nanoseconds: {content!r}"
        delays.append(at_ms / 1000 - (saved_at_ns / 1e9 - offset_s))
    return delays


def _guest_clock_offset_s(product: Product, desktop: str) -> float:
    """By how much the guest's clock is ahead of ours, from the quickest of ten answers of its guest agent."""
    from desktops.hypervisor.base import domain_uuid
    from desktops.hypervisor.local_libvirtd import LocalLibvirtd

    uri = LocalLibvirtd(product.data_dir / "libvirt").uri
    ask = ["virsh", "--connect", uri, "qemu-agent-command", domain_uuid(desktop), json.dumps({"execute": "guest-get-time"})]
    answers = []
    for _ in range(10):
        before = time.time()
        told = json.loads(subprocess.run(ask, check=True, capture_output=True, text=True).stdout)["return"] / 1e9
        after = time.time()
        answers.append((after - before, told - (before + after) / 2))
    return min(answers)[1]


def _weight_mib(product: Product) -> float:
    """Proportional set size of the supervisor and everything below it: shared pages count once."""
    assert product.process is not None
    pids, waiting = [], [product.process.pid]
    while waiting:
        pid = waiting.pop()
        pids.append(pid)
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            waiting += map(int, task.read_text().split())
    return resident_mib(*pids)

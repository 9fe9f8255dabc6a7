"""A large library: 1,000 to 100,000 files in one, 1,000 versions of one file, 50 machines at once on one server.

Machines speak the agents' protocol over HTTP (PUT into the store, commit, long poll) from threads of this process, on the
same processor as the server; what a real mount costs on top is W1 to W10 of the sync benchmark. The figures to look at
are those of growth: what a save costs must depend on what changed, not on how much lies around it.
"""

import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.harness import Row, Stopwatch, percentile, resident_mib
from benchmarks.syncing.machines import BATCH, carried_out, client_of, fill, make_folder
from benchmarks.syncing.site import Library, Site, running_site
from sync.core import protocol as p
from tests.contracts.library_contract import Client
from workspace.db import new_id

KIB = 1024
SAVES = 60


def measure(quick: bool) -> list[Row]:
    sizes = (500, 2000) if quick else (1000, 10_000, 100_000)
    with tempfile.TemporaryDirectory(prefix="mb-") as name, running_site(Path(name) / "ours") as site:
        return [
            *_growing(site, sizes),
            *_versions(site, 100 if quick else 1000),
            *_together(site, 10 if quick else 50),
        ]


# --- files -------------------------------------------------------------------------------------------------------------


@dataclass
class _Size:
    """What was measured with so many files around. Seconds."""

    files: int
    save: list[float]
    heard: list[float]
    page: float
    rename: float
    memory_mib: float


def _growing(site: Site, sizes: tuple[int, ...]) -> list[Row]:
    library = site.open_library("大库")
    mine, other = client_of(site, library, "苏航"), client_of(site, library, "陈墨")
    top = make_folder(mine, mine.root, "全部")
    found, filled, fill_s = [], 0, 0.0
    for size in sizes:
        with Stopwatch() as watch:
            fill(mine, top, filled, size)
        fill_s, filled = fill_s + watch.seconds, size
        found.append(_look(site, library, mine, other, top, size))
    rows: list[Row] = []
    for each in found:
        id = f"L{each.files}"
        rows += [
            Row(
                f"{id}-save",
                f"{each.files} files: a 64 KiB save until safe, median",
                "s",
                "lower",
                statistics.median(each.save),
            ),
            Row(f"{id}-save-p95", "The same, 95 of 100", "s", "lower", percentile(each.save, 0.95)),
            Row(f"{id}-feed", "Sent until the other machine has heard of it, median", "s", "lower", statistics.median(each.heard)),
            Row(f"{id}-feed-p95", "The same, 95 of 100", "s", "lower", percentile(each.heard, 0.95)),
            Row(f"{id}-page", "A folder of 100 of them as a page, median of 5", "s", "lower", each.page),
            Row(f"{id}-rename", "Rename of the folder with all of them, until safe", "s", "lower", each.rename),
            Row(f"{id}-memory", "Memory of the web process", "MiB", "lower", each.memory_mib),
        ]
    first, last = found[0], found[-1]
    times = last.files // first.files
    rows += [
        Row("L-fill", f"Files brought in, {BATCH} a request", "1/s", "higher", sizes[-1] / fill_s),
        Row("L-save-growth", f"Median save with {times} times the files by that with few", "×", "lower",
            statistics.median(last.save) / statistics.median(first.save), goal=1.5),
        Row("L-feed-growth", "Median feed latency, the same", "×", "lower",
            statistics.median(last.heard) / statistics.median(first.heard), goal=1.5),
        Row("L-page-growth", "Page of a folder, the same", "×", "lower", last.page / first.page, goal=1.5),
        Row("L-rename-growth", "Rename of everything, the same", "×", "lower", last.rename / first.rename, goal=1.5),
    ]  # fmt: skip
    mine.transport.close()
    other.transport.close()
    return rows


def _look(site: Site, library: Library, mine: Client, other: Client, top: str, size: int) -> _Size:
    numbers = random.Random(size)
    with _Listener(other) as listener:
        save: list[float] = []
        heard: list[float] = []
        folder = make_folder(mine, mine.root, f"保存 {size}")
        for number in range(SAVES):
            began, ended, node = _save(mine, folder, f"{number}.psd", numbers.randbytes(64 * KIB))
            save.append(ended - began)
            heard.append(listener.heard_of(node) - began)
            time.sleep(0.05)
    caller = site.caller("陈墨")
    inside = str(site.one("SELECT id FROM asset_node WHERE library_id=? AND parent_id=? ORDER BY name LIMIT 1", library.id, top))
    path = f"/library/folders/{inside}"
    caller.page(path)
    page = statistics.median(_seconds(partial(caller.page, path)) for _ in range(5))
    rename = _seconds(lambda: carried_out(mine.op(p.Rename(new_id(), top, mine.root, f"全部 {size}"))))
    return _Size(size, save, heard, page, rename, resident_mib(*site.product.web_workers()))


def _save(client: Client, folder: str, name: str, content: bytes, *, node: str = "", base: int = 0) -> tuple[float, float, str]:
    """When it began and was answered, and the node."""
    began = time.perf_counter()
    op = client.commit_op(name, content, node=node, base=base, parent=folder)
    carried_out(client.op(op, client.store(content)))
    return began, time.perf_counter(), op.node


def _seconds(what: Callable[[], object]) -> float:
    with Stopwatch() as watch:
        what()
    return watch.seconds


@dataclass
class _Listener:
    """A machine that follows the feed of a library, and notes when it heard of each node."""

    client: Client
    _at: dict[str, float] = field(default_factory=dict)
    _news: threading.Condition = field(default_factory=threading.Condition)
    _over: bool = False

    def __enter__(self) -> "_Listener":
        _nodes, self._cursor = self.client.feed(0)
        self._tag = self.client.remote.libraries().tag
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over = True
        self._thread.join(10)

    def heard_of(self, node: str) -> float:
        """When (perf_counter) the feed told of it."""
        with self._news:
            if not self._news.wait_for(lambda: node in self._at, 30):
                raise RuntimeError("the feed did not tell of a save within 30 s")
            return self._at[node]

    def _follow(self) -> None:
        while not self._over:
            answer = self.client.remote.feed(p.FeedRequest({self.client.library: self._cursor}, self._tag, 2))
            now = time.perf_counter()
            with self._news:
                for page in answer.pages:
                    self._cursor = page.cursor
                    for node in page.nodes:
                        self._at.setdefault(node.id, now)
                self._news.notify_all()


# --- versions ----------------------------------------------------------------------------------------------------------


def _versions(site: Site, versions: int) -> list[Row]:
    library = site.open_library("版本")
    mine = client_of(site, library, "苏航")
    numbers, node, seconds = random.Random(1), new_id(), []
    for number in range(versions):
        began, ended, _node = _save(mine, mine.root, "主视觉.psd", numbers.randbytes(64 * KIB), node=node, base=number)
        seconds.append(ended - began)
    share = max(10, versions // 20)
    caller = site.caller("苏航")
    path = f"/library/assets/{node}"
    caller.page(path)
    page = statistics.median(_seconds(partial(caller.page, path)) for _ in range(5))
    first, last = statistics.median(seconds[:share]), statistics.median(seconds[-share:])
    mine.transport.close()
    return [
        Row("V-save", f"{versions} versions of one file: a save at the end, median of {share}", "s", "lower", last),
        Row("V-save-growth", "by a save at the beginning", "×", "lower", last / first, goal=1.5),
        Row("V-page", "The page of that file, median of 5", "s", "lower", page),
    ]


# --- machines ----------------------------------------------------------------------------------------------------------


def _together(site: Site, machines: int) -> list[Row]:
    library = site.open_library("同时")
    alone_mib = resident_mib(*site.product.web_workers())
    writer = client_of(site, library, "苏航")
    clients = [client_of(site, library, "陈墨") for _ in range(machines)]
    listeners = [_Listener(client).__enter__() for client in clients]
    first: list[float] = []
    last: list[float] = []
    numbers = random.Random(50)
    for number in range(40):
        began, _ended, node = _save(writer, writer.root, f"{number}.psd", numbers.randbytes(64 * KIB))
        at = sorted(listener.heard_of(node) - began for listener in listeners)
        first.append(at[0])
        last.append(at[-1])
        time.sleep(0.1)
    waiting_mib = resident_mib(*site.product.web_workers())
    for listener in listeners:
        listener.__exit__()
    each = 20
    cpu = site.cpu_s()
    with ThreadPoolExecutor(machines) as pool, Stopwatch() as watch:
        saved = list(pool.map(lambda number: _saves(clients[number], number, each), range(machines)))
    cpu = site.cpu_s() - cpu
    seconds = [second for some in saved for second in some]
    lost = machines * each + 40 - site.live_files(library)
    for client in (*clients, writer):
        client.transport.close()
    return [
        Row("A-feed", f"{machines} machines wait: a save until the first has heard, median", "s", "lower", statistics.median(first)),
        Row("A-feed-all", "until the last has heard, median", "s", "lower", statistics.median(last), goal=1.0),
        Row("A-feed-all-p95", "The same, 95 of 100", "s", "lower", percentile(last, 0.95), goal=1.0),
        Row("A-memory", "Memory of the web process for each that waits", "MiB", "lower", max(0.0, waiting_mib - alone_mib) / machines),
        Row(
            "A-rate",
            f"All save {each} files at once: saves that became safe",
            "1/s",
            "higher",
            machines * each / watch.seconds,
        ),
        Row("A-save-p95", "one of them, 95 of 100", "s", "lower", percentile(seconds, 0.95)),
        Row("A-cpu", "Processor time of the web process for each save", "s", "lower", cpu / (machines * each)),
        Row("A-lost", "Saves that did not arrive", "files", "lower", float(lost), goal=0.0),
    ]


def _saves(client: Client, number: int, count: int) -> list[float]:
    numbers = random.Random(number)
    seconds = []
    for each in range(count):
        began, ended, _node = _save(client, client.root, f"{number} {each}.dat", numbers.randbytes(16 * KIB))
        seconds.append(ended - began)
    return seconds

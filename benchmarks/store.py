"""The embedded object store: small and large objects, start, memory.

Peers are the floor and the alternative on the same disk: a plain file with fsync, and SeaweedFS as it comes, without
a sync per PUT. Figures of the store go through the product's own storage border, signatures and retries included.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import Row, Stopwatch, resident_mib
from sync.library.embedded_store import EmbeddedStore, prepare_store
from sync.library.storage import S3Store
from workspace.ports import free_port

KIB, MIB = 1024, 1024 * 1024
PACK_BYTES = 16 * MIB


def measure(quick: bool) -> list[Row]:
    objects, packs = (100, 4) if quick else (2000, 32)
    with tempfile.TemporaryDirectory(prefix="mainline-bench-") as name:
        folder = Path(name)
        started_at = time.perf_counter()
        with running_store(folder) as (store, process):
            cold_s = time.perf_counter() - started_at
            synced = _rates(store, objects, packs)
            store_mib = resident_mib(process.pid)
            store.shell("fs.configure -locationPrefix=/buckets/bench/ -delete -apply")
            as_it_comes = _rates(store, objects, packs)
        started_at = time.perf_counter()
        with running_store(folder):
            warm_s = time.perf_counter() - started_at
        floor = _disk_rates(folder, objects, packs)
    rows = [
        Row(
            id,
            what,
            unit,
            "higher",
            synced[id],
            {"SeaweedFS without sync": as_it_comes[id], "file and fsync": floor[id]},
            goal=0.5 * as_it_comes[id],  # A sync per PUT may cost half at most; reading must not suffer, noise aside.
        )
        for id, what, unit in (
            ("put-1k", "PUT 1 KiB, one thread", "1/s"),
            ("put-1k-8", "PUT 1 KiB, eight threads", "1/s"),
            ("get-1k", "GET 1 KiB, one thread", "1/s"),
            ("put-pack-4", "PUT packs of 16 MiB, four threads", "MB/s"),
            ("get-pack", "GET packs of 16 MiB, one thread", "MB/s"),
        )
    ]
    return [
        *rows,
        Row("start-cold", "First start, from nothing to a bucket that takes writes", "s", "lower", cold_s, goal=8.0),
        Row("start-warm", "Start on existing content, after a kill -9", "s", "lower", warm_s, goal=5.0),
        Row("memory", "Memory after the writes", "MiB", "lower", store_mib, goal=400.0),
    ]


@contextmanager
def running_store(folder: Path) -> Iterator[tuple[EmbeddedStore, subprocess.Popen[bytes]]]:
    """A store with a bucket named ``bench`` and its process; killed at the end."""
    store = prepare_store(folder / "store", s3_port=free_port(), bucket="bench")
    child = store.child()
    with open(folder / "log", "ab") as log:
        process = subprocess.Popen(child.argv, env={**os.environ, **child.env}, cwd=child.cwd, stdout=log, stderr=log)
        try:
            while not child.ready():
                if process.poll() is not None:
                    raise RuntimeError((folder / "log").read_text()[-2000:])
                time.sleep(0.05)
            yield store, process
        finally:
            process.kill()
            process.wait()


def _rates(prepared: EmbeddedStore, objects: int, packs: int) -> dict[str, float]:
    store = S3Store(
        endpoint=prepared.endpoint,
        access_key=prepared.access_key,
        secret_key=prepared.secret_key,
        bucket=prepared.bucket,
        region="us-east-1",
        secure=False,
    )
    store.put("warm-up", b"x")  # The first write makes the volumes.
    return _all_rates(store.put, store.get, objects, packs)


def _disk_rates(folder: Path, objects: int, packs: int) -> dict[str, float]:
    """The same through plain files, each synced like a PUT."""
    files = folder / "files"

    def put(key: str, content: bytes) -> None:
        path = files / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    rates = _all_rates(put, lambda key: (files / key).read_bytes(), objects, packs)
    shutil.rmtree(files)
    return rates


def _all_rates(put: Callable[[str, bytes], None], get: Callable[[str], bytes], objects: int, packs: int) -> dict[str, float]:
    small, pack = os.urandom(KIB), os.urandom(PACK_BYTES)
    mb = packs * PACK_BYTES / 1e6
    return {
        "put-1k": objects / _seconds(1, lambda n: put(f"one/{n}", small), objects),
        "put-1k-8": objects / _seconds(8, lambda n: put(f"eight/{n}", small), objects),
        "get-1k": objects / _seconds(1, lambda n: _expect(get(f"one/{n}"), small), objects),
        "put-pack-4": mb / _seconds(4, lambda n: put(f"packs/{n}", pack), packs),
        "get-pack": mb / _seconds(1, lambda n: _expect(get(f"packs/{n}"), pack), packs),
    }


def _seconds(threads: int, action: Callable[[int], None], times: int) -> float:
    with ThreadPoolExecutor(threads) as pool, Stopwatch() as watch:
        list(pool.map(action, range(times)))
    return watch.seconds


def _expect(found: bytes, wanted: bytes) -> None:
    if found != wanted:
        raise RuntimeError("the store returned other bytes than were put")

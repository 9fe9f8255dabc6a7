"""W4 a save from mount to mount, W9 a save during a storm, W10 what a mount gives to programs."""

import mmap
import os
import random
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import Row, Stopwatch, percentile
from benchmarks.syncing.peers import Peers
from benchmarks.syncing.scale import KIB, MIB, Scale, write_noise, write_tree
from benchmarks.syncing.site import Site, until
from benchmarks.syncing.syncthing import running_pair

SYNCTHING_SAVES = 3


def save_to_other_mount(site: Site, peers: Peers, scale: Scale, scratch: Path) -> list[Row]:
    """W4: from close() on one machine until the same name reads as the new bytes on another, which has read the old ones."""
    library = site.open_library("W4")
    mine, other = site.agent("苏航", library), site.agent("陈墨", library)
    small, large = _delays(mine.folder, other.folder, scale.small_saves, scale.large_saves)
    mine.clean_up()
    other.clean_up()
    smalls: dict[str, float] = {}
    larges: dict[str, float] = {}
    if peers.has("rclone"):
        with peers.excused("W4 weed"), peers.weed_mount("w4-one") as (one, _pid), peers.weed_mount("w4-other") as (another, _other_pid):
            found = _delays(one, another, scale.small_saves, scale.large_saves)
            smalls["weed"], larges["weed"] = percentile(found[0], 0.95), statistics.median(found[1])
    if peers.has("syncthing"):
        with peers.excused("W4 Syncthing"), running_pair(scratch / "w4-syncthing") as pair:
            found = _delays(pair.one.folder, pair.other.folder, SYNCTHING_SAVES, 1)
            smalls["Syncthing"], larges["Syncthing"] = percentile(found[0], 0.95), statistics.median(found[1])
    return [
        Row("W4", f"64 KiB saved until read elsewhere, 95 of 100 (n = {len(small)})", "s", "lower", percentile(small, 0.95), smalls, 0.05),
        Row("W4-p50", "The same, median", "s", "lower", statistics.median(small)),
        Row("W4-50MiB", f"50 MiB, median of {len(large)}", "s", "lower", statistics.median(large), larges, 0.4),
    ]


def _delays(one: Path, other: Path, small: int, large: int) -> tuple[list[float], list[float]]:
    numbers = random.Random(4)
    return (
        [_delay(one / "小.psd", other / "小.psd", numbers.randbytes(64 * KIB)) for _ in range(small)],
        [_delay(one / "大.psd", other / "大.psd", numbers.randbytes(50 * MIB)) for _ in range(large)],
    )


def _delay(mine: Path, other: Path, content: bytes) -> float:
    mine.write_bytes(content)
    with Stopwatch() as watch:
        until(lambda: _holds(other, content), f"{other.name} reads as saved", within_s=120, every_s=0.001)
    time.sleep(0.05)
    return watch.seconds


def _holds(path: Path, content: bytes) -> bool:
    """Whether the file is this. Its first KiB is looked at first, so that looking costs little."""
    try:
        with path.open("rb") as file:
            return file.read(KIB) == content[:KIB] and content[KIB:] == file.read()
    except OSError:
        return False


def save_in_storm(site: Site, peers: Peers, scale: Scale, scratch: Path) -> list[Row]:
    """W9: one machine copies a whole tree; on another somebody saves small files until the storm is over."""
    del peers  # Nobody else is measured here.
    source = write_tree(scratch / "storm", files=scale.storm_files, total_bytes=scale.storm_files * 10 * KIB, seed=9)
    library = site.open_library("W9")
    storm, calm = site.agent("苏航", library), site.agent("陈墨", library)
    over = threading.Event()

    def blow() -> None:
        subprocess.run(["cp", "-r", str(source), str(storm.folder)], check=True)
        storm.wait_safe(every_s=0.1)
        over.set()

    thread = threading.Thread(target=blow, daemon=True)
    thread.start()
    safe, number = [], 0
    while not over.is_set() and thread.is_alive():
        (calm.folder / f"保存 {number}.txt").write_bytes(random.Random(number).randbytes(20 * KIB))
        with Stopwatch() as watch:
            calm.wait_safe(every_s=0.002)
        safe.append(watch.seconds)
        number += 1
        time.sleep(0.2)
    thread.join()
    lost = scale.storm_files + number - site.live_files(library)
    storm.clean_up()
    calm.clean_up()
    what = f"Save during a storm of {scale.storm_files} files until safe, 95 of 100 (n = {len(safe)})"
    return [
        Row("W9", what, "s", "lower", percentile(safe, 0.95), goal=1.0),
        Row("W9-lost", "Files that did not arrive", "files", "lower", float(lost), goal=0.0),
    ]


Measured = tuple[float, float, float, float]


def mount_speed(site: Site, peers: Peers, scale: Scale, scratch: Path) -> list[Row]:
    """W10: writing into a mount, reading on a machine that never had the bytes, creating files, asking for attributes."""
    source = write_noise(scratch / "stream", scale.stream_mib, seed=10)
    library = site.open_library("W10")
    mine, other = site.agent("苏航", library), site.agent("陈墨", library)
    ours = _speeds(mine.folder, other.folder, source, scale, settled=mine.wait_safe)
    mine.clean_up()
    other.clean_up()
    figures: dict[str, Measured] = {}
    if peers.has("rclone"):
        with peers.excused("W10 weed"), peers.weed_mount("w10-one") as (one, _pid), peers.weed_mount("w10-other") as (another, _other_pid):
            figures["weed"] = _speeds(one, another, source, scale)
        with (
            peers.excused("W10 rclone"),
            peers.rclone_mount("w10", "w10-one") as (one, _pid),
            peers.rclone_mount("w10", "w10-other") as (another, _other_pid),
        ):
            figures["rclone"] = _speeds(one, another, source, scale)
    rows = []
    for position, (id, what, unit) in enumerate((
        ("W10-write", "Mount: written", "MiB/s"), ("W10-read", "Mount: read for the first time elsewhere", "MiB/s"),
        ("W10-create", "Mount: small files made", "1/s"), ("W10-stat", "Mount: attributes asked for", "1/s"),
    )):  # fmt: skip
        others = {name: found[position] for name, found in figures.items()}
        goal = max(others.values()) if others and id != "W10-stat" else None
        rows.append(Row(id, what, unit, "higher", ours[position], others, goal))
    return rows


def _touch_memory(size: int) -> None:
    """Have fresh memory at hand.

    The host of a virtual machine takes back what is free, and then a fresh page cost 12 µs here: writing a MiB into a mount, which fills
    two page caches, would take 6 ms of that alone, for whoever comes first.
    """
    with mmap.mmap(-1, size) as memory:
        for offset in range(0, size, mmap.PAGESIZE):
            memory[offset] = 1


def _speeds(mine: Path, other: Path, source: Path, scale: Scale, *, settled: Callable[[], None] | None = None) -> Measured:
    _touch_memory(4 * source.stat().st_size)
    with Stopwatch() as write:
        shutil.copyfile(source, mine / "流.bin")
    small = mine / "小文件"
    small.mkdir()
    if settled:
        settled()
    with Stopwatch() as create:
        for number in range(scale.creates):
            (small / f"{number}.txt").write_bytes(b"x" * 500)
    if settled:
        settled()
    names = [small / f"{number}.txt" for number in range(scale.creates)]
    with Stopwatch() as stat:
        for _ in range(5):
            for name in names:
                os.stat(name)
    size = source.stat().st_size
    until(lambda: (other / "流.bin").exists() and (other / "流.bin").stat().st_size == size, "the other mount has the file", within_s=180)
    with Stopwatch() as read, (other / "流.bin").open("rb", buffering=0) as file:
        while file.read(MIB):
            pass
    mib = size / MIB
    return mib / write.seconds, mib / read.seconds, scale.creates / create.seconds, 5 * scale.creates / stat.seconds

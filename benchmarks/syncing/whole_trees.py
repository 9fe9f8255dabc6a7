"""W1 the first sync of many files, W3 the rename of a folder, W5 a cold start on a large library."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import Row, Stopwatch, resident_mib
from benchmarks.syncing.machines import client_of, fill, make_folder
from benchmarks.syncing.peers import Mounted, Peers
from benchmarks.syncing.scale import Scale, write_noise, write_tree
from benchmarks.syncing.site import Site, until
from benchmarks.syncing.syncthing import running_pair


def first_sync(site: Site, peers: Peers, scale: Scale, scratch: Path) -> list[Row]:
    """W1: a folder of many files, until the last is safe: of a PC that mirrors, as peers have it, and copied into a mount by cp."""
    source = write_tree(scratch / "tree", files=scale.files, total_bytes=scale.tree_bytes, seed=1)
    mirrored = _first_sync_of_a_mirror(site, source, scale.files)
    site.settle()
    library = site.open_library("W1")
    agent = site.agent("苏航", library)
    agent_before, web_before = agent.cpu_s(), site.cpu_s()
    with Stopwatch() as mounted:
        with Stopwatch() as copied:
            subprocess.run(["cp", "-r", str(source), str(agent.folder)], check=True)
        agent.wait_safe(every_s=0.02)
    agent_s, web_s = agent.cpu_s() - agent_before, site.cpu_s() - web_before
    if site.live_files(library) != scale.files:
        raise RuntimeError(f"W1: {site.live_files(library)} of {scale.files} files arrived")
    agent.clean_up()
    site.settle()
    others = _first_syncs_of_peers(peers, source, scratch)
    goal = 6.0 * scale.files / 10_000
    rows = [
        Row("W1", f"First sync of a folder of {scale.files} files, safe", "s", "lower", mirrored, others, goal),
        Row("W1-mount", "The same copied into a mount, safe", "s", "lower", mounted.seconds, goal=goal),
        Row("W1-copy", "of it: until cp has returned", "s", "lower", copied.seconds),
        Row("W1-agent-cpu", "Processor time of the agent with the mount", "s", "lower", agent_s),
        Row("W1-web-cpu", "Processor time of the web process", "s", "lower", web_s),
    ]
    if "rclone" in others:
        rows.insert(1, Row("W1-ratio", "rclone's time by ours", "×", "higher", others["rclone"] / mirrored, goal=4.0))
    return rows


def _first_sync_of_a_mirror(site: Site, source: Path, files: int) -> float:
    """Seconds from the start of the agent, with the folder lying there, until everything is safe."""
    library = site.open_library("W1 镜像")
    agent = site.mirror("苏航", library)
    shutil.copytree(source, agent.folder)
    with Stopwatch() as watch:
        agent.launch()
        until(lambda: site.live_files(library) == files, "the library has all files", every_s=0.05)
        agent.wait_safe(every_s=0.02)
    agent.clean_up()
    return watch.seconds


def _first_syncs_of_peers(peers: Peers, source: Path, scratch: Path) -> dict[str, float]:
    seconds: dict[str, float] = {}
    if peers.has("rclone"):
        seconds["rclone"] = peers.rclone("sync", str(source), peers.remote("w1"))[0]
    if peers.has("restic"):
        with peers.excused("W1 restic"):
            peers.restic("w1", "init")
            seconds["restic"] = peers.restic_backup("w1", source)[0]
    if peers.has("borg"):
        repository = scratch / "w1-borg"
        peers.borg_seconds("init", "-e", "none", str(repository))
        seconds["borg, local disk"] = peers.borg_seconds("create", f"{repository}::first", str(source))
    if peers.has("unison"):
        (scratch / "w1-unison").mkdir()
        seconds["Unison, local disk"] = peers.unison_seconds(source, scratch / "w1-unison")
    if peers.has("syncthing"):
        with peers.excused("W1 Syncthing"), running_pair(scratch / "w1-syncthing") as pair:
            shutil.copytree(source, pair.one.folder / "tree")
            wanted = _count(source)
            with Stopwatch() as watch:
                pair.one.scan()
                until(lambda: _count(pair.other.folder / "tree") == wanted and pair.other.is_level(), "Syncthing has all", every_s=0.1)
            seconds["Syncthing"] = watch.seconds
    return seconds


def _count(folder: Path) -> int:
    return sum(len(files) for _folder, _folders, files in os.walk(folder))


def rename_folder(site: Site, peers: Peers, scale: Scale, scratch: Path) -> list[Row]:
    """W3: a folder of 100 files gets another name."""
    each = max(1, scale.folder_mib // 100)
    source = scratch / "renamed"
    source.mkdir()
    for number in range(100):
        write_noise(source / f"{number}.bin", each, seed=number)
    library = site.open_library("W3")
    mine, other = site.agent("苏航", library), site.agent("陈墨", library)
    shutil.copytree(source, mine.folder / "一稿")
    mine.wait_safe()
    until(lambda: (other.folder / "一稿").is_dir() and _count(other.folder) == 100, "the other mount has the folder")
    before = site.pack_bytes(library)
    with Stopwatch() as elsewhere:
        with Stopwatch() as safe:
            (mine.folder / "一稿").rename(mine.folder / "二稿")
            mine.wait_safe(every_s=0.001)
        until(lambda: (other.folder / "二稿" / "99.bin").exists(), "the other mount shows the new name", every_s=0.001)
    sent = site.pack_bytes(library) - before
    mine.clean_up()
    other.clean_up()
    others = _renames_of_peers(peers, source, scratch)
    return [
        Row("W3", "Rename a folder of 100 files until the name is safe", "s", "lower", safe.seconds, others, 0.1),
        Row("W3-elsewhere", "until another mount shows it", "s", "lower", elsewhere.seconds, _only(others, "Syncthing", "weed"), 0.5),
        Row("W3-bytes", "Content sent for it", "B", "lower", float(sent), goal=0.0),
    ]


def _only(figures: dict[str, float], *names: str) -> dict[str, float]:
    return {name: figures[name] for name in names if name in figures}


def _renames_of_peers(peers: Peers, source: Path, scratch: Path) -> dict[str, float]:
    seconds: dict[str, float] = {}
    work = scratch / "w3"
    shutil.copytree(source, work / "一稿")
    if peers.has("rclone"):
        peers.rclone("sync", str(work), peers.remote("w3"))
        (work / "一稿").rename(work / "二稿")
        seconds["rclone"] = peers.rclone("sync", str(work), peers.remote("w3"), "--track-renames")[0]
        with peers.excused("W3 weed"), peers.weed_mount("w3-one") as (one, _pid), peers.weed_mount("w3-other") as (other, _other_pid):
            until(lambda: (other / "w3" / "二稿" / "99.bin").exists(), "the mount of SeaweedFS shows the folder", within_s=30)
            with Stopwatch() as watch:
                (one / "w3" / "二稿").rename(one / "w3" / "三稿")
                until(lambda: (other / "w3" / "三稿" / "99.bin").exists(), "and its new name", within_s=60)
            seconds["weed"] = watch.seconds
    if peers.has("syncthing"):
        with peers.excused("W3 Syncthing"), running_pair(scratch / "w3-syncthing") as pair:
            shutil.copytree(source, pair.one.folder / "一稿")
            pair.one.scan()
            until(lambda: _count(pair.other.folder) >= 100 and pair.other.is_level(), "Syncthing has the folder", every_s=0.1)
            (pair.one.folder / "一稿").rename(pair.one.folder / "二稿")
            with Stopwatch() as watch:
                pair.one.scan()
                until(lambda: _count(pair.other.folder / "二稿") == 100, "Syncthing has the new name", every_s=0.02)
            seconds["Syncthing"] = watch.seconds
    return seconds


def cold_library(site: Site, peers: Peers, scale: Scale, scratch: Path) -> list[Row]:
    """W5: a machine that has never seen a large library: until a file deep in it is read, a walk over all of it, memory."""
    source = scratch / "library"
    _write_small_files(source, scale.library_files)
    library = site.open_library("W5")
    filler = client_of(site, library, "苏航")
    fill(filler, make_folder(filler, filler.root, "w5"), 0, scale.library_files)
    filler.transport.close()
    site.settle()
    known = site.agent("陈墨", site.open_library("W5 empty"))  # Enrolled; what it knows of W5 is thrown away.
    known.clean_up()
    (known.home / "state" / "index.db").unlink()
    deep = Path("w5") / f"{(scale.library_files - 1) // 100:04d}" / f"{scale.library_files - 1:06d}.dat"
    started_at = time.perf_counter()
    known.launch()
    assert known.process is not None
    ours = _open_and_walk(known.mount / library.name, deep, known.process.pid, started_at, scale.library_files)
    known.clean_up()
    figures = _cold_peers(peers, source, deep, scale)
    rows = []
    for position, (id, what, unit, goal) in enumerate((
        ("W5", f"{scale.library_files} files, cold: start until a file is read", "s", 0.15),
        ("W5-walk", "Walk with a stat of each file", "s", 9.0 * scale.library_files / 100_000),
        ("W5-memory", "Memory of the mount afterwards", "MiB", 120.0),
    )):  # fmt: skip
        rows.append(Row(id, what, unit, "lower", ours[position], {name: found[position] for name, found in figures.items()}, goal))
    return rows


def _write_small_files(folder: Path, files: int) -> None:
    for number in range(files):
        inside = folder / f"{number // 100:04d}"
        if number % 100 == 0:
            inside.mkdir(parents=True)
        (inside / f"{number:06d}.dat").write_text(f"素材 {number}")


def _open_and_walk(top: Path, deep: Path, pid: int, started_at: float, files: int) -> tuple[float, float, float]:
    until(lambda: _readable(top / deep), "a file of the library can be read")
    opened_s = time.perf_counter() - started_at
    until(lambda: _count(top / "w5") == files, "the whole library is there", within_s=600)
    with Stopwatch() as walk:
        for folder, _folders, names in os.walk(top / "w5"):
            for name in names:
                os.stat(os.path.join(folder, name))
    return opened_s, walk.seconds, resident_mib(pid)


def _readable(path: Path) -> bool:
    try:
        return bool(path.read_bytes())
    except OSError:
        return False


def _cold_peers(peers: Peers, source: Path, deep: Path, scale: Scale) -> dict[str, tuple[float, float, float]]:
    figures: dict[str, tuple[float, float, float]] = {}
    if not peers.has("rclone"):
        return figures
    peers.rclone("copy", str(source), peers.remote("w5/w5"))
    mounts: dict[str, tuple[Callable[[], Mounted], str]] = {
        "rclone": (lambda: peers.rclone_mount("w5", "w5"), "."),
        "weed": (lambda: peers.weed_mount("w5"), "w5"),
    }
    for name, (mount, inside) in mounts.items():
        started_at = time.perf_counter()
        with peers.excused(f"W5 {name}"), mount() as (point, pid):
            figures[name] = _open_and_walk(point / inside, deep, pid, started_at, scale.library_files)
    return figures

"""W2 an insertion into a large file, W6 versions of a layered file, W7 a transfer that is killed, W8 a Range over HTTP."""

import json
import os
import shutil
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import urllib3

from benchmarks.harness import Row, Stopwatch, percentile
from benchmarks.syncing.peers import Peers
from benchmarks.syncing.scale import KIB, MIB, Scale, edit_layers, insert_in_middle, write_noise
from benchmarks.syncing.site import Library, Site, until
from benchmarks.syncing.syncthing import running_pair
from sync.core.packs import PACK_TARGET_BYTES
from sync.library.storage import S3Store


def insert_in_large(site: Site, peers: Peers, scale: Scale, scratch: Path) -> list[Row]:
    """W2: 1 MiB more in the middle of a large file. The new file is put beside the old one and renamed onto it, as programs do."""
    first = write_noise(scratch / "large-1", scale.large_mib, seed=2)
    second = insert_in_middle(first, scratch / "large-2", seed=3)
    library = site.open_library("W2")
    agent = site.agent("苏航", library)
    shutil.copyfile(first, agent.folder / "片.mov")
    agent.wait_safe()
    before = site.pack_bytes(library)
    shutil.copyfile(second, agent.folder / "片.mov.tmp")
    with Stopwatch() as watch:
        (agent.folder / "片.mov.tmp").rename(agent.folder / "片.mov")
        agent.wait_safe()
    sent_mib = (site.pack_bytes(library) - before) / MIB
    agent.clean_up()
    sent, seconds = _insertions_of_peers(peers, first, second, scratch)
    what = f"1 MiB inserted into {scale.large_mib} MiB"
    return [
        Row("W2", f"{what}: content sent", "MiB", "lower", sent_mib, sent, 4.0),
        Row("W2-time", "from its save until it is safe", "s", "lower", watch.seconds, seconds, 5.0 * scale.large_mib / 1024),
    ]


def _insertions_of_peers(peers: Peers, first: Path, second: Path, scratch: Path) -> tuple[dict[str, float], dict[str, float]]:
    sent: dict[str, float] = {}
    seconds: dict[str, float] = {}
    folder = scratch / "w2"
    folder.mkdir()
    shutil.copyfile(first, folder / "片.mov")
    if peers.has("rclone"):
        peers.rclone("sync", str(folder), peers.remote("w2"))
    if peers.has("restic"):
        peers.restic("w2", "init")
        peers.restic_backup("w2", folder)
    shutil.copyfile(second, folder / "片.mov")
    if peers.has("rclone"):
        seconds["rclone"], sent_bytes = peers.rclone("sync", str(folder), peers.remote("w2"))
        sent["rclone"] = sent_bytes / MIB
    if peers.has("restic"):
        with peers.excused("W2 restic"):
            seconds["restic"], sent_bytes = peers.restic_backup("w2", folder)
            sent["restic"] = sent_bytes / MIB
    if peers.has("syncthing"):
        with peers.excused("W2 Syncthing"), running_pair(scratch / "w2-syncthing") as pair:
            target = pair.other.folder / "片.mov"
            shutil.copyfile(first, pair.one.folder / "片.mov")
            pair.one.scan()
            until(lambda: target.exists() and pair.other.is_level(), "Syncthing has the file", every_s=0.1)
            received = pair.other.received_bytes()
            shutil.copyfile(second, pair.one.folder / "片.mov")
            with Stopwatch() as watch:
                pair.one.scan()
                until(lambda: _size(target) == second.stat().st_size, "Syncthing has the change", every_s=0.05)
            seconds["Syncthing"] = watch.seconds
            sent["Syncthing"] = (pair.other.received_bytes() - received) / MIB
    return sent, seconds


def _size(path: Path) -> int:
    """-1 while it is being replaced."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def layered_versions(site: Site, peers: Peers, scale: Scale, scratch: Path) -> list[Row]:
    """W6: what many saves of a layered file take in the store, in multiples of one version."""
    folder = scratch / "w6"
    folder.mkdir()
    picture = write_noise(folder / "kv.psd", scale.layered_mib, seed=6)
    library = site.open_library("W6")
    agent = site.agent("苏航", library)
    repository = scratch / "w6-borg"
    restic_bytes, borg = 0, peers.has("borg")
    if peers.has("restic"):
        peers.restic("w6", "init")
    if borg:
        peers.borg_seconds("init", "-e", "none", str(repository))
    for number in range(scale.versions):
        if number:
            edit_layers(picture, seed=number)
        shutil.copyfile(picture, agent.folder / "kv.psd")
        agent.wait_safe()
        if peers.has("restic"):
            restic_bytes += peers.restic_backup("w6", folder)[1]
        if borg:
            peers.borg_seconds("create", "--compression=none", f"{repository}::{number}", str(folder))
    kept = site.one("SELECT MAX(number) FROM asset_version WHERE library_id=?", library.id)
    if kept != scale.versions:
        raise RuntimeError(f"W6: {kept} of {scale.versions} versions")
    agent.clean_up()
    one = scale.layered_mib * MIB
    times = site.pack_bytes(library) / one
    others = {"restic": restic_bytes / one} if restic_bytes else {}
    rows = [Row("W6", f"{scale.versions} versions of {scale.layered_mib} MiB, by one version", "×", "lower", times, others, 8.0)]
    if borg:
        others["borg"] = sum(path.stat().st_size for path in (repository / "data").rglob("*") if path.is_file()) / one
    if restic_bytes:
        rows.append(Row("W6-ratio", "The same, by what restic takes", "×", "lower", times * one / restic_bytes, goal=1.1))
    return rows


def killed_transfer(site: Site, peers: Peers, scale: Scale, scratch: Path) -> list[Row]:
    """W7: kill -9 at half, then again.

    Two of our packs are on their way at once, 16 MiB: what was cut off is not in the store, what was stored and not registered yet is there
    twice afterwards. It is at least counted as if both had been cut off.
    """
    source = write_noise(scratch / "broken", scale.broken_mib, seed=7)
    library = site.open_library("W7")
    agent = site.agent("苏航", library)
    shutil.copyfile(source, agent.folder / "片.mov")
    until(lambda: site.pack_bytes(library) >= source.stat().st_size // 2, "half is sent", every_s=0.02)
    in_time = agent.waiting() > 0
    agent.kill()
    agent.start()
    agent.wait_safe()
    twice, cut_off = site.pack_bytes(library) - source.stat().st_size, PACK_TARGET_BYTES if in_time else 0
    again = max(twice, cut_off) / source.stat().st_size * 100
    agent.clean_up()
    others = _killed_peers(peers, source)
    goal = None if scale.quick else 5.0  # One pack is an eighth of the little that a trial sends.
    return [Row("W7", f"Killed at half of {scale.broken_mib} MiB: sent again", "%", "lower", again, others, goal)]


def _killed_peers(peers: Peers, source: Path) -> dict[str, float]:
    again: dict[str, float] = {}
    size = source.stat().st_size
    if peers.has("rclone"):
        argv = peers.rclone_argv("copyto", str(source), peers.remote("w7/broken"))
        first = _kill_at_half(argv, peers.rclone_env(), ("stats", "bytes"), size)
        again["rclone"] = (first + peers.rclone("copyto", str(source), peers.remote("w7/broken"))[1] - size) / size * 100
    if peers.has("restic"):
        with peers.excused("W7 restic"):
            peers.restic("w7", "init")
            environment = {**peers.restic_env("w7"), "RESTIC_PROGRESS_FPS": "20"}
            first = _kill_at_half(["restic", "backup", "--json", str(source)], environment, ("bytes_done",), size)
            peers.restic("w7", "unlock", "--remove-all")
            again["restic"] = (first + peers.restic_backup("w7", source)[1] - size) / size * 100
    return {name: max(0.0, share) for name, share in again.items()}


def _kill_at_half(argv: list[str], env: dict[str, str], keys: tuple[str, ...], size: int) -> int:
    """Start a transfer and kill -9 it when it says that half is sent; returns the bytes it said last."""
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        done = 0
        for line in process.stdout:
            told = json.loads(line) if line.startswith("{") else {}
            for key in keys:
                told = told.get(key, {})
            done = max(done, told if isinstance(told, int) else 0)
            if done >= size // 2:
                process.kill()
                break
        return min(done, size)


def range_of_large(site: Site, peers: Peers, scale: Scale, scratch: Path) -> list[Row]:
    """W8: 1 MiB out of a large asset as a browser asks for it: signed in, rights checked, every byte verified."""
    source = write_noise(scratch / "film", max(64, scale.large_mib // 4), seed=8)
    library = site.open_library("W8")
    agent = site.agent("苏航", library)
    shutil.copyfile(source, agent.folder / "片.bin")
    agent.wait_safe()
    agent.clean_up()
    cookie, http = site.caller("苏航").cookie(), urllib3.PoolManager(retries=False)
    url = f"{site.product.url}/library/assets/{site.asset_id(library)}/versions/1/content"
    starts = [(number * 7919 * KIB * 4) % (source.stat().st_size - MIB) for number in range(scale.ranges)]
    ours = []
    for start in starts:
        with Stopwatch() as watch:
            answer = http.request("GET", url, headers={"Cookie": cookie, "Range": f"bytes={start}-{start + MIB - 1}"})
        if answer.status != 206 or answer.data != _part(source, start):
            raise RuntimeError(f"W8: {answer.status}, or other bytes")
        ours.append(watch.seconds * 1000)
    sent = _ranges_of_head(site, library, source, starts)
    directly = _ranges_of_store(peers, source, starts)
    return [
        Row("W8", "1 MiB Range of a large asset over HTTP, median", "ms", "lower", percentile(ours, 0.5),
            {"S3 directly": percentile(directly, 0.5)}, 20.0),
        Row("W8-p99", "The same, 99 of 100", "ms", "lower", percentile(ours, 0.99), {"S3 directly": percentile(directly, 0.99)}),
        Row("W8-head", "The same of a version kept as a plain object: rights checked, sent on to the store, median", "ms", "lower",
            percentile(sent, 0.5), {"S3 directly": percentile(directly, 0.5)}, 20.0),
    ]  # fmt: skip


def _ranges_of_head(site: Site, library: Library, source: Path, starts: list[int]) -> list[float]:
    """The same ranges once the version has a head: as a browser whose every range begins anew, with the question and the way there."""
    caller, asset_id = site.caller("苏航"), site.asset_id(library)
    version = f"/library/assets/{asset_id}/versions/1"
    caller.send("POST", f"{version}/keeping", body="", kind="application/x-www-form-urlencoded")
    made = "SELECT COUNT(*) FROM library_head WHERE node_id=? AND state='made'"
    until(lambda: site.one(made, asset_id), "the version has a head")
    http, taken = urllib3.PoolManager(retries=False), []
    for start in starts:
        wanted = {"Range": f"bytes={start}-{start + MIB - 1}"}
        with Stopwatch() as watch:
            way = http.request("GET", f"{site.product.url}{version}/content", headers={"Cookie": caller.cookie(), **wanted}, redirect=False)
            answer = http.request("GET", way.headers["Location"], headers=wanted)
        if (way.status, answer.status) != (302, 206) or answer.data != _part(source, start):
            raise RuntimeError(f"W8-head: {way.status}, {answer.status}, or other bytes")
        taken.append(watch.seconds * 1000)
    return taken


def _part(source: Path, start: int) -> bytes:
    with source.open("rb") as file:
        return os.pread(file.fileno(), MIB, start)


def _ranges_of_store(peers: Peers, source: Path, starts: list[int]) -> list[float]:
    """The same ranges of the same bytes as one object, from a store beside ours, by presigned URL."""
    kept = peers.store
    store = S3Store(
        endpoint=kept.endpoint, access_key=kept.access_key, secret_key=kept.secret_key, bucket=kept.bucket, region="us-east-1", secure=False
    )
    store.put("film", source.read_bytes())
    ticket = store.presign_get("film", timedelta(hours=1))
    http = urllib3.PoolManager(retries=False)
    taken = []
    for start in starts:
        before = time.perf_counter()
        answer = http.request("GET", ticket.url, headers={**ticket.headers, "Range": f"bytes={start}-{start + MIB - 1}"})
        if answer.status != 206 or len(answer.data) != MIB:
            raise RuntimeError(f"the store answered {answer.status}")
        taken.append((time.perf_counter() - before) * 1000)
    return taken

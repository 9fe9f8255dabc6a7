"""What goes wrong outside of the agent: the store is away, the line is bad or cut, clocks are set. Told, nothing lost, goes on by itself.

`script/check-sync --away 600` keeps the store away for ten minutes; here it is as long as it takes to be told.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.sync.faults.line import HOST, bad_line
from tests.sync.faults.scene import Scene
from tests.sync.faults.site import Agent, Site, until

pytestmark = [pytest.mark.fault, pytest.mark.server, pytest.mark.fuse, pytest.mark.timeout(300 + int(os.environ.get("FAULT_AWAY_S", "0")))]

DAY_S = 86_400
AWAY_S = int(os.environ.get("FAULT_AWAY_S", "0"))
"""How long the store is away after the person was told of it."""
STORE_AWAY = ("素材存储暂时无法连接", "对象存储没有应答，尚不能确认已安全")
"""What a person is told: that bytes do not get there, or, where the last save was being confirmed, that this one is not."""
LOSSY_S = 30
"""Half of all packets are lost on their way there or back: TCP takes 5 s or a minute for the same, as chance has it; then none is."""


def test_store_when_away_then_saves_stay_here_are_told_of_and_leave_when_it_is_back(scene: Scene, site: Site) -> None:
    folder, there = scene.writes.folder / "断线", scene.reads.folder / "断线"
    folder.mkdir()
    (folder / "图.psd").write_bytes(b"before")
    (folder / "没读过.bin").write_bytes(unread := os.urandom(300_000))
    until(lambda: site.files("断线/") == {"断线/图.psd": b"before", "断线/没读过.bin": unread}, "safe before")
    site.kill("store")
    saved = {f"断线/{number}.bin": os.urandom(200_000) for number in range(5)}
    for path, content in saved.items():
        (scene.writes.folder / path).write_bytes(content)
    (folder / "图.psd").write_bytes(b"meanwhile")
    (folder / "0.bin").rename(folder / "零.bin")
    saved["断线/零.bin"] = saved.pop("断线/0.bin")
    until(lambda: any(words in scene.writes.tell_status() for words in STORE_AWAY), scene.writes.tell_status, every_s=0.3)
    told = scene.writes.tell_status()
    assert "待上传" in told
    assert "不用重新保存" in told
    began = time.monotonic()
    while time.monotonic() - began < AWAY_S:
        (folder / "图.psd").write_bytes(f"after {time.monotonic() - began:.0f} s".encode())
        assert (folder / "零.bin").read_bytes() == saved["断线/零.bin"], "what is here is to be read"
        time.sleep(10)
    if AWAY_S:
        assert _errno_of_reading(there / "没读过.bin") == errno.EIO, "nobody hangs for what cannot be had"
    last = (folder / "图.psd").read_bytes()
    began = time.monotonic()
    site.restart_store()
    saved |= {"断线/图.psd": last, "断线/没读过.bin": unread}
    until(lambda: site.files("断线/") == saved, scene.writes.tell_status)
    print(f"away for {AWAY_S} s more than it took to be told; {time.monotonic() - began:.1f} s after its start everything is safe")
    until(lambda: "问题" not in scene.writes.tell_status(), scene.writes.tell_status, every_s=0.3)
    assert site.conflicts() == []


def _errno_of_reading(path: Path) -> int:
    try:
        path.read_bytes()
    except OSError as error:
        return error.errno or 0
    return 0


def test_line_when_a_third_is_lost_or_it_is_cut_then_no_program_waits_and_everything_arrives(scene: Scene, site: Site, home: Path) -> None:
    ports = (site.settings.port, site.settings.store_port)
    with bad_line(*ports) as line:
        agent = Agent(home / "far", site, "苏航", prefix=line.prefix, FAULT_VIA=HOST).start()
        try:
            folder = agent.folder / "坏线"
            folder.mkdir()
            line.set(0.3, 0.15)
            saved = {f"坏线/{number}.bin": os.urandom(8_000) for number in range(4)}
            for path, content in saved.items():
                (agent.folder / path).write_bytes(content)
            with suppress(AssertionError):
                until(lambda: site.files("坏线/") == saved, "all arrived", LOSSY_S, 0.1)
            line.set(0.0, 0.15)
            until(lambda: site.files("坏线/") == saved, lambda: f"all arrived; {agent.log()}", 90, 0.1)
            line.set(1.0, 0.0)
            (folder / "图.psd").write_bytes(b"cut off")
            began = time.monotonic()
            (folder / "0.bin").write_bytes(b"second")
            assert time.monotonic() - began < 10, "a program waits for nobody, as long as a connection is tried"
            line.set(0.0, 0.0)
            saved |= {"坏线/图.psd": b"cut off", "坏线/0.bin": b"second"}
            until(lambda: site.files("坏线/") == saved, lambda: f"all arrived; {agent.log()}", 90, 0.1)
        finally:
            agent.clean_up()
    assert site.conflicts() == []


def test_clock_when_set_by_a_day_either_way_then_saves_and_deletions_arrive(site: Site, home: Path) -> None:
    clock = home / "clock"
    agent = Agent(home / "wrong", site, "苏航", FAULT_CLOCK=str(clock)).start()
    try:
        folder = agent.folder / "时钟"
        folder.mkdir()
        saved = {}
        for number, offset_s in enumerate((0, DAY_S, -DAY_S, 0)):
            (folder / "旧.txt").write_bytes(b"to be deleted %d" % number)
            until(lambda: "时钟/旧.txt" in site.files("时钟/"), "the old one is there")
            (folder / "旧.txt").unlink()  # waits a moment, by the clock that is about to be set
            saved["时钟/图.psd"] = os.urandom(100_000)
            (folder / "图.psd").write_bytes(saved["时钟/图.psd"])
            clock.write_text(str(offset_s))
            saved[f"时钟/{number}.txt"] = b"x"
            (folder / f"{number}.txt").write_bytes(b"x")
            until(lambda: site.files("时钟/") == saved, lambda: f"{offset_s}: {agent.tell_status()}")  # noqa: B023
    finally:
        agent.clean_up()
    assert site.conflicts() == []

"""The loop of the mount: what waits leaves it to the others, and what does not is never switched away from."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from sync.agent import loop


def test_in_thread_when_it_waits_then_others_go_on_and_it_gets_its_value() -> None:
    told: list[str] = []
    go_on = threading.Event()

    async def waiting() -> None:
        told.append(str(await loop.in_thread(go_on.wait, 10)))

    async def quick() -> None:
        told.append("quick")
        go_on.set()

    async def main() -> None:
        async with loop.open_nursery() as nursery:
            nursery.start_soon(waiting)
            nursery.start_soon(quick)

    loop.run(main)
    assert told == ["quick", "True"]


def test_disk_when_everybody_else_waits_for_a_line_that_is_cut_then_it_is_not_waited_for() -> None:
    told: list[str] = []
    line = threading.Event()

    async def reading() -> None:
        told.append("line" if await loop.in_thread(line.wait, 10) else "gave up")

    async def flushing() -> None:
        await loop.at_disk(told.append, "disk")
        line.set()

    async def main() -> None:
        async with loop.open_nursery() as nursery:
            for _ in range(loop._THREADS):
                nursery.start_soon(reading)
            nursery.start_soon(flushing)

    loop.run(main)
    assert told == ["disk", *["line"] * loop._THREADS]


def test_in_thread_when_it_raises_then_so_does_the_waiting_one_and_the_loop() -> None:
    def fail() -> None:
        raise OSError("no")

    async def main() -> None:
        await loop.in_thread(fail)

    with pytest.raises(OSError, match="no"):
        loop.run(main)


def test_finished_when_several_wait_for_one_call_then_it_is_made_once() -> None:
    calls: list[int] = []

    async def main() -> None:
        call = loop.submit(calls.append, 1)

        async def wait() -> None:
            await loop.finished(call)

        async with loop.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(wait)

    loop.run(main)
    assert calls == [1]


def test_lock_when_one_reads_then_the_next_begins_after_it_and_a_request_that_waits_keeps_nobody() -> None:
    there, here = os.pipe()
    read: list[bytes] = []

    async def reader(lock: loop.Lock) -> None:
        async with lock:
            await loop.wait_readable(there)
            data = os.read(there, 1)
        await loop.in_thread(os.write, here, b"b")  # until this is done somebody else reads
        read.append(data)

    async def main() -> None:
        lock = loop.Lock()
        async with loop.open_nursery() as nursery:
            nursery.start_soon(reader, lock)
            nursery.start_soon(reader, lock)
            os.write(here, b"a")

    loop.run(main)
    assert sorted(read) == [b"a", b"b"]
    os.close(there)
    os.close(here)


def test_wait_readable_when_it_is_about_to_be_closed_then_says_so() -> None:
    there, here = os.pipe()

    async def main() -> None:
        threading.Timer(0.01, loop.notify_closing, (there,)).start()
        with pytest.raises(loop.ClosedResourceError):
            await loop.wait_readable(there)

    loop.run(main)
    os.close(there)
    os.close(here)


def test_agent_when_loaded_then_what_starting_does_not_need_is_not() -> None:
    program = "import sys, sync.agent.cli, sync.agent.engine, sync.agent.mount as m; print(m.pyfuse3.ROOT_INODE)"
    program += "; print(sorted({'trio', 'importlib.metadata', 'shutil', 'zipfile', 'csv', 'pyfastcdc'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "[]"]

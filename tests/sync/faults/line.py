"""A bad line: `python -m tests.sync.faults.line NAME PORT…` loses and delays packets between this machine and a network namespace.

Two TUN devices and this process between them do what netem does in kernels that have it. In the namespace NAME the machine's ports
are reached at `HOST`; everything that goes there and comes back is a real packet of a real TCP connection. Each line of the input
sets the line anew: LOSS DELAY_S, for each way.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

HOST, GUEST = "10.199.77.1", "10.199.77.2"
_TUNSETIFF = 0x400454CA
_TUN_NO_PI = 0x0001 | 0x1000
ROOT = Path(__file__).resolve().parents[3]


class Line:
    """The side of the test. prefix: what a command begins with to run behind the line."""

    def __init__(self, name: str, control: IO[str]) -> None:
        self._control = control
        self.prefix = ("nsenter", f"--net=/run/netns/{name}")

    def set(self, loss: float, delay_s: float) -> None:
        self._control.write(f"{loss} {delay_s}\n")
        self._control.flush()


@contextmanager
def bad_line(*ports: int) -> Iterator[Line]:
    """A line to these ports of the machine, good at first. Skips, with the reason, where no namespace or TUN device can be made."""
    name = f"fault{os.getpid()}"
    argv = [sys.executable, "-m", "tests.sync.faults.line", name, *(str(port) for port in ports)]
    process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            pytest.skip(f"line: no network namespace with a TUN device here: {process.communicate()[1][-300:]}")
        yield Line(name, process.stdin)
    finally:
        process.kill()
        process.communicate()
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def main() -> None:
    name, ports = sys.argv[1], [int(port) for port in sys.argv[2:]]
    near, far = _tun("flt0"), _tun("flt1")
    inside = ("ip", "netns", "exec", name)
    for argv in (
        ("ip", "netns", "add", name), ("ip", "link", "set", "flt1", "netns", name),
        ("ip", "address", "add", f"{HOST}/30", "dev", "flt0"), ("ip", "link", "set", "flt0", "up"),
        (*inside, "ip", "address", "add", f"{GUEST}/30", "dev", "flt1"), (*inside, "ip", "link", "set", "flt1", "up"),
    ):  # fmt: skip
        subprocess.run(argv, check=True)
    for port in ports:
        listener = socket.create_server((HOST, port))
        threading.Thread(target=_relay, args=(listener, port), daemon=True).start()
    print("ready", flush=True)
    _carry(near, far)


def _tun(name: str) -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH", name.encode(), _TUN_NO_PI))
    return fd


def _carry(near: int, far: int) -> None:
    """Until the input ends."""
    loss, delay_s, count = 0.0, 0.0, 0
    waiting: list[tuple[float, int, int, bytes]] = []
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready = select.select([near, far, sys.stdin], [], [], pause)[0]
        if sys.stdin in ready:
            told = sys.stdin.readline()
            if not told:
                return
            loss, delay_s = (float(word) for word in told.split())
        for fd, other in ((near, far), (far, near)):
            if fd in ready:
                packet = os.read(fd, 65536)
                if random.random() >= loss:
                    count += 1
                    heapq.heappush(waiting, (time.monotonic() + delay_s, count, other, packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, other, packet = heapq.heappop(waiting)
            with suppress(OSError):  # the device is not up yet
                os.write(other, packet)


def _relay(listener: socket.socket, port: int) -> None:
    """The machine's own port, at the address that the namespace reaches."""
    while True:
        outside, _ = listener.accept()
        try:
            served = socket.create_connection(("127.0.0.1", port))
        except OSError:
            outside.close()
            continue
        for one, other in ((outside, served), (served, outside)):
            threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    main()

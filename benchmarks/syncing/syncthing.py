"""Two Syncthings on loopback that share a folder, with everything that looks for others switched off."""

import http.client
import json
import os
import re
import signal
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.syncing.site import until
from workspace.ports import free_port

_OFF = ("globalAnnounceEnabled", "localAnnounceEnabled", "relaysEnabled", "natEnabled", "crashReportingEnabled", "startBrowser")


@dataclass
class Device:
    """One Syncthing. folder: what it shares."""

    home: Path
    folder: Path
    id: str
    gui_port: int
    sync_port: int
    key: str
    process: "subprocess.Popen[bytes] | None" = None

    def ask(self, method: str, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.gui_port, timeout=600)
        try:
            connection.request(method, path, headers={"X-API-Key": self.key})
            body = connection.getresponse().read()
            return json.loads(body) if body else None
        finally:
            connection.close()

    def is_up(self) -> bool:
        try:
            return self.ask("GET", "/rest/system/ping") == {"ping": "pong"}
        except (OSError, ValueError, http.client.HTTPException):
            return False

    def scan(self) -> None:
        """Look for changes now instead of waiting for the watcher; returns when it has looked."""
        self.ask("POST", "/rest/db/scan?folder=bench")

    def is_level(self) -> bool:
        """Whether it has everything it knows of."""
        status = self.ask("GET", "/rest/db/status?folder=bench")
        return status["state"] == "idle" and status["needTotalItems"] == 0

    def received_bytes(self) -> int:
        return int(self.ask("GET", "/rest/system/connections")["total"]["inBytesTotal"])


@dataclass(frozen=True)
class Pair:
    """What is put into ``one.folder`` comes to ``other.folder``."""

    one: Device
    other: Device


@contextmanager
def running_pair(folder: Path) -> Iterator[Pair]:
    """Two devices that are connected and level."""
    devices = [_made(folder / name) for name in ("one", "other")]
    try:
        for device, peer in zip(devices, reversed(devices), strict=True):
            _configure(device, peer)
            with (device.home / "log").open("wb") as log:
                argv = ["syncthing", "serve", f"--home={device.home}", "--no-browser", "--no-restart", "--no-upgrade"]
                device.process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
        until(lambda: all(device.is_up() for device in devices), "Syncthing is up", within_s=60, every_s=0.05)
        until(lambda: _connected(devices[0]), "the two are connected", within_s=90, every_s=0.05)
        time.sleep(2)  # They exchange their indexes of nothing.
        yield Pair(devices[0], devices[1])
    finally:
        for device in devices:
            if device.process is not None:
                os.killpg(device.process.pid, signal.SIGKILL)  # What was started is only its guard.
                device.process.wait()


def _made(home: Path) -> Device:
    home.mkdir(parents=True)
    subprocess.run(["syncthing", "generate", f"--home={home}", "--no-default-folder"], check=True, capture_output=True)
    config = (home / "config.xml").read_text()
    found = re.search(r'<device id="([A-Z0-9-]+)"', config), re.search(r"<apikey>(.+)</apikey>", config)
    if not found[0] or not found[1]:
        raise RuntimeError("Syncthing wrote another configuration than expected")
    (home / "folder").mkdir()
    return Device(home, home / "folder", found[0][1], free_port(), free_port(), found[1][1])


def _configure(device: Device, peer: Device) -> None:
    path = device.home / "config.xml"
    tree = ElementTree.parse(path)
    root = tree.getroot()
    for name in _OFF:
        _set(root, f"options/{name}", "false")
    _set(root, "options/listenAddress", f"tcp://127.0.0.1:{device.sync_port}")
    _set(root, "options/reconnectionIntervalS", "5")
    _set(root, "gui/address", f"127.0.0.1:{device.gui_port}")
    other = ElementTree.SubElement(root, "device", id=peer.id, name="peer", compression="metadata")
    ElementTree.SubElement(other, "address").text = f"tcp://127.0.0.1:{peer.sync_port}"
    shared = ElementTree.SubElement(
        root, "folder", id="bench", label="bench", path=str(device.folder), type="sendreceive",
        rescanIntervalS="3600", fsWatcherEnabled="true", fsWatcherDelayS="10", ignorePerms="false", autoNormalize="true",
    )  # fmt: skip
    for each in (device.id, peer.id):
        ElementTree.SubElement(shared, "device", id=each)
    tree.write(path)


def _set(root: ElementTree.Element, path: str, text: str) -> None:
    found = root.find(path)
    if found is not None:
        found.text = text


def _connected(device: Device) -> bool:
    connections = device.ask("GET", "/rest/system/connections")["connections"]
    return any(each["connected"] for each in connections.values())

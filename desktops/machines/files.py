"""Where a desktop's files and sockets are on the machine that carries it. Pure naming; the web process uses none of it."""

from pathlib import Path

from desktops.hypervisor.base import DomainFiles
from workspace.secrets import SigningKey
from workspace.settings import Settings


def files_of(settings: Settings, desktop_id: str) -> DomainFiles:
    """Disks beside the database, sockets in the run folder: their paths must stay below 108 bytes."""
    return DomainFiles(folder=settings.data_dir / "desktops" / desktop_id, sockets=settings.run_dir / "d" / desktop_id)


class DesktopSockets:
    """The sockets of desktops on this machine, by id; what the gateway is given."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def console(self, desktop_id: str) -> Path:
        return files_of(self._settings, desktop_id).vnc_socket

    def channel(self, desktop_id: str) -> Path:
        return files_of(self._settings, desktop_id).channel_socket


def installation_id(key: SigningKey) -> str:
    """By which our domains are told from those of another installation on the same host; stays as long as the signing key."""
    return key.mac("installation", "")[:32]

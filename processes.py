"""Which processes make up one running product, in the order they start. Composition level, beside app.py.

Embedded default: store, web, realtime, worker, gateway and cache as children of one supervisor. What a setting places
elsewhere (an S3 server, a libvirt host) is simply not started here.
"""

import contextlib
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from desktops.caching.server import cache_answers
from desktops.hypervisor.choose import choose_hypervisor, open_host
from desktops.machines.files import DesktopSockets, installation_id
from desktops.machines.leaving import put_to_sleep
from sync.library.embedded_store import prepare_store
from workspace.parts import Parts
from workspace.ports import http_answers
from workspace.secrets import load_signing_key
from workspace.settings import ROOT, Settings
from workspace.supervise import Child, Supervisor
from workspace.wake import require_short_paths

WEB_READY_S = 60


def run_product(settings: Settings, *, tell: Callable[[str], None], on_ready: Callable[[], None], prepare: Callable[[], None]) -> None:
    """Run everything until Ctrl-C or TERM; returns after an orderly stop.

    prepare: brings the database up to date; called once, when no other supervisor can be running here.
    """
    require_short_paths(settings.run_dir)
    # Others may pass through, not look: each desktop's QEMU runs under an account of its own and must reach its disk.
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    settings.data_dir.chmod(0o711)
    (settings.data_dir / "logs").mkdir(exist_ok=True)
    (settings.data_dir / "logs").chmod(0o700)

    def start() -> list[Child]:
        prepare()
        return children(settings)

    Supervisor(start, run_dir=settings.run_dir, log_dir=settings.data_dir / "logs", tell=tell, on_ready=on_ready).run()


def start_gateway(settings: Settings, parts: Parts) -> None:
    """The gateway process: consoles and guest channels of the desktops on this machine."""
    from desktops.consoles.gateway import run_gateway  # Loaded here alone: one process of five serves consoles.

    run_gateway(settings, parts, DesktopSockets(settings))


def children(settings: Settings) -> list[Child]:
    """The children in order; the worker waits for the store and the hypervisor, the others for nobody."""
    made: list[Child] = []
    if not settings.s3_endpoint:
        store = prepare_store(settings.data_dir / "store", s3_port=settings.store_port, bucket=settings.s3_bucket)
        made.append(store.child())
    stores = tuple(child.name for child in made)
    daemon = choose_hypervisor(settings.libvirt_uri, settings.data_dir).daemon
    hypervisors = ("libvirtd",) if daemon else ()
    if daemon:
        leave = partial(_put_desktops_to_sleep, settings, daemon.uri)
        made.append(Child("libvirtd", daemon.argv, cwd=ROOT, needs=(), ready=daemon.ready, ready_within_s=60, before_stop=leave))
    mainline = _Mainline(settings)
    host, web, realtime, gateway = settings.host, settings.port, settings.realtime_port, settings.gateway_port
    return [
        *made,
        mainline.child("web", "web", needs=(), ready=lambda: http_answers(host, web, "/health"), ports=((host, web),)),
        mainline.child(
            "realtime",
            "realtime",
            needs=(),
            ready=lambda: http_answers(host, realtime, "/health"),
            ports=((host, realtime),),
        ),
        mainline.child("worker", "worker", needs=(*stores, *hypervisors), grace_s=20),
        mainline.child(
            "gateway",
            "gateway",
            needs=(),
            ready=lambda: http_answers(host, gateway, "/health"),
            ports=((host, gateway),),
        ),
        *([mainline.child("cache", "cache", needs=(), ready=lambda: cache_answers(settings))] if settings.chunk_cache_mib else []),
    ]


def _put_desktops_to_sleep(settings: Settings, uri: str) -> None:
    owner = installation_id(load_signing_key(settings))
    with contextlib.closing(open_host(uri, owner=owner, data_dir=settings.data_dir)) as hypervisor:
        put_to_sleep(hypervisor, settings, tell=print)


class _Mainline:
    """Makes children that run ``mainline COMMAND`` under the same settings."""

    def __init__(self, settings: Settings) -> None:
        self._environment = settings_as_environment(settings)
        self._program = str(Path(sys.executable).parent / "mainline")

    def child(self, name: str, command: str, **options: Any) -> Child:
        options.setdefault("ready_within_s", WEB_READY_S)
        return Child(name=name, argv=[self._program, command], env=self._environment, cwd=ROOT, **options)


def settings_as_environment(settings: Settings) -> dict[str, str]:
    """What a child must be told to run under the same settings: all of them, because it also inherits our environment."""
    values = {f"MAINLINE_{field.name.upper()}": str(getattr(settings, field.name)) for field in fields(Settings)}
    return {"MAINLINE_CONFIG": "", "PYTHONUNBUFFERED": "1", **values}

"""The ``mainline`` command: serve, its single processes, and the administrator's verbs.

A verb imports what it needs: several are about to become another program.
"""

import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workspace.errors import MainlineError
from workspace.settings import ROOT, Settings, load_settings

if TYPE_CHECKING:
    from workspace.db import Database
    from workspace.parts import Parts

Wiring = dict[str, Any]
OPEN_FILES = 65_536


def run(**wiring: Any) -> None:
    """Run the command line; our own errors end it with their sentence and status 1."""
    try:
        mainline(obj=wiring, standalone_mode=False)
    except MainlineError as error:
        sys.exit(f"{error.title}\n{error.message}".rstrip())
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)


class Verbs(click.Group):
    """later: name of a command that a feature brings -> loads it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.later: dict[str, Callable[[], click.Command]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.later[cmd_name]() if cmd_name in self.later else super().get_command(ctx, cmd_name)


@click.group(cls=Verbs)
def mainline() -> None:
    """Mainline 主线."""


@mainline.command()
@click.option("--port", type=int, help="TCP port of the web process; realtime, gateway and store follow at +1, +2, +3.")
@click.option("--host", help="Address to listen on.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder for everything the product keeps.")
@click.option("--s3-endpoint", help="host:port of an external S3 server instead of the embedded store.")
@click.option("--database-url", help="PostgreSQL URL instead of SQLite.")
@click.option("--redis-url", help="Redis URL for several processes and machines.")
@click.option("--libvirt-uri", help="libvirt connection instead of this machine's.")
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="TOML file with settings.")
@click.option("--demo/--no-demo", default=True, help="Create the demo company when the database is empty.")
@click.pass_obj
def serve(wiring: Wiring, demo: bool, **flags: Any) -> None:
    """Run the whole product on this machine until Ctrl-C."""
    from workspace.db import Database
    from workspace.logs import configure_logs

    settings = load_settings(**flags)
    configure_logs(settings)

    def prepare() -> None:
        parts: Parts = wiring["make_parts"](settings)
        _prepare(parts, wiring["seed_company"] if demo else None)
        parts.get(Database).dispose()

    wiring["run_product"](settings, tell=click.echo, on_ready=lambda: click.echo(wiring["welcome"](settings, demo)), prepare=prepare)


@mainline.command()
@click.pass_obj
def migrate(wiring: Wiring) -> None:
    """Bring the database to this release's tables."""
    from workspace.db import Database
    from workspace.migrate import migrate_database

    migrate_database(_parts(wiring).get(Database))


@mainline.command()
@click.pass_obj
def seed(wiring: Wiring) -> None:
    """Create the demo company, unless the database has members already."""
    done = _prepare(_parts(wiring), wiring["seed_company"])
    click.echo("demo company created" if done else "the database has members already; nothing was changed")


@mainline.command()
@click.pass_obj
def worker(wiring: Wiring) -> None:
    """Run jobs, and relay events to the realtime processes, until stopped."""
    from workspace.db import Database
    from workspace.jobs.worker import Worker
    from workspace.relay import Relay, make_publisher
    from workspace.wake import Wake

    parts = _parts(wiring)
    database, wake, settings = parts.get(Database), parts.get(Wake), parts.get(Settings)  # type: ignore[type-abstract]
    running = Worker(database, parts, wake)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.stopping.set())
    relay = Relay(database, make_publisher(settings), wake)
    threading.Thread(target=relay.run_until, args=(running.stopping,), name="relay", daemon=True).start()
    running.run_until_stopped()


@mainline.command()
@click.pass_obj
def gateway(wiring: Wiring) -> None:
    """Serve desktop consoles to browsers, and the product to the guests, until stopped."""
    parts = _parts(wiring)
    wiring["run_gateway"](parts.get(Settings), parts)


@mainline.command()
def web() -> None:
    """Run one web process (gunicorn, threads)."""
    settings = load_settings()
    _exec_gunicorn(
        "app:create_app()",
        "--config",
        "python:workspace.serving",
        "--worker-class",
        "gthread",
        "--workers",
        str(settings.web_processes),
        "--threads",
        str(settings.web_threads + settings.feed_places),
        "--bind",
        f"{settings.host}:{settings.port}",
        "--timeout",
        "60",
        "--keep-alive",
        "15",
    )


@mainline.command()
def realtime() -> None:
    """Run one realtime process (gunicorn, gevent)."""
    settings = load_settings()
    _allow_open_files()
    _exec_gunicorn(
        "workspace.realtime:make_app()",
        "--worker-class",
        "gevent",
        "--workers",
        "1",
        "--worker-connections",
        "4000",
        "--bind",
        f"{settings.host}:{settings.realtime_port}",
        "--timeout",
        "60",
    )


@mainline.command()
@click.option("--content", type=click.Choice(["none", "sample", "all"]), default="sample", show_default=True, help="Packs to read.")
@click.option("--rate", "rate_mib", type=float, default=0.0, help="Most MiB to read a second; 0 = as fast as it goes.")
@click.option("--repair", is_flag=True, help="Read damaged chunks from other packs, or have clients send them again. Changes no object.")
@click.pass_obj
def verify(wiring: Wiring, content: str, rate_mib: float, repair: bool) -> None:
    """Walk every chain of hashes that the product keeps, and its content; status 1 when something is broken or damaged."""
    from workspace.db import Database

    parts = _parts(wiring)
    with parts.get(Database).session(writes=False) as session:
        for check in wiring["checks"]:
            click.echo(check(session))
    if content != "none" and not wiring["verify_content"](parts, content=content, rate_mib=rate_mib, repair=repair):
        sys.exit(1)


def _allow_open_files() -> None:
    """A connection is an open file, and many shells allow a program a thousand: as many as it may ask for, up to OPEN_FILES."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _prepare(parts: "Parts", seed_company: "Callable[[Database, Parts], bool] | None") -> bool:
    """Migrate, and create the demo company where one is wanted and nobody is there; True when it was created."""
    from workspace.db import Database
    from workspace.migrate import migrate_database

    database = parts.get(Database)
    migrate_database(database)
    return seed_company(database, parts) if seed_company else False


def _parts(wiring: Wiring) -> "Parts":
    from workspace.logs import configure_logs

    settings = load_settings()
    configure_logs(settings)
    make: Callable[[Settings], Parts] = wiring["make_parts"]
    return make(settings)


def _exec_gunicorn(target: str, *options: str) -> None:
    """Become gunicorn, so that the supervisor's signals reach it directly."""
    argv = [
        str(Path(sys.executable).parent / "gunicorn"),
        target,
        "--chdir",
        str(ROOT),
        "--log-level",
        "warning",
        "--worker-tmp-dir",
        "/dev/shm" if os.path.isdir("/dev/shm") else "/tmp",
        *options,
    ]
    os.execv(argv[0], argv)

"""`mainline recover`: the catalogue from a copy of the bucket; and the content's part of `mainline verify`."""

import sys
from collections.abc import Callable
from typing import Any

import click

from sync.library.embedded_store import store_at_hand
from sync.library.recovery.actions import recover_catalogue
from sync.library.recovery.verify import MIB, Pace, verify_content
from workspace.db import Database
from workspace.migrate import migrate_database
from workspace.parts import Parts
from workspace.settings import Settings, load_settings


def recover_command(make_parts: Callable[..., Any]) -> click.Command:
    """The command; ``make_parts`` gives the database and the store that the settings name."""

    @click.command("recover")
    def recover() -> None:
        """Rebuild libraries, folders, assets, versions, authors and times from the bucket into a database without any.

        Name the copy with MAINLINE_S3_* or, of the embedded store, by its data folder. The bucket is only read. Status 2 when
        something could not be placed as it was; each such thing is listed.
        """
        settings = load_settings()
        parts = make_parts(settings)
        database = parts.get(Database)
        migrate_database(database)
        with store_at_hand(settings):
            report = recover_catalogue(database, parts, click.echo)
        click.echo(
            f"recovered: {report.libraries} libraries, {report.folders} folders, {report.files} files, {report.versions} versions; "
            f"{report.packs} packs verified, {report.size_bytes / 2**20:,.1f} MiB"
        )
        for complaint in report.complaints:
            click.echo(f"! {complaint}")
        for step in report.next_steps:
            click.echo(f"- {step}")
        if report.complaints:
            sys.exit(2)

    return recover


def verify_store(parts: Parts, *, content: str, rate_mib: float, repair: bool) -> bool:
    """Check what the libraries hold, with the store that the settings name; True when it is sound."""
    with store_at_hand(parts.get(Settings)):
        return verify_content(parts, click.echo, content=content, pace=Pace(rate_mib * MIB), repair=repair)

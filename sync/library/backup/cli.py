"""``mainline backup`` and ``mainline restore``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sync.library.backup.actions import back_up, restore
from sync.library.embedded_store import store_at_hand
from workspace.db import Database
from workspace.migrate import migrate_database
from workspace.settings import load_settings

FOLDER = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


def backup_command(make_parts: Callable[..., Any]) -> click.Command:
    @click.command("backup")
    @FOLDER
    def backup(folder: Path) -> None:
        """Copy database, bucket and keys into FOLDER; a second run copies only what is new.

        The product may be running. Interrupted at any moment, the former backup still stands, and the next run goes on. Disks of
        desktops and golden images are not in it.
        """
        settings = load_settings()
        with store_at_hand(settings):
            contents = back_up(make_parts(settings), folder, click.echo)
        click.echo(f"backup of {contents.made_at}: {contents.objects:,} objects, {contents.size_bytes / 2**20:,.1f} MiB, in {folder}")

    return backup


def restore_command(make_parts: Callable[..., Any]) -> click.Command:
    @click.command("restore")
    @FOLDER
    def restore_backup(folder: Path) -> None:
        """Bring the product back from FOLDER into an empty database, while nothing else of it runs.

        Name where with MAINLINE_DATA_DIR or MAINLINE_DATABASE_URL and MAINLINE_S3_*. Interrupted, the next run goes on.
        """
        settings = load_settings()
        parts = make_parts(settings)
        with store_at_hand(settings):
            contents = restore(parts, folder, click.echo)
        migrate_database(parts.get(Database))
        click.echo(f"restored the backup of {contents.made_at}: {contents.objects:,} objects; check with `mainline verify --content all`")

    return restore_backup

"""``mainline import`` and ``mainline export``."""

import os
import sys
from collections.abc import Callable, Iterable
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from sync.library.embedded_store import store_at_hand
from sync.library.exchange.actions import export_library, import_files, member_named
from sync.library.exchange.sources import Found, files_in, objects_in
from sync.library.storage import S3Store
from workspace.db import Database
from workspace.errors import InvalidInput
from workspace.settings import load_settings

LIBRARY = click.option("--library", required=True, help="Name or number of the library.")


def import_command(make_parts: Callable[..., Any]) -> click.Command:
    @click.command("import")
    @click.argument("source")
    @LIBRARY
    @click.option("--as", "login", required=True, help="Account of the member who may edit the library; the versions are theirs.")
    @click.option("--into", default="", help="Folder of the library; made when it is not there.")
    def import_source(source: str, library: str, login: str, into: str) -> None:
        """Bring the files of a folder, or of s3://BUCKET/PREFIX, into a library.

        A second run saves only what is new or changed. The bucket's server and keys come from AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY and AWS_REGION, never from the command line. Status 2 when something was refused; each is listed.
        """
        settings = load_settings()
        parts = make_parts(settings)
        files = _files_of(source)
        with store_at_hand(settings):
            done = import_files(parts, member_named(parts.get(Database), login), library, files, click.echo, into=into)
        click.echo(
            f"{done.saved:,} files saved ({done.size_bytes / 2**20:,.1f} MiB), {done.same:,} were there, {len(done.refused):,} refused"
        )
        for path, why in done.refused:
            click.echo(f"! {path}: {why}")
        if done.refused:
            sys.exit(2)

    return import_source


def export_command(make_parts: Callable[..., Any]) -> click.Command:
    @click.command("export")
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
    @LIBRARY
    @click.option("--at", "day", type=click.DateTime(["%Y-%m-%d"]), help="As the files were at the end of this day.")
    def export(folder: Path, library: str, day: datetime | None) -> None:
        """Write the files of a library, verified, with their times, to FOLDER/files, and a list of their versions beside it."""
        settings = load_settings()
        at = datetime.combine(day.date(), time.max, ZoneInfo(settings.time_zone)) if day is not None else None
        with store_at_hand(settings):
            count = export_library(make_parts(settings), folder, library, click.echo, at=at)
        click.echo(f"{count:,} files in {folder / 'files'}, listed in versions.csv")

    return export


def _files_of(source: str) -> Iterable[Found]:
    if not source.startswith("s3://"):
        folder = Path(source)
        if not folder.is_dir():
            raise InvalidInput(f"{source} is no folder", "Name a folder, or s3://BUCKET/PREFIX.")
        return files_in(folder)
    bucket, _slash, prefix = source.removeprefix("s3://").partition("/")
    told = {name: os.environ.get(name, "") for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    if missing := [name for name, value in told.items() if not value]:
        raise InvalidInput(f"{', '.join(missing)} is not set", "Server and keys of the bucket come from the environment.")
    scheme, _colon, host = told["AWS_ENDPOINT_URL"].rpartition("://")
    region = os.environ.get("AWS_REGION") or "us-east-1"
    return objects_in(
        S3Store(
            endpoint=host.rstrip("/"), access_key=told["AWS_ACCESS_KEY_ID"], secret_key=told["AWS_SECRET_ACCESS_KEY"], bucket=bucket,
            region=region, secure=scheme == "https",
        ),
        prefix,
    )  # fmt: skip

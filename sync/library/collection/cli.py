"""``mainline collect``: a round of collection by hand, or what one would find."""

import threading
from collections.abc import Callable
from typing import Any

import click
from sqlalchemy import select

from sync.library.collection.jobs import collect_content
from sync.library.collection.queries import outlook
from sync.library.collection.rules import WORTH_BYTES
from sync.library.embedded_store import store_at_hand
from sync.library.libraries.models import Library
from workspace.db import Database
from workspace.jobs.worker import JobRun
from workspace.parts import Parts
from workspace.settings import load_settings
from workspace.work import open_work


def collect_command(make_parts: Callable[..., Any]) -> click.Command:
    """The command; ``make_parts`` gives the database and the store that the settings name."""

    @click.command("collect")
    @click.option("--dry-run", is_flag=True, help="Say what a round would find; changes nothing, not even a mark.")
    def collect(dry_run: bool) -> None:
        """Take what no version needs out of the bucket: mark it, and remove what was marked a week ago and more.

        The product may be running: the worker does the same once a day. Nothing that a version needs is ever removed.
        """
        settings = load_settings()
        parts = make_parts(settings)
        if not dry_run:
            with store_at_hand(settings):
                collect_content(JobRun(parts.get(Database), parts, 1, "collect", threading.Event()))
        _tell(parts)

    return collect


def _tell(parts: Parts) -> None:
    with open_work(parts.get(Database), writes=False) as work:
        for library in work.session.scalars(select(Library).order_by(Library.name, Library.id)).all():
            click.echo(outlook(work, library.id, library.name, WORTH_BYTES).in_words)

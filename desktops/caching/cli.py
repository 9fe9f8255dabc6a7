"""``mainline cache``: the process that keeps content for the desktops of this machine."""

import click

from desktops.caching.server import run_cache
from workspace.logs import configure_logs
from workspace.secrets import load_signing_key
from workspace.settings import load_settings


@click.command("cache")
def cache_command() -> None:
    """Keep content for the desktops of this machine, until stopped."""
    settings = load_settings()
    configure_logs(settings)
    run_cache(settings, load_signing_key(settings))

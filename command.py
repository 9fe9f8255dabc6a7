"""Composition: the ``mainline`` command. What a verb needs of the product is loaded when that verb runs.

``web`` and ``realtime`` become gunicorn, which loads the product itself: loading it here too would double their start.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import workspace.cli


def main() -> None:
    workspace.cli.mainline.later["image"] = lambda: import_module("desktops.images.cli").image_commands
    workspace.cli.mainline.later["recover"] = lambda: import_module("sync.library.recovery.cli").recover_command(
        _later("wiring", "make_parts")
    )
    workspace.cli.mainline.later["collect"] = lambda: import_module("sync.library.collection.cli").collect_command(
        _later("wiring", "make_parts")
    )
    workspace.cli.mainline.later["cache"] = lambda: import_module("desktops.caching.cli").cache_command
    for verb, feature in (("backup", "backup"), ("restore", "backup"), ("import", "exchange"), ("export", "exchange")):
        workspace.cli.mainline.later[verb] = partial(_library_verb, feature, f"{verb}_command")
    workspace.cli.run(
        make_parts=_later("wiring", "make_parts"),
        seed_company=_later("demo_line", "seed_demo"),
        run_gateway=_later("processes", "start_gateway"),
        run_product=_later("processes", "run_product"),
        welcome=_later("demo", "welcome"),
        verify_content=_later("sync.library.recovery.cli", "verify_store"),
        checks=(_later("workspace.events.verify", "verify_events"), _later("main_lines.approvals.verify", "verify_approvals")),
    )


def _library_verb(feature: str, name: str) -> Any:
    return getattr(import_module(f"sync.library.{feature}.cli"), name)(_later("wiring", "make_parts"))


def _later(module: str, name: str) -> Callable[..., Any]:
    return lambda *args, **options: getattr(import_module(module), name)(*args, **options)

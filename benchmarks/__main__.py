"""``python -m benchmarks NAME [--quick]``: the command behind script/bench."""

import argparse
import ast
import sys
from pathlib import Path

from benchmarks.harness import run

FOLDER = Path(__file__).parent
SHARED = {"__init__", "__main__", "harness", "plot"}


def available() -> dict[str, str]:
    """Name and title of every benchmark."""
    modules = sorted(path for path in FOLDER.glob("*.py") if path.stem not in SHARED)
    return {path.stem: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0] for path in modules}


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench", description="Measure and keep the figures.")
    parser.add_argument("name", nargs="?", choices=available())
    parser.add_argument("--quick", action="store_true", help="a trial with few repeats; not kept")
    parser.add_argument("--only", metavar="W4,W9", default="", help="of a benchmark with workloads: these alone; not kept")
    parser.add_argument("--alone", action="store_true", help="ours without the peers; not kept")
    options = parser.parse_args()
    if not options.name:
        print("\n".join(f"{name:<16} {title}" for name, title in available().items()))
        return 0
    chosen = {name: value for name, value in (("only", tuple(filter(None, options.only.split(",")))), ("alone", options.alone)) if value}
    rows = run(options.name, quick=options.quick, **chosen)
    missed = [row.id for row in rows if row.met is False]
    return 1 if missed and not options.quick and not chosen else 0


if __name__ == "__main__":
    sys.exit(main())

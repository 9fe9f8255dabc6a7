"""What holds for every file and is no matter of code style: links that lead somewhere, modules of readable size, no
address of a package registry. Prints each fault with its file and ends with status 1 when there is one."""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 400
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
# Written in pieces, so that this file does not find itself.
REGISTRIES = re.compile("|".join((r"pypi\." + "org", r"pythonhosted\." + "org", r"npmjs\." + "(?:org|com)", r"deb\.debian\." + "org")))


def main() -> int:
    files = tracked_files()
    faults = [
        *(fault for path in files if path.suffix == ".md" for fault in broken_links(path)),
        *(fault for path in files if path.suffix == ".py" for fault in too_long(path)),
        *(fault for path in files for fault in addresses(path)),
    ]
    print("\n".join(faults), end="\n" if faults else "")
    return bool(faults)


def tracked_files() -> list[Path]:
    """Files that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def broken_links(path: Path) -> list[str]:
    """Relative links whose file or heading is missing; addresses on the network are not asked."""
    text = FENCE.sub("", path.read_text("utf-8"))
    return [f"{path.relative_to(ROOT)}: link to {link} leads nowhere" for link in LINK.findall(text) if not leads_somewhere(path, link)]


def leads_somewhere(path: Path, link: str) -> bool:
    if re.match(r"[a-z][a-z0-9+.-]*:", link):
        return True
    name, _hash, heading = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.exists():
        return False
    return not heading or target.suffix != ".md" or heading in headings(target.read_text("utf-8"))


def headings(text: str) -> set[str]:
    """Anchors as the usual forges make them: lower case, punctuation gone, spaces to hyphens."""
    titles = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def too_long(path: Path) -> list[str]:
    """Modules over 400 lines whose docstring does not say why; a migration is written by a program and never edited."""
    text = path.read_text("utf-8")
    lines = text.count("\n")
    if lines <= MAX_LINES or "Over 400 lines because" in (ast.get_docstring(ast.parse(text)) or "") or "migrations" in path.parts:
        return []
    return [f"{path.relative_to(ROOT)}: {lines} lines; split it, or say in its docstring: Over 400 lines because …"]


def addresses(path: Path) -> list[str]:
    try:
        found = REGISTRIES.search(path.read_text("utf-8"))
    except UnicodeDecodeError:
        return []  # A picture or another binary file.
    return [f"{path.relative_to(ROOT)}: names the package registry {found.group()}"] if found else []


if __name__ == "__main__":
    sys.exit(main())

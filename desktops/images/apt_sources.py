"""Which package sources the image is built from: those of this machine, so that a mirror set up once is used here too.

Nothing names a server in code. Pure: text in, text out.
"""

from collections.abc import Iterable, Mapping

_POCKETS = ("", "-updates", "-security", "/updates")


def sources_of_suite(files: Mapping[str, str], suite: str) -> str:
    """The entries of ``files`` (name -> content, from /etc/apt) that serve ``suite``, as one deb822 text.

    Other suites and foreign repositories are left out; signing keys stay as they are named there. Empty text =
    this machine runs another release: the caller lets mmdebstrap take its default.
    """
    stanzas: list[str] = []
    for name, text in sorted(files.items()):
        found = _deb822(text, suite) if name.endswith(".sources") else _one_line(text, suite)
        stanzas.extend(found)
    return "\n".join(stanzas)


def _wanted(suites: Iterable[str], suite: str) -> list[str]:
    return [each for each in suites if each in {suite + pocket for pocket in _POCKETS}]


def _deb822(text: str, suite: str) -> Iterable[str]:
    for block in text.replace("\r\n", "\n").split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
        fields = _fields(lines)
        suites = _wanted(fields.get("suites", "").split(), suite)
        if not suites or "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        kept = {**fields, "types": "deb", "suites": " ".join(suites), "components": "main"}
        yield "".join(f"{key.title()}: {value}\n" for key, value in kept.items())


def _fields(lines: list[str]) -> dict[str, str]:
    """Field names in lower case; continuation lines (an inline key) stay attached to their field."""
    fields: dict[str, str] = {}
    last = ""
    for line in lines:
        if line[0] in " \t" and last:
            fields[last] += "\n" + line
        elif ":" in line:
            last, _colon, value = line.partition(":")
            last = last.strip().lower()
            fields[last] = value.strip()
    return fields


def _one_line(text: str, suite: str) -> Iterable[str]:
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words or words[0] != "deb":
            continue
        options: dict[str, str] = {}
        rest = words[1:]
        if rest and rest[0].startswith("["):
            end = next(index for index, word in enumerate(rest) if word.endswith("]"))
            pairs = " ".join(rest[: end + 1]).strip("[] ").split()
            options = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
            rest = rest[end + 1 :]
        if len(rest) >= 2 and _wanted([rest[1]], suite):
            signed = f"Signed-By: {options['signed-by']}\n" if "signed-by" in options else ""
            yield f"Types: deb\nUris: {rest[0]}\nSuites: {rest[1]}\nComponents: main\n{signed}"

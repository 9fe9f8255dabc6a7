"""What the probe found, in words."""

from collections.abc import Iterable

from desktops.hypervisor.probe import Finding


def sentences(reasons: Iterable[str]) -> list[str]:
    """One sentence per finding; a code of a later release shows as it is."""
    known = {str(finding): finding for finding in Finding}
    return [known[code].sentence if code in known else code for code in reasons]


def verdict(reasons: Iterable[str]) -> str:
    return "".join(sentences(reasons))

"""Sentences that are kept and read later, each time in the language of whoever reads.

What is put in words when it happens stays in the language of whoever, or whatever job, did it. A phrase keeps the source text and its
values instead, as JSON. Texts are marked with ``N_``, so that extraction finds them.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from workspace.i18n import _, source

Phrase = dict[str, Any]
"""{"text": source text, "values": {name: text, number, phrase or list of these}}, or {"shown_as": name, …} for what is no text."""

_SHOWN: dict[str, Callable[[Mapping[str, Any]], str]] = {}


def phrase(text: Any, **values: Any) -> Phrase:
    return {"text": source(text), "values": values}


def shows(name: str, words: Callable[[Mapping[str, Any]], str]) -> None:
    """Let a feature say how {"shown_as": name, …} reads: an amount of money is written otherwise in each language."""
    _SHOWN[name] = words


_QUOTED = re.compile(r"“%\((\w+)\)s”")


def within_quotes(text: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they stand in the text: quotation marks inside those that it puts in such marks become single ones."""
    quoted = set(_QUOTED.findall(text))
    return {
        name: value.replace("“", "‘").replace("”", "’") if name in quoted and isinstance(value, str) else value
        for name, value in values.items()
    }


def said(kept: Any, *, translate: Callable[..., str] = _) -> Any:
    """In the reader's language. Whatever is no phrase, as what people wrote, stays as it is."""
    if isinstance(kept, list):
        return translate("、").join(str(said(one, translate=translate)) for one in kept)
    if not isinstance(kept, Mapping):
        return kept
    if "shown_as" in kept:
        return _SHOWN[kept["shown_as"]](kept)
    values = {name: said(value, translate=translate) for name, value in kept["values"].items()}
    return translate(kept["text"], **within_quotes(kept["text"], values))


def in_source(kept: Any) -> str:
    """In Chinese, whoever reads: for what can keep one text only."""
    return str(said(kept, translate=lambda text, **values: text % values if values else text))


def facts_of(**kept: Any) -> dict[str, Any]:
    """The facts of an event that say this: each as text, and beside a phrase, as ``…_said``, the phrase, which readers get to see."""
    found: dict[str, Any] = {}
    for name, one in kept.items():
        found[name] = one if isinstance(one, str) else in_source(one)
        if not isinstance(one, str):
            found[f"{name}_said"] = one
    return found

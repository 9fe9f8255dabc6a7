"""Translation. Source texts are Chinese; English is a gettext catalogue under ``translations/``.

Outside a request (jobs, CLI), and in the realtime process, which shows no page, texts come out in Chinese, the source
language.
"""

from typing import Any

from flask import current_app, has_request_context
from flask_babel import gettext as _babel_gettext
from flask_babel import pgettext as _babel_pgettext

LOCALES = ("zh", "en")


def _(text: str, **values: Any) -> str:
    """Translate now; ``%(name)s`` placeholders are filled from ``values``."""
    if _has_translations():
        return str(_babel_gettext(text, **values))
    return text % values if values else text


def _p(context: str, text: str, **values: Any) -> str:
    """As ``_``, for a word that English has several of; ``context`` says which one. Templates write ``pgettext``."""
    if _has_translations():
        return str(_babel_pgettext(context, text, **values))
    return text % values if values else text


def _has_translations() -> bool:
    return has_request_context() and "babel" in current_app.extensions


def _l(text: str, **values: Any) -> Any:
    """Translate when shown; for module-level tables. Falls back to Chinese outside a request."""
    return _Lazy(text, values)


def _lp(context: str, text: str, **values: Any) -> Any:
    """``_p``, translated when shown."""
    return _Lazy(text, values, context)


def source(text: Any) -> str:
    """The source text of a lazy one: what events keep as a fact, to be translated for each reader."""
    return text._text if isinstance(text, _Lazy) else str(text)


class _Lazy:
    """Lazy text that also works outside a request, unlike Flask-Babel's."""

    __slots__ = ("_context", "_text", "_values")

    def __init__(self, text: str, values: dict[str, Any], context: str = "") -> None:
        self._text, self._values, self._context = text, values, context

    def __str__(self) -> str:
        return _p(self._context, self._text, **self._values) if self._context else _(self._text, **self._values)

    def __html__(self) -> str:
        from markupsafe import escape

        return str(escape(str(self)))

    def __repr__(self) -> str:
        return f"_l({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(self._text)

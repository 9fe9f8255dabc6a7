"""Translation. Source texts are Chinese; English is a gettext catalogue under ``translations/``.

Outside a request (jobs, CLI), and in the realtime process, which shows no page, texts come out in Chinese, the source
language.
"""

from typing import Any

from flask import Flask, current_app, g, has_request_context
from flask_babel import get_locale, get_translations

LOCALES = ("zh", "en")


def install_words(app: Flask) -> None:
    """Let templates find the reader's catalogue as ``_`` does. After Flask-Babel, which looks for it several times for each word."""
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: _catalogue().ugettext(text),
        ngettext=lambda one, many, n: _catalogue().ungettext(one, many, n),
        newstyle=True,
        pgettext=lambda context, text: _catalogue().upgettext(context, text),
        npgettext=lambda context, one, many, n: _catalogue().unpgettext(context, one, many, n),
    )


def _catalogue() -> Any:
    """That of the language of now, kept until another one is forced. A page has hundreds of words."""
    locale = get_locale()
    if locale is None:
        return get_translations()
    kept = g.get("catalogue")
    if kept is None or kept[0] is not locale:
        kept = g.catalogue = (locale, get_translations())
    return kept[1]


def _(text: str, **values: Any) -> str:
    """Translate now; ``%(name)s`` placeholders are filled from ``values``."""
    shown = str(_catalogue().ugettext(text)) if _has_translations() else text
    return shown % values if values else shown


def _p(context: str, text: str, **values: Any) -> str:
    """As ``_``, for a word that English has several of; ``context`` says which one. Templates write ``pgettext``."""
    shown = str(_catalogue().upgettext(context, text)) if _has_translations() else text
    return shown % values if values else shown


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

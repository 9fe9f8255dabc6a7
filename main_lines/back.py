"""Where a form goes on to: the page it was sent from, when the form names it, else a default. Used by pages only."""

import re

from flask import redirect, request
from werkzeug.wrappers import Response

from workspace.web import is_htmx

OWN_PATH = re.compile(r"/(?!/)[!-\[\]-~]*")  # Browsers read a backslash as a slash and pass over tabs and line ends.


def way_back(default: str) -> Response:
    """A redirect (303) to the form's ``back`` field when that is a path of our own; ``//host`` would leave the site.

    A form sent by htmx is told to go there itself: followed by XHR, the whole page would land inside the form.
    """
    wish = request.form.get("back", "")
    target = wish if OWN_PATH.fullmatch(wish) else default
    return Response(status=204, headers={"HX-Redirect": target}) if is_htmx() else redirect(target, code=303)

"""Sending a browser to the store, for what lies there as one plain object. Callers have checked that its reader may see it.

Where browsers do not reach the store (setting s3_public_url), nobody is sent anywhere and no question is asked.
"""

from datetime import timedelta

from flask import Response, request

from sync.library.heads.models import Head
from sync.library.heads.rules import head_key, may_be_fetched
from sync.library.storage import ObjectStore, Shown
from workspace.settings import Settings
from workspace.web import web
from workspace.work import Work

FETCHED = timedelta(minutes=5)
"""A download needs its address for its beginning alone."""
VIEWED = timedelta(hours=1)
"""Players keep the address they were sent to, and ask it again for each place that somebody jumps to."""


def sends_away() -> bool:
    """Whether the browser of this request may fetch from the store by itself. A HEAD may not: the address is signed for a GET."""
    return request.method == "GET" and may_be_fetched(web().parts.get(Settings).s3_public_url, request.host_url)


def send_to_head(work: Work, *, library_id: str, node_id: str, number: int, name: str, digest: str, shown: Shown) -> Response | None:
    """To the head of this version; None where it has none."""
    if not sends_away():
        return None
    head = work.session.get(Head, head_key(library_id, node_id, number, name))
    if head is None or head.state != "made" or head.doomed_at is not None or head.digest != digest:
        return None
    return send_to_object(head.key, shown)


def send_to_object(key: str, shown: Shown) -> Response | None:
    """To an object that is there; None where browsers do not reach it."""
    if not sends_away():
        return None
    store = web().parts.get(ObjectStore)  # type: ignore[type-abstract]
    address = store.presign_view(key, VIEWED if shown.disposition.startswith("inline") else FETCHED, shown)
    if address is None:
        return None
    headers = {"Location": address, "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"}
    return Response(status=302, headers=headers)

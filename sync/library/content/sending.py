"""A version's bytes as an HTTP answer: Range, ETag, a Chinese file name, and nothing that could run in the browser."""

import mimetypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from urllib.parse import quote

from flask import Response, request

from sync.core.manifest import Manifest
from sync.library.content.reading import Reading, plan_reading, stream_reading
from sync.library.heads.sending import send_to_head
from sync.library.storage import ObjectStore, Shown
from workspace.web import request_work, web
from workspace.work import Work

# Shown in the page; everything else is a download. PDF is left out: a sandboxed viewer shows nothing.
INLINE = frozenset({
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "video/mp4", "video/webm", "audio/mpeg", "audio/mp4",
})  # fmt: skip
_FILMS = {"m4v": "video/mp4", "mov": "video/mp4", "mkv": "video/webm"}
"""Suffix -> the kind that browsers play under another name: of the same family, where they play it at all."""
SANDBOX = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True)
class VersionContent:
    """What is needed to send a version's bytes. at: when it was saved."""

    library_id: str
    asset_id: str
    number: int
    name: str
    digest: str
    manifest: Manifest
    at: datetime


@dataclass(frozen=True)
class _Part:
    start: int
    stop: int


def send_version(load: Callable[[Work], VersionContent], *, download: bool = False, direct: bool = False) -> Response:
    """Answer the current request with a version. ``load`` checks access and finds the content.

    direct: a version that has a head may be fetched from the store by the browser itself, where browsers reach it.

    For views with ``opens_work=False``: the store is read after the Work has ended. The first chunk is verified before
    the status line leaves; a later chunk that fails cuts the answer short, which Content-Length lets the client see.
    """
    with request_work(writes=False) as work:
        content = load(work)
        etag = f'"{content.digest}"'
        if etag in (request.headers.get("If-None-Match") or ""):
            return Response(status=304, headers=_headers(content, download=download))
        part = _wanted_part(content.manifest.size_bytes, etag)
        if part is None:
            return Response(status=416, headers={"Content-Range": f"bytes */{content.manifest.size_bytes}"})
        if direct and request.headers.get("If-Range") != etag and (answer := _to_head(work, content, download=download)) is not None:
            return answer  # If-Range: what began to come from here goes on from here; the store names the same bytes otherwise.
        reading = plan_reading(work, content.library_id, content.manifest, part.start, part.stop - part.start)
    return _stream(content, part, reading, download=download)


def _to_head(work: Work, content: VersionContent, *, download: bool) -> Response | None:
    said = _headers(content, download=download)
    return send_to_head(
        work, library_id=content.library_id, node_id=content.asset_id, number=content.number, name=content.name, digest=content.digest,
        shown=Shown(said["Content-Type"], said["Content-Disposition"]),
    )  # fmt: skip


def _stream(content: VersionContent, part: _Part, reading: Reading, *, download: bool) -> Response:
    size_bytes = content.manifest.size_bytes
    partial = part.stop - part.start < size_bytes
    body: Iterator[bytes] = iter(())
    if request.method != "HEAD":
        store = web().parts.get(ObjectStore)  # type: ignore[type-abstract]
        pieces = stream_reading(store, reading)
        first = next(pieces, b"")
        body = chain([first], pieces)
    response = Response(body, status=206 if partial else 200, headers=_headers(content, download=download))
    response.headers["Content-Length"] = str(reading.length)
    if partial:
        response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size_bytes}"
    return response


def _wanted_part(size_bytes: int, etag: str) -> _Part | None:
    """The range that the request asks for, the whole when it asks for none or for several; None when there is no such."""
    wanted = request.range
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1 or request.headers.get("If-Range", etag) != etag:
        return _Part(0, size_bytes)
    found = wanted.range_for_length(size_bytes)
    return _Part(found[0], found[1]) if found is not None else None


def _headers(content: VersionContent, *, download: bool) -> dict[str, str]:
    kind = kind_of(content.name)
    inline = kind in INLINE and not download
    return {
        "Content-Type": kind,
        "Content-Disposition": disposition("inline" if inline else "attachment", content.name),
        "Content-Security-Policy": SANDBOX,
        "Accept-Ranges": "bytes",
        "ETag": f'"{content.digest}"',
        "Cache-Control": "private, max-age=0, must-revalidate",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def kind_of(name: str) -> str:
    """The media type of what is shown in place, else that of bytes."""
    kind = _FILMS.get(name.rpartition(".")[2].casefold()) or mimetypes.guess_type(name)[0]
    return kind if kind in INLINE else "application/octet-stream"


def disposition(kind: str, name: str) -> str:
    """RFC 6266: an ASCII name for old clients, the real one in UTF-8 (RFC 5987) for all others."""
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

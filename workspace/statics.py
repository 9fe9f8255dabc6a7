"""Files of static/ as HTTP answers: each is read and compressed once and then answered from memory, at full compression.

Compressed anew for every visitor, the stylesheet alone cost more than the page it is for. Addresses made by context.asset_url and
vendor_url carry the content's hash, so browsers keep the file for ever and do not even ask whether it is still true.
"""

import gzip
import hashlib
import mimetypes
import threading
from dataclasses import dataclass
from pathlib import Path

import brotli
from flask import Flask, Response, abort, request
from werkzeug.security import safe_join

YEAR_S = 365 * 86400
UNNAMED_S = 3600
_BROTLI_QUALITY = 9
"""The levels above take ten times as long for a twentieth less."""
_TEXT = frozenset({"text/css", "text/javascript", "application/javascript", "application/json", "image/svg+xml", "text/plain"})


@dataclass(frozen=True)
class StaticFile:
    """One file in every encoding. bodies: content encoding, "" for none -> bytes. stamp: mtime and size when it was read."""

    content_type: str
    etag: str
    bodies: dict[str, bytes]
    stamp: tuple[int, int]


class StaticFiles:
    """The files below a folder; read again when they change on disk. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._kept: dict[str, StaticFile] = {}

    def find(self, name: str) -> StaticFile | None:
        """None where there is no such file, and for what leads out of the folder."""
        path = safe_join(str(self._folder), name)
        if path is None or not Path(path).is_file():
            return None
        found = Path(path).stat()
        stamp = (found.st_mtime_ns, found.st_size)
        kept = self._kept.get(name)
        if kept is None or kept.stamp != stamp:
            with self._guard:  # Many first visitors at once compress a file once.
                kept = self._kept.get(name)
                if kept is None or kept.stamp != stamp:
                    kept = self._kept[name] = _read(Path(path), stamp)
        return kept


def install_statics(app: Flask, folder: Path) -> None:
    """Answer /static/…; the application itself must be made with static_folder=None."""
    files = StaticFiles(folder)

    def static(filename: str) -> Response:
        found = files.find(filename)
        if found is None:
            abort(404)
        encoding = next((each for each in ("br", "gzip") if each in found.bodies and request.accept_encodings[each]), "")
        response = Response(found.bodies[encoding], content_type=found.content_type)
        if encoding:
            response.headers["Content-Encoding"] = encoding
        response.headers["Vary"] = "Accept-Encoding"
        named_by_content = "v" in request.args or filename.startswith("vendor/")
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable" if named_by_content else f"public, max-age={UNNAMED_S}"
        response.set_etag(found.etag + encoding)
        response.make_conditional(request)
        return response

    app.add_url_rule("/static/<path:filename>", "static", static)


def _read(path: Path, stamp: tuple[int, int]) -> StaticFile:
    content = path.read_bytes()
    mimetype = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    bodies = {"": content}
    if mimetype in _TEXT:
        packed = {"br": brotli.compress(content, quality=_BROTLI_QUALITY), "gzip": gzip.compress(content, 9, mtime=0)}
        bodies |= {encoding: body for encoding, body in packed.items() if len(body) < len(content)}
        mimetype += "; charset=utf-8"
    return StaticFile(mimetype, hashlib.sha256(content).hexdigest()[:20], bodies, stamp)

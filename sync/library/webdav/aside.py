"""What systems and programs put beside files of a network folder: Finder's `._name` and `.DS_Store`, Explorer's, Office's lock files.

The library does without them, and Finder gives up a copy when they are refused. So they are kept apart, for the member who
brought them alone: found again under their name, in no listing, no version and no trash. A `._name` that is longer than attributes
ever are holds content (an old font); it becomes a file like any other.
"""

import secrets
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from email.utils import format_datetime
from fnmatch import fnmatchcase
from urllib.parse import quote, unquote, urlsplit

from flask import Response, request
from sqlalchemy import delete, func, select

from sync.core.hashing import address_of
from sync.core.paths import name_key, normal_name, refuse_name
from sync.library.webdav.access import find_place
from sync.library.webdav.models import DavAside
from workspace.i18n import _
from workspace.web import request_work
from workspace.work import Work

_PATTERNS = ("._*", ".ds_store", "thumbs.db", "desktop.ini", ".directory", "~$*", ".~lock.*#")
MOST_BYTES = 256 * 1024
MOST = 2000
"""Of one member; beyond that the oldest go."""
_D = "{DAV:}"


@dataclass(frozen=True)
class Spot:
    """Where something is kept apart. folder_id: of the folder that it would lie in."""

    path: str
    folder_id: str
    name: str


def is_kept_aside(name: str) -> bool:
    """Whether this is the name of something that no library needs."""
    key = name_key(name)
    return any(fnmatchcase(key, pattern) for pattern in _PATTERNS)


def path_named(destination: str) -> str | None:
    """The path that a Destination header names; None where it is no address."""
    try:
        return unquote(urlsplit(destination).path)
    except ValueError:
        return None


def answer_aside(mount: str, path: str) -> Response | None:
    """The answer to the current request if it is about something that is kept apart; None for everything else."""
    if not is_kept_aside(path.rstrip("/").rpartition("/")[2]) or request.method == "OPTIONS":
        return None
    size_bytes = request.content_length or request.headers.get("X-Expected-Entity-Length", 0, type=int)  # Finder sends it in chunks.
    if request.method == "PUT" and size_bytes > MOST_BYTES:
        return None
    with request_work(writes=request.method not in ("GET", "HEAD", "PROPFIND")) as work:
        spot = _spot(work, path)
        return _speak(work, mount, spot) if spot is not None else None


def _spot(work: Work, path: str) -> Spot | None:
    """None where an asset has the name, and where there is no such folder."""
    folder_path, _slash, name = path.rstrip("/").rpartition("/")
    if refuse_name(name) is not None or find_place(work, path) is not None:
        return None
    folder = find_place(work, folder_path)
    return Spot(path, folder.node.id, normal_name(name)) if folder is not None and folder.node.kind == "folder" else None


def _speak(work: Work, mount: str, spot: Spot) -> Response:
    kept = work.session.get(DavAside, _key(work, spot))
    if request.method == "PUT":
        body = request.stream.read(MOST_BYTES + 1)
        return _keep(work, spot, body) if len(body) <= MOST_BYTES else Response(status=413)
    if request.method == "LOCK":
        return _lock(mount, spot, (kept and 200) or _keep(work, spot, b"").status_code)
    if request.method == "UNLOCK":
        return Response(status=204)
    if request.method == "MKCOL":
        return Response(f"{_('这个名称不能用')}\n", 403, content_type="text/plain; charset=utf-8")
    if kept is None:
        return Response(status=404)
    if request.method == "DELETE":
        work.session.delete(kept)
        return Response(status=204)
    if request.method in ("COPY", "MOVE"):
        return _bring(work, mount, kept)
    if request.method == "PROPPATCH":
        return _multistatus(mount, spot, ElementTree.Element(f"{_D}prop"))
    if request.method == "PROPFIND":
        return _multistatus(mount, spot, _properties(kept))
    headers = {"ETag": f'"{address_of(kept.body)}"', "Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return Response(kept.body, content_type="application/octet-stream", headers=headers)


def _key(work: Work, spot: Spot) -> tuple[str, str, str]:
    return str(work.actor.member_id), spot.folder_id, name_key(spot.name)


def _keep(work: Work, spot: Spot, body: bytes) -> Response:
    member_id, folder_id, key = _key(work, spot)
    kept = work.session.get(DavAside, (member_id, folder_id, key))
    if kept is not None:
        kept.body, kept.at = body, work.now
        return Response(status=204)
    mine = select(func.count()).select_from(DavAside).where(DavAside.member_id == member_id)
    if int(work.session.scalar(mine) or 0) >= MOST:
        oldest = select(DavAside.at).where(DavAside.member_id == member_id).order_by(DavAside.at).offset(MOST // 10).limit(1)
        until = work.session.scalar(oldest)
        work.session.execute(delete(DavAside).where(DavAside.member_id == member_id, DavAside.at <= until))
    work.session.add(DavAside(member_id=member_id, folder_id=folder_id, name_key=key, body=body, at=work.now))
    return Response(status=201)


def _bring(work: Work, mount: str, kept: DavAside) -> Response:
    """Beside another file, as Finder does when it renames or copies that one."""
    path = path_named(request.headers.get("Destination", "")) or ""
    target = _spot(work, path.removeprefix(mount)) if is_kept_aside(path.rstrip("/").rpartition("/")[2]) else None
    if target is None:
        return Response(f"{_('这个名称不能用')}\n", 403, content_type="text/plain; charset=utf-8")
    answer = _keep(work, target, kept.body)
    if request.method == "MOVE" and _key(work, target) != (kept.member_id, kept.folder_id, kept.name_key):
        work.session.delete(kept)
    return answer


def _lock(mount: str, spot: Spot, status: int) -> Response:
    """Nobody else comes here: any token does."""
    token = f"opaquelocktoken:{secrets.token_hex(24)}"
    prop = ElementTree.Element(f"{_D}prop")
    lock = ElementTree.SubElement(ElementTree.SubElement(prop, f"{_D}lockdiscovery"), f"{_D}activelock")
    ElementTree.SubElement(ElementTree.SubElement(lock, f"{_D}locktype"), f"{_D}write")
    ElementTree.SubElement(ElementTree.SubElement(lock, f"{_D}lockscope"), f"{_D}exclusive")
    ElementTree.SubElement(lock, f"{_D}depth").text = "0"
    ElementTree.SubElement(lock, f"{_D}timeout").text = "Second-600"
    ElementTree.SubElement(ElementTree.SubElement(lock, f"{_D}locktoken"), f"{_D}href").text = token
    ElementTree.SubElement(ElementTree.SubElement(lock, f"{_D}lockroot"), f"{_D}href").text = _href(mount, spot)
    return _xml(prop, status, {"Lock-Token": f"<{token}>"})


def _properties(kept: DavAside) -> ElementTree.Element:
    prop = ElementTree.Element(f"{_D}prop")
    ElementTree.SubElement(prop, f"{_D}resourcetype")
    ElementTree.SubElement(prop, f"{_D}getcontentlength").text = str(len(kept.body))
    ElementTree.SubElement(prop, f"{_D}getetag").text = f'"{address_of(kept.body)}"'
    ElementTree.SubElement(prop, f"{_D}getlastmodified").text = format_datetime(kept.at, usegmt=True)
    return prop


def _multistatus(mount: str, spot: Spot, prop: ElementTree.Element) -> Response:
    answer = ElementTree.Element(f"{_D}multistatus")
    response = ElementTree.SubElement(answer, f"{_D}response")
    ElementTree.SubElement(response, f"{_D}href").text = _href(mount, spot)
    status = ElementTree.SubElement(response, f"{_D}propstat")
    status.append(prop)
    ElementTree.SubElement(status, f"{_D}status").text = "HTTP/1.1 200 OK"
    return _xml(answer, 207, {})


def _href(mount: str, spot: Spot) -> str:
    return quote(f"{mount}/{spot.path.strip('/')}")


def _xml(element: ElementTree.Element, status: int, headers: dict[str, str]) -> Response:
    body = ElementTree.tostring(element, encoding="utf-8", xml_declaration=True)
    return Response(body, status, headers, content_type="application/xml; charset=utf-8")

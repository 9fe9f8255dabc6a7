"""Dead properties (RFC 4918, section 4): what programs note about files and folders of a network folder, kept as they sent it.

They belong to the asset: a move takes them along, a copy of a file gets its own, a version knows nothing of them.
"""

from typing import Any

from flask import g
from sqlalchemy import delete, func, select
from wsgidav.dav_error import HTTP_FORBIDDEN, HTTP_INSUFFICIENT_STORAGE, DAVError

from sync.library.assets.access import get_node
from sync.library.assets.models import Node
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from sync.library.webdav.errors import in_dav_words
from sync.library.webdav.models import PROPERTY_NAME_LENGTH, DavProperty
from workspace.i18n import _
from workspace.web import request_work
from workspace.work import Work

MOST = 40
"""Of one file or folder."""
MOST_BYTES = 4096
"""Of one value."""


class Properties:
    """Where WsgiDAV looks for them. A listing asks once for all that is in the folder."""

    def get_properties(self, ref: str, environ: dict[str, Any] | None = None) -> list[str]:
        """The names."""
        return sorted(self._of(ref))

    def get_property(self, ref: str, name: str, environ: dict[str, Any] | None = None) -> str | None:
        return self._of(ref).get(name)

    def write_property(self, ref: str, name: str, value: bytes, dry_run: bool = False, environ: dict[str, Any] | None = None) -> None:
        """value: the whole element as XML."""
        if len(value) > MOST_BYTES or len(name) > PROPERTY_NAME_LENGTH:
            raise DAVError(HTTP_INSUFFICIENT_STORAGE, _("这个属性太长"))
        with in_dav_words(), request_work(writes=not dry_run) as work:
            node = get_node(work, _node_of(ref), to=Right.EDIT)
            row = work.session.get(DavProperty, (node.id, name))
            if row is None and _count(work, node.id) >= MOST:
                raise DAVError(HTTP_INSUFFICIENT_STORAGE, _("属性太多"))
            if dry_run:
                return
            if row is None:
                row = DavProperty(node_id=node.id, name=name)
                work.session.add(row)
            row.value = value.decode()
        self._forget()

    def remove_property(self, ref: str, name: str, dry_run: bool = False, environ: dict[str, Any] | None = None) -> None:
        """No error when there is none."""
        with in_dav_words(), request_work(writes=not dry_run) as work:
            node = get_node(work, _node_of(ref), to=Right.EDIT)
            if not dry_run:
                work.session.execute(delete(DavProperty).where(DavProperty.node_id == node.id, DavProperty.name == name))
        self._forget()

    def remove_properties(self, ref: str, environ: dict[str, Any] | None = None) -> None:
        """What is deleted lies in the trash, and comes back with them."""

    def copy_properties(self, ref: str, target: str, environ: dict[str, Any] | None = None) -> None:
        """From one file or folder to another, which then has these alone."""
        with in_dav_words(), request_work(writes=True) as work:
            source, node = get_node(work, _node_of(ref)), get_node(work, _node_of(target), to=Right.EDIT)
            work.session.execute(delete(DavProperty).where(DavProperty.node_id == node.id))
            for row in work.session.scalars(select(DavProperty).where(DavProperty.node_id == source.id)):
                work.session.add(DavProperty(node_id=node.id, name=row.name, value=row.value))
        self._forget()

    def move_properties(self, ref: str, target: str, with_children: bool, environ: dict[str, Any] | None = None) -> None:
        raise DAVError(HTTP_FORBIDDEN)  # Moves are ours (moving.py).

    def _of(self, ref: str) -> dict[str, str]:
        """Those of one. Those of all others in its folder come along, since a listing asks for them next."""
        folder, _slash, node_id = ref.rpartition("/")
        known: dict[str, dict[str, dict[str, str]]] = g.setdefault("webdav_properties", {})
        if folder and folder not in known:
            root = select(Library.root_id).where(Library.id == folder[1:]).scalar_subquery()
            parent_id = root if folder.count("/") == 1 else _node_of(folder)
            inside = known.setdefault(folder, {})
            with request_work(writes=False) as work:
                query = select(DavProperty).join(Node, Node.id == DavProperty.node_id).where(Node.parent_id == parent_id)
                for row in work.session.scalars(query):
                    inside.setdefault(row.node_id, {})[row.name] = row.value
        return known.get(folder, {}).get(node_id, {})

    def _forget(self) -> None:
        g.pop("webdav_properties", None)


def _node_of(ref: str) -> str:
    """Of the last step of ``/library/node/node``. The tops of libraries have no properties of their own."""
    if ref.count("/") < 2:
        raise DAVError(HTTP_FORBIDDEN)
    return ref.rpartition("/")[2]


def _count(work: Work, node_id: str) -> int:
    return int(work.session.scalar(select(func.count()).select_from(DavProperty).where(DavProperty.node_id == node_id)) or 0)

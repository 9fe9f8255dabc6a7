"""What programs of a network folder leave with us: locks, properties, and files that no library needs."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.assets.models import NAME_LENGTH
from sync.library.libraries.models import NODE_ID_LENGTH
from workspace.db import Base, Id

PROPERTY_NAME_LENGTH = 300


class DavLock(Base):
    """A WebDAV lock (RFC 4918, section 6). In the database, because each web process must see those of the others.

    root: ids from the library down to what is locked, ``/library/node/node``, so that a rename changes nothing.
    body: scope, type, depth, owner (XML as text), principal (member id), timeout in seconds, as WsgiDAV wants them.
    """

    __tablename__ = "webdav_lock"
    __unaudited__ = "held by a program for a moment; what it saves is recorded"

    token: Mapped[str] = mapped_column(String(100), primary_key=True)
    root: Mapped[str] = mapped_column(String(4000))
    body: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class DavAside(Base):
    """A file of a system or program beside others in a network folder (aside.py), for the member who brought it alone."""

    __tablename__ = "webdav_aside"
    __unaudited__ = "what a system notes for itself; the library has nothing of it"

    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), primary_key=True)
    folder_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), ForeignKey("asset_node.id"), primary_key=True)
    name_key: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(index=True)


class DavProperty(Base):
    """A dead property (properties.py). name: in Clark notation, ``{namespace}name``. value: the whole element as XML."""

    __tablename__ = "webdav_property"
    __unaudited__ = "what a program notes for itself; the library has nothing of it"

    node_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), ForeignKey("asset_node.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(PROPERTY_NAME_LENGTH), primary_key=True)
    value: Mapped[str] = mapped_column(Text)

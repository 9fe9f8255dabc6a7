"""Locks that programs take on files and folders of a network folder."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base


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

"""Who has checked out which asset."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.libraries.models import NODE_ID_LENGTH
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class Lease(Base):
    """A check-out: until it ends, others may read the asset and not change it.

    way: hand (taken on a page), open (a program in a mount has it open for writing), webdav (a program holds a lock). device_id: on
    which device, None for a page. until: it ends then, unless it is renewed.
    """

    __tablename__ = "asset_lease"
    __unaudited__ = "taking, returning and taking back are recorded; a renewal is nobody's act"
    __table_args__ = (CheckConstraint("way IN ('hand', 'open', 'webdav')", name="way"),)

    node_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), ForeignKey("asset_node.id"), primary_key=True)
    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"), index=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    member_name: Mapped[str] = mapped_column(String(60))
    device_id: Mapped[str | None] = mapped_column(Id, index=True)
    way: Mapped[str] = mapped_column(String(10))
    taken_at: Mapped[datetime]
    until: Mapped[datetime] = mapped_column(index=True)


class LeaseEvent(EventKind):
    TAKEN = "library.lease.taken", N_("%(actor)s 签出了“%(asset)s”")
    RETURNED = "library.lease.returned", N_("%(actor)s 归还了“%(asset)s”")
    BROKEN = "library.lease.broken", N_("%(actor)s 收回了%(holder)s签出的“%(asset)s”")
    ENDED = "library.lease.ended", N_("%(holder)s对“%(asset)s”的签出已到期")

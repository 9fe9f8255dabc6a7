"""How far devices have read the feeds of libraries."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id


class DevicePosition(Base):
    """seq: the device knows every change of the library up to it, as its last heartbeat said. at: when that last moved."""

    __tablename__ = "device_position"
    __unaudited__ = "observed, not decided"

    device_id: Mapped[str] = mapped_column(Id, ForeignKey("device.id"), primary_key=True)
    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"), primary_key=True, index=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]

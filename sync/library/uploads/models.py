"""Uploads that are under way: how far each has come. The version that one becomes is the library's (assets/models.py)."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.assets.models import NAME_LENGTH, NOTE_LENGTH
from sync.library.libraries.models import NODE_ID_LENGTH
from workspace.db import Base, Id


class Upload(Base):
    """A file on its way into a folder. folders: names below that folder, made when the file is complete.

    asset_id: the asset that gets a next version; None for the one with this name, or a new one. offset_bytes: what has arrived;
    tail_bytes: of that what is not cut yet and lies in the object tail_key ("" when nothing does).
    node_id, version: what it became; None and 0 until then.
    """

    __tablename__ = "asset_upload"
    __unaudited__ = "bytes on their way; the version that they become is recorded"
    __table_args__ = (Index("ix_asset_upload_member_folder", "member_id", "folder_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"))
    folder_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH))
    asset_id: Mapped[str | None] = mapped_column(String(NODE_ID_LENGTH))
    member_id: Mapped[str] = mapped_column(Id)
    folders: Mapped[list[str]]
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    note: Mapped[str] = mapped_column(String(NOTE_LENGTH))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    offset_bytes: Mapped[int] = mapped_column(BigInteger)
    tail_bytes: Mapped[int] = mapped_column(Integer)
    tail_key: Mapped[str] = mapped_column(String(120))
    node_id: Mapped[str | None] = mapped_column(String(NODE_ID_LENGTH))
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class UploadPart(Base):
    """The chunks that were cut from one request. offset_bytes: where it ended. chunks: see rules.pack_chunks."""

    __tablename__ = "asset_upload_part"
    __unaudited__ = "bytes on their way; the version that they become is recorded"

    upload_id: Mapped[str] = mapped_column(Id, ForeignKey("asset_upload.id", ondelete="CASCADE"), primary_key=True)
    offset_bytes: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    chunks: Mapped[bytes] = mapped_column(LargeBinary)

"""Content by address: packs in the object store, verified chunks in them, and manifests that versions name."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from sync.core.hashing import Address, address_bytes, address_from_bytes
from workspace.db import Base, Id

DIGEST_LENGTH = 67  # "b3:" and 64 hex digits
MARKED = text("marked_at IS NOT NULL")


class AddressType(TypeDecorator[Address]):
    """32 bytes in the database: chunk tables have millions of rows, and half the width is half the cache."""

    impl = LargeBinary(32)
    cache_ok = True

    def process_bind_param(self, value: Address | None, dialect: Any) -> bytes | None:
        return None if value is None else address_bytes(value)

    def process_result_value(self, value: bytes | None, dialect: Any) -> Address | None:
        return None if value is None else address_from_bytes(bytes(value))


class Pack(Base):
    """An immutable object ``packs/<library>/<id>``. state: verified (its chunks serve) or corrupt (they never will).

    A slot that was handed out but not used has no row; collection finds its object by listing. doomed_at: when collection found that
    nobody needs the pack; it is corrupt from then on, and its object is removed later. removed_at: when that was done; the
    row outlasts the object, so that whoever read it just before cannot have it serve again.
    """

    __tablename__ = "content_pack"
    __unaudited__ = "named by its hash; the versions that use it are recorded"
    __table_args__ = (CheckConstraint("state IN ('verified', 'corrupt')", name="state"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"), index=True)
    state: Mapped[str] = mapped_column(String(10))
    address: Mapped[Address] = mapped_column(AddressType)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    member_id: Mapped[str | None] = mapped_column(Id)
    at: Mapped[datetime]
    doomed_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class Chunk(Base):
    """Where a verified chunk of a library lies. A chunk serves only the library it was verified in: rights never leak
    through deduplication. coding: sync.core.packs.Coding. marked_at: when collection found no version that needs it; a commit that
    does takes the mark away, see sync/library/collection.
    """

    __tablename__ = "content_chunk"
    __unaudited__ = "named by its hash; the versions that use it are recorded"
    __table_args__ = (Index("ix_content_chunk_marked", "library_id", "marked_at", sqlite_where=MARKED, postgresql_where=MARKED),)

    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"), primary_key=True)
    address: Mapped[Address] = mapped_column(AddressType, primary_key=True)
    pack_id: Mapped[str] = mapped_column(Id, ForeignKey("content_pack.id"), index=True)
    offset: Mapped[int] = mapped_column(BigInteger)
    stored_bytes: Mapped[int] = mapped_column(Integer)
    size_bytes: Mapped[int] = mapped_column(Integer)
    coding: Mapped[int] = mapped_column(SmallInteger)
    marked_at: Mapped[datetime | None]


class ChunkBringer(Base):
    """A member who brought a chunk that the library had already, where folders have grants of their own: it is theirs to build on."""

    __tablename__ = "content_chunk_bringer"
    __unaudited__ = "named by its hash; the versions that use it are recorded"

    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, primary_key=True)
    address: Mapped[Address] = mapped_column(AddressType, primary_key=True)


class ManifestRow(Base):
    """The canonical bytes of a manifest under their address. Who may read it is asked of the versions that name it."""

    __tablename__ = "content_manifest"
    __unaudited__ = "named by its hash; the versions that use it are recorded"

    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[bytes] = mapped_column(LargeBinary)

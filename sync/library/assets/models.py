"""The tree of a library, the versions in it, and the answers given to clients."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.content.models import DIGEST_LENGTH
from sync.library.libraries.models import NODE_ID_LENGTH
from workspace.db import Base, Id
from workspace.events.folding import fold_as
from workspace.events.kinds import N_, EventKind

NAME_LENGTH = 255
NOTE_LENGTH = 500
LIVE = text("deleted_at IS NULL")


class Node(Base):
    """A file or folder of a library; its id survives renames, moves and the trash. The root has no parent.

    name_key: case-folded NFC (sync.core.paths.name_key), unique among the live nodes of a folder.
    version, digest, size_bytes: of the newest version; 0, None, 0 for a folder. author_name: who made it.
    seq: of the library's change that touched this row last. head_of: the node of which this is a second head
    (conflict copy). What lies in a deleted folder is deleted itself, with the same deleted_at. deleted_by_name: who did it, None
    before that was written down. purged_at: when it left the trash, where nobody finds it any more; an edit still brings it back.
    """

    __tablename__ = "asset_node"
    __table_args__ = (
        CheckConstraint("kind IN ('file', 'folder')", name="kind"),
        Index("uq_asset_node_live_name", "parent_id", "name_key", unique=True, sqlite_where=LIVE, postgresql_where=LIVE),
        Index("ix_asset_node_library_seq", "library_id", "seq"),
        Index("ix_asset_node_library_deleted", "library_id", "deleted_at"),
    )

    id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), primary_key=True)
    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"))
    parent_id: Mapped[str | None] = mapped_column(String(NODE_ID_LENGTH), ForeignKey("asset_node.id"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    name_key: Mapped[str] = mapped_column(String(NAME_LENGTH))
    kind: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer, default=0)
    digest: Mapped[str | None] = mapped_column(String(DIGEST_LENGTH))
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    modified_at: Mapped[datetime]
    author_id: Mapped[str | None] = mapped_column(Id)
    author_name: Mapped[str] = mapped_column(String(120))
    head_of: Mapped[str | None] = mapped_column(String(NODE_ID_LENGTH))
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    deleted_by_name: Mapped[str | None] = mapped_column(String(120))
    purged_at: Mapped[datetime | None]
    seq: Mapped[int] = mapped_column(BigInteger)


class Version(Base):
    """An immutable content of a file. name: what the file was called then. modified_at: as its author's machine said.

    device_id: the device it was saved on, None for the browser. note: why, in the author's words; "" when nothing was said.
    """

    __tablename__ = "asset_version"
    __table_args__ = (
        Index("ix_asset_version_library_digest", "library_id", "digest"),
        Index("ix_asset_version_library_at", "library_id", "at"),
    )

    node_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), ForeignKey("asset_node.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), ForeignKey("content_manifest.digest"))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    author_id: Mapped[str | None] = mapped_column(Id)
    author_name: Mapped[str] = mapped_column(String(120))
    device_id: Mapped[str | None] = mapped_column(Id)
    modified_at: Mapped[datetime]
    at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(NOTE_LENGTH), default="", server_default="")


class Place(Base):
    """Where a node was from a time on, and what it was called; deleted: nowhere. Written with each change, never changed.

    assumed: not heard of when it happened, but taken from how things stood when places were first written down.
    """

    __tablename__ = "asset_place"
    __unaudited__ = "a copy of a recorded change"
    __table_args__ = (Index("ix_asset_place_node", "node_id", "id"), Index("ix_asset_place_parent", "parent_id", "id"))

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    node_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), ForeignKey("asset_node.id"))
    parent_id: Mapped[str | None] = mapped_column(String(NODE_ID_LENGTH))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    deleted: Mapped[bool]
    assumed: Mapped[bool]
    at: Mapped[datetime]


class OpAnswer(Base):
    """The first answer to an operation, kept so that a client whose line was cut gets it again, byte for byte.

    Kept for jobs.ANSWERS_KEPT. Who repeats a save later is at worst given a second head, never loses it.
    """

    __tablename__ = "asset_op_answer"
    __unaudited__ = "a copy of an answer; the change itself is recorded"

    device_id: Mapped[str] = mapped_column(Id, primary_key=True)
    library_id: Mapped[str] = mapped_column(Id, primary_key=True)
    op_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(index=True)


class LogEntry(Base):
    """A change that has not reached the bucket's log yet; removed when it has. body: one line of JSON."""

    __tablename__ = "asset_log_entry"
    __unaudited__ = "a copy of a recorded change on its way to the bucket"

    library_id: Mapped[str] = mapped_column(Id, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class AssetEvent(EventKind):
    COMMITTED = "library.version.committed", N_("%(actor)s 保存了“%(asset)s”版本 %(version)s")
    CONFLICTED = "library.version.conflicted", N_("%(actor)s 的“%(asset)s”与%(winner_author)s的版本同时修改，已另存为“%(copy)s”")
    FOLDER_MADE = "library.folder.made", N_("%(actor)s 新建了文件夹“%(asset)s”")
    MOVED = "library.asset.moved", N_("%(actor)s 将“%(former)s”改为“%(asset)s”")
    TAKEN_AWAY = "library.asset.taken_away", N_("%(actor)s 移走了“%(asset)s”")
    BROUGHT_IN = "library.asset.brought_in", N_("%(actor)s 移入了“%(asset)s”")
    DELETED = "library.asset.deleted", N_("%(actor)s 删除了“%(asset)s”")
    RESTORED = "library.asset.restored", N_("%(actor)s 恢复了“%(asset)s”")
    REWOUND = "library.folder.rewound", N_("%(actor)s 把“%(asset)s”恢复到 %(when)s 的样子（%(count)s 项）")
    TRASH_EMPTIED = "library.trash.emptied", N_("%(actor)s 清空了素材库“%(library)s”的回收站（%(count)s 项）")
    TRASH_EXPIRED = "library.trash.expired", N_("素材库“%(library)s”回收站中有 %(count)s 项已满 30 天，不再保留")


fold_as(AssetEvent.COMMITTED, N_("%(actor)s 保存了 %(n)s 个文件"))

"""Libraries. Who may do what in them: sync/library/grants."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind
from workspace.roles.permissions import Permission

NODE_ID_LENGTH = 40


class Library(Base):
    """A versioned tree of files. root_id: its top folder.

    scope_room: the room of what it belongs to (``line:<id>``), which also hears its events; None when it stands alone.
    seq: number of its latest change; taken under this row's lock, so that the order of numbers is the order of commits.
    quota_bytes: most stored bytes, None without a limit.
    """

    __tablename__ = "library"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    scope_room: Mapped[str | None] = mapped_column(String(80), index=True)
    root_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), unique=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    quota_bytes: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class LibraryEvent(EventKind):
    OPENED = "library.library.opened", N_("%(actor)s 新建了素材库“%(library)s”")
    RECOVERED = "library.library.recovered", N_("%(actor)s 从对象存储恢复了素材库“%(library)s”：%(files)s 个文件，%(versions)s 个版本")
    REPAIRED = (
        "library.library.repaired",
        N_("%(actor)s 修复了素材库“%(library)s”：%(moved)s 个数据块改用完好的副本，%(lost)s 个待重新上传"),
    )


class LibraryPermission(Permission):
    OPEN = "library:library:open", N_("新建素材库")

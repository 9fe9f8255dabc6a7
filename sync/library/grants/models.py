"""Who may do what in a folder of a library."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.libraries.models import NODE_ID_LENGTH
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class FolderGrant(Base):
    """What a subject may do in a folder and below it; on a library's top folder: in the whole library.

    subject_kind: group, department (with those below it), site (a city with its stores, or a store) or member. What several
    grants mean together: rules.py.
    """

    __tablename__ = "folder_grant"
    __table_args__ = (
        CheckConstraint("subject_kind IN ('group', 'department', 'site', 'member')", name="subject_kind"),
        CheckConstraint("\"right\" IN ('none', 'see', 'comment', 'edit', 'manage')", name="right"),
        Index("ix_folder_grant_subject", "subject_kind", "subject_id"),
    )

    folder_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), ForeignKey("asset_node.id"), primary_key=True)
    subject_kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    subject_id: Mapped[str] = mapped_column(Id, primary_key=True)
    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"), index=True)
    right: Mapped[str] = mapped_column(String(10))


class GrantEvent(EventKind):
    LIBRARY_GRANTED = "library.library.granted", N_("%(actor)s 将素材库“%(library)s”对%(group)s的权限设为“%(right_words)s”")
    LIBRARY_TAKEN = "library.library.taken_back", N_("%(actor)s 取消了%(group)s在素材库“%(library)s”上的权限设置")
    FOLDER_GRANTED = "library.folder.granted", N_("%(actor)s 将“%(library)s”中文件夹“%(path)s”对%(group)s的权限设为“%(right_words)s”")
    CHANGED = "library.rights.changed", N_("%(actor)s 调整了素材库“%(library)s”里的权限")
    FOLDER_TAKEN = "library.folder.taken_back", N_("%(actor)s 取消了%(group)s在“%(library)s”中文件夹“%(path)s”上的权限设置")

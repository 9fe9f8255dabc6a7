"""Tags on assets."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.libraries.models import NODE_ID_LENGTH
from sync.library.tags.rules import TAG_LENGTH
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind

KEY_LENGTH = 20 * TAG_LENGTH
"""Case folding and NFKC make one character into at most 18."""


class AssetTag(Base):
    """A word that somebody put on a file. tag_key: rules.tag_key, by which it is found; tag: as it was written first."""

    __tablename__ = "asset_tag"
    __table_args__ = (Index("ix_asset_tag_library_key", "library_id", "tag_key"),)

    node_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), ForeignKey("asset_node.id"), primary_key=True)
    tag_key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    library_id: Mapped[str] = mapped_column(Id, ForeignKey("library.id"))
    tag: Mapped[str] = mapped_column(String(TAG_LENGTH))
    by_name: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]


class TagEvent(EventKind):
    TAGGED = "library.asset.tagged", N_("%(actor)s 给“%(asset)s”加了标签“%(tags)s”")
    UNTAGGED = "library.asset.untagged", N_("%(actor)s 取下了“%(asset)s”的标签“%(tags)s”")

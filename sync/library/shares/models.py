"""Links by which somebody without an account sees a file or folder for a while."""

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.libraries.models import NODE_ID_LENGTH
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class Share(Base):
    """The address is made of the id and a signature (access.address_of); whoever reads this table alone cannot open it.

    number: the one version that is shown, None for the newest and for folders. purpose: for whom; drawn over watermarked pictures.
    views: how often it was opened. failures: wrong passwords since failures_since, and those that are being looked at.
    """

    __tablename__ = "share"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    node_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), ForeignKey("asset_node.id"), index=True)
    number: Mapped[int | None] = mapped_column(Integer)
    creator_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(60))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    may_download: Mapped[bool] = mapped_column(Boolean)
    watermark: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    most_views: Mapped[int | None] = mapped_column(Integer)
    views: Mapped[int] = mapped_column(Integer, default=0)
    viewed_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(Integer, default=0)
    failures_since: Mapped[datetime | None]


class ShareEvent(EventKind):
    MADE = "library.share.made", N_("%(actor)s 为“%(purpose)s”生成了“%(asset)s”的分享链接，%(until)s 到期")
    OPENED = "library.share.opened", N_("有人打开了“%(asset)s”的分享链接（%(purpose)s），第 %(views)s 次")
    TRIED = "library.share.tried", N_("有人输入密码，想打开“%(asset)s”的分享链接（%(purpose)s）")
    REFUSED = "library.share.refused", N_("有人用错误的密码尝试“%(asset)s”的分享链接（%(purpose)s）")
    REVOKED = "library.share.revoked", N_("%(actor)s 停用了“%(asset)s”的分享链接（%(purpose)s）")

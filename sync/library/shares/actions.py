"""Making links, opening them, taking them back."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from sync.library.assets.access import get_asset, get_node, get_version
from sync.library.assets.models import Node
from sync.library.libraries.rules import Right
from sync.library.shares.access import count_live, get_own_share, limits_of, over
from sync.library.shares.models import Share, ShareEvent
from sync.library.shares.rules import DAYS, FAILURES_WINDOW, MOST_LINKS, MOST_VIEWS, State, must_wait, state_of
from workspace.db import new_id
from workspace.errors import InvalidInput, TooManyRequests
from workspace.i18n import _
from workspace.signin.actions import hash_password
from workspace.work import Work

PURPOSE_LENGTH = 40
PASSWORD_LENGTH = 6


@dataclass(frozen=True)
class Wish:
    """What somebody filled in. number: a version, None for the newest. password: None for none. most_views: None for no limit."""

    purpose: str
    days: int
    number: int | None = None
    password: str | None = None
    most_views: int | None = None
    may_download: bool = False
    watermark: bool = True


def make_share(work: Work, node_id: str, wish: Wish, *, password_hash: str | None) -> Share:
    """A link to a file or folder that the actor may edit. password_hash: of the wish's, made outside the transaction.

    Pictures with a watermark and originals without one exclude each other. InvalidInput names each field that does not fit.
    """
    node = get_node(work, node_id, to=Right.EDIT)
    if problems := problems_of(wish):
        raise InvalidInput(_("有内容需要修改"), _("请按提示修改后再提交。"), fields=problems)
    if count_live(work, node) >= MOST_LINKS:
        raise InvalidInput(_("链接太多"), _("一个文件或文件夹最多 %(n)s 个链接，请先停用一些。", n=MOST_LINKS))
    if wish.number is not None:
        get_version(work, get_asset(work, node.id).id, wish.number)
    share = Share(
        id=new_id(), node_id=node.id, number=wish.number if node.kind == "file" else None, creator_id=work.actor.member_id,
        purpose=wish.purpose, password_hash=password_hash, may_download=wish.may_download, watermark=wish.watermark,
        created_at=work.now, expires_at=work.now + timedelta(days=wish.days), most_views=wish.most_views, views=0, failures=0,
    )  # fmt: skip
    work.session.add(share)
    _record(work, ShareEvent.MADE, share, node, until=f"{share.expires_at:%Y-%m-%d}")
    return share


def problems_of(wish: Wish) -> dict[str, str]:
    """Field -> what is wrong with it."""
    found = {}
    if not wish.purpose or len(wish.purpose) > PURPOSE_LENGTH or not wish.purpose.isprintable():
        found["purpose"] = _("请填写 1 到 %(n)s 个字", n=PURPOSE_LENGTH)
    if wish.days not in DAYS:
        found["days"] = _("请选择有效期")
    if wish.password is not None and not PASSWORD_LENGTH <= len(wish.password) <= 100:
        found["password"] = _("密码至少 %(n)s 位", n=PASSWORD_LENGTH)
    if wish.most_views is not None and not 1 <= wish.most_views <= MOST_VIEWS:
        found["most_views"] = _("请填写 1 到 %(n)s 之间的数", n=MOST_VIEWS)
    if wish.watermark and wish.may_download:
        found["may_download"] = _("原文件没有水印：允许下载就不能同时加水印")
    return found


def hash_of(wish: Wish) -> str | None:
    """Slow on purpose: never inside a Work."""
    return hash_password(wish.password) if wish.password else None


def open_share(work: Work, share_id: str) -> None:
    """Count one more visitor. NotFound when the link is over by now; two who come at once cannot both be the last."""
    share = _locked(work, share_id)
    if state_of(limits_of(share), work.now) is not State.LIVE:
        raise over()
    share.views += 1
    share.viewed_at, share.failures = work.now, 0
    _record(work, ShareEvent.OPENED, share, work.session.get_one(Node, share.node_id), views=share.views)


def begin_attempt(work: Work, share_id: str) -> None:
    """Count a password before it is looked at, which is slow: many that come at once must not all find room.

    TooManyRequests while too many wrong ones were tried. A right one takes the count back (open_share).
    """
    share = _locked(work, share_id)
    if must_wait(share.failures, share.failures_since, work.now):
        raise TooManyRequests(_("密码错误次数过多"), _("请 15 分钟后再试。"))
    if share.failures_since is None or work.now - share.failures_since >= FAILURES_WINDOW:
        share.failures, share.failures_since = 0, work.now
    share.failures += 1
    _record(work, ShareEvent.TRIED, share, work.session.get_one(Node, share.node_id))


def note_failure(work: Work, share_id: str) -> None:
    """What was counted was a wrong password."""
    share = work.session.get_one(Share, share_id)
    _record(work, ShareEvent.REFUSED, share, work.session.get_one(Node, share.node_id))


def _locked(work: Work, share_id: str) -> Share:
    return work.session.scalars(select(Share).where(Share.id == share_id).with_for_update()).one()


def revoke_share(work: Work, share_id: str) -> Share:
    """Stop a link at once, also for those who are looking."""
    share = get_own_share(work, share_id)
    if share.revoked_at is None:
        share.revoked_at = work.now
        _record(work, ShareEvent.REVOKED, share, work.session.get_one(Node, share.node_id))
    return share


def _record(work: Work, kind: ShareEvent, share: Share, node: Node, **facts: Any) -> None:
    """For the audit and the link's maker alone: who else sees the library need not know whom it was shown to."""
    rooms = ["audit"] if kind is ShareEvent.TRIED else ["audit", f"member:{share.creator_id}"]
    work.record(
        kind, subject=f"share:{share.id}", rooms=rooms,
        asset=node.name or _("素材库"), asset_id=node.id, purpose=share.purpose, **facts,
    )  # fmt: skip

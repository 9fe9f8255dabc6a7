"""Finding what a link leads to: as its maker may see it now, so that a link never shows more than they could themselves."""

import hmac
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import case, func, select

from sync.library.assets.access import ancestors_of, get_node
from sync.library.assets.models import Node
from sync.library.libraries.rules import Right
from sync.library.shares.models import Share
from sync.library.shares.rules import MOST_LINKS, Limits
from workspace.errors import NotAllowed, NotFound
from workspace.i18n import _
from workspace.people.models import Member
from workspace.roles.access import permissions_of
from workspace.secrets import SigningKey
from workspace.web import web
from workspace.work import Actor, Work, open_work

_SIGNATURE_LENGTH = 32


def address_of(key: SigningKey, share_id: str) -> str:
    """Path of a link. The same each time, so that its maker can copy it again."""
    return f"/s/{share_id}{_signature(key, share_id)}"


def find_share(work: Work, token: str) -> Share:
    """The link behind the last part of an address; NotFound when there is none, in the words of one that is over."""
    share_id, signature = token[:-_SIGNATURE_LENGTH], token[-_SIGNATURE_LENGTH:]
    if not hmac.compare_digest(signature.encode(), _signature(work.parts.get(SigningKey), share_id).encode()):
        raise over()
    share = work.session.get(Share, share_id)
    if share is None:
        raise over()
    return share


def over() -> NotFound:
    """Unknown, revoked, expired, used up or deleted: all the same to a visitor."""
    return NotFound(_("这个链接已失效"), _("它可能已到期、被停用或达到查看次数。请向分享给您的人要一个新链接。"))


def limits_of(share: Share) -> Limits:
    return Limits(share.expires_at, share.revoked_at, share.most_views, share.views)


def get_own_share(work: Work, share_id: str) -> Share:
    """A link that the actor made, or one to something that they manage."""
    share = work.session.get(Share, share_id)
    if share is None:
        raise _absent()
    node = get_node(work, share.node_id, to=Right.SEE)
    if share.creator_id != work.actor.member_id:
        try:
            get_node(work, node.id, to=Right.MANAGE)
        except NotAllowed as error:
            raise _absent() from error
    return share


def shares_of(work: Work, node: Node, *, manages: bool) -> list[Share]:
    """The links to a file or folder that the actor may look after: those that live first, newest first."""
    live = case((Share.expires_at > work.now, 0), else_=1)
    query = select(Share).where(Share.node_id == node.id, Share.revoked_at.is_(None)).order_by(live, Share.created_at.desc(), Share.id)
    if not manages:
        query = query.where(Share.creator_id == work.actor.member_id)
    return list(work.session.scalars(query.limit(MOST_LINKS)))


def count_live(work: Work, node: Node) -> int:
    """Links to a file or folder that may still be opened, whoever made them."""
    live = (Share.node_id == node.id, Share.revoked_at.is_(None), Share.expires_at > work.now)
    return int(work.session.scalar(select(func.count()).select_from(Share).where(*live)) or 0)


def held_by_links(work: Work, library_id: str) -> Iterable[tuple[str, int]]:
    """The versions that a live link shows: they are not thinned out under a visitor's eyes."""
    query = select(Share.node_id, Share.number).join(Node, Node.id == Share.node_id).where(Node.library_id == library_id)
    query = query.where(Share.number.is_not(None), Share.revoked_at.is_(None), Share.expires_at > work.now)
    return [(row.node_id, row.number) for row in work.session.execute(query)]


@dataclass(frozen=True)
class Shared:
    """What a visitor looks at. node: the shared one or something in it. number: the version that is shown."""

    share: Share
    top: Node
    node: Node
    number: int


@contextmanager
def work_of_maker(share: Share) -> Iterator[Work]:
    """Reading with the rights that the link's maker has now; NotFound when they have left."""
    with open_work(web().database, writes=False, parts=web().parts, now=datetime.now(UTC)) as work:
        maker = work.session.get(Member, share.creator_id)
        if maker is None or maker.state != "active":
            raise over()
        work.actor = Actor(maker.id, maker.name, permissions_of(work, maker.id))
        yield work


def find_shared(work: Work, share: Share, node_id: str | None = None) -> Shared:
    """work: of the maker. node_id: something below the shared folder, None for what is shared itself."""
    try:
        top = get_node(work, share.node_id, to=Right.EDIT)
        node = top if node_id in (None, top.id) else get_node(work, str(node_id))
    except (NotFound, NotAllowed) as error:
        raise over() from error
    if node is not top and not (top.kind == "folder" and top.id in {above.id for above in ancestors_of(work, node)}):
        raise over()
    return Shared(share, top, node, share.number if share.number is not None and node is top else node.version)


def _signature(key: SigningKey, share_id: str) -> str:
    return key.mac("share link", share_id)[:_SIGNATURE_LENGTH]


def _absent() -> NotFound:
    return NotFound(_("没有找到这个链接"), _("它可能已被停用。"))

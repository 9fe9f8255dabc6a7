"""Loading notices: everybody sees their own and nobody else's, and those only as long as they may see what is told."""

from sqlalchemy import Select, exists, select

from workspace.errors import NotFound
from workspace.events.access import rooms_of
from workspace.events.models import EventRoom
from workspace.i18n import _
from workspace.notices.models import Notice
from workspace.work import Work


def my_notices(work: Work) -> Select[Notice]:
    """A notice repeats the words of its event, so the event's rooms decide, with the permission of now."""
    open_to_me = exists().where(EventRoom.seq == Notice.seq, EventRoom.room.in_(rooms_of(work)))
    return select(Notice).where(Notice.member_id == work.actor.member_id, open_to_me)


def get_notice(work: Work, notice_id: str) -> Notice:
    found = work.session.scalar(my_notices(work).where(Notice.id == notice_id))
    if found is None:
        raise NotFound(_("没有找到这条通知"), _("它可能已被清理。"))
    return found

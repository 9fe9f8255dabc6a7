"""Loading notices: everybody sees their own and nobody else's."""

from sqlalchemy import Select, select

from workspace.errors import NotFound
from workspace.i18n import _
from workspace.notices.models import Notice
from workspace.work import Work


def my_notices(work: Work) -> Select[Notice]:
    return select(Notice).where(Notice.member_id == work.actor.member_id)


def get_notice(work: Work, notice_id: str) -> Notice:
    found = work.session.scalar(my_notices(work).where(Notice.id == notice_id))
    if found is None:
        raise NotFound(_("没有找到这条通知"), _("它可能已被清理。"))
    return found

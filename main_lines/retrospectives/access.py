"""Loading conclusions: as confidential as their main line."""

from main_lines.lines.access import get_line, is_director
from main_lines.retrospectives.models import Conclusion
from workspace.errors import NotAllowed, NotFound
from workspace.i18n import _
from workspace.work import Work


def get_conclusion(work: Work, conclusion_id: str) -> Conclusion:
    """A conclusion that the actor may change, held until the commit: their own, or any in a line that they direct.

    NotFound outside the actor's lines, NotAllowed for the other members of the line.
    """
    found = work.session.get(Conclusion, conclusion_id, with_for_update=True, populate_existing=True)
    if found is not None:
        try:
            get_line(work, found.line_id)
        except NotFound:
            found = None
    if found is None:
        raise NotFound(_("没有找到这条结论"), _("它可能已被删除，或您不是这条主线的成员。"))
    if not may_change(work, found):
        raise NotAllowed(_("只有写下它的人或主线负责人可以修改"))
    return found


def may_change(work: Work, conclusion: Conclusion) -> bool:
    return conclusion.written_by_id == work.actor.member_id or is_director(work, conclusion.line_id)

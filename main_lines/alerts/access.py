"""Loading alerts: as confidential as their main line."""

from main_lines.alerts.models import Alert
from main_lines.lines.access import get_line
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.work import Work


def get_alert(work: Work, alert_id: str) -> Alert:
    """An alert of one of the actor's main lines, held until the commit; NotFound otherwise."""
    alert = work.session.get(Alert, alert_id, with_for_update=True, populate_existing=True)
    if alert is not None:
        try:
            get_line(work, alert.line_id)
        except NotFound:
            alert = None
    if alert is None:
        raise NotFound(_("没有找到这条预警"), _("地址有误，或您不是这条主线的成员。"))
    return alert

"""Opening a main line through the API."""

from main_lines.lines.api import Created
from main_lines.lines.models import LinePermission
from main_lines.playbooks.actions import open_line_from
from main_lines.playbooks.bodies import OpenLineBody
from workspace.web import Routes
from workspace.work import Work

api = Routes("playbooks_api", __name__, api=True)


@api.post("/lines", needs=LinePermission.OPEN, body=OpenLineBody, returns=Created)
def open_line(work: Work, body: OpenLineBody) -> tuple[Created, int]:
    """Open a main line, empty or from a playbook; the caller becomes its director."""
    line = open_line_from(
        work, name=body.name, kind=body.kind, d_day=body.d_day, goal=body.goal, playbook=body.playbook, member_ids=body.members
    )
    return Created(id=line.id), 201

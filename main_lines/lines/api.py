"""Main lines as JSON: the same reads and actions as the pages."""

from datetime import date

from pydantic import BaseModel

from main_lines.lines import actions, queries
from main_lines.lines.access import get_line
from main_lines.lines.bodies import DDayBody, HealthBody, MemberBody
from main_lines.lines.rules import Health
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("lines_api", __name__, api=True)


class LineMemberOut(BaseModel):
    id: str
    name: str
    department: str
    city: str
    role: str


class LineOut(BaseModel):
    """day: whole days from D-day, negative before it. directs: whether the reader is its director."""

    id: str
    name: str
    kind: str
    goal: str
    d_day: date
    day: int
    phase: str
    library_id: str | None
    directs: bool
    members: list[LineMemberOut]


class Created(BaseModel):
    id: str


class Done(BaseModel):
    done: bool = True


@api.get("/lines/<line_id>", needs=SIGNED_IN, returns=LineOut)
def get_one_line(work: Work, line_id: str) -> LineOut:
    """A main line with its members."""
    line = get_line(work, line_id)
    head = queries.line_head(work, line)
    members = [
        LineMemberOut(id=row.card.id, name=row.card.name, department=row.card.department_name, city=row.card.city_name, role=row.role)
        for row in queries.members_of(work, line.id)
    ]
    return LineOut(
        id=head.id, name=head.name, kind=head.kind, goal=head.goal, d_day=head.d_day, day=head.day, phase=head.phase,
        library_id=head.library_id, directs=head.i_direct, members=members,
    )  # fmt: skip


@api.post("/lines/<line_id>/members", needs=SIGNED_IN, body=MemberBody, returns=Created)
def add_member(work: Work, line_id: str, body: MemberBody) -> tuple[Created, int]:
    """Add a member; director only."""
    return Created(id=actions.add_line_member(work, line_id, body.member_id).id), 201


@api.route("/lines/<line_id>/members/<member_id>", methods=("DELETE",), needs=SIGNED_IN, returns=Done)
def remove_member(work: Work, line_id: str, member_id: str) -> Done:
    """Remove a member; director only. They lose the line with this commit."""
    actions.remove_line_member(work, line_id, member_id)
    return Done()


@api.post("/lines/<line_id>/directors", needs=SIGNED_IN, body=MemberBody, returns=Done)
def name_director(work: Work, line_id: str, body: MemberBody) -> Done:
    """Let a member direct the line too; director only."""
    actions.name_director(work, line_id, body.member_id)
    return Done()


@api.route("/lines/<line_id>/directors/<member_id>", methods=("DELETE",), needs=SIGNED_IN, returns=Done)
def release_director(work: Work, line_id: str, member_id: str) -> Done:
    """Let a director be a member like others again; director only. 409 for the last one."""
    actions.release_director(work, line_id, member_id)
    return Done()


@api.post("/lines/<line_id>/health", needs=SIGNED_IN, body=HealthBody, returns=Done)
def state_health(work: Work, line_id: str, body: HealthBody) -> Done:
    """State the line's health; director only, counts for 24 hours."""
    actions.state_health(work, line_id, health=Health(body.health), reason=body.reason)
    return Done()


@api.post("/lines/<line_id>/d-day", needs=SIGNED_IN, body=DDayBody, returns=Done)
def move_d_day(work: Work, line_id: str, body: DDayBody) -> Done:
    """Move D-day with every date that is an offset; director only."""
    actions.move_d_day(work, line_id, body.d_day, seen=body.seen)
    return Done()

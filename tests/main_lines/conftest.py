"""One main line that tests share: 林悦 directs it; 苏航 (设计策划, 上海), 赵宁 and 吴昊 are in it; 何青 and 管力 are not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from main_lines.lines.actions import open_line
from main_lines.lines.models import MainLine
from main_lines.lines.rules import LineKind
from main_lines.tasks.actions import Draft, write_task
from tests.house import member_named
from workspace.people.models import Member
from workspace.settings import Settings
from workspace.work import Work

INSIDE = ("林悦", "苏航", "赵宁", "吴昊")
OUTSIDE = "何青"
D_DAY = date(2026, 11, 11)


@dataclass(frozen=True)
class Story:
    """Ids of the shared line and its people."""

    line_id: str
    library_id: str
    people: dict[str, Member]

    @property
    def room(self) -> str:
        return f"line:{self.line_id}"

    def id_of(self, name: str) -> str:
        return self.people[name].id


@pytest.fixture
def story(work_as: Callable[..., object]) -> Story:
    with work_as("林悦") as work:
        people = {member.name: member for member in work.session.query(Member)}
        members = [people[name].id for name in INSIDE[1:]]
        line: MainLine = open_line(work, name="双十一大促", kind=LineKind.PROMOTION, d_day=D_DAY, member_ids=members)
        return Story(line.id, line.library_id or "", people)


@pytest.fixture
def today(settings: Settings) -> date:
    """The company's day of now, which is what pages count days from: for eight hours of each day that of UTC is the day before."""
    return datetime.now(ZoneInfo(settings.time_zone)).date()


@pytest.fixture
def write(work_as: Callable[..., object], story: Story) -> Callable[..., str]:
    """``write("主视觉", owner="苏航", offset=-30)`` — id of a new draft, written by the director."""

    def written(title: str = "主视觉", *, owner: str | None = "苏航", by: str = "林悦", offset: int | None = -30, **more: object) -> str:
        with work_as(by) as work:
            department = member_named(work, owner or "苏航").department_id
            draft = Draft(
                title=title, department_id=department, requirements="横竖各一", owner_id=story.id_of(owner) if owner else None,
                due_offset=offset, **more,
            )  # fmt: skip
            return write_task(work, story.line_id, draft).id

    return written


def last_kinds(work: Work) -> list[str]:
    """Kinds of the events that this Work recorded so far."""
    return [str(item.kind) for item in work.recorded]

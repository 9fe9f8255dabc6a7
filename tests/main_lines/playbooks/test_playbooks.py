from collections.abc import Callable
from datetime import date, timedelta

import pytest

from main_lines.lines.access import get_line
from main_lines.lines.rules import WORK_PHASES
from main_lines.playbooks.rules import Playbook, PlaybookKey, department_for
from main_lines.playbooks.shipped import PLAYBOOKS
from main_lines.tasks.queries import line_tasks
from main_lines.tasks.rules import State

D_DAY = date(2027, 11, 11)


def line_form(story_members: list[str], **more: object) -> dict[str, object]:
    return {
        "name": "双十一大促",
        "d_day": D_DAY.isoformat(),
        "kind": "promotion",
        "playbook": "",
        "goal": "",
        "members": story_members,
    } | more


@pytest.fixture
def people(work_as: Callable) -> dict[str, str]:
    from workspace.people.models import Member

    with work_as("林悦", writes=False) as work:
        return {member.name: member.id for member in work.session.query(Member)}


def test_line_when_opened_by_form_then_its_director_lands_on_the_map(signed_in: Callable, people: dict[str, str]) -> None:
    director = signed_in("linyue")
    answer = director.post("/lines", data=line_form([people["苏航"], people["赵宁"]]))
    assert answer.status_code == 303
    assert answer.location.endswith("/board")
    assert director.get(answer.location).status_code == 200
    assert signed_in("suhang").get(answer.location).status_code == 200
    assert signed_in("heqing").get(answer.location).status_code == 404


@pytest.mark.parametrize("login", ["suhang", "guanli"])
def test_line_when_opened_without_the_permission_then_refused(signed_in: Callable, people: dict[str, str], login: str) -> None:
    person = signed_in(login)
    assert person.get("/lines/new").status_code == 403
    assert person.post("/lines", data=line_form([])).status_code == 403
    assert person.post("/api/lines", json={"name": "私开", "d_day": D_DAY.isoformat()}).status_code == 403


def test_line_when_the_form_is_wrong_then_it_comes_back_filled_in(signed_in: Callable, people: dict[str, str]) -> None:
    answer = signed_in("linyue").post("/lines", data=line_form([people["苏航"]], d_day="", goal="要留住的字"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "d_day-error" in page
    assert "要留住的字" in page
    assert f'value="{people["苏航"]}" checked' in page


def test_line_when_its_d_day_is_over_then_the_form_says_so(signed_in: Callable, people: dict[str, str]) -> None:
    director = signed_in("linyue")
    answer = director.post("/lines", data=line_form([people["苏航"]], name="年份写错", d_day="2020-11-11"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "请选择今天或以后的日期" in page
    assert 'value="2020-11-11"' in page
    assert "年份写错" not in director.get("/lines").get_data(as_text=True)


def test_playbook_when_used_then_orders_are_scheduled_backwards_and_wait_for_the_signature(
    signed_in: Callable, work_as: Callable, people: dict[str, str]
) -> None:
    body = {"name": "双十一大促", "d_day": D_DAY.isoformat(), "playbook": "double11", "members": [people["苏航"], people["吴昊"]]}
    answer = signed_in("linyue").post("/api/lines", json=body)
    assert answer.status_code == 201
    with work_as("林悦", writes=False) as work:
        rows = line_tasks(work, get_line(work, answer.get_json()["id"]))
    playbook = PLAYBOOKS[PlaybookKey.DOUBLE11]
    assert len(rows) == len(playbook.entries)
    assert {row.state for row in rows} == {State.WAITING}
    due = {row.title: row.due for row in rows}
    assert due == {entry.title: D_DAY + timedelta(days=entry.offset) for entry in playbook.entries}
    owners = {row.department_name: row.owner_name for row in rows}
    assert (owners["设计策划"], owners["物流仓储"], owners["客服"]) == ("苏航", "吴昊", "")


@pytest.mark.parametrize("playbook", PLAYBOOKS.values(), ids=lambda playbook: playbook.key)
def test_playbook_when_shipped_then_every_order_says_what_is_wanted(playbook: Playbook) -> None:
    """That each can be done in time is asked of ``faults_of``."""
    assert len({entry.title for entry in playbook.entries}) == len(playbook.entries)
    for entry in playbook.entries:
        assert entry.requirements, entry.title
        assert entry.phase in WORK_PHASES, entry.title


def test_playbook_when_it_is_double_eleven_then_eight_departments_and_over_sixty_orders() -> None:
    entries = PLAYBOOKS[PlaybookKey.DOUBLE11].entries
    assert len(entries) >= 60
    assert len({entry.department for entry in entries}) == 8


def test_department_when_unknown_here_then_the_order_is_not_dropped() -> None:
    assert department_for("客服", {"客服": "d1"}, otherwise="d0") == "d1"
    assert department_for("直播", {"客服": "d1"}, otherwise="d0") == "d0"

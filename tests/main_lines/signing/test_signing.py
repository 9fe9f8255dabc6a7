"""Who is asked for a signature, what it is about the second time, and many at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main_lines.lines.actions import name_signers, remove_line_member
from main_lines.lines.models import MainLine
from main_lines.lines.rules import signers_of
from main_lines.signing.queries import waiting_for_me
from main_lines.signing.rules import FIELDS, changes_since, compared
from main_lines.tasks.access import asked_to_sign, get_task
from main_lines.tasks.actions import draft_of, edit_task, sign_task, submit_task
from main_lines.tasks.queries import asks_me_count, for_director
from tests.house import NOW
from tests.main_lines.conftest import OUTSIDE, Story
from workspace.errors import Conflict, NotAllowed, NotFound

LINES = st.lists(st.sampled_from(["一", "二", "三", ""]), max_size=8)


@given(LINES, LINES)
def test_compared_when_read_with_either_sign_then_it_is_the_one_text_and_the_other(before: list[str], after: list[str]) -> None:
    lines = compared(before, after)
    assert [line.text for line in lines if line.sign != "+"] == before
    assert [line.text for line in lines if line.sign != "-"] == after
    assert all(not line.sign for line in lines) == (before == after)


@given(st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["甲", "乙", "甲\n乙"])), st.sampled_from(FIELDS))
def test_changes_when_one_field_differs_then_only_that_one_is_named(asked: dict[str, str], field: str) -> None:
    full = {name: asked.get(name, "") for name in FIELDS}
    assert changes_since(full, full) == []
    assert [change.field for change in changes_since(full, full | {field: "丙"})] == [field]
    assert changes_since({}, full) == [], "nothing was signed before"


@pytest.mark.parametrize(
    ("named", "who"), [({}, []), ({"": ["a"]}, ["a"]), ({"": ["a"], "d": ["b"]}, ["b"]), ({"e": ["b"]}, []), ({"": ["a"], "d": []}, ["a"])]
)
def test_signers_when_named_then_those_of_the_department_come_first(named: dict[str, list[str]], who: list[str]) -> None:
    assert list(signers_of(named, "d")) == who


@pytest.fixture
def waiting(work_as: Callable, write: Callable) -> str:
    task_id = write()
    with work_as("苏航") as work:
        submit_task(work, task_id)
    return task_id


def asked(work_as: Callable, task_id: str) -> dict[str, bool]:
    """Who has it in their list of signatures; the lists agree with the rule and with the count of the navigation."""
    found = {}
    for name in ("林悦", "赵宁", "吴昊", "苏航"):
        with work_as(name, writes=False) as work:
            found[name] = task_id in [one.row.id for one in waiting_for_me(work)]
            assert found[name] == (work.actor.member_id in asked_to_sign(work, get_task(work, task_id))), name
            assert asks_me_count(work) == len(for_director(work)), name
    return found


def test_signer_when_named_then_asked_in_the_directors_place_until_the_plan_is_frozen(
    work_as: Callable, waiting: str, story: Story
) -> None:
    assert asked(work_as, waiting) == {"林悦": True, "赵宁": False, "吴昊": False, "苏航": False}
    with work_as("林悦") as work:
        name_signers(work, story.line_id, department_id="", member_ids=[story.id_of("吴昊")])
    assert asked(work_as, waiting) == {"林悦": False, "赵宁": False, "吴昊": True, "苏航": False}
    with work_as("林悦") as work:
        name_signers(work, story.line_id, department_id=story.people["苏航"].department_id, member_ids=[story.id_of("赵宁")])
    assert asked(work_as, waiting) == {"林悦": False, "赵宁": True, "吴昊": False, "苏航": False}
    with work_as("吴昊") as work, pytest.raises(NotAllowed):
        sign_task(work, waiting)
    with work_as("林悦") as work:
        line = work.session.get_one(MainLine, story.line_id)
        line.frozen_at = work.now
        name_signers(work, story.line_id, department_id="", member_ids=[])
    assert asked(work_as, waiting) == {"林悦": True, "赵宁": False, "吴昊": False, "苏航": False}
    with work_as("赵宁") as work, pytest.raises(Conflict) as refused:
        sign_task(work, waiting)
    assert refused.value.code == "task_frozen"


def test_signer_when_signing_then_the_work_may_begin_and_leaving_ends_it(
    work_as: Callable, waiting: str, write: Callable, story: Story
) -> None:
    with work_as("林悦") as work:
        name_signers(work, story.line_id, department_id="", member_ids=[story.id_of("吴昊")])
    with work_as("吴昊") as work:
        assert sign_task(work, waiting).signed_by_id == story.id_of("吴昊")
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("吴昊"))
    with work_as("林悦", writes=False) as work:
        assert asked_to_sign(work, get_task(work, write("另一张"))) == [story.id_of("林悦")]


def test_signers_when_named_by_somebody_else_or_from_outside_then_refused(work_as: Callable, story: Story) -> None:
    with work_as("苏航") as work, pytest.raises(NotAllowed):
        name_signers(work, story.line_id, department_id="", member_ids=[story.id_of("苏航")])
    with work_as("林悦") as work, pytest.raises(NotFound):
        name_signers(work, story.line_id, department_id="", member_ids=[story.id_of(OUTSIDE)])


def test_waiting_when_listed_then_the_oldest_first_and_a_second_signature_says_what_has_changed(
    work_as: Callable, write: Callable, signed_in: Callable
) -> None:
    old, again = write("等得久"), write("改过的", by="苏航")
    with work_as("林悦") as work:
        sign_task(work, again)
    with work_as("苏航", now=NOW - timedelta(days=3)) as work:
        submit_task(work, old)
    with work_as("苏航") as work:
        edit_task(work, again, replace(draft_of(get_task(work, again)), requirements="横竖各一\n再加一张方图"))
    with work_as("林悦", writes=False) as work:
        first, second = waiting_for_me(work)
        assert (first.row.id, first.again, first.row.age_days) == (old, False, 3)
        assert (second.row.id, second.again) == (again, True)
        (change,) = second.changes
        assert (change.field, [(line.sign, line.text) for line in change.lines]) == (
            "requirements",
            [("", "横竖各一"), ("+", "再加一张方图")],
        )
    director = signed_in("linyue")
    assert "<ins>" in director.get(f"/tasks/{again}/changes").get_data(as_text=True)
    page = director.get("/tasks/to-sign").get_data(as_text=True)
    chosen = [part.split('"')[0] for part in page.split('name="orders" id="choose-')[1:]]
    values = [part.split('value="')[1].split('"')[0] for part in page.split('name="orders"')[1:]]
    assert chosen == [old, again]
    assert director.post("/tasks/sign", {"orders": values}).status_code == 303
    assert director.get("/api/tasks/to-sign").get_json() == {"orders": []}
    with work_as("林悦", writes=False) as work:
        assert [get_task(work, id).state for id in (old, again)] == ["ready", "ready"]

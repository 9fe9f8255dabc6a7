"""What a playbook learns from a line: chosen by its director, written as the next version, used by the next opening."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from main_lines.lines.access import get_line
from main_lines.lines.rules import LineKind
from main_lines.playbooks.access import get_book
from main_lines.playbooks.actions import add_playbook, open_line_from, save_version
from main_lines.playbooks.rules import ENTRIES_MOST, Content, Entry
from main_lines.retrospectives.actions import write_lessons
from main_lines.retrospectives.learning import Lesson, LessonKind, learnt
from main_lines.retrospectives.queries import learning_of, retrospective_of
from main_lines.tasks.actions import Draft, cancel_task, deliver_task, sign_task, start_task, submit_task, write_task
from main_lines.tasks.queries import line_tasks
from tests.house import NOW
from tests.main_lines.conftest import D_DAY, Story
from workspace.errors import InvalidInput
from workspace.events.models import Event

TODAY = (NOW.date() - D_DAY).days
DEPARTMENT = "设计策划"


def entry(key: str, title: str, offset: int, needs: tuple[str, ...] = ()) -> Entry:
    return Entry(key, DEPARTMENT, offset, 2, title, "", needs=needs)


BOOK = Content(
    (
        entry("a", "选品", TODAY + 5),
        entry("b", "主视觉", TODAY + 20, ("a",)),
        entry("c", "赠品", TODAY + 25, ("b",)),
        entry("d", "直播间", TODAY + 30, ("c",)),
    )
)


@pytest.fixture
def lived(work_as: Callable, story: Story) -> tuple[str, str]:
    """(line, playbook): of four orders one came late without holding anybody up, one was cancelled, one was added."""
    with work_as("林悦") as work:
        book = add_playbook(work, name="年货节", kind=LineKind.PROMOTION, content=BOOK).id
        line = open_line_from(
            work, name="年货节 2026", kind=LineKind.PROMOTION, d_day=D_DAY, playbook=book, member_ids=[story.id_of("苏航")]
        )
        orders = {row.title: row.id for row in line_tasks(work, line)}
    with work_as("林悦", now=NOW + timedelta(days=1)) as work:
        cancel_task(work, orders["赠品"], reason="预算没有批")
        department = story.people["苏航"].department_id
        new = write_task(work, line.id, Draft("样衣寄送", department, requirements="苏航当面验收", due_offset=TODAY + 15, days=3)).id
        submit_task(work, new)
        sign_task(work, new)
        sign_task(work, orders["直播间"])
    with work_as("苏航", now=NOW + timedelta(days=2)) as work:
        start_task(work, orders["直播间"])
    with work_as("苏航", now=NOW + timedelta(days=40)) as work:
        deliver_task(work, orders["直播间"], "好了")
    return line.id, book


def test_lessons_when_chosen_then_they_are_the_next_version_and_the_next_opening_uses_it(work_as: Callable, lived: tuple[str, str]) -> None:
    line_id, book_id = lived
    with work_as("林悦", now=NOW + timedelta(days=41), writes=False) as work:
        line = get_line(work, line_id)
        learning = learning_of(work, line, retrospective_of(work, line, over_days=3), playbook="")
    by_title = {lesson.entry.title: lesson for lesson in learning.lessons}
    assert learning.book is not None
    assert learning.book.id == book_id
    kinds = {"直播间": LessonKind.LATER, "赠品": LessonKind.DROP, "样衣寄送": LessonKind.ADD}
    assert {title: by_title[title].kind for title in kinds} == kinds
    assert by_title["直播间"].after == replace(BOOK.entries[3], offset=TODAY + 40)
    assert "苏航" not in by_title["样衣寄送"].entry.requirements, "names stay behind, as where a line is taken"


def test_lessons_when_written_by_form_then_recorded_and_no_lesson_any_more(
    signed_in: Callable, work_as: Callable, lived: tuple[str, str]
) -> None:
    line_id, book_id = lived
    director, here = signed_in("linyue"), f"/lines/{line_id}/retrospective/playbook"
    page = director.get(here).get_data(as_text=True)
    assert "赠品" in page
    with work_as("林悦", writes=False) as work:
        line = get_line(work, line_id)
        learning = learning_of(work, line, retrospective_of(work, line), playbook="")
    wanted = [lesson.id for lesson in learning.lessons if lesson.kind in (LessonKind.DROP, LessonKind.ADD)]
    preview = director.get(f"{here}?chosen=1&take={wanted[0]}&take={wanted[1]}").get_data(as_text=True)
    assert "新增 1 张：样衣寄送 · 删除 1 张：赠品" in preview
    sent = {"playbook": book_id, "base": "1", "take": wanted}
    assert director.post(here, {**sent, "take": []}).status_code == 422
    assert director.post(here, {**sent, "take": ["drop-nothing"]}).status_code == 409
    assert director.post(here, sent).headers["Location"] == f"/playbooks/{book_id}"
    answer = director.post(here, sent)
    assert answer.status_code == 409, "they are in it already"
    with work_as("林悦") as work:
        entries = {one.title: one for one in get_book(work, book_id).content.entries}
        assert list(entries) == ["选品", "主视觉", "直播间", "样衣寄送"]
        assert entries["直播间"].needs == ("b",), "what waited for the one that went waits for what that one waited for"
        told = [item for item in work.session.query(Event) if item.kind == "main_lines.playbook.learnt"]
        assert [(item.facts["version"], item.facts["lessons"]) for item in told] == [(2, 2)]
        opened = open_line_from(work, name="下一次", kind=LineKind.PROMOTION, d_day=D_DAY, playbook=book_id)
        assert {row.title for row in line_tasks(work, opened)} == set(entries)
    with work_as("林悦") as work:
        save_version(work, book_id, name="年货节", kind=LineKind.PROMOTION, content=BOOK, base=2)
    assert director.post(here, sent).status_code == 409, "another version was shown"


def test_lessons_when_the_playbook_is_full_then_refused_and_the_playbook_can_be_read(work_as: Callable, story: Story) -> None:
    """A version with more orders than are read could be saved by no form, but was by a lesson; every page of it failed then."""
    full = Content(tuple(entry(f"k{n}", f"单 {n}", -10) for n in range(ENTRIES_MOST)))
    with work_as("林悦") as work:
        book = add_playbook(work, name="年货节", kind=LineKind.PROMOTION, content=full).id
        line = open_line_from(work, name="年货节 2026", kind=LineKind.PROMOTION, d_day=D_DAY, playbook=book)
        sign_task(work, write_task(work, line.id, Draft("样衣寄送", story.people["苏航"].department_id, due_offset=-15)).id)
    with work_as("林悦") as work:
        line = get_line(work, line.id)
        learning = learning_of(work, line, retrospective_of(work, line), playbook=book)
        [lesson] = learning.lessons
        with pytest.raises(InvalidInput, match="内容太多"):
            write_lessons(work, line, learning, chosen=[lesson.id], base=1)
        assert len(get_book(work, book).content.entries) == ENTRIES_MOST


@pytest.mark.parametrize("login", ["suhang", "heqing"])
def test_lessons_when_asked_for_by_others_then_refused(signed_in: Callable, lived: tuple[str, str], login: str) -> None:
    person, here = signed_in(login), f"/lines/{lived[0]}/retrospective/playbook"
    refused = 403 if login == "suhang" else 404
    assert (person.get(here).status_code, person.post(here, {}).status_code) == (refused, refused)


def test_lessons_when_the_line_came_from_a_shipped_playbook_then_a_new_one_of_the_company(signed_in: Callable, work_as: Callable) -> None:
    with work_as("林悦") as work:
        line = open_line_from(work, name="双十一", kind=LineKind.PROMOTION, d_day=D_DAY, playbook="double11")
        first = line_tasks(work, line)[0]
        cancel_task(work, first.id, reason="不做")
    director, here = signed_in("linyue"), f"/lines/{line.id}/retrospective/playbook"
    sent = {"playbook": "double11", "base": "1", "take": [f"drop-{first.id}"]}
    answer = director.post(here, sent)
    assert answer.status_code == 303
    with work_as("林悦", writes=False) as work:
        book, shipped = get_book(work, answer.headers["Location"].removeprefix("/playbooks/")), get_book(work, "double11")
    assert (book.shipped, len(book.content.entries)) == (False, len(shipped.content.entries) - 1)


def test_learnt_when_a_new_key_is_taken_then_it_gets_another_and_waits_for_its_own() -> None:
    """``n2`` is an order of the line and an entry of the playbook, which are not the same."""
    content = Content((entry("n2", "选品", -30), entry("b", "主视觉", -20)))
    taken = {"x": entry("n2", "样衣", -25, ("n7", "n9")), "y": entry("n9", "寄送", -24)}
    add = [Lesson(LessonKind.ADD, id, None, one) for id, one in taken.items()]
    found = learnt(content, add, {"add-x", "add-y"}, {"n7": "b"}).entries
    assert [(one.key, one.needs) for one in found] == [("n2", ()), ("b", ()), ("n2_2", ("b", "n9")), ("n9", ())]

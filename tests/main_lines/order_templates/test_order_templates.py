"""Templates of task orders: kept by whoever may, from an order or from nothing, and used for new orders."""

from collections.abc import Callable

import pytest

from main_lines.order_templates.actions import Kept, change_order_template, drop_order_template, keep_order_template
from main_lines.order_templates.queries import list_order_templates
from tests.main_lines.conftest import Story, last_kinds
from workspace.errors import NotFound


def form(story: Story, **more: object) -> dict[str, object]:
    department = story.people["苏航"].department_id
    return {
        "name": "大促主视觉", "title": "主视觉", "department_id": department, "requirements": "横竖各一", "phase": "prepare",
        "due_offset": "-45",
        "days": "5", "checklist": "横版\n竖版", "expected": "横版\n竖版", "involved": [story.people["赵宁"].department_id], **more,
    }  # fmt: skip


def test_template_when_kept_then_a_new_order_starts_with_it(signed_in: Callable, story: Story) -> None:
    director, designer = signed_in("linyue"), signed_in("suhang")
    assert director.post("/order-templates", form(story)).status_code == 303
    (kept,) = designer.get("/api/order-templates").get_json()["templates"]
    assert (kept["name"], kept["due_offset"], kept["days"], kept["expected"]) == ("大促主视觉", -45, 5, ["横版", "竖版"])
    page = designer.get(f"/lines/{story.line_id}/tasks/new?template={kept['id']}").get_data(as_text=True)
    assert all(words in page for words in ('value="主视觉"', "横竖各一", 'value="-45"', "横版\n竖版"))
    checked = page.split(f'name="involved" value="{story.people["赵宁"].department_id}"')[1].split(">")[0]
    assert "checked" in checked
    assert designer.get(f"/lines/{story.line_id}/tasks/new?template={'0' * 26}").status_code == 404


def test_template_when_made_from_an_order_then_read_over_first_and_without_its_people(
    signed_in: Callable, write: Callable, story: Story
) -> None:
    task_id = write(checklist=["横版"], expected=["横版"])
    director = signed_in("linyue")
    page = director.get(f"/order-templates/new?task={task_id}").get_data(as_text=True)
    assert "全公司可见" in page
    assert 'value="主视觉"' in page
    assert story.id_of("苏航") not in page
    assert director.get("/api/order-templates").get_json() == {"templates": []}, "nothing is kept before it was read over"


@pytest.mark.parametrize("login", ["suhang", "guanli"])
def test_template_when_written_without_the_permission_then_refused(signed_in: Callable, story: Story, write: Callable, login: str) -> None:
    person = signed_in(login)
    assert person.get("/order-templates").status_code == 200
    for url in ("/order-templates/new", f"/order-templates/new?task={write()}"):
        assert person.get(url).status_code == 403
    assert person.post("/order-templates", form(story)).status_code == 403
    assert person.post("/api/order-templates", json={}).status_code == 403


def test_template_when_something_is_wrong_then_the_form_comes_back_filled_in(signed_in: Callable, story: Story) -> None:
    answer = signed_in("linyue").post("/order-templates", form(story, name="", requirements="要留住的字"))
    assert answer.status_code == 422
    assert "要留住的字" in answer.get_data(as_text=True)


def test_template_when_changed_or_dropped_then_recorded_and_told_to_nobody_by_line(work_as: Callable, story: Story) -> None:
    department = story.people["苏航"].department_id
    with work_as("林悦") as work:
        template_id = keep_order_template(work, Kept("主视觉", "主视觉", department)).id
    with work_as("林悦") as work:
        change_order_template(work, template_id, Kept("主视觉", "主视觉", department))
        assert last_kinds(work) == [], "nothing has changed"
        change_order_template(work, template_id, Kept("主视觉", "主视觉", department, expected=["横版", "横版"]))
        assert last_kinds(work) == ["main_lines.order_template.changed"]
        assert [row.expected for row in list_order_templates(work)] == [["横版"]]
    with work_as("林悦") as work:
        drop_order_template(work, template_id)
    with work_as("林悦") as work, pytest.raises(NotFound):
        drop_order_template(work, template_id)

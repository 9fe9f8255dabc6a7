from collections.abc import Callable

import pytest

from main_lines.tasks.access import get_task
from main_lines.tasks.actions import assign_task, block_task, sign_task, start_task, submit_task
from tests.main_lines.conftest import Story

HTMX = {"HX-Request": "true"}


def verbs_on(page: str) -> set[str]:
    return {part.split('"')[0] for part in page.split('name="verb" value="')[1:]}


@pytest.fixture
def waiting(work_as: Callable, write: Callable) -> str:
    task_id = write()
    with work_as("苏航") as work:
        submit_task(work, task_id)
    return task_id


@pytest.mark.parametrize(
    ("login", "verbs"), [("linyue", {"sign", "decline", "cancel", "block"}), ("suhang", {"block"}), ("zhaoning", set())]
)
def test_task_page_when_waiting_then_each_sees_their_own_verbs(signed_in: Callable, waiting: str, login: str, verbs: set[str]) -> None:
    page = signed_in(login).get(f"/tasks/{waiting}").get_data(as_text=True)
    assert verbs_on(page) == verbs
    assert "无单不图" in page


def test_task_page_when_in_progress_then_the_owner_may_send_for_sign_off(signed_in: Callable, work_as: Callable, waiting: str) -> None:
    with work_as("林悦") as work:
        sign_task(work, waiting)
    with work_as("苏航") as work:
        start_task(work, waiting)
    link = f"/approvals/new?template=asset_sign_off&amp;task={waiting}"
    assert link in signed_in("suhang").get(f"/tasks/{waiting}").get_data(as_text=True)
    assert link not in signed_in("zhaoning").get(f"/tasks/{waiting}").get_data(as_text=True)


def test_sign_when_pressed_then_back_to_where_it_was_pressed(signed_in: Callable, story: Story, work_as: Callable, waiting: str) -> None:
    back = f"/lines/{story.line_id}/board"
    answer = signed_in("linyue").post(f"/tasks/{waiting}/moves", data={"verb": "sign", "back": back})
    assert (answer.status_code, answer.location) == (303, back)
    with work_as("林悦", writes=False) as work:
        assert get_task(work, waiting).state == "ready"


def test_move_when_refused_then_a_message_with_the_next_step(signed_in: Callable, waiting: str) -> None:
    answer = signed_in("suhang").post(f"/tasks/{waiting}/moves", data={"verb": "start"}, headers=HTMX)
    assert answer.status_code == 409
    assert "无单不图" in answer.get_data(as_text=True)
    assert signed_in("suhang").post(f"/tasks/{waiting}/moves", data={"verb": "sign"}, headers=HTMX).status_code == 403
    assert signed_in("linyue").post(f"/tasks/{waiting}/moves", data={"verb": "decline"}, headers=HTMX).status_code == 422
    assert signed_in("linyue").post(f"/tasks/{waiting}/moves", data={"verb": "explode"}, headers=HTMX).status_code == 422


def form(story: Story, **more: str) -> dict[str, str]:
    return {"title": "详情页", "department_id": story.people["苏航"].department_id, "owner_id": story.id_of("苏航"), "requirements": "首屏",
            "phase": "prepare", "due_offset": "-10", "due_on": "", "site_id": "", "checklist": "横版\n\n 竖版 "} | more  # fmt: skip


@pytest.mark.parametrize(
    ("login", "then", "state"), [("linyue", "sign", "ready"), ("suhang", "submit", "waiting"), ("zhaoning", "", "draft")]
)
def test_new_task_when_sent_then_written_and_moved_in_one_step(
    signed_in: Callable, work_as: Callable, story: Story, login: str, then: str, state: str
) -> None:
    answer = signed_in(login).post(f"/lines/{story.line_id}/tasks", data=form(story, then=then))
    assert answer.status_code == 303
    with work_as("林悦", writes=False) as work:
        order = get_task(work, answer.location.rsplit("/", 1)[1])
        assert (order.state, order.due_offset, [item["text"] for item in order.checklist]) == (state, -10, ["横版", "竖版"])


def test_new_task_when_a_member_tries_to_sign_it_then_nothing_is_written(signed_in: Callable, story: Story) -> None:
    person = signed_in("suhang")
    assert person.post(f"/lines/{story.line_id}/tasks", data=form(story, then="sign")).status_code == 403
    assert "详情页" not in person.get(f"/lines/{story.line_id}/tasks").get_data(as_text=True)


def test_new_task_when_something_is_wrong_then_the_form_comes_back_filled_in(signed_in: Callable, story: Story) -> None:
    answer = signed_in("linyue").post(
        f"/lines/{story.line_id}/tasks", data=form(story, title="", due_on="2026-10-20", requirements="要留住的字")
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in page
    assert "要留住的字" in page
    both = signed_in("linyue").post(f"/lines/{story.line_id}/tasks", data=form(story, due_on="2026-10-20"))
    assert both.status_code == 422
    assert "due_on-error" in both.get_data(as_text=True)


def test_edit_when_saved_then_signed_again(signed_in: Callable, work_as: Callable, story: Story, waiting: str) -> None:
    director = signed_in("linyue")
    director.post(f"/tasks/{waiting}/moves", data={"verb": "sign"})
    assert "需要重新签发" in director.get(f"/tasks/{waiting}/edit").get_data(as_text=True)
    assert director.post(f"/tasks/{waiting}", data=form(story, requirements="改成三张")).status_code == 303
    with work_as("林悦", writes=False) as work:
        assert get_task(work, waiting).state == "waiting"


def test_line_tasks_when_narrowed_then_only_those(signed_in: Callable, story: Story, write: Callable) -> None:
    write("主视觉")
    write("话术", owner="赵宁")
    person = signed_in("linyue")
    everything = person.get(f"/lines/{story.line_id}/tasks/rows").get_data(as_text=True)
    design = person.get(f"/lines/{story.line_id}/tasks/rows?department={story.people['苏航'].department_id}").get_data(as_text=True)
    assert ("主视觉" in everything, "话术" in everything) == (True, True)
    assert ("主视觉" in design, "话术" in design) == (True, False)
    empty = person.get(f"/lines/{story.line_id}/tasks?phase=review").get_data(as_text=True)
    assert "没有符合条件的任务单" in empty


def test_line_tasks_when_asked_for_what_presses_then_list_and_export_hold_it_alone(
    signed_in: Callable, work_as: Callable, story: Story, write: Callable
) -> None:
    blocked, _quiet = write("主视觉"), write("话术", owner="赵宁", offset=90)
    with work_as("苏航") as work:
        submit_task(work, blocked)
        block_task(work, blocked, reason="等模特排期")
    person = signed_in("linyue")
    for path in ("tasks/rows", "tasks/export"):
        for show, held in (("urgent", (True, False)), ("waiting", (True, False)), ("open", (True, True)), ("delivered", (False, False))):
            told = person.get(f"/lines/{story.line_id}/{path}?form=csv&show={show}").get_data(as_text=True)
            assert ("主视觉" in told, "话术" in told) == held, (path, show)


def test_my_work_when_the_day_is_empty_then_says_where_to_go(signed_in: Callable, story: Story) -> None:
    page = signed_in("heqing").get("/tasks").get_data(as_text=True)
    assert "现在没有需要您做的任务单" in page
    assert 'href="/lines"' in page


def test_blocked_when_reported_then_its_reason_is_on_the_lists(signed_in: Callable, work_as: Callable, story: Story, waiting: str) -> None:
    with work_as("苏航") as work:
        block_task(work, waiting, reason="等模特排期")
    for url in (f"/lines/{story.line_id}/tasks", f"/lines/{story.line_id}/board", f"/lines/{story.line_id}/wall", f"/tasks/{waiting}"):
        assert "等模特排期" in signed_in("linyue").get(url).get_data(as_text=True), url


def test_api_when_an_order_goes_its_way_then_it_says_what_may_follow(signed_in: Callable, story: Story) -> None:
    director, designer = signed_in("linyue"), signed_in("suhang")
    body = {"title": "竖版海报", "department_id": story.people["苏航"].department_id, "owner_id": story.id_of("苏航"), "due_offset": -5}
    written = director.post(f"/api/lines/{story.line_id}/tasks", json=body)
    assert written.status_code == 201
    task = written.get_json()
    assert (task["state"], task["signed"], task["due"]) == ("draft", False, "2026-11-06")
    url = f"/api/tasks/{task['id']}"
    assert designer.post(f"{url}/moves", json={"verb": "start"}).get_json()["error"]["code"] == "task_unsigned"
    assert director.post(f"{url}/moves", json={"verb": "sign"}).get_json()["signed"] is True
    assert "deliver" in designer.post(f"{url}/moves", json={"verb": "start"}).get_json()["verbs"]
    assert designer.post(f"{url}/deliver", json={"text": "https://example.com/poster"}).get_json()["deliverable"]["kind"] == "link"
    assert director.post(f"{url}/moves", json={"verb": "accept"}).get_json()["state"] == "accepted"
    assert [row["title"] for row in designer.get(f"/api/lines/{story.line_id}/tasks").get_json()["tasks"]] == ["竖版海报"]


def test_edit_when_changed_meanwhile_then_what_was_typed_stays_and_the_next_save_counts(
    signed_in: Callable, work_as: Callable, story: Story, waiting: str
) -> None:
    director = signed_in("linyue")
    shown = director.get(f"/tasks/{waiting}/edit").get_data(as_text=True)
    seen = shown.split('name="seen" value="')[1].split('"')[0]
    with work_as("林悦") as work:
        assign_task(work, waiting, story.id_of("吴昊"))
    typed = {**form(story), "department_id": story.people["苏航"].department_id, "requirements": "我写了很久的要求", "seen": seen}
    refused = director.post(f"/tasks/{waiting}", data=typed)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 409
    assert "任务单刚刚被修改过" in page
    assert "我写了很久的要求" in page
    fresh = page.split('name="seen" value="')[1].split('"')[0]
    assert fresh != seen
    assert director.post(f"/tasks/{waiting}", data={**typed, "seen": fresh}).status_code == 303


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", "/\r\nX: y", ""])
def test_move_when_the_way_back_is_not_ours_then_the_default(signed_in: Callable, waiting: str, back: str) -> None:
    answer = signed_in("linyue").post(f"/tasks/{waiting}/moves", data={"verb": "sign", "back": back})
    assert answer.location == f"/tasks/{waiting}"


@pytest.mark.parametrize("choice", ["a:²", "a:99999999999999999999", "a:0"])
def test_delivery_when_the_version_is_no_number_then_refused(signed_in: Callable, work_as: Callable, waiting: str, choice: str) -> None:
    with work_as("林悦") as work:
        sign_task(work, waiting)
    answer = signed_in("suhang").post(f"/tasks/{waiting}/deliver", data={"asset_id": choice}, headers=HTMX)
    assert answer.status_code == 422

from collections.abc import Callable

from main_lines.lines.access import get_line
from main_lines.lines.queries import line_feed
from tests.main_lines.conftest import Story

HTMX = {"HX-Request": "true"}


def posts(work_as: Callable, story: Story) -> list[str]:
    with work_as("林悦", writes=False) as work:
        return [row.quote for row in line_feed(work, get_line(work, story.line_id)).rows if row.quote]


def test_post_when_sent_by_form_then_back_to_the_feed_with_it(signed_in: Callable, work_as: Callable, story: Story) -> None:
    person = signed_in("suhang")
    answer = person.post(f"/lines/{story.line_id}/posts", data={"text": "主视觉今晚出"})
    assert (answer.status_code, answer.location) == (303, f"/lines/{story.line_id}")
    assert "主视觉今晚出" in person.get(f"/lines/{story.line_id}").get_data(as_text=True)


def test_post_when_sent_twice_with_one_key_then_once(signed_in: Callable, work_as: Callable, story: Story) -> None:
    person = signed_in("suhang")
    headers = {**HTMX, "Idempotency-Key": "k1"}
    first = person.post(f"/lines/{story.line_id}/posts", data={"text": "只发一次"}, headers=headers)
    second = person.post(f"/lines/{story.line_id}/posts", data={"text": "只发一次"}, headers=headers)
    assert first.get_data() == second.get_data()
    assert "Idempotency-Key" in first.get_data(as_text=True), "the fresh form carries its own key"
    assert posts(work_as, story) == ["只发一次"]


def test_post_when_empty_then_the_field_is_named(signed_in: Callable, work_as: Callable, story: Story) -> None:
    answer = signed_in("suhang").post(f"/lines/{story.line_id}/posts", data={"text": "   "}, headers=HTMX)
    assert answer.status_code == 422
    assert "text" in answer.get_data(as_text=True)
    assert posts(work_as, story) == []


def test_post_when_it_holds_markup_then_shown_as_text(signed_in: Callable, story: Story) -> None:
    person = signed_in("suhang")
    person.post(f"/lines/{story.line_id}/posts", data={"text": "<script>alert(1)</script>"})
    page = person.get(f"/lines/{story.line_id}").get_data(as_text=True)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_members_when_shown_then_only_the_director_may_change_them(signed_in: Callable, story: Story) -> None:
    director = signed_in("linyue").get(f"/lines/{story.line_id}/members").get_data(as_text=True)
    member = signed_in("suhang").get(f"/lines/{story.line_id}/members").get_data(as_text=True)
    assert "加入成员" in director
    assert "/remove" in director
    assert "加入成员" not in member
    assert "/remove" not in member


def test_members_when_added_by_form_then_listed(signed_in: Callable, story: Story) -> None:
    director = signed_in("linyue")
    answer = director.post(f"/lines/{story.line_id}/members", data={"member_id": story.id_of("何青")}, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, f"/lines/{story.line_id}/members")
    assert "何青" in director.get(f"/lines/{story.line_id}/members/rows").get_data(as_text=True)
    assert signed_in("heqing").get(f"/lines/{story.line_id}").status_code == 200


def test_director_forms_when_sent_by_a_member_then_refused(signed_in: Callable, story: Story) -> None:
    """A member knows the line, so they are told that this is not theirs: 403, not 404."""
    person = signed_in("suhang")
    for path, data in {
        "health": {"health": "green", "reason": "好"}, "d-day": {"d_day": "2026-12-12"}, "gate": {"note": "走"},
        "members": {"member_id": story.id_of("何青")}, f"members/{story.id_of('吴昊')}/remove": {},
    }.items():  # fmt: skip
        assert person.post(f"/lines/{story.line_id}/{path}", data=data).status_code == 403, path


def test_way_back_when_it_leaves_the_site_then_ignored(signed_in: Callable, story: Story) -> None:
    person = signed_in("suhang")
    for wish in ("//evil.example", "https://evil.example", "/\\evil.example", "\\/evil"):
        answer = person.post(f"/lines/{story.line_id}/posts", data={"text": "回去", "back": wish})
        assert answer.location == f"/lines/{story.line_id}", wish


def test_older_rows_when_asked_for_then_the_next_page_by_key(signed_in: Callable, story: Story) -> None:
    person = signed_in("suhang")
    token = person.csrf()
    for number in range(35):
        person.client.post(f"/lines/{story.line_id}/posts", data={"text": f"通告{number:02}"}, headers={"X-CSRF-Token": token})
    first = person.get(f"/lines/{story.line_id}").get_data(as_text=True)
    assert "通告34" in first
    assert "通告04" not in first
    older = first.split("/feed?before=")[1].split('"')[0]
    second = person.get(f"/lines/{story.line_id}/feed?before={older}").get_data(as_text=True)
    assert "通告04" in second
    assert "通告05" not in second

from collections.abc import Callable

from tests.main_lines.conftest import Story

HTMX = {"HX-Request": "true"}


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

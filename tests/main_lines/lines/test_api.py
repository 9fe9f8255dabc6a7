from collections.abc import Callable

import pytest
from flask import Flask

from tests.main_lines.conftest import INSIDE, Story


def test_line_when_read_then_with_its_members(signed_in: Callable, story: Story) -> None:
    line = signed_in("suhang").get(f"/api/lines/{story.line_id}").get_json()
    assert (line["name"], line["d_day"], line["directs"]) == ("双十一大促", "2026-11-11", False)
    assert {member["name"] for member in line["members"]} == set(INSIDE)
    assert [member["name"] for member in line["members"] if member["role"] == "director"] == ["林悦"]


def test_members_when_kept_through_the_api_then_followed_by_access(signed_in: Callable, story: Story) -> None:
    director, outsider = signed_in("linyue"), signed_in("heqing")
    url = f"/api/lines/{story.line_id}"
    assert director.post(f"{url}/members", json={"member_id": story.id_of("何青")}).status_code == 201
    assert director.post(f"{url}/members", json={"member_id": story.id_of("何青")}).status_code == 409
    assert outsider.get(url).status_code == 200
    headers = {"X-CSRF-Token": director.csrf()}
    assert director.client.delete(f"{url}/members/{story.id_of('何青')}", headers=headers).status_code == 200
    assert outsider.get(url).status_code == 404


def test_openapi_when_made_then_every_verb_has_its_body(app: Flask, visitor) -> None:
    paths = visitor.get("/api/openapi.json").get_json()["paths"]
    assert {"get", "post"} <= set(paths["/api/lines"])
    for path in ("/api/lines/{line_id}/board", "/api/lines/{line_id}/tasks", "/api/tasks/{task_id}"):
        assert "get" in paths[path], path
    for path in ("/api/lines/{line_id}/tasks", "/api/tasks/{task_id}/moves", "/api/tasks/{task_id}/deliver", "/api/lines/{line_id}/health"):
        assert "requestBody" in paths[path]["post"], path


@pytest.mark.parametrize("d_day", ["0001-01-01", "9999-12-31"])
def test_d_day_when_offsets_would_leave_the_calendar_then_refused(signed_in: Callable, story: Story, d_day: str) -> None:
    """One such day would break every page that lists the line, for all its members."""
    director = signed_in("linyue")
    assert director.post(f"/api/lines/{story.line_id}/d-day", json={"d_day": d_day}).status_code == 422
    assert director.post("/api/lines", json={"name": "远", "d_day": d_day}).status_code == 422


@pytest.mark.parametrize("number", ["99999999999999999999", "-99999999999999999999", "x"])
def test_feed_when_asked_before_what_is_no_sequence_then_from_the_newest(signed_in: Callable, story: Story, number: str) -> None:
    person = signed_in("suhang")
    newest = person.get(f"/api/lines/{story.line_id}/feed").get_json()
    assert person.get(f"/api/lines/{story.line_id}/feed?before={number}").get_json() == newest
    assert person.get(f"/lines/{story.line_id}/feed?since={number}").status_code == 200


def test_gate_when_closed_twice_by_a_double_click_then_one_phase(signed_in: Callable, story: Story) -> None:
    director, url = signed_in("linyue"), f"/api/lines/{story.line_id}/gate"
    assert director.post(url, json={"phase": "prepare"}).get_json() == {"phase": "execute"}
    assert director.post(url, json={"phase": "prepare"}).status_code == 409
    assert director.get(f"/api/lines/{story.line_id}").get_json()["phase"] == "execute"
    assert 'name="phase" value="execute"' in director.get(f"/lines/{story.line_id}/board").get_data(as_text=True)


def test_body_when_it_holds_what_nobody_sees_then_kept_as_it_is_seen(signed_in: Callable, story: Story) -> None:
    """Control characters, marks that turn the direction of what follows, halves of characters."""
    director, department = signed_in("linyue"), story.people["苏航"].department_id
    url, body = f"/api/lines/{story.line_id}/tasks", {"department_id": department, "checklist": "一\n二"}
    order = director.post(url, json=body | {"title": "主\x00视\u202e觉😀", "requirements": "横\tKV\ud800\r\n竖"}).get_json()
    assert (order["title"], order["requirements"]) == ("主视觉😀", "横\tKV\r\n竖")
    assert [item["text"] for item in order["checklist"]] == ["一", "二"]
    for unseen in ("\u200b", "\u202e", "\x00"):
        assert director.post(url, json=body | {"title": unseen}).get_json()["error"]["facts"]["fields"] == {"title": "请填写此项"}
    for half in ({"owner_id": "\ud800"}, {"site_id": "\udfff"}, {"involved": ["\ud800"]}):
        assert director.post(url, json=body | {"title": "选品"} | half).status_code in (201, 404), half

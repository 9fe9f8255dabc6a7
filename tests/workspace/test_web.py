"""The web layer: needs, CSRF, errors, headers, idempotency; on a small app of its own besides the real one."""

import json
from collections.abc import Callable
from dataclasses import replace

import pydantic
import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

import app as composition
from tests.house import Person
from workspace.db import Database
from workspace.parts import Parts
from workspace.people.actions import add_department
from workspace.people.models import Department
from workspace.roles.models import WorkspacePermission
from workspace.settings import Settings
from workspace.web import ANYONE, SIGNED_IN, Routes
from workspace.work import Work


class NewDepartment(pydantic.BaseModel):
    name: str = pydantic.Field(min_length=1, max_length=60)


@pytest.fixture
def app(settings: Settings, parts: Parts, company: Database, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The product with three routes more."""
    routes = Routes("tests_api", __name__, api=True)

    @routes.post("/tests/departments", needs=SIGNED_IN, body=NewDepartment)
    def add(work: Work, body: NewDepartment) -> dict[str, str]:
        return {"id": add_department(work, name=body.name).id}

    @routes.post("/tests/refused", needs=SIGNED_IN)
    def refuse(work: Work) -> tuple[dict[str, str], int]:
        add_department(work, name="不会留下")
        return {"no": "no"}, 422

    @routes.get("/tests/managed", needs=WorkspacePermission.MEMBER_MANAGE)
    def managed(work: Work) -> dict[str, bool]:
        return {"ok": True}

    @routes.get("/tests/crash", needs=ANYONE)
    def crash(work: Work) -> dict[str, bool]:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(composition, "ROUTES", (*composition.ROUTES, routes))
    return composition.create_app(settings, parts)


def departments(database: Database) -> list[str]:
    with database.session(writes=False) as session:
        return [row.name for row in session.query(Department)]


def test_write_when_csrf_token_is_missing_then_refused(signed_in: Callable[[str], Person]) -> None:
    answer = signed_in("linyue").client.post("/api/tests/departments", json={"name": "新部门"})
    assert answer.status_code == 403
    assert answer.get_json()["error"]["code"] == "csrf"


def test_write_when_token_of_another_session_then_refused(signed_in: Callable[[str], Person]) -> None:
    stolen = signed_in("suhang").csrf()
    answer = signed_in("linyue").client.post("/api/tests/departments", json={"name": "新部门"}, headers={"X-CSRF-Token": stolen})
    assert answer.status_code == 403


def test_write_when_field_does_not_fit_then_named_in_words(signed_in: Callable[[str], Person]) -> None:
    answer = signed_in("linyue").post("/api/tests/departments", json={"name": ""})
    assert answer.status_code == 422
    assert answer.get_json()["error"]["facts"]["fields"] == {"name": "请填写此项"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"[" * 100_000, b'{"name":' * 50_000])
def test_write_when_body_is_no_object_then_422(signed_in: Callable[[str], Person], body: bytes) -> None:
    person = signed_in("linyue")
    answer = person.client.post(
        "/api/tests/departments", data=body, headers={"X-CSRF-Token": person.csrf(), "Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert set(answer.get_json()["error"]) >= {"code", "title", "message", "retryable"}


def test_write_when_view_answers_422_then_rolled_back(signed_in: Callable[[str], Person], company: Database) -> None:
    assert signed_in("linyue").post("/api/tests/refused", json={}).status_code == 422
    assert "不会留下" not in departments(company)


def test_write_when_key_is_sent_twice_then_done_once(signed_in: Callable[[str], Person], company: Database) -> None:
    person = signed_in("linyue")
    send = lambda name: person.post("/api/tests/departments", json={"name": name}, headers={"Idempotency-Key": "k1"})  # noqa: E731
    first, again, other = send("法务"), send("法务"), send("审计")
    assert first.get_json() == again.get_json()
    assert departments(company).count("法务") == 1
    assert (other.status_code, other.get_json()["error"]["code"]) == (422, "key_reused")


def test_write_when_a_redirect_is_asked_for_again_then_leads_to_the_same_place(signed_in: Callable[[str], Person], run_jobs) -> None:
    person = signed_in("linyue")
    form = {"name": "双十一大促", "d_day": "2027-11-11", "kind": "promotion"}
    first, again = (person.post("/lines", data=form, headers={"Idempotency-Key": "k2"}) for _ in range(2))
    assert first.status_code == again.status_code == 303
    assert first.headers["Location"] == again.headers["Location"]


def test_permission_when_lacking_then_403_and_when_held_then_200(signed_in: Callable[[str], Person]) -> None:
    assert signed_in("suhang").get("/api/tests/managed").status_code == 403
    assert signed_in("guanli").get("/api/tests/managed").get_json() == {"ok": True}


def test_visitor_when_page_needs_sign_in_then_sent_to_the_form(visitor: Person) -> None:
    answer = visitor.get("/people?x=1")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in?next=/people%3Fx%3D1")
    for sent_from, place in (("http://localhost/tasks/1/edit?x=1", "/tasks/1/edit"), ("http://elsewhere/tasks/1/edit", "/"), ("", "/")):
        answer = visitor.post("/tasks/1", headers={"Referer": sent_from})
        assert answer.headers["Location"] == f"/sign-in?next={place}", "back to the form that was sent"
    assert visitor.get("/api/events").status_code == 401


def test_crash_when_unforeseen_then_no_detail_is_shown(visitor: Person) -> None:
    answer = visitor.get("/api/tests/crash")
    assert answer.status_code == 500
    assert "secret detail" not in answer.get_data(as_text=True)


def test_database_when_it_does_not_answer_then_503_in_words_and_no_second_crash(
    signed_in: Callable[[str], Person], company: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = signed_in("linyue")

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))

    monkeypatch.setattr(company, "session", refuse)
    page = person.get("/people")
    assert page.status_code == 503
    assert "数据库暂时没有应答" in page.get_data(as_text=True)
    answer = person.get("/api/events")
    assert (answer.status_code, answer.get_json()["error"]["retryable"]) == (503, True)


@pytest.mark.parametrize("url", ["/api/events?since={n}", "/audit?before={n}", "/audit?before=-{n}"])
def test_number_when_no_column_can_hold_it_then_a_sentence(signed_in: Callable[[str], Person], url: str) -> None:
    answer = signed_in("guanli").get(url.format(n="9" * 30))
    assert answer.status_code in (200, 422)


def test_limit_when_redis_is_away_then_pages_are_served_all_the_same(settings: Settings, parts: Parts, company: Database) -> None:
    away = replace(settings, redis_url="redis://127.0.0.1:1/0")
    client = composition.create_app(away, parts).test_client()
    assert client.get("/sign-in").status_code == 200


def test_headers_when_any_page_then_strict(visitor: Person) -> None:
    headers = visitor.get("/sign-in").headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_openapi_when_read_then_names_every_api_route(visitor: Person, app: Flask) -> None:
    document = json.loads(visitor.get("/api/openapi.json").data)
    declared = {(facts.rule, method.lower()) for facts in app.extensions["mainline"].facts if facts.is_api for method in facts.methods}
    listed = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert len(listed) == len(declared)
    assert "/api/tests/departments" in document["paths"]

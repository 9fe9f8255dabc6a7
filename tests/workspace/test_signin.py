"""Signing in: the right password, the wrong one, too many, rotation, and where one goes next."""

from collections.abc import Callable

import pytest

from demo import DEMO_PASSWORD
from tests.house import Person
from workspace.db import Database
from workspace.people.models import Member
from workspace.signin.actions import hash_password
from workspace.signin.models import SignInSession
from workspace.signin.rules import must_wait


@pytest.mark.parametrize(
    ("login", "address", "expected"),
    [(0, 0, False), (7, 0, False), (8, 0, True), (0, 79, False), (0, 80, True)],
    ids=["fresh", "one left", "account full", "office still", "office full"],
)
def test_must_wait(login: int, address: int, expected: bool) -> None:
    assert must_wait(failures_of_login=login, failures_of_address=address, limit=8) is expected


def test_password_when_hashed_then_no_cheaper_than_owasp_asks() -> None:
    """The demo company of these tests has hashes that cost less, so that is shown here."""
    assert hash_password("a password").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def enter(visitor: Person, password: str = DEMO_PASSWORD, login: str = "linyue", **more: str):
    return visitor.post("/sign-in", data={"login": login, "password": password, **more})


def test_sign_in_when_password_is_right_then_goes_on(visitor: Person) -> None:
    answer = enter(visitor, next="/people")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/people")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("login", ["linyue", "nobody", "", "林悦", "x" * 5000])
def test_sign_in_when_wrong_then_same_sentence_for_known_and_unknown(visitor: Person, login: str) -> None:
    answer = enter(visitor, "wrong", login)
    assert answer.status_code == 401
    assert "账号或密码不正确" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n//evil.example",
    ],
)
def test_sign_in_when_next_leaves_the_site_then_home(visitor: Person, target: str) -> None:
    assert enter(visitor, next=target).headers["Location"] == "/"


def test_sign_in_when_failed_too_often_then_even_the_right_password_waits(visitor: Person) -> None:
    for _ in range(8):
        enter(visitor, "wrong")
    answer = enter(visitor)
    assert answer.status_code == 429
    assert "登录失败次数过多" in answer.get_data(as_text=True)
    assert enter(visitor, login="suhang").status_code == 302, "another account at the same address is not punished"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("/people?city=%E4%B8%8A%E6%B5%B7&lang=zh", "/people?city=%E4%B8%8A%E6%B5%B7"),
        ("/tasks", "/tasks"),
        ("//evil.example/x", "/"),
    ],
)
def test_language_when_chosen_then_back_to_the_same_page(visitor: Person, page: str, expected: str) -> None:
    answer = visitor.get("/language/en", headers={"Referer": f"http://localhost{page}"})
    assert answer.headers["Location"] == expected
    assert visitor.get("/language/en", headers={"Referer": f"http://evil.example{page}"}).headers["Location"] == "/"


def test_sign_out_when_done_then_the_old_cookie_opens_nothing(signed_in: Callable[[str], Person], app) -> None:
    person = signed_in("linyue")
    cookie = person.client.get_cookie("mainline_session")
    person.post("/sign-out")
    thief = app.test_client()
    thief.set_cookie("mainline_session", cookie.value)
    assert thief.get("/api/events").status_code == 401


def test_session_when_member_leaves_then_ends_at_once(signed_in: Callable[[str], Person], company: Database) -> None:
    person = signed_in("suhang")
    assert person.get("/api/events").status_code == 200
    with company.session(writes=True) as session:
        session.query(Member).filter_by(login="suhang").update({"state": "left"})
        session.commit()
    assert person.get("/api/events").status_code == 401


def test_session_when_stored_then_token_is_not_in_the_database(signed_in: Callable[[str], Person], company: Database) -> None:
    token = signed_in("linyue").client.get_cookie("mainline_session").value
    with company.session(writes=False) as session:
        assert all(token not in row.token_hash for row in session.query(SignInSession))

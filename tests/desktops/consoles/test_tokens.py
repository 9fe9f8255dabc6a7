"""Console tokens: once, within a minute, for one's own desktop, while the sign-in lives."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from desktops.consoles.access import abandoned_sessions, allowed_sessions, sessions_of
from desktops.consoles.actions import Admission, issue_console, spend_token
from desktops.consoles.models import ConsoleToken, GatewaySeen
from desktops.consoles.rules import GATEWAY_GONE_S
from desktops.machines.models import Desktop, DesktopEvent
from desktops.machines.rules import State, Wanted
from tests.house import member_named
from workspace.db import Database
from workspace.errors import Conflict, NotAllowed, NotFound
from workspace.parts import Parts
from workspace.people.models import Member, PeopleEvent
from workspace.secrets import token_hash
from workspace.signin.actions import sign_in, sign_out
from workspace.work import Actor, open_work

NOW = datetime(2026, 10, 1, 2, 0, tzinfo=UTC)


class Door:
    """Signs people in, issues and spends, at an instant of choice."""

    def __init__(self, database: Database, parts: Parts, desktop_id: str) -> None:
        self.database, self.parts, self.desktop_id = database, parts, desktop_id
        self.sessions: dict[str, str] = {}

    def sign_in(self, login: str) -> str:
        with open_work(self.database, parts=self.parts, now=NOW) as work:
            self.sessions[login] = sign_in(work, login)
        return self.sessions[login]

    def issue(self, name: str = "苏航", login: str = "suhang", *permissions: str) -> str:
        session = self.sessions.get(login) or self.sign_in(login)
        with open_work(self.database, parts=self.parts, now=NOW) as work:
            member = member_named(work, name)
            work.actor = Actor(member.id, name, frozenset(permissions or ("desktops:desktop:own",)))
            return issue_console(work, self.desktop_id, sign_in_hash=token_hash(session))

    def spend(self, token: str, *, after_s: float = 1) -> Admission:
        with open_work(self.database, parts=self.parts, now=NOW + timedelta(seconds=after_s)) as work:
            return spend_token(work, token, gateway="here:1")

    def allowed(self, *session_ids: str) -> set[str]:
        with open_work(self.database, parts=self.parts, writes=False, now=NOW + timedelta(seconds=5)) as work:
            return allowed_sessions(work, session_ids)

    def change(self, **values: object) -> None:
        with open_work(self.database, parts=self.parts, now=NOW) as work:
            desktop = work.session.get_one(Desktop, self.desktop_id)
            for name, value in values.items():
                setattr(desktop, name, value)
            work.record(DesktopEvent.PROGRESSED, subject=f"desktop:{desktop.id}", rooms=["desktops"], member="苏航", name=desktop.name)


@pytest.fixture
def door(company: Database, parts: Parts, ready_desktop: str) -> Door:
    return Door(company, parts, ready_desktop)


def test_spend_when_fresh_then_a_session_that_may_stay(door: Door) -> None:
    admitted = door.spend(door.issue())
    assert admitted.desktop_id == door.desktop_id
    assert door.allowed(admitted.session_id) == {admitted.session_id}


def test_spend_when_used_twice_then_refused(door: Door) -> None:
    token = door.issue()
    door.spend(token)
    with pytest.raises(NotAllowed):
        door.spend(token)


def test_spend_when_late_then_refused(door: Door) -> None:
    with pytest.raises(NotAllowed):
        door.spend(door.issue(), after_s=61)


def test_spend_when_invented_then_refused(door: Door) -> None:
    with pytest.raises(NotAllowed):
        door.spend("A" * 43)


def test_token_when_stored_then_only_its_hash(door: Door) -> None:
    token = door.issue()
    with open_work(door.database, parts=door.parts, writes=False) as work:
        row = work.session.query(ConsoleToken).one()
    assert token not in {str(value) for value in vars(row).values()}
    assert row.token_hash == token_hash(token)


@pytest.mark.parametrize(
    ("name", "login", "permissions"), [("赵宁", "zhaoning", ()), ("管力", "guanli", ("desktops:desktop:manage", "desktops:desktop:own"))]
)
def test_issue_when_it_is_somebody_elses_desktop_then_absent_even_for_managers(
    door: Door, name: str, login: str, permissions: tuple[str, ...]
) -> None:
    with pytest.raises(NotFound):
        door.issue(name, login, *permissions)


def test_spend_when_signed_out_meanwhile_then_refused(door: Door) -> None:
    token = door.issue()
    with open_work(door.database, parts=door.parts, now=NOW) as work:
        sign_out(work, door.sessions["suhang"])
    with pytest.raises(NotAllowed):
        door.spend(token)


@pytest.mark.parametrize("values", [{"wanted": Wanted.GONE}, {"state": State.HIBERNATED}])
def test_spend_when_the_desktop_is_no_longer_up_then_refused(door: Door, values: dict[str, object]) -> None:
    token = door.issue()
    door.change(**values)
    with pytest.raises(NotAllowed):
        door.spend(token)


@pytest.mark.parametrize("state", [State.BOOTING, State.HIBERNATED, State.REQUESTED])
def test_issue_when_not_up_then_conflict(door: Door, state: State) -> None:
    door.change(state=state)
    with pytest.raises(Conflict):
        door.issue()


def end_by_sign_out(door: Door) -> None:
    with open_work(door.database, parts=door.parts, now=NOW) as work:
        sign_out(work, door.sessions["suhang"])


def end_by_leaving(door: Door) -> None:
    with open_work(door.database, parts=door.parts, now=NOW) as work:
        member: Member = member_named(work, "苏航")
        member.state = "left"
        work.record(PeopleEvent.MEMBER_ADDED, subject=f"member:{member.id}", rooms=["company"], name=member.name)


def end_by_reclaim(door: Door) -> None:
    door.change(wanted=Wanted.GONE)


@pytest.mark.parametrize("ending", [end_by_sign_out, end_by_leaving, end_by_reclaim])
def test_session_when_access_ends_then_it_may_not_stay(door: Door, ending: Callable[[Door], None]) -> None:
    admitted = door.spend(door.issue())
    ending(door)
    assert door.allowed(admitted.session_id) == set()


@pytest.mark.parametrize(
    ("silent_s", "abandoned"),
    [(GATEWAY_GONE_S - 10, False), (GATEWAY_GONE_S + 10, True), (None, True)],
    ids=["silent", "gone", "never heard"],
)
def test_session_when_its_gateway_is_gone_then_abandoned(door: Door, silent_s: int | None, abandoned: bool) -> None:
    admitted, later = door.spend(door.issue()), NOW + timedelta(hours=1)
    with open_work(door.database, parts=door.parts, now=later) as work:
        if silent_s is not None:
            work.session.add(GatewaySeen(gateway="here:1", at=later - timedelta(seconds=silent_s)))
            work.session.flush()
        assert abandoned_sessions(work) == ([admitted.session_id] if abandoned else [])
        assert sessions_of(work, "here:1") == {admitted.session_id}
        assert sessions_of(work, "another:1") == set()


def test_session_when_just_opened_by_a_gateway_never_heard_then_not_abandoned(door: Door) -> None:
    door.spend(door.issue())
    with open_work(door.database, parts=door.parts, writes=False, now=NOW + timedelta(seconds=30)) as work:
        assert abandoned_sessions(work) == []

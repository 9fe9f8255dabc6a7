"""Signing in and out. The slow hash is verified between transactions, never inside one."""

import secrets
from datetime import timedelta
from functools import cache

import argon2
from sqlalchemy import select, update

from workspace.db import new_id
from workspace.errors import MainlineError, TooManyRequests
from workspace.i18n import _
from workspace.people.models import Member
from workspace.secrets import token_hash
from workspace.settings import Settings
from workspace.signin.access import recent_failures
from workspace.signin.models import FailedAttempt, SignInEvent, SignInSession
from workspace.signin.rules import must_wait
from workspace.work import Actor, Work

_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's argon2id minimum.


class WrongPassword(MainlineError):
    status = 401
    code = "wrong_password"


def hash_password(password: str) -> str:
    return _hasher.hash(password)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")


def password_matches(stored: str | None, password: str) -> bool:
    """Takes as long for an unknown account as for a known one."""
    nobodys = _nobodys_hash()
    try:
        return _hasher.verify(stored or nobodys, password) and stored is not None
    except argon2.exceptions.VerificationError:
        return False


def stored_password(work: Work, login: str, *, address: str) -> str | None:
    """The account's hash, None when there is no such active account; TooManyRequests while it is locked out."""
    failures = recent_failures(work, f"login:{login}"), recent_failures(work, f"address:{address}")
    limit = work.parts.get(Settings).sign_in_attempts
    if must_wait(failures_of_login=failures[0], failures_of_address=failures[1], limit=limit):
        raise TooManyRequests(_("登录失败次数过多"), _("请 15 分钟后再试，或联系管理员。"))
    return work.session.scalar(select(Member.password_hash).where(Member.login == login, Member.state == "active"))


def sign_in(work: Work, login: str) -> str:
    """Open a session for a login whose password was verified; returns the new cookie token (32 random bytes)."""
    member = work.session.scalars(select(Member).where(Member.login == login, Member.state == "active")).one()
    token = secrets.token_urlsafe(32)
    hours = work.parts.get(Settings).session_hours
    work.session.add(
        SignInSession(
            id=new_id(),
            token_hash=token_hash(token),
            member_id=member.id,
            created_at=work.now,
            expires_at=work.now + timedelta(hours=hours),
        )
    )
    work.actor = Actor(member.id, member.name)
    work.record(SignInEvent.SIGNED_IN, subject=f"member:{member.id}", rooms=["audit"])
    return token


def note_failure(work: Work, login: str, *, address: str) -> None:
    for name in (f"login:{login[:100]}", f"address:{address}"):
        work.session.add(FailedAttempt(id=new_id(), name=name, at=work.now, count=1))
    work.record(SignInEvent.REFUSED, subject="sign_in", rooms=["audit"], login=login[:100])


def sign_out(work: Work, token: str) -> None:
    ended = update(SignInSession).where(SignInSession.token_hash == token_hash(token)).values(ended_at=work.now)
    work.session.execute(ended)
    work.record(SignInEvent.SIGNED_OUT, subject=f"member:{work.actor.member_id}", rooms=["audit"])

"""Who sent this request."""

from flask import request
from sqlalchemy import func, select

from workspace.devices.access import actor_by_device_token, actor_by_folder_password
from workspace.people.models import Member
from workspace.roles.access import permissions_of
from workspace.secrets import token_hash
from workspace.security import SESSION_COOKIE
from workspace.signin.models import FailedAttempt, SignInSession
from workspace.signin.rules import WINDOW
from workspace.work import Actor, Work

FOLDERS = "/dav/"
"""Where programs open the libraries as network folders; a password of theirs counts nowhere else."""


def identify(work: Work) -> Actor | None:
    """The member of the session cookie, the device of the bearer token, or that of a folder's password; None for a visitor."""
    authorization = request.headers.get("Authorization", "")
    given = request.authorization
    if request.path.startswith(FOLDERS) and given is not None and given.type == "basic":
        return actor_by_folder_password(work, given.username or "", given.password or "")
    if authorization.startswith("Bearer "):
        return actor_by_device_token(work, authorization.removeprefix("Bearer "))
    token = request.cookies.get(SESSION_COOKIE)
    return actor_by_session(work, token) if token else None


def actor_by_session(work: Work, token: str) -> Actor | None:
    found = work.session.execute(
        select(Member.id, Member.name)
        .join(SignInSession, SignInSession.member_id == Member.id)
        .where(
            SignInSession.token_hash == token_hash(token),
            SignInSession.ended_at.is_(None),
            SignInSession.expires_at > work.now,
            Member.state == "active",
        )
    ).first()
    return Actor(found.id, found.name, permissions_of(work, found.id)) if found else None


def recent_failures(work: Work, name: str) -> int:
    query = select(func.coalesce(func.sum(FailedAttempt.count), 0)).where(FailedAttempt.name == name, FailedAttempt.at > work.now - WINDOW)
    return int(work.session.scalar(query) or 0)

"""Passes: what a program shows to send numbers into one main line. Made by its director, shown once, stopped at any time.

A program acts on behalf of whoever made its pass. When they leave the line, the pass opens nothing any more.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from main_lines.lines.access import get_line_as_director
from main_lines.lines.models import MainLine
from main_lines.numbers.access import digest_of, find_pass, get_pass, passes_of
from main_lines.numbers.models import NAME_LENGTH, NumberEvent, NumberPass
from workspace.db import new_id
from workspace.errors import Conflict, InvalidInput, NotSignedIn
from workspace.i18n import _
from workspace.people.models import Member
from workspace.roles.access import permissions_of
from workspace.web import web
from workspace.work import Actor, Work, open_work

PASSES_MAX = 10
PREFIX = "mln_"
"""By which a secret that lies about is recognised as one of ours."""


def make_pass(work: Work, line_id: str, *, name: str) -> tuple[NumberPass, str]:
    """The pass and its secret, which nobody can be shown again; director only."""
    line = get_line_as_director(work, line_id)
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_LENGTH:
        raise InvalidInput(_("请填写名称"), fields={"name": _("1 到 %(n)s 个字", n=NAME_LENGTH)})
    if len(passes_of(work, line.id)) >= PASSES_MAX:
        raise Conflict(_("数据接口太多"), _("请先停用不再需要的接口。"))
    secret = PREFIX + secrets.token_urlsafe(32)
    made = NumberPass(
        id=new_id(), line_id=line.id, name=name, digest=digest_of(secret.encode()), made_by_id=work.actor.member_id, made_at=work.now
    )
    work.session.add(made)
    _record(work, NumberEvent.PASS_MADE, line, made)
    return made, secret


def revoke_pass(work: Work, pass_id: str) -> NumberPass:
    """It opens nothing from now on; director only."""
    found = get_pass(work, pass_id)
    if found.revoked_at is None:
        found.revoked_at = work.now
        _record(work, NumberEvent.PASS_REVOKED, work.session.get_one(MainLine, found.line_id), found)
    return found


@contextmanager
def work_of_pass(secret: str, *, origin: dict[str, str]) -> Iterator[tuple[Work, NumberPass]]:
    """A writing Work by whoever made the pass; NotSignedIn for a secret that opens nothing, whatever the reason."""
    now = datetime.now(UTC)
    with open_work(web().database, writes=False, parts=web().parts) as work:
        found = find_pass(work, secret) if secret.startswith(PREFIX) else None
        member = work.session.get(Member, found.made_by_id) if found else None
        if found is None or member is None or member.state != "active":
            raise unknown_pass()
        actor = Actor(member.id, member.name, permissions_of(work, member.id))
    with open_work(web().database, actor=actor, writes=True, parts=web().parts, now=now, origin=origin) as work:
        known = find_pass(work, secret)
        if known is None:
            raise unknown_pass()
        yield work, known


def unknown_pass() -> NotSignedIn:
    return NotSignedIn(_("数据接口的密钥无效"), _("它可能已被停用，请向主线负责人要一个新的。"), code="unknown_pass")


def _record(work: Work, kind: NumberEvent, line: MainLine, made: NumberPass) -> None:
    work.record(kind, subject=line.room, rooms=[line.room], line=line.name, line_id=line.id, pass_id=made.id, name=made.name)

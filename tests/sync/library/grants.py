"""Granting rights in tests, as somebody would who may."""

from sync.library.assets.models import Node
from sync.library.grants.actions import put_right
from sync.library.grants.rules import Subject, SubjectKind
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from tests.house import member_named
from workspace.work import Work


def grant_right(work: Work, library: Library, *, group_id: str, right: Right) -> None:
    """What a group may do in a library; NONE takes the grant back."""
    subject = Subject(SubjectKind.GROUP, group_id)
    put_right(work, work.session.get_one(Node, library.root_id), subject, right or None)


def grant_member(work: Work, folder_id: str, name: str, right: Right | None) -> None:
    put_right(work, work.session.get_one(Node, folder_id), Subject(SubjectKind.MEMBER, member_named(work, name).id), right)

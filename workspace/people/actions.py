"""Adding places, departments and members; what stores are called; keeping groups."""

from collections.abc import Iterable

from sqlalchemy import delete, select

from workspace.db import new_id
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.people.access import get_store, lock_stores
from workspace.people.models import NAME_LENGTH, Department, Group, GroupMember, Member, PeopleEvent, Site
from workspace.people.names import CODE_LENGTH, code_in, plain
from workspace.work import Work


def add_site(work: Work, *, kind: str, name: str, parent_id: str | None = None, code: str = "") -> Site:
    """code: of a store; empty for none."""
    site = Site(id=new_id(), kind=kind, name=name, parent_id=parent_id)
    _set_code(site, _free_code(work, site, code))
    work.session.add(site)
    work.record(PeopleEvent.SITE_ADDED, subject=f"site:{site.id}", rooms=["company"], name=name, code=site.code or "")
    return site


def change_store(work: Work, store_id: str, *, name: str | None = None, code: str | None = None) -> Site:
    """What a store is called, and its code; None leaves either as it is, an empty code takes it away.

    InvalidInput for a code that is none, or that another store has.
    """
    lock_stores(work)
    store = get_store(work, store_id)
    before, coded = store.name, store.code or ""
    name = before if name is None else _name(name)
    code = coded if code is None else _free_code(work, store, code)
    if name != before:
        store.name = name
        _record_store(work, PeopleEvent.STORE_RENAMED, store, before=before)
    if code != coded:
        _set_code(store, code)
        _record_store(work, PeopleEvent.STORE_CODED if code else PeopleEvent.STORE_UNCODED, store, before=coded)
    work.session.flush()
    return store


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= NAME_LENGTH:
        words = _("请填写 1 到 %(n)s 个字", n=NAME_LENGTH)
        raise InvalidInput(_("门店名称没有填好"), words, fields={"name": words})
    return name


def _free_code(work: Work, store: Site, text: str) -> str:
    """The code that somebody has written, as it is kept; empty for none."""
    code = code_in(text) if text.strip() else ""
    if code is None:
        words = _("请用字母、数字和 - _ . /，不留空格，最多 %(n)s 个", n=CODE_LENGTH)
        raise InvalidInput(_("门店编码没有填好"), words, fields={"code": words})
    other = work.session.scalar(select(Site.name).where(Site.code_key == plain(code), Site.id != store.id)) if code else None
    if other is not None:
        words = _("“%(store)s”已经用了这个编码", store=other)
        raise InvalidInput(_("门店编码重复"), words, fields={"code": words})
    return code


def _set_code(store: Site, code: str) -> None:
    store.code, store.code_key = (code, plain(code)) if code else (None, None)


def _record_store(work: Work, kind: PeopleEvent, store: Site, *, before: str) -> None:
    work.record(kind, subject=f"site:{store.id}", rooms=["company"], name=store.name, code=store.code or "", before=before)


def add_department(work: Work, *, name: str, parent_id: str | None = None) -> Department:
    department = Department(id=new_id(), name=name, parent_id=parent_id)
    work.session.add(department)
    work.record(PeopleEvent.DEPARTMENT_ADDED, subject=f"department:{department.id}", rooms=["company"], name=name)
    return department


def add_member(
    work: Work,
    *,
    login: str,
    name: str,
    title: str,
    password_hash: str,
    department: Department,
    site: Site,
    manager_id: str | None = None,
) -> Member:
    """login is kept in lower case and must be free."""
    login = login.strip().lower()
    if work.session.scalar(select(Member.id).where(Member.login == login)):
        raise InvalidInput(_("账号已被使用"), fields={"login": _("请换一个账号")})
    member = Member(
        id=new_id(),
        login=login,
        name=name,
        title=title,
        password_hash=password_hash,
        department_id=department.id,
        site_id=site.id,
        manager_id=manager_id,
        state="active",
        locale="",
        created_at=work.now,
    )
    work.session.add(member)
    work.session.flush()
    work.record(PeopleEvent.MEMBER_ADDED, subject=f"member:{member.id}", rooms=["company"], name=name, department=department.name)
    return member


def make_group(work: Work, *, name: str, kind: str, member_ids: Iterable[str]) -> Group:
    """A group kept by a feature, which records what it means; this alone records nothing."""
    group = Group(id=new_id(), name=name, kind=kind)
    work.session.add(group)
    work.session.flush()
    work.session.add_all(GroupMember(group_id=group.id, member_id=member_id) for member_id in dict.fromkeys(member_ids))
    return group


def add_to_group(work: Work, group_id: str, member_id: str) -> bool:
    """False when the member was in it already. The caller records the event."""
    if work.session.get(GroupMember, (group_id, member_id)):
        return False
    work.session.add(GroupMember(group_id=group_id, member_id=member_id))
    return True


def remove_from_group(work: Work, group_id: str, member_id: str) -> bool:
    """False when the member was not in it. The caller records the event."""
    gone = work.session.execute(delete(GroupMember).where(GroupMember.group_id == group_id, GroupMember.member_id == member_id))
    return bool(gone.rowcount)  # type: ignore[attr-defined]

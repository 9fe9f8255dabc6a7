"""Loading playbooks. Whoever may open lines or edit playbooks reads them all: one may have been made of a line that others must
not know. For anybody else none exists."""

from dataclasses import dataclass

from main_lines.lines.access import get_line, is_director
from main_lines.lines.models import LinePermission, MainLine
from main_lines.lines.rules import LineKind
from main_lines.playbooks.bodies import ContentBody
from main_lines.playbooks.models import CompanyPlaybook, PlaybookDraft, PlaybookPermission, PlaybookVersion
from main_lines.playbooks.rules import SHIPPED_VERSION, Content, PlaybookKey
from main_lines.playbooks.shipped import PLAYBOOKS
from workspace.errors import Conflict, NotAllowed, NotFound
from workspace.events.access import gives_rooms
from workspace.i18n import _
from workspace.work import SYSTEM, Work

ROOM = "playbooks"


@dataclass(frozen=True)
class Book:
    """A playbook in one of its versions. id: the key of a shipped one, which nobody changes."""

    id: str
    name: str
    kind: LineKind
    version: int
    content: Content
    shipped: bool = False


def may_read(work: Work) -> bool:
    return work.actor == SYSTEM or work.actor.may(LinePermission.OPEN) or work.actor.may(PlaybookPermission.EDIT)


def require_reader(work: Work) -> None:
    if not may_read(work):
        raise NotFound(_("没有找到"), _("地址有误，或您没有查看的权限。"))


def require_editor(work: Work) -> None:
    """For what a route cannot declare, because somebody else's line must be absent first."""
    if not work.actor.may(PlaybookPermission.EDIT):
        raise NotAllowed(_("没有权限"), _("此操作需要“%(permission)s”权限，请联系管理员。", permission=PlaybookPermission.EDIT.label))


def directed_by_editor(work: Work, line_id: str) -> MainLine:
    """Absent for who is not in it; then its directors', who may edit playbooks."""
    line = get_line(work, line_id)
    if not is_director(work, line.id):
        raise NotAllowed(_("只有主线负责人可以这样做"), _("请联系主线负责人。"))
    require_editor(work)
    return line


def get_book(work: Work, book_id: str, *, number: int | None = None) -> Book:
    """A shipped playbook or one of the company's, in the named version or its newest; NotFound otherwise."""
    require_reader(work)
    if book_id in PLAYBOOKS:
        found = PLAYBOOKS[PlaybookKey(book_id)]
        if number in (None, SHIPPED_VERSION):
            return Book(book_id, found.name, found.kind, SHIPPED_VERSION, found.content, shipped=True)
        raise _absent()
    playbook = get_playbook(work, book_id)
    version = work.session.get(PlaybookVersion, (playbook.id, number or playbook.version))
    if version is None:
        raise _absent()
    return book_of(version)


def book_of(version: PlaybookVersion) -> Book:
    content = ContentBody.model_validate(version.content).content()
    return Book(version.playbook_id, version.name, LineKind(version.kind), version.number, content)


def get_playbook(work: Work, playbook_id: str, *, lock: bool = False) -> CompanyPlaybook:
    """One of the company's; Conflict for a shipped one, which can only be copied. lock: hold its row until the commit."""
    require_reader(work)
    if playbook_id in PLAYBOOKS:
        raise Conflict(_("内置手册不能修改"), _("请先复制一份，再修改它。"), code="playbook_shipped")
    playbook = work.session.get(CompanyPlaybook, playbook_id, with_for_update=lock or None, populate_existing=lock)
    if playbook is None or playbook.removed_at is not None:
        raise _absent()
    return playbook


def draft_of(work: Work, playbook_id: str) -> PlaybookDraft | None:
    """The actor's own."""
    return work.session.get(PlaybookDraft, (playbook_id, work.actor.member_id))


def _absent() -> NotFound:
    return NotFound(_("没有找到这本作战手册"), _("它可能已被删除，请返回列表。"))


@gives_rooms
def _rooms(work: Work) -> list[str]:
    return [ROOM] if may_read(work) else []

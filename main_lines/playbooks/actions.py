"""Opening a main line, empty or from a playbook scheduled backwards from D-day; and what people do to the company's playbooks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import delete

from main_lines.gates.actions import place_gate
from main_lines.lines.access import company_today, get_line_as_director, line_member_ids
from main_lines.lines.actions import open_line
from main_lines.lines.models import MainLine
from main_lines.lines.queries import cards_of
from main_lines.lines.rules import LineKind
from main_lines.plans.actions import link_orders, place_milestone
from main_lines.playbooks.access import ROOM, Book, draft_of, get_book, get_playbook
from main_lines.playbooks.bodies import ContentBody
from main_lines.playbooks.models import NAME_LENGTH, CompanyPlaybook, LinePlaybook, PlaybookDraft, PlaybookEvent, PlaybookVersion
from main_lines.playbooks.queries import NOBODY, Opening, line_as_playbook
from main_lines.playbooks.rules import (
    ENTRIES_MOST,
    GATES_MOST,
    Changes,
    Content,
    changes_between,
    department_for,
    faults_of,
    keeping,
    press_for,
    pressed,
)
from main_lines.playbooks.taking import Choice
from main_lines.playbooks.words import fault_words
from main_lines.tasks.actions import Draft, write_tasks
from workspace.db import new_id
from workspace.errors import Conflict, InvalidInput
from workspace.i18n import _
from workspace.people.access import get_department, get_member
from workspace.people.models import Member
from workspace.people.queries import MemberRow, list_departments
from workspace.work import Work

ROOMS = [ROOM, "audit"]


def open_line_from(
    work: Work, *, name: str, kind: LineKind, d_day: date, playbook: str = "", goal: str = "", member_ids: Sequence[str] = (),
    opening: Opening | None = None, version: int | None = None,
) -> MainLine:  # fmt: skip
    """Open a line and write the playbook's task orders; each goes to a member of its department and waits for the signature.

    opening: what was chosen in the preview; whoever was chosen as an owner joins the line. version: of the playbook that was
    previewed; Conflict when it has another one by now.
    """
    opening = opening or Opening()
    book = get_book(work, playbook) if playbook else None
    if book and version not in (None, book.version):
        raise Conflict(
            _("作战手册刚刚有了新版本"), _("下面是按新版本倒排的日程，请核对后再开启。"), code="playbook_changed", version=book.version
        )
    owners = _chosen_owners(book, opening) if book else []
    line = open_line(work, name=name, kind=kind, d_day=d_day, goal=goal, member_ids=[*member_ids, *owners])
    if book:
        write_playbook(work, line, book, opening)
    return line


def _chosen_owners(book: Book, opening: Opening) -> list[str]:
    """Ids; of a department whose orders are left out nobody is asked to join."""
    asked = [name for name in book.content.all_departments() if name not in opening.left_out]
    return [owner for name in asked if (owner := opening.owners.get(name, "")) not in ("", NOBODY)]


def write_playbook(work: Work, line: MainLine, book: Book, opening: Opening) -> None:
    """Its orders, needs and gates, as chosen; in the caller's transaction."""
    content = keeping(book.content, opening.left_out)
    press = press_for(content, line.d_day, company_today(work), opening.timing)
    entries = pressed(content.entries, press)
    departments = _departments_for(work, line, {entry.department for entry in entries}, opening.departments)
    known = {name: id for id, name in list_departments(work)} | departments
    people = cards_of(work, line_member_ids(work, line.id))
    owners = {name: _owner_of(work, people, id, opening.owners.get(name, "")) for name, id in departments.items()}
    drafts = [
        Draft(
            title=entry.title, department_id=departments[entry.department], requirements=entry.requirements, phase=entry.phase,
            owner_id=owners[entry.department], due_offset=entry.offset, due_on=entry.on, days=entry.days, checklist=list(entry.checklist),
            expected=list(entry.expected), involved=[found for name in entry.involved if (found := known.get(name))],
        )
        for entry in entries
    ]  # fmt: skip
    written = write_tasks(work, line.id, drafts, submit=True)
    orders = {entry.key: order for entry, order in zip(entries, written, strict=True)}
    for entry in entries:
        for key in entry.needs:
            link_orders(work, orders[entry.key], orders[key])
    for gate in content.gates:
        if gate.gate:
            place_gate(work, line, gate.gate, offset=press(gate.offset))
        else:
            place_milestone(work, line, name=gate.name, offset=press(gate.offset))
    work.session.add(LinePlaybook(line_id=line.id, playbook=book.id, name=book.name, version=book.version))
    work.record(
        PlaybookEvent.USED, subject=line.room, rooms=[line.room], line=line.name, line_id=line.id, name=book.name, playbook_id=book.id,
        version=book.version, orders=len(entries), timing=opening.timing.value,
    )  # fmt: skip


def _departments_for(work: Work, line: MainLine, names: set[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Name in the playbook -> id. NotFound for a chosen one that does not exist."""
    known = {name: department_id for department_id, name in list_departments(work)}
    otherwise = get_member(work, line.opened_by_id).department_id
    return {
        name: get_department(work, chosen[name]).id if chosen.get(name) else department_for(name, known, otherwise=otherwise)
        for name in names
    }


def _owner_of(work: Work, people: Sequence[MemberRow], department_id: str, chosen: str) -> str | None:
    """Who was chosen, else the first member of the line from that department; None leaves the order to whoever of it comes later."""
    if chosen == NOBODY:
        return None
    if chosen:
        if work.session.get_one(Member, chosen).department_id != department_id:  # A line's member by now, so it exists.
            raise InvalidInput(_("负责人不在所选的部门"), _("请重新选择负责人。"))
        return chosen
    return next((card.id for card in people if card.department_id == department_id), None)


def add_playbook(work: Work, *, name: str, kind: LineKind, content: Content, note: str = "") -> CompanyPlaybook:
    """A new one of the company in its first version. It may still lack everything but a sound order: see ``_refuse_unsound``."""
    content = _fitting(content)
    if content.entries:
        _refuse_unsound(content)
    playbook = CompanyPlaybook(id=new_id(), name=_name(name), kind=kind.value, version=1, made_at=work.now, made_by_id=work.actor.member_id)
    work.session.add(playbook)
    work.session.flush()
    _add_version(work, playbook, content, Changes(), note)
    work.record(
        PlaybookEvent.ADDED, subject=f"playbook:{playbook.id}", rooms=ROOMS, name=playbook.name, playbook_id=playbook.id,
        orders=len(content.entries),
    )  # fmt: skip
    return playbook


def copy_playbook(work: Work, book_id: str, *, name: str = "") -> CompanyPlaybook:
    """Shipped or of the company, in its newest version; the copy is the company's and may be edited."""
    book = get_book(work, book_id)
    copied = name or _("%(name)s（副本）", name=book.name)[:NAME_LENGTH]
    note = _("由“%(name)s”第 %(version)s 版复制", name=book.name, version=book.version)
    return add_playbook(work, name=copied, kind=book.kind, content=book.content, note=note)


def save_version(
    work: Work, playbook_id: str, *, name: str, kind: LineKind, content: Content, base: int, note: str = ""
) -> CompanyPlaybook:
    """What was edited becomes the newest version, and the actor's draft is gone.

    base: the version that was edited; Conflict, naming who saved since, when it is not the newest any more. InvalidInput for
    content in which orders wait for each other or lack what opening a line needs. What changes nothing makes no version.
    """
    playbook = get_playbook(work, playbook_id, lock=True)
    newest = work.session.get_one(PlaybookVersion, (playbook.id, playbook.version))
    if base != playbook.version:
        by = work.session.get_one(Member, newest.saved_by_id).name
        raise Conflict(
            _("%(name)s刚刚保存了第 %(version)s 版", name=by, version=playbook.version),
            _("您的修改还在草稿里。可以先查看新版本，或仍以您的内容保存为下一版。"), code="playbook_changed", version=playbook.version,
        )  # fmt: skip
    content = _fitting(content)
    _refuse_unsound(content)
    before = ContentBody.model_validate(newest.content).content()
    if before == content and (newest.name, newest.kind) == (_name(name), kind.value):
        drop_draft(work, playbook_id)
        return playbook
    playbook.name, playbook.kind, playbook.version = _name(name), kind.value, playbook.version + 1
    changes = changes_between(before, content)
    _add_version(work, playbook, content, changes, note)
    drop_draft(work, playbook_id)
    work.record(
        PlaybookEvent.SAVED, subject=f"playbook:{playbook.id}", rooms=ROOMS, name=playbook.name, playbook_id=playbook.id,
        version=playbook.version, note=note, **asdict(changes),
    )  # fmt: skip
    return playbook


def restore_version(work: Work, playbook_id: str, number: int) -> CompanyPlaybook:
    """An earlier version becomes the newest one; those between stay readable."""
    playbook = get_playbook(work, playbook_id, lock=True)
    book = get_book(work, playbook_id, number=number)
    note = _("恢复第 %(version)s 版", version=number)
    return save_version(work, playbook_id, name=book.name, kind=book.kind, content=book.content, base=playbook.version, note=note)


def remove_playbook(work: Work, playbook_id: str) -> None:
    """No longer offered. Its versions stay: lines that were opened from it name them."""
    playbook = get_playbook(work, playbook_id, lock=True)
    playbook.removed_at = work.now
    work.session.execute(delete(PlaybookDraft).where(PlaybookDraft.playbook_id == playbook.id))
    work.record(PlaybookEvent.REMOVED, subject=f"playbook:{playbook.id}", rooms=ROOMS, name=playbook.name, playbook_id=playbook.id)


def keep_draft(
    work: Work, playbook_id: str, body: dict[str, Any], *, base: int, writer: str = "", seen: datetime | None = None
) -> None:  # fmt: skip
    """What the actor has typed so far, unsound as it may be; nobody else sees it.

    writer: the window in which they type; Conflict when another one has kept something that this one has not ``seen``. A window's
    own drafts never stand in its way: their answers may have been lost.
    """
    playbook = get_playbook(work, playbook_id, lock=True)  # Two windows of one person may send their first at once.
    draft = draft_of(work, playbook_id)
    if draft is not None and writer and draft.body.get("writer", "") != writer and draft.saved_at != seen:
        raise Conflict(
            _("您在另一个窗口也改了这份草稿"),
            _("请选择用哪一份，另一份会被替换。"),
            code="draft_changed",
            saved_at=draft.saved_at.isoformat(),
        )
    if draft is None:
        draft = PlaybookDraft(playbook_id=playbook.id, member_id=work.actor.member_id)
        work.session.add(draft)
    draft.base, draft.body, draft.saved_at = base, body, work.now


def drop_draft(work: Work, playbook_id: str) -> None:
    """Forget what the actor has not saved. Saying it twice changes nothing."""
    draft = draft_of(work, playbook_id)
    if draft is not None:
        work.session.delete(draft)


def save_line_as(work: Work, line_id: str, *, name: str, choice: Choice) -> CompanyPlaybook:
    """A main line as a playbook; its director only, who shows with it what others must otherwise not know.

    The playbook's own events do not name the line.
    """
    line = get_line_as_director(work, line_id)
    taken = line_as_playbook(work, line, choice)
    if not taken.content.entries:
        raise InvalidInput(_("没有可以存的任务单"), _("请先在主线中写下任务单。"))
    playbook = add_playbook(work, name=name, kind=LineKind(line.kind), content=taken.content, note=_("由一条主线存成"))
    work.record(
        PlaybookEvent.TAKEN, subject=line.room, rooms=[line.room], line=line.name, line_id=line.id, name=playbook.name,
        playbook_id=playbook.id,
    )  # fmt: skip
    return playbook


def _add_version(work: Work, playbook: CompanyPlaybook, content: Content, changes: Changes, note: str) -> None:
    work.session.add(PlaybookVersion(
        playbook_id=playbook.id, number=playbook.version, name=playbook.name, kind=playbook.kind, content=ContentBody.values_of(content),
        changes=asdict(changes), note=note.strip(), saved_at=work.now, saved_by_id=work.actor.member_id,
    ))  # fmt: skip


def _fitting(content: Content) -> Content:
    """As it will be read again; InvalidInput for more than the form in which playbooks are kept holds."""
    try:
        return ContentBody.model_validate(ContentBody.values_of(content)).content()
    except ValidationError:
        message = _("最多 %(orders)s 张任务单和 %(gates)s 个关口。", orders=ENTRIES_MOST, gates=GATES_MOST)
        raise InvalidInput(_("内容太多，存不成一本手册"), message) from None


def _refuse_unsound(content: Content) -> None:
    fatal = [fault for fault in faults_of(content) if fault.fatal]
    if fatal:
        said = [fault_words(fault) for fault in fatal]
        raise InvalidInput(_("这本手册还不能用"), " · ".join(said[:5]), code="playbook_unsound", faults=said)


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_LENGTH:
        raise InvalidInput(_("请填写名称"), fields={"name": _("1 到 %(n)s 个字", n=NAME_LENGTH)})
    return name

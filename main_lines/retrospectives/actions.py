"""Writing down what was learnt. Each conclusion is an event in the line's feed, so that nothing said is lost when it is changed."""

from collections.abc import Collection
from typing import Any

from main_lines.lines.access import get_line
from main_lines.lines.models import MainLine
from main_lines.playbooks.actions import add_playbook, save_version
from main_lines.playbooks.models import NAME_LENGTH, CompanyPlaybook, PlaybookEvent
from main_lines.retrospectives.access import get_conclusion
from main_lines.retrospectives.models import Conclusion, ConclusionEvent
from main_lines.retrospectives.queries import Learning
from main_lines.retrospectives.rules import ConclusionKind
from main_lines.retrospectives.words import CONCLUSIONS
from workspace.db import new_id
from workspace.errors import Conflict, InvalidInput
from workspace.i18n import _, source
from workspace.work import Work


def write_conclusion(work: Work, line_id: str, *, kind: ConclusionKind, text: str) -> Conclusion:
    """Any member of the line may, at any time: what is noted on the day is not forgotten at the end."""
    line = get_line(work, line_id)
    found = Conclusion(
        id=new_id(), line_id=line.id, kind=kind.value, text=text.strip(), revision=1, written_by_id=work.actor.member_id,
        written_at=work.now,
    )  # fmt: skip
    work.session.add(found)
    _record(work, ConclusionEvent.WRITTEN, found)
    return found


def edit_conclusion(work: Work, conclusion_id: str, *, text: str, seen: int) -> Conclusion:
    """seen: the revision that was in front of the writer; Conflict when somebody else has changed it since."""
    found = get_conclusion(work, conclusion_id)
    if seen != found.revision:
        raise Conflict(_("这条结论刚刚被修改过"), _("请先查看最新的内容。"), code="conclusion_changed", text=found.text)
    if text.strip() == found.text:
        return found
    found.text, found.edited_at, found.revision = text.strip(), work.now, found.revision + 1
    _record(work, ConclusionEvent.EDITED, found)
    return found


def drop_conclusion(work: Work, conclusion_id: str) -> str:
    """Returns the line's id. The words stay in the feed."""
    found = get_conclusion(work, conclusion_id)
    work.session.delete(found)
    _record(work, ConclusionEvent.DROPPED, found)
    return found.line_id


def write_lessons(
    work: Work, line: MainLine, learning: Learning, *, chosen: Collection[str], base: int, note: str = ""
) -> CompanyPlaybook:  # fmt: skip
    """The chosen lessons as the next version of the playbook; a shipped one becomes one of the company's. The caller has checked that
    the actor directs the line and edits playbooks.

    base: version that was shown; Conflict when there is another by now, or when a lesson is none any more.
    """
    book = learning.book
    if book is None or not chosen:
        raise InvalidInput(_("还没有选择建议"), _("请至少选择一条"), fields={"take": _("请至少选择一条")})
    if not set(chosen) <= {lesson.id for lesson in learning.lessons}:
        raise Conflict(_("复盘的数字刚刚变了"), _("请核对现在的建议，再保存。"), code="lessons_changed")
    content = learning.content(chosen)
    note = note.strip() or _("由复盘写入 %(n)s 条建议", n=len(chosen))
    if book.shipped:
        playbook = add_playbook(
            work, name=_("%(name)s（复盘后）", name=book.name)[:NAME_LENGTH], kind=book.kind, content=content, note=note
        )
    else:
        playbook = save_version(work, book.id, name=book.name, kind=book.kind, content=content, base=base, note=note)
    work.record(
        PlaybookEvent.LEARNT, subject=line.room, rooms=[line.room], line=line.name, line_id=line.id, name=playbook.name,
        playbook_id=playbook.id, version=playbook.version, lessons=len(chosen),
    )  # fmt: skip
    return playbook


def _record(work: Work, kind: ConclusionEvent, found: Conclusion, **facts: Any) -> None:
    line = work.session.get_one(MainLine, found.line_id)
    work.record(
        kind, subject=f"conclusion:{found.id}", rooms=[line.room], line=line.name, line_id=line.id, conclusion_id=found.id,
        about_words=source(CONCLUSIONS[ConclusionKind(found.kind)]), text=found.text, **facts,
    )  # fmt: skip

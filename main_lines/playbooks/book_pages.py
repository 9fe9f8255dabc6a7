"""Playbooks in the browser: the list, one with its versions, the editor, a main line as a playbook, files."""

import json
from typing import Any

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.gates.words import GATES
from main_lines.lines.access import company_today
from main_lines.lines.models import MainLine
from main_lines.lines.queries import line_head
from main_lines.lines.words import KINDS, PHASES
from main_lines.playbooks import actions, queries
from main_lines.playbooks.access import directed_by_editor, draft_of, get_book, get_playbook, require_reader
from main_lines.playbooks.api import faults_out
from main_lines.playbooks.bodies import ContentBody, FileBody, NewPlaybookBody, TakeBody
from main_lines.playbooks.models import PlaybookPermission
from main_lines.playbooks.rules import ENTRIES_MOST, GATES_MOST, OFFSET_MOST, Content, faults_of
from main_lines.playbooks.taking import Choice, Pinned
from main_lines.playbooks.words import changes_words, fault_words
from sync.library.content.sending import disposition
from workspace.errors import InvalidInput, MainlineError
from workspace.i18n import _
from workspace.people.queries import list_departments
from workspace.web import SIGNED_IN, Routes, parse_form, validated
from workspace.work import Work

pages = Routes("playbook_books", __name__)
FILE_BYTES_MOST = 8 * 1024 * 1024


@pages.get("/playbooks", needs=SIGNED_IN)
def show_playbooks(work: Work) -> str:
    """The company's playbooks and the shipped ones."""
    return render_template("playbooks/list.html", **_list(work))


@pages.get("/playbooks/rows", needs=SIGNED_IN)
def show_playbook_rows(work: Work) -> str:
    """The list alone, for refreshing it."""
    return render_template("playbooks/_list.html", **_list(work))


@pages.post("/playbooks", needs=PlaybookPermission.EDIT)
def submit_playbook(work: Work) -> Response:
    """A new one, empty; its editor opens."""
    body = parse_form(NewPlaybookBody)
    playbook = actions.add_playbook(work, name=body.name, kind=body.kind, content=Content())
    return redirect(f"/playbooks/{playbook.id}/edit", code=303)


@pages.post("/playbooks/file", needs=PlaybookPermission.EDIT)
def submit_file(work: Work) -> Response:
    """A new one from a file that was exported here or in another company."""
    body = _file_of(request.files.get("file"))
    playbook = actions.add_playbook(work, name=body.name, kind=body.kind, content=body.content(), note=_("由文件导入"))
    flash(_("已导入作战手册“%(name)s”", name=playbook.name), "success")
    return redirect(f"/playbooks/{playbook.id}", code=303)


@pages.get("/playbooks/<playbook_id>", needs=SIGNED_IN)
def show_playbook(work: Work, playbook_id: str) -> str:
    """A playbook to read, by department or (``group=day``) by day, with its versions and the reader's lines that came from it."""
    return _book(work, playbook_id)


@pages.get("/playbooks/<playbook_id>/versions/<int:number>", needs=SIGNED_IN)
def show_version(work: Work, playbook_id: str, number: int) -> str:
    """An earlier version to read."""
    return _book(work, playbook_id, number)


@pages.get("/playbooks/<playbook_id>/file", needs=SIGNED_IN)
def send_file(work: Work, playbook_id: str) -> Response:
    """The playbook as a JSON file."""
    book = get_book(work, playbook_id)
    values = FileBody.values_for(book.name, book.kind, book.content, company_today(work))
    headers = {"Content-Disposition": disposition("attachment", f"{book.name}.json")}
    return Response(json.dumps(values, ensure_ascii=False, indent=1), headers=headers, content_type="application/json")


@pages.post("/playbooks/<playbook_id>/copy", needs=PlaybookPermission.EDIT)
def submit_copy(work: Work, playbook_id: str) -> Response:
    """A copy of the company's own, in the editor."""
    return redirect(f"/playbooks/{actions.copy_playbook(work, playbook_id).id}/edit", code=303)


@pages.post("/playbooks/<playbook_id>/removal", needs=PlaybookPermission.EDIT)
def submit_removal(work: Work, playbook_id: str) -> Response:
    """No longer offered."""
    actions.remove_playbook(work, playbook_id)
    flash(_("已删除作战手册"), "success")
    return way_back("/playbooks")


@pages.post("/playbooks/<playbook_id>/versions/<int:number>/restore", needs=PlaybookPermission.EDIT)
def submit_restoration(work: Work, playbook_id: str, number: int) -> Response:
    """An earlier version becomes the newest one."""
    playbook = actions.restore_version(work, playbook_id, number)
    flash(_("已恢复为第 %(version)s 版", version=playbook.version), "success")
    return way_back(f"/playbooks/{playbook_id}")


@pages.get("/playbooks/<playbook_id>/edit", needs=PlaybookPermission.EDIT)
def show_editor(work: Work, playbook_id: str) -> str:
    """The editor, with the reader's draft when there is one."""
    playbook = get_playbook(work, playbook_id)
    book, draft = get_book(work, playbook_id), draft_of(work, playbook_id)
    values = {"name": book.name, "kind": book.kind.value} | ContentBody.values_of(book.content)
    shown = draft.body if draft else values
    content = ContentBody.model_validate({name: shown[name] for name in ContentBody.model_fields}).content()
    return render_template(
        "playbooks/edit.html", gate_names=GATES, playbook=playbook, kinds=KINDS, phases=_phases(),
        departments=[name for _id, name in list_departments(work)],
        document=shown | {"base": draft.base if draft else playbook.version, "seen": draft.saved_at.isoformat() if draft else ""},
        version=playbook.version,
        draft_at=draft.saved_at if draft else None, faults=[fault.model_dump() for fault in faults_out(faults_of(content))],
        limits={"orders": ENTRIES_MOST, "gates": GATES_MOST, "offset": OFFSET_MOST},
    )  # fmt: skip


@pages.post("/playbooks/<playbook_id>/draft/drop", needs=PlaybookPermission.EDIT)
def submit_dropped_draft(work: Work, playbook_id: str) -> Response:
    """Forget what was not saved as a version."""
    actions.drop_draft(work, playbook_id)
    return way_back(f"/playbooks/{playbook_id}")


@pages.get("/lines/<line_id>/playbook", needs=SIGNED_IN)
def show_taking(work: Work, line_id: str) -> str:
    """What saving the line as a playbook would take; the choices stand in the address."""
    line = directed_by_editor(work, line_id)
    return _taking(work, line, request.args.to_dict(), request.args.getlist("keep_names"))


@pages.post("/lines/<line_id>/playbook", needs=SIGNED_IN)
def submit_taking(work: Work, line_id: str) -> Response | tuple[str, int]:
    """Save the line as a playbook."""
    line = directed_by_editor(work, line_id)
    try:
        body = parse_form(TakeBody)
        choice = Choice(Pinned(body.pinned), body.cancelled, frozenset(body.keep_names))
        playbook = actions.save_line_as(work, line.id, name=body.name, choice=choice)
    except InvalidInput as error:
        return _taking(work, line, request.form.to_dict(), request.form.getlist("keep_names"), error), error.status
    flash(_("已存为作战手册“%(name)s”", name=playbook.name), "success")
    return redirect(f"/playbooks/{playbook.id}", code=303)


def _list(work: Work) -> dict[str, Any]:
    require_reader(work)
    rows = queries.list_books(work)
    return {"own": [row for row in rows if not row.shipped], "shipped": [row for row in rows if row.shipped], "kinds": KINDS}


def _book(work: Work, playbook_id: str, number: int | None = None) -> str:
    book = get_book(work, playbook_id, number=number)
    newest = get_book(work, playbook_id)
    by = "day" if request.args.get("group") == "day" else "department"
    return render_template(
        "playbooks/playbook.html", gate_names=GATES, book=book, newest=newest, by=by, groups=queries.grouped(book.content, by),
        titles={entry.key: entry.title for entry in book.content.entries}, kinds=KINDS, phases=PHASES,
        versions=queries.versions_of(work, book), changes_words=changes_words, lines=queries.my_lines_from(work, book),
        draft=None if book.shipped else draft_of(work, playbook_id), troubles=[fault_words(fault) for fault in faults_of(book.content)],
    )  # fmt: skip


def _taking(work: Work, line: MainLine, form: dict[str, str], keep: list[str], error: MainlineError | None = None) -> str:
    pinned = Pinned(form["pinned"]) if form.get("pinned") in list(Pinned) else Pinned.OFFSETS
    choice = Choice(pinned, form.get("cancelled") == "true", frozenset(keep))
    taken = queries.line_as_playbook(work, line, choice)
    return render_template(
        "playbooks/take.html", gate_names=GATES, head=line_head(work, line), form=form, choice=choice, taken=taken,
        groups=queries.grouped(taken.content, ""), origin=queries.origin_of(work, line.id), phases=PHASES,
        titles={entry.key: entry.title for entry in taken.content.entries},
        troubles=[fault_words(fault) for fault in faults_of(taken.content)], error=error, errors=getattr(error, "fields", {}),
    )  # fmt: skip


def _phases() -> list[tuple[str, str]]:
    return [(phase.value, str(words)) for phase, words in PHASES.items() if phase != "closed"]


def _file_of(file: Any) -> FileBody:
    """The uploaded file; InvalidInput for whatever is none of ours."""
    data = file.read(FILE_BYTES_MOST + 1) if file else b""
    wrong = _("请选择从作战手册导出的 JSON 文件")
    if not data or len(data) > FILE_BYTES_MOST:
        raise InvalidInput(_("没有读到作战手册"), wrong, fields={"file": wrong})
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidInput(_("这不是作战手册文件"), wrong, fields={"file": wrong}) from None
    return validated(FileBody, values)

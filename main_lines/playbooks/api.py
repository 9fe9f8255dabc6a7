"""Opening a main line, and the company's playbooks, through the API."""

from datetime import datetime
from typing import Any

from flask import request
from pydantic import BaseModel

from main_lines.lines.access import company_today, get_line_as_director
from main_lines.lines.api import Created, Done
from main_lines.lines.models import LinePermission
from main_lines.playbooks import actions, queries
from main_lines.playbooks.access import get_book, require_editor, require_reader
from main_lines.playbooks.bodies import ContentBody, DraftBody, FileBody, NewPlaybookBody, OpenLineBody, TakeBody, VersionBody
from main_lines.playbooks.models import PlaybookPermission
from main_lines.playbooks.queries import Opening
from main_lines.playbooks.rules import Content, Fault, faults_of
from main_lines.playbooks.taking import Choice, Pinned
from main_lines.playbooks.words import fault_words
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("playbooks_api", __name__, api=True)


class BookOut(BaseModel):
    """first, last: days from D-day that it spans. shipped ones can only be copied."""

    id: str
    name: str
    kind: str
    version: int
    shipped: bool
    orders: int
    departments: int
    first: int
    last: int


class BooksOut(BaseModel):
    playbooks: list[BookOut]


class FaultOut(BaseModel):
    """fatal: no version is saved with it. keys: the orders concerned."""

    trouble: str
    fatal: bool
    words: str
    keys: list[str]


class DraftOut(BaseModel):
    """What was kept, and what is wrong with it so far."""

    saved_at: datetime
    faults: list[FaultOut]


class VersionOut(BaseModel):
    id: str
    version: int


@api.post("/lines", needs=LinePermission.OPEN, body=OpenLineBody, returns=Created)
def open_line(work: Work, body: OpenLineBody) -> tuple[Created, int]:
    """Open a main line, empty or from a playbook; the caller becomes its director."""
    line = actions.open_line_from(
        work, name=body.name, kind=body.kind, d_day=body.d_day, goal=body.goal, playbook=body.playbook, member_ids=body.members,
        opening=Opening(body.timing, body.departments, body.owners), version=body.version,
    )  # fmt: skip
    return Created(id=line.id), 201


@api.get("/playbooks", needs=SIGNED_IN, returns=BooksOut)
def list_playbooks(work: Work) -> BooksOut:
    """The company's playbooks and the shipped ones, for whoever may open lines or edit playbooks; 404 for others."""
    require_reader(work)
    names = BookOut.model_fields
    return BooksOut(playbooks=[BookOut(**{name: getattr(row, name) for name in names}) for row in queries.list_books(work)])


@api.get("/playbooks/<playbook_id>", needs=SIGNED_IN, returns=FileBody)
def get_playbook(work: Work, playbook_id: str) -> dict[str, Any]:
    """A playbook as the file in which it is exchanged; ``version`` names an earlier one."""
    book = get_book(work, playbook_id, number=request.args.get("version", type=_number))
    return FileBody.values_for(book.name, book.kind, book.content, company_today(work))


@api.post("/playbooks", needs=PlaybookPermission.EDIT, body=NewPlaybookBody, returns=Created)
def add_playbook(work: Work, body: NewPlaybookBody) -> tuple[Created, int]:
    """An empty one, or a copy of another, shipped ones too."""
    if body.of:
        return Created(id=actions.copy_playbook(work, body.of, name=body.name).id), 201
    return Created(id=actions.add_playbook(work, name=body.name, kind=body.kind, content=Content()).id), 201


@api.post("/playbooks/file", needs=PlaybookPermission.EDIT, body=FileBody, returns=Created)
def import_playbook(work: Work, body: FileBody) -> tuple[Created, int]:
    """A new one from what ``GET /playbooks/<id>`` gave, here or in another company."""
    return Created(id=actions.add_playbook(work, name=body.name, kind=body.kind, content=body.content()).id), 201


@api.route("/playbooks/<playbook_id>/draft", methods=("PUT",), needs=PlaybookPermission.EDIT, body=DraftBody, returns=DraftOut)
def keep_draft(work: Work, playbook_id: str, body: DraftBody) -> DraftOut:
    """Keep what the caller has typed so far, sound or not; answers with what is wrong with it. 409: see ``seen``."""
    head = {"name": body.name, "kind": body.kind.value, "writer": body.writer}
    values = head | ContentBody.values_of(body.content())
    actions.keep_draft(work, playbook_id, values, base=body.base, writer=body.writer, seen=body.seen or None)
    return DraftOut(saved_at=work.now, faults=faults_out(faults_of(body.content())))


@api.route("/playbooks/<playbook_id>/draft", methods=("DELETE",), needs=PlaybookPermission.EDIT, returns=Done)
def drop_draft(work: Work, playbook_id: str) -> Done:
    """Forget what the caller has not saved as a version."""
    actions.drop_draft(work, playbook_id)
    return Done()


@api.post("/playbooks/<playbook_id>/versions", needs=PlaybookPermission.EDIT, body=VersionBody, returns=VersionOut)
def save_version(work: Work, playbook_id: str, body: VersionBody) -> VersionOut:
    """The newest version; 409 when somebody saved one since ``base``, 422 when orders wait for each other or lack something."""
    saved = actions.save_version(work, playbook_id, name=body.name, kind=body.kind, content=body.content(), base=body.base, note=body.note)
    return VersionOut(id=saved.id, version=saved.version)


@api.route("/playbooks/<playbook_id>", methods=("DELETE",), needs=PlaybookPermission.EDIT, returns=Done)
def remove_playbook(work: Work, playbook_id: str) -> Done:
    """No longer offered; lines that were opened from it stay as they are."""
    actions.remove_playbook(work, playbook_id)
    return Done()


@api.post("/lines/<line_id>/playbook", needs=SIGNED_IN, body=TakeBody, returns=Created)
def take_line(work: Work, line_id: str, body: TakeBody) -> tuple[Created, int]:
    """A main line as a playbook: its director only, who may edit playbooks."""
    line = get_line_as_director(work, line_id)  # Before the permission, so that a line of others is absent and not forbidden.
    require_editor(work)
    choice = Choice(Pinned(body.pinned), body.cancelled, frozenset(body.keep_names))
    return Created(id=actions.save_line_as(work, line.id, name=body.name, choice=choice).id), 201


def faults_out(faults: list[Fault]) -> list[FaultOut]:
    """With their sentences in the reader's language."""
    return [FaultOut(trouble=fault.trouble.value, fatal=fault.fatal, words=fault_words(fault), keys=list(fault.keys)) for fault in faults]


def _number(text: str) -> int:
    """A version's number in an address. ValueError, for which Flask takes the newest, for one that no database holds."""
    number = int(text)
    if not 0 < number < 2**31:
        raise ValueError(text)
    return number

"""What waits for the reader's signature, oldest first, each with what has changed since it was signed; and who signs in a line."""

from collections.abc import Sequence
from dataclasses import dataclass

from main_lines.lines.access import named_signers, signers_mark
from main_lines.lines.models import MainLine
from main_lines.lines.queries import cards_of, members_of
from main_lines.signing.rules import Change, changes_since
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.queries import TaskRow, to_sign
from workspace.people.queries import MemberRow, list_departments
from workspace.work import Work


@dataclass(frozen=True)
class ToSign:
    """An order that waits for the reader's signature. again: it was signed before; changes: what has changed since then."""

    row: TaskRow
    requirements: str
    checklist: list[str]
    expected: list[str]
    again: bool
    changes: Sequence[Change]


def waiting_for_me(work: Work) -> list[ToSign]:
    rows = to_sign(work)
    return [_waiting(row, work.session.get_one(TaskOrder, row.id)) for row in rows]


def _waiting(row: TaskRow, order: TaskOrder) -> ToSign:
    asked = order.asked
    again = order.signed_revision is not None
    return ToSign(row, asked["requirements"], asked["checklist"], asked["expected"], again, changes_since(order.signed_as, asked))


@dataclass(frozen=True)
class Signers:
    """Who signs in the director's place: of one department, or with an empty id of the whole line. people: nobody named there."""

    department_id: str
    name: str
    people: list[MemberRow]

    @property
    def mark(self) -> str:
        return signers_mark(card.id for card in self.people)


def signers_of_line(work: Work, line: MainLine) -> list[Signers]:
    """The whole line first, then the departments that its members come from, or that somebody is named for."""
    named = named_signers(work, line.id)
    ids = {member_id for members in named.values() for member_id in members}
    cards = {card.id: card for card in cards_of(work, ids)}
    here = {row.card.department_id for row in members_of(work, line.id)}
    departments = [("", ""), *((id, name) for id, name in list_departments(work) if id in here or id in named)]
    return [Signers(id, name, [cards[member] for member in named.get(id, ()) if member in cards]) for id, name in departments]

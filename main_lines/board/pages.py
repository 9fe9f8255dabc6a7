"""My main lines at a glance, the battle map of one of them, and its wall."""

from flask import flash, render_template
from werkzeug.wrappers import Response

from main_lines.alerts.words import KINDS as ALERT_KINDS
from main_lines.back import way_back
from main_lines.board.queries import MINE_SHOWN, PRESSING_SHOWN, ROWS_SHOWN, board_of, my_line_cards
from main_lines.gates.actions import close_current_phase
from main_lines.lines.access import get_line
from main_lines.lines.bodies import GateBody
from main_lines.lines.rules import Phase
from main_lines.lines.words import HEALTHS, KINDS, PHASES
from main_lines.numbers.pages import WORDS as NUMBER_WORDS
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, parse_form
from workspace.work import Work

pages = Routes("board", __name__)


@pages.get("/lines", needs=SIGNED_IN)
def show_lines(work: Work) -> str:
    """My main lines: countdown, phase, health, what is late or blocked."""
    return render_template("board/lines.html", lines=my_line_cards(work), kinds=KINDS)


@pages.get("/lines/rows", needs=SIGNED_IN)
def show_line_rows(work: Work) -> str:
    """The list of lines alone, for refreshing it."""
    return render_template("board/_lines.html", lines=my_line_cards(work), kinds=KINDS)


@pages.get("/lines/mine/fragment", needs=SIGNED_IN)
def show_my_lines_fragment(work: Work) -> str:
    """My open main lines for the workbench."""
    return render_template("board/_home.html", lines=[line for line in my_line_cards(work) if line.phase != "closed"])


@pages.get("/lines/<line_id>/board", needs=SIGNED_IN)
def show_board(work: Work, line_id: str) -> str:
    """The battle map: what is late, who holds it, what to do."""
    return _render(work, line_id, "board/board.html")


@pages.get("/lines/<line_id>/board/fragment", needs=SIGNED_IN)
def show_board_fragment(work: Work, line_id: str) -> str:
    """The map alone, for refreshing it."""
    return _render(work, line_id, "board/_board.html")


@pages.get("/lines/<line_id>/wall", needs=SIGNED_IN)
def show_wall(work: Work, line_id: str) -> str:
    """The battle map for a screen on the wall."""
    return _render(work, line_id, "board/wall.html")


@pages.get("/lines/<line_id>/wall/fragment", needs=SIGNED_IN)
def show_wall_fragment(work: Work, line_id: str) -> str:
    """The wall's content alone, for refreshing it."""
    return _render(work, line_id, "board/_wall.html")


@pages.post("/lines/<line_id>/gate", needs=SIGNED_IN)
def submit_gate(work: Work, line_id: str) -> Response:
    """Pass the gate with which the present phase ends; what stands in its way is looked at in the same transaction."""
    line, body = get_line(work, line_id, lock=True), parse_form(GateBody)
    closed = PHASES[Phase(line.phase)]
    close_current_phase(work, line_id, note=body.note, expected=body.phase)
    flash(_("%(phase)s阶段已关闭", phase=closed), "success")
    return way_back(f"/lines/{line_id}/board")


def _render(work: Work, line_id: str, template: str) -> str:
    line = get_line(work, line_id)
    board = board_of(work, line)
    return render_template(
        template,
        board=board,
        head=board.head,
        phases=PHASES,
        healths=HEALTHS,
        kinds=KINDS,
        alert_kinds=ALERT_KINDS,
        w=NUMBER_WORDS,
        pressing_shown=PRESSING_SHOWN,
        mine_shown=MINE_SHOWN,
        rows_shown=ROWS_SHOWN,
    )

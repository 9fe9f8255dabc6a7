"""Approvals in the browser: the lists, one approval, and the verbs. Asking for one is in compose_pages.py."""

from collections.abc import Callable
from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from main_lines.approvals import actions, queries
from main_lines.approvals.links import asset_now
from main_lines.approvals.record import Outcome
from main_lines.approvals.rules import Mode
from main_lines.approvals.views import chosen_mode, comment_given, frame, posted_key, reason_given, searches, typed
from workspace.db import new_id
from workspace.errors import InvalidInput, MainlineError, NotFound
from workspace.i18n import _
from workspace.notices.actions import read_about
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("approvals", __name__)

Answer = Response | str | tuple[str, int]
SHEETS = ("approve", "reject", "return", "more", "comment", "recall")
CHOOSING = {"pass-on": "pass_on", "transfer": "transfer", "cc": "cc"}


@pages.get("/approvals", needs=SIGNED_IN)
def show_approvals(work: Work) -> str:
    """待办, 已办, 我发起, 抄送 with counts."""
    return render_template("approvals/list.html", **_listed(work), after=_after(work), **frame())


@pages.get("/approvals/list/fragment", needs=SIGNED_IN)
def show_cards(work: Work) -> str:
    """The tabs and cards alone, for a page that moves by itself and for the list beside a detail."""
    return render_template("approvals/_list.html", **_listed(work))


@pages.get("/approvals/cards/fragment", needs=SIGNED_IN)
def show_more_cards(work: Work) -> str:
    """The next cards of a list; without a script the same address is a page of its own."""
    wanted = "approvals/_cards.html" if request.headers.get("HX-Request") else "approvals/list.html"
    return render_template(wanted, **_listed(work), after=None, **frame())


@pages.get("/approvals/inbox/fragment", needs=SIGNED_IN)
def show_inbox(work: Work) -> str:
    """The few approvals that wait longest for the reader, for the home page."""
    return render_template("approvals/_inbox.html", cards=queries.list_cards(work, "todo", limit=5), total=queries.todo_count(work))


@pages.get("/approvals/<approval_id>", needs=SIGNED_IN)
def show_approval(work: Work, approval_id: str) -> str:
    """One approval; ``sheet`` opens one of its sheets, ``after`` names the approval that was just dealt with."""
    return _page(work, approval_id, after=_after(work))


@pages.get("/approvals/<approval_id>/fragment", needs=SIGNED_IN)
def show_approval_fragment(work: Work, approval_id: str) -> str:
    """The approval without its page, for the split view and for a page that moves by itself."""
    return render_template("approvals/_detail.html", **_shown(work, approval_id))


@pages.get("/approvals/<approval_id>/people/<purpose>", needs=SIGNED_IN)
def choose_people(work: Work, approval_id: str, purpose: str) -> str:
    """Who is next, who takes over, who gets a copy; ``q`` searches."""
    return _people_page(work, approval_id, purpose)


@pages.post("/approvals/<approval_id>/finish", needs=SIGNED_IN)
def finish(work: Work, approval_id: str) -> Answer:
    """Approve and end it, or sign where others have yet to sign."""
    return _do(
        work,
        approval_id,
        lambda: actions.approve_request(work, approval_id, step_id=_step(), comment=comment_given(), key=posted_key()),
        sheet="approve",
    )


@pages.post("/approvals/<approval_id>/reject", needs=SIGNED_IN)
def reject(work: Work, approval_id: str) -> Answer:
    """End it with no; wants a reason."""
    return _do(
        work,
        approval_id,
        lambda: actions.reject_request(work, approval_id, step_id=_step(), reason=reason_given(), key=posted_key()),
        sheet="reject",
    )


@pages.post("/approvals/<approval_id>/return", needs=SIGNED_IN)
def send_back(work: Work, approval_id: str) -> Answer:
    """Back to the applicant; wants a reason."""
    return _do(
        work,
        approval_id,
        lambda: actions.return_request(work, approval_id, step_id=_step(), reason=reason_given(), key=posted_key()),
        sheet="return",
    )


@pages.post("/approvals/<approval_id>/recall", needs=SIGNED_IN)
def recall(work: Work, approval_id: str) -> Answer:
    """The applicant takes it back."""
    return _do(work, approval_id, lambda: actions.recall_request(work, approval_id, comment=comment_given(), key=posted_key()), stays=True)


@pages.post("/approvals/<approval_id>/comment", needs=SIGNED_IN)
def comment(work: Work, approval_id: str) -> Answer:
    """Say something; changes no state."""
    return _do(
        work,
        approval_id,
        lambda: actions.comment_request(work, approval_id, words=comment_given("words"), key=posted_key()),
        sheet="comment",
        stays=True,
    )


@pages.post("/approvals/<approval_id>/remind", needs=SIGNED_IN)
def remind(work: Work, approval_id: str) -> Answer:
    """Nudge whoever holds it."""
    return _do(work, approval_id, lambda: actions.remind_holders(work, approval_id, key=posted_key()), stays=True)


@pages.post("/approvals/<approval_id>/people/pass-on", needs=SIGNED_IN)
def pass_on(work: Work, approval_id: str) -> Answer:
    """Approve and hand to the chosen people."""

    def act() -> Outcome:
        to = tuple(request.form.getlist("to"))
        if not to:
            raise InvalidInput(_("请选择处理人"), fields={"to": _("请选择处理人")})
        return actions.approve_request(
            work, approval_id, step_id=_step(), to=to, mode=chosen_mode(), comment=comment_given(), key=posted_key()
        )

    return _do(work, approval_id, act, purpose="pass-on")


@pages.post("/approvals/<approval_id>/people/transfer", needs=SIGNED_IN)
def transfer(work: Work, approval_id: str) -> Answer:
    """Give the own turn to somebody else."""
    return _do(
        work,
        approval_id,
        lambda: actions.transfer_step(work, approval_id, step_id=_step(), to=typed("to"), comment=comment_given(), key=posted_key()),
        purpose="transfer",
    )


@pages.post("/approvals/<approval_id>/people/cc", needs=SIGNED_IN)
def copy(work: Work, approval_id: str) -> Answer:
    """Show it to the chosen people."""
    return _do(
        work,
        approval_id,
        lambda: actions.copy_request(work, approval_id, to=request.form.getlist("to"), key=posted_key()),
        purpose="cc",
        stays=True,
    )


def _do(work: Work, approval_id: str, act: Callable[[], Outcome], *, sheet: str = "", purpose: str = "", stays: bool = False) -> Answer:
    """Carry out, then open what waits next; a refusal shows the approval as it is now, with the sentence on top."""
    if searches():
        return _people_page(work, approval_id, purpose)
    try:
        outcome = act()
    except NotFound:
        raise
    except MainlineError as error:
        if purpose and error.status == 422:
            return _people_page(work, approval_id, purpose, error=error), error.status
        return _page(work, approval_id, error=error, sheet=sheet if error.status == 422 else ""), error.status
    if stays:
        return redirect(f"/approvals/{approval_id}", 303)
    if not outcome.replayed:
        read_about(work, f"/approvals/{approval_id}")
    following = queries.next_todo(work, but=approval_id)
    return redirect(f"/approvals/{following}?after={approval_id}" if following else f"/approvals?after={approval_id}", 303)


def _page(work: Work, approval_id: str, *, error: MainlineError | None = None, sheet: str | None = None, after: object = None) -> str:
    wish = request.args.get("sheet", "") if sheet is None else sheet
    shown = _shown(work, approval_id) | {
        "error": error, "open_sheet": wish if wish in SHEETS else "", "after": after, "tab": queries.tab_of(work, approval_id),
    }  # fmt: skip
    return render_template("approvals/detail.html", **shown, **frame())


def _shown(work: Work, approval_id: str) -> dict[str, Any]:
    detail = queries.show_request(work, approval_id)
    pin = detail.approval.pin
    return {
        "detail": detail, "a": detail.approval, "pinned": asset_now(work, pin) if pin else None, "key": new_id(),
        "error": None, "open_sheet": "",
        "values": request.form, "can_reach": queries.places_of(work, detail.approval),
    }  # fmt: skip


def _people_page(work: Work, approval_id: str, purpose: str, *, error: MainlineError | None = None) -> str:
    if purpose not in CHOOSING:
        raise NotFound(_("没有找到"), _("地址有误，或您没有查看的权限。"))
    detail = queries.show_request(work, approval_id)
    if CHOOSING[purpose] not in detail.verbs:
        return _page(work, approval_id, error=error)
    chosen = request.values.getlist("to")
    people = queries.people_to_choose(work, words=request.values.get("q", ""), chosen=chosen, but=[detail.approval.applicant_id])
    return render_template(
        "approvals/people.html", detail=detail, a=detail.approval, purpose=purpose, people=people, chosen=chosen,
        words=request.values.get("q", ""), mode=request.values.get("mode", Mode.ALL.value), key=posted_key() or new_id(), error=error,
        values=request.values, **frame(),
    )  # fmt: skip


def _listed(work: Work) -> dict[str, Any]:
    tab = request.args.get("tab", "todo")
    tab = tab if tab in queries.TABS else "todo"
    cards = queries.list_cards(work, tab, before=request.args.get("before"))
    older = f"/approvals/cards/fragment?tab={tab}&before={cards[-1].cursor}" if len(cards) == queries.PAGE else ""
    return {"tab": tab, "counts": queries.tab_counts(work), "cards": cards, "older": older, "open_id": request.args.get("open", "")}


def _after(work: Work) -> queries.After | None:
    wish = request.args.get("after", "")
    return queries.just_done(work, wish) if wish else None


def _step() -> str:
    return request.form.get("step", "")

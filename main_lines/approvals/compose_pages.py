"""Asking for an approval in the browser: choose what, fill in, send; and the same once more after a return."""

from collections.abc import Sequence

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from main_lines.approvals import actions, queries
from main_lines.approvals.access import form_of, get_request, get_template
from main_lines.approvals.actions import Draft
from main_lines.approvals.links import assets_to_choose, line_of_library, offered_asset, reachable_places, sent_asset
from main_lines.approvals.models import Approval, ApprovalTemplate
from main_lines.approvals.views import chosen_mode, frame, posted_key, searches, typed
from workspace.db import new_id
from workspace.errors import InvalidInput, MainlineError, NotAllowed, NotFound
from workspace.i18n import _
from workspace.texts import shown
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("approvals_compose", __name__)


@pages.get("/approvals/new", needs=SIGNED_IN)
def show_new(work: Work) -> str:
    """What can be asked for; with ``template`` (and ``asset``, ``version``, ``task``, ``line``) its form, filled as far as known."""
    if not request.args.get("template"):
        kept = {name: request.args[name] for name in ("line", "task") if name in request.args}
        return render_template("approvals/choose.html", templates=queries.list_templates(), kept=kept, **frame())
    return _form(work, get_template(work, request.args["template"]), dict(request.args.items(multi=False)))


@pages.post("/approvals/new", needs=SIGNED_IN)
def submit_new(work: Work) -> Response | str | tuple[str, int]:
    """Send it to its first holders."""
    template = get_template(work, request.form.get("template", ""))
    if searches():
        return _form(work, template, request.form.to_dict())
    try:
        outcome = actions.submit_request(work, template.key, _draft(), key=posted_key())
    except NotFound:
        raise
    except MainlineError as error:
        return _form(work, template, request.form.to_dict(), error=error), error.status
    return redirect(f"/approvals/{outcome.approval_id}?after={outcome.approval_id}", 303)


@pages.get("/approvals/<approval_id>/edit", needs=SIGNED_IN)
def show_edit(work: Work, approval_id: str) -> str:
    """The form of a returned request, as it was sent last: to the same people, but with the newest version of the asset."""
    approval, template = _returned(work, approval_id)
    form = form_of(work, approval)
    sent = sent_asset(work, form.pin) if form.pin else None
    known = {"title": form.title, "asset": sent.asset_id if sent else "", **form.values}
    return _form(work, template, known, approval=approval, to=queries.asked_last(work, approval_id))


@pages.post("/approvals/<approval_id>/edit", needs=SIGNED_IN)
def submit_edit(work: Work, approval_id: str) -> Response | str | tuple[str, int]:
    """Send a returned request again."""
    approval, template = _returned(work, approval_id)
    if searches():
        return _form(work, template, request.form.to_dict(), approval=approval)
    try:
        actions.resubmit_request(work, approval_id, _draft(), key=posted_key())
    except NotFound:
        raise
    except MainlineError as error:
        return _form(work, template, request.form.to_dict(), approval=approval, error=error), error.status
    return redirect(f"/approvals/{approval_id}?after={approval_id}", 303)


def _returned(work: Work, approval_id: str) -> tuple[Approval, ApprovalTemplate]:
    approval = get_request(work, approval_id)
    if approval.applicant_id != work.actor.member_id:
        raise NotAllowed(_("只有申请人可以这样做"), _("请联系申请人。"))
    return approval, work.session.get_one(ApprovalTemplate, approval.template_id)


def _draft() -> Draft:
    """The form as it came: the fields' names are the template's; an asset choice is "id@version"."""
    asset_id, _sep, version = request.form.get("asset", "").partition("@")
    version = version or request.form.get("version", "")
    return Draft(
        title=typed("title"), values=_fields(),
        to=tuple(request.form.getlist("to")), mode=chosen_mode(), cc=tuple(request.form.getlist("cc")), asset_id=asset_id or None,
        version=int(version) if version.isdecimal() and len(version) < 10 else None,
        line_id=request.form.get("line") or None, task_id=request.form.get("task") or None,
    )  # fmt: skip


def _fields() -> dict[str, str]:
    return {name.removeprefix("f_"): shown(text) for name, text in request.form.items() if name.startswith("f_")}


def _form(
    work: Work, template: ApprovalTemplate, known: dict[str, str], *,
    approval: Approval | None = None, error: MainlineError | None = None, to: Sequence[str] | None = None,
) -> str:  # fmt: skip
    """known: what the address, the last revision or the refused form says; fields come as their name or with ``f_``.

    to: who is chosen already; None for those whom the address or form names.
    """
    to = request.values.getlist("to") if to is None else to
    line_id, task_id = (approval.line_id, approval.task_id) if approval else (known.get("line"), known.get("task"))
    asset_id, _sep, version = known.get("asset", "").partition("@")
    chosen = offered_asset(work, asset_id, version or known.get("version", "")) if asset_id else None
    if chosen and not line_id and not task_id:
        line_id = line_of_library(work, chosen.library_id)
    places = reachable_places(work, line_id=line_id, task_id=task_id)
    if approval:  # Its applicant may have left the line since.
        line_id, task_id = (line_id if "line" in places else None), (task_id if "task" in places else None)
    sent = sent_asset(work, approval.pin) if approval and approval.pin else None
    offered = assets_to_choose(work, chosen, sent=sent, line_id=line_id, task_id=task_id) if template.definition["wants_asset"] else []
    if chosen is None and len(offered) == 1:
        chosen = offered[0]
    about = places["task"][0] if "task" in places else chosen.name if chosen else ""
    people = queries.people_to_choose(work, words=request.values.get("q", ""), chosen=to)
    return render_template(
        "approvals/form.html",
        approval=approval, template=template, fields=queries.form_fields(template), places=places, line_id=line_id, task_id=task_id,
        values=_values(known, about), chosen_asset=chosen, offered=offered,
        people=people, chosen=to, mode=known.get("mode", "all"), words=request.values.get("q", ""),
        key=posted_key() or new_id(), error=error, errors=error.fields if isinstance(error, InvalidInput) else {}, **frame(),
    )  # fmt: skip


def _values(known: dict[str, str], about: str) -> dict[str, str]:
    """about: the task order or file that is sent, which names a request that has no title yet."""
    sent = {name.removeprefix("f_"): text for name, text in known.items() if name.startswith("f_")}
    values = {**known, **sent}  # A field called "to" comes as "f_to", beside "to" for the people.
    if about and not values.get("title"):
        values["title"] = _("%(name)s 定稿", name=about)
    return values

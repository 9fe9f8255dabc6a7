"""Comments in the browser: a fragment of the asset's page, and what is done in it."""

import math
from typing import Any

from flask import render_template, request

from sync.library.comments.actions import Draft, add_comment, delete_comment, edit_comment, reply_to, settle_thread
from sync.library.comments.models import AssetComment
from sync.library.comments.queries import comments_view, people_to_mention
from sync.library.comments.rules import Mark
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("comments", __name__)

MOST_TYPED = 20_000
"""Nobody types more; what is longer is refused before it is looked at."""


@pages.get("/library/assets/<asset_id>/comments", needs=SIGNED_IN)
def show_comments(work: Work, asset_id: str) -> str:
    """What is said of an asset, with the form to say more; ``version`` is the one that the page shows."""
    return render_template("library/_comments.html", view=_view(work, asset_id))


@pages.get("/library/assets/<asset_id>/comments/threads", needs=SIGNED_IN)
def show_threads(work: Work, asset_id: str) -> str:
    """The threads alone, for a page that moves by itself or asks for older ones."""
    return _threads(work, asset_id)


@pages.get("/library/assets/<asset_id>/comments/people", needs=SIGNED_IN)
def show_people(work: Work, asset_id: str) -> str:
    """Whom one can mention, by a part of the name; and who may not see the asset."""
    question = request.args.get("q", "")
    people = people_to_mention(work, asset_id, question)
    return render_template("library/_comment_people.html", people=people, asked=question.strip()[:40])


@pages.post("/library/assets/<asset_id>/comments", needs=SIGNED_IN)
def submit_comment(work: Work, asset_id: str) -> str:
    """Say something about a version, with a place if wanted."""
    comment = add_comment(work, asset_id, request.form.get("version", 0, type=int), _draft())
    return _threads(work, asset_id, new=comment)


@pages.post("/library/comments/<comment_id>/replies", needs=SIGNED_IN)
def submit_reply(work: Work, comment_id: str) -> str:
    """Answer in a thread."""
    comment = reply_to(work, comment_id, _draft())
    return _threads(work, comment.asset_id, new=comment)


@pages.post("/library/comments/<comment_id>/words", needs=SIGNED_IN)
def submit_words(work: Work, comment_id: str) -> str:
    """Say it otherwise."""
    return _threads(work, edit_comment(work, comment_id, words=_words()).asset_id)


@pages.post("/library/comments/<comment_id>/deletion", needs=SIGNED_IN)
def submit_deletion(work: Work, comment_id: str) -> str:
    """Take it back."""
    return _threads(work, delete_comment(work, comment_id).asset_id)


@pages.post("/library/comments/<comment_id>/resolution", needs=SIGNED_IN)
def submit_resolution(work: Work, comment_id: str) -> str:
    """It is done; with ``open`` it is not."""
    return _threads(work, settle_thread(work, comment_id, resolved="open" not in request.form).asset_id)


def _view(work: Work, asset_id: str) -> Any:
    number = request.values.get("shown", request.args.get("version", 0, type=int), type=int)
    return comments_view(work, asset_id, number=number or None, before=request.args.get("before", "")[:40])


def _threads(work: Work, asset_id: str, *, new: AssetComment | None = None) -> str:
    work.session.flush()
    return render_template("library/_comment_threads.html", view=_view(work, asset_id), new=new)


def _draft() -> Draft:
    mark = Mark(x=_number("x"), y=_number("y"), w=_number("w"), h=_number("h"), time_ms=_whole("time_ms"))
    return Draft(_words(), request.form.get("key", ""), mark, tuple(request.form.getlist("mention"))[:100])


def _words() -> str:
    words = request.form.get("words", "")
    return words[:MOST_TYPED]


def _number(name: str) -> float | None:
    typed = request.form.get(name, "").strip()
    if not typed:
        return None
    try:
        value = float(typed)
    except ValueError as error:
        raise _no_place() from error
    if not math.isfinite(value):
        raise _no_place()
    return value


def _whole(name: str) -> int | None:
    value = _number(name)
    return None if value is None else int(value)


def _no_place() -> InvalidInput:
    return InvalidInput(_("标注的位置不在画面之内"), _("请重新标注位置。"))

"""The feed of a main line in the browser: reading it, writing a post, calling people, attaching files, withdrawing."""

from collections.abc import Callable
from secrets import token_hex
from typing import Any

from flask import render_template, request
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.feed import actions, queries
from main_lines.feed.access import circle_of, get_post
from main_lines.feed.bodies import PostBody, ReadBody
from main_lines.feed.files import files_to_attach
from main_lines.feed.models import ProgressPost
from main_lines.feed.rules import MOST_MENTIONS, Part, callable_in, called_in
from main_lines.feed.words import MENTION_KINDS, PARTS
from main_lines.lines.access import get_line, is_director
from main_lines.lines.bodies import sequence
from main_lines.lines.models import MainLine
from main_lines.lines.queries import gates_of, line_head, members_of
from main_lines.lines.words import KINDS
from main_lines.tasks.access import get_task, line_of
from main_lines.tasks.models import TaskOrder
from workspace.errors import MainlineError, NotAllowed
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, is_htmx, parse_form
from workspace.work import Work

pages = Routes("feed", __name__)
NAMES_SHOWN = 3
WORDS_LENGTH = 64


@pages.get("/lines/<line_id>", needs=SIGNED_IN)
def show_line(work: Work, line_id: str) -> str:
    """The feed, newest first: ``show`` a part of it; ``post`` the page on which one stands; ``after`` what came next."""
    return _page(work, get_line(work, line_id))


@pages.get("/lines/<line_id>/feed", needs=SIGNED_IN)
def show_feed(work: Work, line_id: str) -> str:
    """Rows of the feed: ``before`` a sequence (older ones), or ``since`` one (the part that is kept fresh). ``show``: a part of it."""
    line, part = get_line(work, line_id), _part()
    before = request.args.get("before", type=sequence)
    if before is not None:
        return render_template("feed/_older.html", feed=queries.line_feed(work, line, part=part, before=before), line_id=line.id, part=part)
    since = request.args.get("since", default=0, type=sequence)
    return render_template("feed/_rows.html", feed=queries.line_feed_since(work, line, since, part=part))


@pages.get("/lines/<line_id>/feed/act", needs=SIGNED_IN)
def show_act(work: Work, line_id: str) -> str:
    """What a row of the feed unfolds to: events of a ``kind`` from ``since`` on and ``before`` a sequence."""
    line, kind = get_line(work, line_id), request.args.get("kind", "")
    since, before = (request.args.get(name, default=0, type=sequence) for name in ("since", "before"))
    rows, further = queries.act_rows(work, line, kind=kind, since=since, before=before)
    return render_template("feed/_act.html", rows=rows, further=further, kind=kind, before=before, line_id=line.id)


@pages.get("/lines/<line_id>/unread", needs=SIGNED_IN)
def show_unread(work: Work, line_id: str) -> str:
    """How much of the line the reader has not read, and the way to the first of it."""
    line = get_line(work, line_id)
    return render_template("feed/_unread.html", unread=queries.unread_of(work, line.id), line_id=line.id)


@pages.post("/lines/<line_id>/posts", needs=SIGNED_IN)
def submit_post(work: Work, line_id: str) -> str | Response | tuple[str, int]:
    """Write a progress post. htmx gets a fresh form; the post itself arrives as an event."""
    line = get_line(work, line_id)
    return _submitted(lambda: _post(work, line.id), f"/lines/{line.id}", lambda error: _page(work, line, error=error))


@pages.get("/tasks/<task_id>/posts", needs=SIGNED_IN)
def show_thread(work: Work, task_id: str) -> str:
    """What was said about an order, and the form for saying more: for the page of the order."""
    order = get_task(work, task_id)
    return render_template("feed/_thread.html", **_thread(work, order), post_key=token_hex(16), post_url=f"/tasks/{order.id}/posts")


@pages.get("/tasks/<task_id>/posts/rows", needs=SIGNED_IN)
def show_thread_rows(work: Work, task_id: str) -> str:
    """What was said about an order alone, for refreshing it."""
    return render_template("feed/_thread_rows.html", **_thread(work, get_task(work, task_id)))


@pages.post("/tasks/<task_id>/posts", needs=SIGNED_IN)
def submit_task_post(work: Work, task_id: str) -> str | Response | tuple[str, int]:
    """Write a post about an order."""
    order = get_task(work, task_id)
    return _submitted(lambda: _post(work, order.line_id, order.id), f"/tasks/{order.id}", None)


@pages.post("/posts/<post_id>/withdrawal", needs=SIGNED_IN)
def submit_withdrawal(work: Work, post_id: str) -> Response:
    """Take one's own post back."""
    post = actions.withdraw_post(work, post_id)
    return Response(status=204) if is_htmx() else way_back(f"/lines/{post.line_id}")


@pages.get("/posts/<post_id>/readers", needs=SIGNED_IN)
def show_readers(work: Work, post_id: str) -> str:
    """Who has read a post and who has not: for its author and the directors."""
    post, line = get_post(work, post_id)
    if post.author_id != work.actor.member_id and not is_director(work, line.id):
        raise NotAllowed(_("只有作者和主线负责人可以查看谁读过"))
    return render_template("feed/_readers.html", readers=queries.readers(work, post))


@pages.post("/lines/<line_id>/posts/read", needs=SIGNED_IN)
def submit_read(work: Work, line_id: str) -> Response:
    """Everything up to a post has been read."""
    body = parse_form(ReadBody)
    actions.read_posts(work, line_id, seen=body.seen, upto=body.upto)
    return Response(status=204) if is_htmx() else way_back(f"/lines/{line_id}")


@pages.get("/lines/<line_id>/mentions", needs=SIGNED_IN)
def show_mentions(work: Work, line_id: str) -> str:
    """Whom one can call by what is typed behind an @ (``q``): options of a list."""
    line = get_line(work, line_id)
    words = request.args.get("q", "")[:WORDS_LENGTH]
    called = queries.whom_to_call(work, line.id, words)
    return render_template("feed/_mentions.html", options=called, kinds=MENTION_KINDS, words=words, me_id=work.actor.member_id)


@pages.get("/lines/<line_id>/audience", needs=SIGNED_IN)
def show_audience(work: Work, line_id: str) -> str:
    """Whom a post would tell: ``said`` is each @ with what follows it, ``mention`` a key that was picked, ``task`` what it is about."""
    line = get_line(work, line_id)
    asked = request.args.get("task", "")
    order = get_task(work, asked) if asked else None
    text = "\n".join(said[:WORDS_LENGTH] for said in request.args.getlist("said")[: MOST_MENTIONS + 1])
    offered = callable_in(circle_of(work, line.id))
    called = called_in(actions.normal_text(text), offered, request.args.getlist("mention")[: 3 * MOST_MENTIONS])
    told = actions.told_of(work, line.id, called, order if order is not None and order.line_id == line.id else None)
    names = queries.names_of(work, told) if len(told) <= NAMES_SHOWN else []
    return render_template("feed/_audience.html", called=called, told=len(told), names=names, calls="@" in text)


@pages.get("/lines/<line_id>/files", needs=SIGNED_IN)
def show_files(work: Work, line_id: str) -> str:
    """Files that the reader can attach; ``q`` searches all that they may see."""
    line = get_line(work, line_id)
    words = request.args.get("q", "")
    return render_template("feed/_files.html", files=files_to_attach(work, line.library_id, words), words=words)


def _part() -> Part | None:
    shown = request.args.get("show", "")
    return Part(shown) if shown in list(Part) else None


def _page(work: Work, line: MainLine, *, error: MainlineError | None = None) -> str:
    part, post_id, after = _part(), request.args.get("post", ""), request.args.get("after", type=sequence)
    if post_id and part is None:
        feed = queries.line_feed_at(work, line, post_id)
    elif after is not None:
        feed = queries.line_feed_after(work, line, after, part=part)
    else:
        feed = queries.line_feed(work, line, part=part)
    return render_template(
        "feed/line.html", head=line_head(work, line), feed=feed, gates=gates_of(work, line.id), members=members_of(work, line.id),
        kinds=KINDS, parts=PARTS, part=part, unread=queries.unread_of(work, line.id), post_key=token_hex(16),
        post_url=f"/lines/{line.id}/posts", error=error, text=request.form.get("text", ""),
    )  # fmt: skip


def _thread(work: Work, order: TaskOrder) -> dict[str, Any]:
    line = line_of(work, order)
    return {"rows": queries.thread_of(work, line, order.id), "order": order, "line": line}


def _post(work: Work, line_id: str, about: str | None = None) -> ProgressPost:
    body = parse_form(PostBody)
    return actions.post_progress(work, line_id, text=body.text, mentions=body.mentions, files=body.chosen(), about=about)


def _submitted(
    write: Callable[[], ProgressPost], back: str, again: Callable[[MainlineError], str] | None
) -> str | Response | tuple[str, int]:  # fmt: skip
    """Without scripts what was typed comes back with the reason; with them the form was never left."""
    try:
        post = write()
    except MainlineError as error:
        if is_htmx() or again is None:
            raise
        return again(error), error.status
    if not is_htmx():
        return way_back(back)
    return render_template(
        "feed/_compose.html", line_id=post.line_id, task_id=post.task_id or "", post_key=token_hex(16), post_url=request.path, sent=True
    )

"""Searching everything one may see, as a page and for the palette."""

from flask import render_template, request
from pydantic import BaseModel

from workspace.search.queries import find
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("search", __name__)
api = Routes("search_api", __name__, api=True)

KINDS = {"line": ("line",), "task": ("task",), "post": ("post",), "asset": ("asset", "comment", "words")}
"""What one can look for alone -> first parts of subjects; what is said of a file, and what stands in it, goes with the file."""


class FoundThing(BaseModel):
    subject: str
    title: str
    note: str
    url: str


@pages.get("/search", needs=SIGNED_IN)
def show_search(work: Work) -> str:
    """Main lines, task orders, posts and assets that hold the words, only what the reader may see; ``kind`` for one of these alone."""
    question, kind = request.args.get("q", "").strip(), request.args.get("kind", "")
    kind = kind if kind in KINDS else ""
    return render_template(
        "search/search.html", question=question, kind=kind, found=find(work, question, limit=50, kinds=KINDS.get(kind, ()))
    )


@api.get("/search", needs=SIGNED_IN, returns=list[FoundThing])
def search(work: Work) -> list[FoundThing]:
    """The first ten things that hold the words of ``q``; ``kind`` = line, task, post or asset for these alone."""
    kinds = KINDS.get(request.args.get("kind", ""), ())
    return [FoundThing(**found.__dict__) for found in find(work, request.args.get("q", ""), limit=10, kinds=kinds)]

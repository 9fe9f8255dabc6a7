"""Searching everything one may see, as a page and for the palette."""

from flask import render_template, request
from pydantic import BaseModel

from workspace.search.queries import find
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("search", __name__)
api = Routes("search_api", __name__, api=True)


class FoundThing(BaseModel):
    subject: str
    title: str
    note: str
    url: str


@pages.get("/search", needs=SIGNED_IN)
def show_search(work: Work) -> str:
    """Main lines, task orders, assets and approvals that hold the words, only what the reader may see."""
    question = request.args.get("q", "").strip()
    return render_template("search/search.html", question=question, found=find(work, question, limit=50))


@api.get("/search", needs=SIGNED_IN, returns=list[FoundThing])
def search(work: Work) -> list[FoundThing]:
    """The first ten things that hold the words of ``q``."""
    return [FoundThing(**found.__dict__) for found in find(work, request.args.get("q", ""), limit=10)]

"""The product's web process with moments at every boundary of a commit: `python -m tests.sync.faults.web`.

missing: before | after        which chunks are lacking, and slots for them
pack check: before | after     a stored pack is read back and verified
packs commit: before           what serves from now on
ops: before                    the transaction of the operations has begun
ops: done                      everything is written, nothing committed
ops commit: before | after     the database's COMMIT; nobody was told of it yet
ops told: after                the event went to whoever waits for news; packs make none
log: before | after            the lines in the bucket, which make the answer true
answer: before | after         the answer is made and not sent, and sent
content: before                where the chunks of a version lie
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import workspace.cli
from tests.sync.faults.moments import around, moment

AGENTS = "/api/agent/libraries/"


def create_app() -> Any:
    """The application with its moments; gunicorn calls this."""
    import app
    from sync.library.agents_api import api
    from sync.library.assets import log
    from workspace.work import Work

    around(api, "missing_for", "missing: before", "missing: after")
    around(api, "check_pack", "pack check: before", "pack check: after")
    around(api, "apply_ops", "ops: before", "ops: done")
    around(api, "find_digest", "content: before")
    around(log, "put_lines", "log: before", "log: after")
    made = app.create_app()
    parts = made.extensions["mainline"].parts
    commit, wake = Work.commit, parts.wake

    def committing(work: Work) -> None:
        _here("{} commit: before")
        commit(work)
        _here("{} told: after")

    def telling() -> None:
        _here("{} commit: after")
        wake()

    Work.commit = committing  # type: ignore[method-assign]
    parts.wake = telling
    made.wsgi_app = _answering(made.wsgi_app)
    return made


def _here(name: str) -> None:
    """A moment of a request for operations or packs; what else commits is no boundary of a save."""
    from flask import has_request_context, request

    what = request.path.rpartition("/")[2] if has_request_context() and request.path.startswith(AGENTS) else ""
    if what in ("ops", "packs"):
        moment(name.format(what))


class _Sent:
    """The body of an answer; closed by the server when the last byte has left."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body

    def __iter__(self) -> Any:
        return iter(self._body)

    def close(self) -> None:
        getattr(self._body, "close", lambda: None)()
        moment("answer: after")


def _answering(inner: Callable[..., Any]) -> Callable[..., Any]:
    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body: Iterable[bytes] = inner(environ, start_response)
        path = environ["PATH_INFO"]
        if not (path.startswith(AGENTS) and path.endswith("/ops")):
            return body
        moment("answer: before")
        return _Sent(body)

    return call


def main() -> None:
    """Become gunicorn as the product's own command does, with this application, loaded once for all its processes."""
    become = workspace.cli._exec_gunicorn
    workspace.cli._exec_gunicorn = lambda _target, *options: become("tests.sync.faults.web:create_app()", "--preload", *options)
    workspace.cli.mainline.main(["web"], prog_name="mainline", obj={})


if __name__ == "__main__":
    sys.exit(main())

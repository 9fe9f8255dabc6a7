"""The product's own errors, and nothing else.

Foreign errors (SQLAlchemy, minio, libvirt, sockets) are converted into one of these at the border where
they appear. Every error can be shown to a person: ``title`` says what happened, ``message`` what to do next,
both already in the reader's language or lazily translated.
"""

from typing import Any


class MainlineError(Exception):
    """An error with a sentence for the person who met it.

    status: HTTP status of the answer. retryable: the same request may succeed later unchanged.
    code: stable identifier for programs, never translated. facts: JSON-able details (fresh state, field names).
    """

    status = 500
    code = "error"
    retryable = False

    def __init__(self, title: Any, message: Any = "", *, code: str | None = None, **facts: Any) -> None:
        super().__init__(title)
        self.title = title
        self.message = message
        self.facts = facts
        if code is not None:
            self.code = code

    def as_json(self) -> dict[str, Any]:
        """The one JSON error shape of the product."""
        body: dict[str, Any] = {
            "code": self.code,
            "title": str(self.title),
            "message": str(self.message),
            "retryable": self.retryable,
        }
        if self.facts:
            body["facts"] = self.facts
        return {"error": body}


class NotFound(MainlineError):
    """Absent, or present but not for this person: both answer alike."""

    status = 404
    code = "not_found"


class NotSignedIn(MainlineError):
    status = 401
    code = "not_signed_in"


class NotAllowed(MainlineError):
    """The thing is known to the person, this verb on it is not theirs."""

    status = 403
    code = "not_allowed"


class Conflict(MainlineError):
    """Somebody else was first; ``facts`` carry the fresh state in words."""

    status = 409
    code = "conflict"


class InvalidInput(MainlineError):
    """``fields`` maps a form field to the sentence shown beside it."""

    status = 422
    code = "invalid_input"

    def __init__(self, title: Any, message: Any = "", *, fields: dict[str, Any] | None = None, **facts: Any) -> None:
        if fields:
            facts["fields"] = {name: str(sentence) for name, sentence in fields.items()}
        super().__init__(title, message, **facts)
        self.fields = fields or {}


class TooManyRequests(MainlineError):
    status = 429
    code = "too_many_requests"
    retryable = True


class Unavailable(MainlineError):
    """A part that the product needs (store, hypervisor, database) did not answer."""

    status = 503
    code = "unavailable"
    retryable = True

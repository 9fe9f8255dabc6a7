"""The product's refusals as WebDAV's, with the same sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from wsgidav.dav_error import (
    HTTP_CONFLICT,
    HTTP_FORBIDDEN,
    HTTP_INSUFFICIENT_STORAGE,
    HTTP_LOCKED,
    HTTP_NOT_FOUND,
    HTTP_PRECONDITION_FAILED,
    HTTP_SERVICE_UNAVAILABLE,
    DAVError,
)

from workspace.errors import MainlineError

CHANGED_MEANWHILE = "changed_meanwhile"
_STATUS = {
    "quota": HTTP_INSUFFICIENT_STORAGE, "parent_gone": HTTP_CONFLICT, "node_gone": HTTP_NOT_FOUND, "not_found": HTTP_NOT_FOUND,
    "checked_out": HTTP_LOCKED, CHANGED_MEANWHILE: HTTP_PRECONDITION_FAILED,
}  # fmt: skip


@contextmanager
def in_dav_words() -> Iterator[None]:
    """Around whatever may be refused."""
    try:
        yield
    except MainlineError as error:
        status = _STATUS.get(error.code, HTTP_SERVICE_UNAVAILABLE if error.retryable else HTTP_FORBIDDEN)
        raise DAVError(status, f"{error.title} {error.message}".strip()) from error

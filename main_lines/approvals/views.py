"""Reading approval forms and choosing the frame that shows them; shared by the pages."""

from flask import request

from main_lines.approvals.rules import Mode
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.texts import shown

REASON_LENGTH = 1000
COMMENT_LENGTH = 2000


def is_phone() -> bool:
    """What the browser says of itself; a narrow window on a PC gets the PC's frame, which bends to it."""
    return request.headers.get("Sec-CH-UA-Mobile") == "?1" or "Mobi" in request.headers.get("User-Agent", "")


def frame() -> dict[str, object]:
    """The light frame without Tabler and htmx for phones on slow lines, else the full one."""
    phone = is_phone()
    return {"frame": "_phone.html" if phone else "_base.html", "phone": phone}


def posted_key() -> str | None:
    """The form's idempotency key, or the header's: a resend of the same act is answered, not repeated."""
    return request.headers.get("Idempotency-Key") or request.form.get("key") or None


def chosen_mode() -> Mode:
    wish = request.form.get("mode", Mode.ALL.value)
    return Mode(wish) if wish in (Mode.ALL.value, Mode.ANY.value) else Mode.ALL


def typed(field: str) -> str:
    """What was written in a field, as it is seen."""
    return shown(request.form.get(field, "")).strip()


def comment_given(field: str = "comment") -> str:
    """What was written beside a verb."""
    words = typed(field)
    if len(words) > COMMENT_LENGTH:
        raise InvalidInput(_("内容太长"), fields={field: _("最多 %(n)s 个字", n=COMMENT_LENGTH)})
    return words


def searches() -> bool:
    """Whether the form was sent by the button beside its search field: to be shown again, not carried out."""
    return "find" in request.form


def reason_given() -> str:
    """A ready phrase, own words, or both."""
    parts = [typed("phrase"), typed("reason")]
    reason = "；".join(part for part in parts if part)
    if len(reason) > REASON_LENGTH:
        raise InvalidInput(_("内容太长"), fields={"reason": _("最多 %(n)s 个字", n=REASON_LENGTH)})
    return reason

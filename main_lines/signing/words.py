"""Words of what a signature is about, in the reader's language."""

from workspace.i18n import _l

FIELDS = {"title": _l("标题"), "requirements": _l("要求"), "checklist": _l("清单"), "expected": _l("应交付物")}

"""Two people at one form: who saves second is shown what the first has written meanwhile, and replaces nothing unseen.

A form brings back the mark of what it showed. Where that is not what stands any more, nothing is saved; the answer carries what
stands now beside the mark that saving once more needs.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import StringConstraints

from workspace.errors import Conflict
from workspace.i18n import _

Mark = Annotated[str, StringConstraints(max_length=16)]
Name = TypeVar("Name")
CHANGED = "changed_meanwhile"


def mark_of(values: Any) -> str:
    """Another one whenever the values are others."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]


def refuse_unseen(
    seen: str, mark: str, theirs: Iterable[tuple[Any, Any]], *, title: str = "", message: str = "", code: str = CHANGED, **facts: Any
) -> None:  # fmt: skip
    """Conflict when ``seen`` is not ``mark``. An empty one says nothing, for programs that do not ask.

    theirs: label and value of what stands now and would be replaced; where there is nothing such, nobody has to be told.
    """
    shown = [[str(label), str(value)] for label, value in theirs]
    if seen and seen != mark and shown:
        raise Conflict(
            title or _("刚刚有人修改过"), message or _("您填写的内容已保留。请核对最新的内容，再次保存会以您填写的为准。"), code=code,
            mark=mark, theirs=shown, **facts,
        )  # fmt: skip


def others(now: Mapping[Name, Any], sent: Mapping[Name, Any]) -> list[Name]:
    """Names of what would be replaced: what stands now differs from what was sent."""
    return [name for name, value in sent.items() if now[name] != value]

"""What forms and the API send about a conclusion."""

from typing import Annotated

from pydantic import Field, StringConstraints

from main_lines.lines.bodies import Body
from main_lines.retrospectives.models import CONCLUSION_LENGTH
from main_lines.retrospectives.rules import ConclusionKind

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=CONCLUSION_LENGTH)]


class ConclusionBody(Body):
    kind: ConclusionKind
    text: Text


class EditBody(Body):
    """seen: the revision that was read; 409 when the conclusion has changed since."""

    text: Text
    seen: Annotated[int, Field(ge=1, lt=2**31)]

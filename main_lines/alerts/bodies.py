"""What forms and the API send about an alert."""

from typing import Annotated

from pydantic import StringConstraints

from main_lines.alerts.rules import AlertKind
from main_lines.lines.bodies import Body, Note


class AlertBody(Body):
    kind: AlertKind = AlertKind.OTHER
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
    detail: Note = ""

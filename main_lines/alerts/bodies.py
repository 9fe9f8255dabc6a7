"""What forms and the API send about alerts and the rules of a line."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from main_lines.alerts.models import SUBJECT_LENGTH, TITLE_LENGTH
from main_lines.alerts.rules import LIMITS, LONGEST_STEP_MINUTES, UNITS, AlertKind, AlertRule, Severity, Unit
from main_lines.lines.bodies import Body, Note
from main_lines.seen import Mark

Minutes = Annotated[int, Field(ge=0, le=LONGEST_STEP_MINUTES)]
Subject = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=SUBJECT_LENGTH)]


class AlertBody(Body):
    """What a form sends. Every participant of the line is told at once."""

    kind: AlertKind = AlertKind.OTHER
    severity: Severity = Severity.WARNING
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_LENGTH)]
    detail: Note = ""


class ReportBody(AlertBody):
    """subject: for programs, the stable name of what is wrong, such as "erp:sku-1001". While an alert with that subject stands in the
    line no second one is raised: the answer is the first one's id. Empty: an alert of its own each time.
    """

    subject: Annotated[str, StringConstraints(strip_whitespace=True, max_length=SUBJECT_LENGTH)] = ""


class ClearBody(Body):
    """subject: as it was given when the alert was raised."""

    subject: Subject


class RuleBody(Body):
    """threshold: in the rule's unit, days, hours or percent; 0 for a rule without one."""

    rule: AlertRule
    on: bool = False
    threshold: int = 0
    severity: Severity

    @model_validator(mode="before")
    @classmethod
    def _nothing_to_count(cls, values: object) -> object:
        uncounted = {rule.value for rule, unit in UNITS.items() if unit is Unit.NONE}
        return {**values, "threshold": 0} if isinstance(values, dict) and str(values.get("rule")) in uncounted else values

    def out_of_bounds(self) -> tuple[int, int] | None:
        """The bounds that the threshold is not within."""
        low, high = LIMITS[UNITS[self.rule]]
        return None if low <= self.threshold <= high else (low, high)


class StairBody(Body):
    """Minutes from raising to each step, 0 for a step that is left out."""

    severity: Severity
    remind: Minutes = 0
    head: Minutes = 0
    director: Minutes = 0
    everyone: Minutes = 0


class RulesBody(Body):
    """What is to change; a rule or a stair that is not named stays as it is. seen: mark of those that were read."""

    rules: Annotated[list[RuleBody], Field(max_length=len(AlertRule))] = []
    stairs: Annotated[list[StairBody], Field(max_length=len(Severity))] = []
    seen: Mark = ""

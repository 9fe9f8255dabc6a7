"""What forms and the API send about signatures."""

from typing import Annotated

from pydantic import Field

from main_lines.lines.bodies import Body
from main_lines.seen import Mark
from main_lines.tasks.bodies import Key


class SignersBody(Body):
    """department_id: whose orders they sign, empty for the whole line. members: nobody lets the director sign again.

    seen: mark of those that were read; 409 when they are others by now.
    """

    department_id: Key = ""
    members: Annotated[list[Key], Field(max_length=50)] = []
    seen: Mark = ""

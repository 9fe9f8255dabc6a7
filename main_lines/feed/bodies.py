"""What forms and the API send about posts."""

import re
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from main_lines.feed.rules import MOST_FILES, MOST_MENTIONS, MOST_SEEN, TEXT_LENGTH
from main_lines.lines.bodies import Body

KEY = r"^(all:|(member|department|city|role):[0-9a-zA-Z]{1,26})$"
FILE = re.compile(r"([0-9a-zA-Z-]{1,40}):([0-9]{1,9})")
Key = Annotated[str, StringConstraints(pattern=KEY)]


class PostBody(Body):
    """mentions: keys of those who were picked behind an @ ("member:…", "department:…", "city:…", "role:…", "all:"); the names in the text
    decide who is called, a key which of several with one name is meant. files: "asset id:version" each."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2 * TEXT_LENGTH)]
    mentions: Annotated[list[Key], Field(max_length=3 * MOST_MENTIONS)] = []
    files: Annotated[list[str], Field(max_length=3 * MOST_FILES)] = []

    @field_validator("files")
    @classmethod
    def _each_names_a_version(cls, value: list[str]) -> list[str]:
        if not all(FILE.fullmatch(one) for one in value):
            raise ValueError("asset id:version")
        return value

    def chosen(self) -> list[tuple[str, int]]:
        """The files as (asset id, version)."""
        return [(one.partition(":")[0], int(one.partition(":")[2])) for one in self.files]


class ReadBody(Body):
    """seen: numbers of posts that were in front of the reader. upto: instead, everything up to this number."""

    seen: Annotated[list[Annotated[int, Field(ge=1, lt=2**31)]], Field(max_length=MOST_SEEN)] = []
    upto: Annotated[int, Field(ge=0, lt=2**31)] = 0

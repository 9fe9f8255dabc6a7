"""What must happen to a file or folder so that it is again as it was. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Act(StrEnum):
    """BACK: out of the trash. CONTENT: the content of then becomes the newest version. PLACE: its folder and name of then."""

    BACK = "back"
    CONTENT = "content"
    PLACE = "place"


@dataclass(frozen=True)
class State:
    """Of a node at a time. digest: "" for a folder."""

    live: bool
    parent_id: str
    name: str
    digest: str


def acts_for(then: State, now: State) -> tuple[Act, ...]:
    """In the order in which they are carried out; empty when nothing is to be done."""
    acts = [
        (Act.BACK, not now.live),
        (Act.PLACE, (now.parent_id, now.name) != (then.parent_id, then.name)),
        (Act.CONTENT, now.digest != then.digest),
    ]
    return tuple(act for act, wanted in acts if wanted)

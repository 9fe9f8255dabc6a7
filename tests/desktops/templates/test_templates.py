"""Desktop templates."""

import pytest

from desktops.templates.access import default_template
from desktops.templates.actions import add_template
from workspace.db import Database
from workspace.errors import Conflict, InvalidInput
from workspace.parts import Parts
from workspace.work import open_work


def test_default_when_none_then_it_says_who_can_help(database: Database, parts: Parts) -> None:
    with open_work(database, parts=parts, writes=False) as work, pytest.raises(Conflict):
        default_template(work)


def test_default_when_seeded_then_the_designers_desktop(company: Database, parts: Parts) -> None:
    with open_work(company, parts=parts, writes=False) as work:
        assert default_template(work).name == "设计师桌面"


@pytest.mark.parametrize("values", [{"memory_mib": 128}, {"memory_mib": 100_000}, {"vcpus": 0}, {"name": "设计师桌面"}])
def test_add_when_out_of_range_or_taken_then_refused(company: Database, parts: Parts, values: dict[str, object]) -> None:
    with pytest.raises(InvalidInput), open_work(company, parts=parts) as work:
        add_template(work, **{"name": "客服桌面", **values})  # type: ignore[arg-type]

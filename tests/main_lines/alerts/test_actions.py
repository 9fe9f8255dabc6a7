from collections.abc import Callable

import pytest

from main_lines.alerts.actions import acknowledge_alert, close_alert, raise_alert
from main_lines.alerts.queries import open_alerts
from main_lines.alerts.rules import AlertKind
from main_lines.lines.actions import remove_line_member
from tests.main_lines.conftest import OUTSIDE, Story
from workspace.errors import Conflict, NotAllowed, NotFound


@pytest.fixture
def alert_id(work_as: Callable, story: Story) -> str:
    with work_as("吴昊") as work:
        return raise_alert(work, story.line_id, kind=AlertKind.STOCK, title="主推款缺货").id


def counts(work_as: Callable, story: Story) -> list[tuple[int, int]]:
    with work_as("林悦", writes=False) as work:
        return [(row.acknowledged, row.people) for row in open_alerts(work, story.line_id)]


def test_alert_when_raised_then_its_raiser_has_seen_it(work_as: Callable, story: Story, alert_id: str) -> None:
    assert counts(work_as, story) == [(1, 4)]


def test_alert_when_acknowledged_twice_then_counted_once(work_as: Callable, story: Story, alert_id: str) -> None:
    for _ in range(2):
        with work_as("苏航") as work:
            acknowledge_alert(work, alert_id)
            recorded = len(work.recorded)
    assert recorded == 0
    assert counts(work_as, story) == [(2, 4)]
    with work_as("林悦", writes=False) as work:
        assert {card.name for card in open_alerts(work, story.line_id)[0].missing} == {"林悦", "赵宁"}


def test_alert_when_somebody_leaves_then_counted_over_who_is_in_now(work_as: Callable, story: Story, alert_id: str) -> None:
    with work_as("苏航") as work:
        acknowledge_alert(work, alert_id)
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("苏航"))
    assert counts(work_as, story) == [(1, 3)]


@pytest.mark.parametrize(("name", "refusal"), [("林悦", None), ("吴昊", None), ("苏航", NotAllowed), (OUTSIDE, NotFound)])
def test_alert_when_closed_then_only_by_director_or_raiser(
    work_as: Callable, story: Story, alert_id: str, name: str, refusal: type[Exception] | None
) -> None:
    if refusal is not None:
        with pytest.raises(refusal), work_as(name) as work:
            close_alert(work, alert_id)
        assert len(counts(work_as, story)) == 1
        return
    with work_as(name) as work:
        close_alert(work, alert_id)
    assert counts(work_as, story) == []
    with pytest.raises(Conflict), work_as(name) as work:
        close_alert(work, alert_id)


@pytest.mark.parametrize("verb", [acknowledge_alert, close_alert])
def test_alert_when_used_by_an_outsider_then_absent(work_as: Callable, alert_id: str, verb: Callable) -> None:
    with pytest.raises(NotFound), work_as(OUTSIDE) as work:
        verb(work, alert_id)

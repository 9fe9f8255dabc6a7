"""Several deliverables of one order: named beforehand, laid there one by one, handed in together."""

from collections.abc import Callable

import pytest

from main_lines.tasks.access import get_task, pieces_of
from main_lines.tasks.actions import deliver_task, sign_task, start_task, withdraw_task
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.pieces import AssetDelivery, drop_piece, file_for_approval, file_piece, missing_of
from main_lines.tasks.queries import task_page
from tests.main_lines.conftest import last_kinds
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound
from workspace.work import Work

EXPECTED = ["横版", "竖版"]


@pytest.fixture
def task_id(work_as: Callable, write: Callable) -> str:
    """A signed order of 苏航 that asks for two things."""
    found = write(expected=EXPECTED)
    with work_as("林悦") as work:
        sign_task(work, found)
    return found


def lies(work: Work, task_id: str) -> list[tuple[str, str]]:
    return [(piece.name, piece.content["text"]) for piece in pieces_of(work, task_id)]


def test_pieces_when_laid_one_by_one_then_handed_in_together(work_as: Callable, task_id: str) -> None:
    with work_as("苏航") as work:
        file_piece(work, task_id, "https://example.com/wide", name="横版")
        assert last_kinds(work) == ["main_lines.task.filed"]
        assert work.recorded[-1].facts["missing"] == ["竖版"]
        file_piece(work, task_id, "第一稿", name="竖版")
        file_piece(work, task_id, "第二稿", name="竖版")
        file_piece(work, task_id, "源文件说明")
        assert get_task(work, task_id).state == "ready", "laying something there hands nothing in"
    with work_as("苏航") as work:
        deliver_task(work, task_id, "")
        assert lies(work, task_id) == [("横版", "https://example.com/wide"), ("竖版", "第二稿"), ("", "源文件说明")]
        assert "3 件" in work.recorded[-1].facts["what"]
    with work_as("苏航") as work, pytest.raises(Conflict):
        file_piece(work, task_id, "又一稿")


def test_delivery_when_something_is_missing_then_refused_by_name_unless_a_reason_is_given(work_as: Callable, task_id: str) -> None:
    with pytest.raises(InvalidInput) as refused, work_as("苏航") as work:
        deliver_task(work, task_id, "横版在此", name="横版")
    assert refused.value.facts["missing"] == ["竖版"]
    assert "竖版" in str(refused.value.message)
    with work_as("苏航") as work:
        order = deliver_task(work, task_id, "横版在此", name="横版", note="竖版明早补")
        assert (order.state, work.recorded[-1].facts["note"]) == ("delivered", "竖版明早补")
        assert task_page(work, order).missing == ["竖版"]


def test_delivery_when_withdrawn_then_what_lies_there_stays(work_as: Callable, task_id: str) -> None:
    with work_as("苏航") as work:
        deliver_task(work, task_id, "横版在此", name="横版", note="先看方向")
    with work_as("苏航") as work:
        withdraw_task(work, task_id)
        assert (get_task(work, task_id).deliverable, lies(work, task_id)) == ({}, [("横版", "横版在此")])
        drop_piece(work, task_id, pieces_of(work, task_id)[0].id)
        work.session.flush()
        assert lies(work, task_id) == []


def test_piece_when_it_is_not_expected_then_refused(work_as: Callable, task_id: str) -> None:
    with work_as("苏航") as work, pytest.raises(InvalidInput):
        file_piece(work, task_id, "方图", name="方图")


@pytest.mark.parametrize(("name", "refusal"), [("林悦", NotAllowed), ("赵宁", NotAllowed), ("何青", NotFound)])
def test_piece_when_laid_by_somebody_else_then_refused(work_as: Callable, task_id: str, name: str, refusal: type[Exception]) -> None:
    with work_as(name) as work, pytest.raises(refusal):
        file_piece(work, task_id, "草图")


def test_piece_when_the_order_is_unsigned_then_refused_by_name(work_as: Callable, write: Callable) -> None:
    draft = write()
    with work_as("苏航") as work, pytest.raises(Conflict) as refused:
        file_piece(work, draft, "草图")
    assert refused.value.code == "task_unsigned"


def test_piece_when_it_is_of_another_order_then_not_found(work_as: Callable, task_id: str, write: Callable) -> None:
    other = write("另一张")
    with work_as("林悦") as work:
        sign_task(work, other)
    with work_as("苏航") as work:
        file_piece(work, other, "草图")
        piece_id = pieces_of(work, other)[0].id
    with work_as("苏航") as work, pytest.raises(NotFound):
        drop_piece(work, task_id, piece_id)


def test_delivery_when_handed_in_again_then_it_takes_the_place_of_what_was_handed_in(work_as: Callable, write: Callable) -> None:
    plain = write()
    with work_as("林悦") as work:
        sign_task(work, plain)
    for text in ("第一稿", "第二稿"):
        with work_as("苏航") as work:
            deliver_task(work, plain, text)
            assert lies(work, plain) == [("", text)]


def test_approval_when_it_carries_one_of_two_then_only_laid_there_and_the_second_hands_in(work_as: Callable, task_id: str) -> None:
    with work_as("苏航") as work:
        start_task(work, task_id)
    with work_as("苏航") as work:
        order = work.session.get_one(TaskOrder, task_id)
        first, second = ({"kind": "asset", "asset_id": key * 26, "version": 1, "digest": "b3:0", "name": f"{key}.psd"} for key in "ab")
        assert file_for_approval(work, order, first, by="苏航", by_id=None) is None
        assert (missing_of(work, order), order.state) == (["竖版"], "in_progress")
        assert file_for_approval(work, order, second, by="苏航", by_id=None) == "竖版"
        again = {**first, "version": 2}
        assert file_for_approval(work, order, again, by="苏航", by_id=None) is None, "a later version belongs where the first one lies"
        assert [(piece.name, piece.content["version"]) for piece in pieces_of(work, task_id)] == [("横版", 2)]


def test_delivery_when_an_asset_is_not_there_then_nothing_is_laid(work_as: Callable, task_id: str) -> None:
    with work_as("苏航") as work, pytest.raises(NotFound):
        file_piece(work, task_id, AssetDelivery("0" * 26, 1), name="横版")

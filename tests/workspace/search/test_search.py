"""Search: bigrams, phrases, and only the rooms of the reader."""

from collections.abc import Callable

import pytest

from workspace.search.actions import Document, forget_document, index_document, index_documents
from workspace.search.queries import find
from workspace.search.rules import phrases_of, tokens_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("双十一", ["双十", "十一", "一"]),
        ("主视觉 v2.PSD", ["主视", "视觉", "觉", "v2", "psd"]),
        ("ＡＢＣ１２", ["abc12"]),
        ("退", ["退"]),
        ("—— !!", []),
        ("a" * 150, ["a" * 100, "a" * 50]),
    ],
)
def test_tokens_of(text: str, expected: list[str]) -> None:
    assert tokens_of(text) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("退款", [(["退款"], False)]),
        ("退", [(["退"], True)]),
        ("kv 主图", [(["kv"], True), (["主图"], False)]),
        ('"; DROP', [(["drop"], True)]),
        ("a" * 150, [(["a" * 100], True)]),
    ],
)
def test_phrases_of(question: str, expected: list[object]) -> None:
    assert phrases_of(question) == expected


@pytest.fixture
def indexed(work_as: Callable[..., object]) -> None:
    with work_as("林悦") as work:
        for subject, room, title in (
            ("a:1", "company", "双十一主视觉 KV"),
            ("a:2", "line:secret", "双十一预算"),
            ("a:3", "company", "退款话术"),
        ):
            index_document(work, subject=subject, room=room, title=title, url=f"/{subject}")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("双十", ["a:1"]),
        ("视觉", ["a:1"]),
        ("十视", []),
        ("觉", ["a:1"]),
        ("k", ["a:1"]),
        ("kv 双十一", ["a:1"]),
        ("款话", ["a:3"]),
        ("", []),
        ("'\"*", []),
    ],
)
def test_find_when_asked_then_all_that_is_open_and_nothing_else(
    indexed: None, work_as: Callable[..., object], question: str, expected: list[str]
) -> None:
    with work_as("苏航", writes=False) as work:
        assert [found.subject for found in find(work, question)] == expected


def test_index_when_done_again_then_replaced_and_when_forgotten_then_gone(indexed: None, work_as: Callable[..., object]) -> None:
    with work_as("林悦") as work:
        index_document(work, subject="a:1", room="company", title="三八节海报", url="/a:1")
        assert find(work, "双十一") == []
        assert [found.title for found in find(work, "海报")] == ["三八节海报"]
        forget_document(work, "a:1")
        assert find(work, "海报") == []


def test_index_when_many_come_at_once_then_new_and_changed_are_found_by_their_words_of_now(
    indexed: None, work_as: Callable[..., object]
) -> None:
    with work_as("林悦") as work:
        index_documents(work, [Document("a:1", "company", "三八节海报", "/a:1"), Document("a:9", "company", "三八节预热", "/a:9")])
        index_documents(work, [])
        assert find(work, "双十一主") == []
        assert sorted(found.subject for found in find(work, "三八节")) == ["a:1", "a:9"]

"""Whom a text calls, what a reader has read, what a post may hold."""

from datetime import UTC, datetime, timedelta

import pytest

from main_lines.feed.rules import (
    EVERYBODY,
    KINDS_OF,
    LOUD_AN_HOUR,
    LOUD_LEAST,
    MOST_FILES,
    MOST_MENTIONS,
    TEXT_LENGTH,
    Insider,
    MentionKind,
    Part,
    Reading,
    Refuse,
    Why,
    audience,
    callable_in,
    called_in,
    cursor_after,
    decide_post,
    decide_withdrawal,
    is_loud,
    readers_of,
    suggestions,
)
from wiring import REGISTERS
from workspace.events.kinds import all_kinds

DESIGN, POSTERS, SHANGHAI = {"d1": "设计策划"}, {"d2": "海报组", "d1": "设计策划"}, {"c1": "上海"}
CIRCLE = [
    Insider("su", "苏航", "suhang", DESIGN, SHANGHAI, {"r1": "成员"}),
    Insider("su2", "苏航航", "suhh", POSTERS, {"s1": "淮海路店", **SHANGHAI}, {}),
    Insider("z1", "张伟", "zhangwei", {"d3": "客服"}, {"c2": "成都"}, {"r1": "成员"}),
    Insider("z2", "张伟", "zhangwei2", {"d4": "物流仓储"}, {"c2": "成都"}, {}),
    Insider("an", "Anna Lee", "anna", {"d3": "客服"}, {"c2": "成都"}, {}),
]
OFFERED = callable_in(CIRCLE)


@pytest.mark.parametrize(
    ("text", "chosen", "told"),
    [
        ("@苏航 看一下", (), {"su"}),
        ("@苏航航看一下", (), {"su2"}),
        ("请@设计策划和@成都 核对", (), {"su", "su2", "z1", "z2", "an"}),
        ("@海报组", (), {"su2"}),
        ("@上海", (), {"su", "su2"}),
        ("@成员", (), {"su", "z1"}),
        ("@所有人", (), {"su", "su2", "z1", "z2", "an"}),
        ("@ALL 今晚锁价", (), {"su", "su2", "z1", "z2", "an"}),
        ("@allan", (), set()),
        ("@anna lee 请看", (), {"an"}),
        ("@anna leeson", (), set()),
        ("写到 a@苏航.cn", (), set()),
        ("@张伟", (), {"z1", "z2"}),
        ("@张伟", ("member:z2",), {"z2"}),
        ("@苏航", ("member:z2",), {"su"}),
        ("张伟和苏航", ("member:z1",), set()),
        ("@何青 不在其中", (), set()),
        ("", (), set()),
    ],
)
def test_called_in_when_written_then_the_longest_name_is_meant(text: str, chosen: tuple[str, ...], told: set[str]) -> None:
    assert audience(called_in(text, OFFERED, chosen), author_id=None) == told


def test_audience_when_the_author_calls_their_own_department_then_the_others_are_told() -> None:
    assert audience(called_in("@设计策划", OFFERED), author_id="su") == {"su2"}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("", ["所有人", "Anna Lee", "张伟", "张伟", "苏航航", "客服", "海报组", "物流仓储"]),
        ("苏", ["苏航航"]),
        ("航", ["苏航航"]),
        ("zhang", ["张伟", "张伟"]),
        ("all", ["all"]),
        ("成", ["成都", "成员"]),
        ("没有", []),
    ],
)
def test_suggestions_when_typed_then_what_fits_and_never_oneself(words: str, names: list[str]) -> None:
    logins = {one.id: one.login for one in CIRCLE}
    assert [called.name for called in suggestions(OFFERED, logins, words, reader_id="su")] == names


def test_everybody_when_offered_in_the_readers_language_then_a_name_that_calls() -> None:
    for name in EVERYBODY:
        assert [called.kind for called in called_in(f"@{name}", OFFERED)] == [MentionKind.ALL]


@pytest.mark.parametrize(
    ("text", "mentions", "files", "why"),
    [
        ("好", 0, 0, None),
        ("好", MOST_MENTIONS, MOST_FILES, None),
        ("", 0, 1, Why.EMPTY),
        ("字" * TEXT_LENGTH, 0, 0, None),
        ("字" * (TEXT_LENGTH + 1), 0, 0, Why.TOO_LONG),
        ("好", MOST_MENTIONS + 1, 0, Why.TOO_MANY_MENTIONS),
        ("好", 0, MOST_FILES + 1, Why.TOO_MANY_FILES),
    ],
)
def test_decide_post(text: str, mentions: int, files: int, why: Why | None) -> None:
    assert decide_post(text, mentions=mentions, files=files) == (Refuse(why) if why else None)


@pytest.mark.parametrize(
    ("own", "withdrawn", "in_audit", "why"),
    [
        (True, False, False, None), (False, False, False, Why.NOT_OWN), (False, True, False, Why.NOT_OWN),
        (True, True, False, Why.GONE), (True, False, True, Why.IN_AUDIT),
    ],
)  # fmt: skip
def test_decide_withdrawal(own: bool, withdrawn: bool, in_audit: bool, why: Why | None) -> None:
    assert decide_withdrawal(own=own, withdrawn=withdrawn, in_audit=in_audit) == (Refuse(why) if why else None)


@pytest.mark.parametrize(
    ("cursor", "unread", "seen", "after"),
    [
        (0, [1, 2, 3], {1, 2, 3}, 3),
        (0, [1, 2, 3], {3}, 0),
        (0, [1, 2, 3], {1, 3}, 1),
        (4, [6, 9], {9, 6, 5}, 9),
        (4, [], {1}, 4),
        (4, [9, 6], {6}, 6),
    ],
)
def test_cursor_after_when_one_was_left_out_then_stops_before_it(cursor: int, unread: list[int], seen: set[int], after: int) -> None:
    assert cursor_after(cursor, unread, seen) == after


def test_readers_of_when_somebody_came_later_or_wrote_it_then_they_are_not_asked() -> None:
    at = datetime(2026, 10, 1, tzinfo=UTC)
    readings = [Reading("author", at, 0), Reading("read", at, 5), Reading("behind", at, 4), Reading("later", at + timedelta(hours=1), 9)]
    assert readers_of(5, at, "author", readings) == (["read"], ["behind"])


def test_parts_when_listed_then_each_shows_kinds_that_exist() -> None:
    assert REGISTERS, "all kinds are known"
    kinds = [str(kind) for kind in all_kinds()]
    for part in Part:
        for prefix in KINDS_OF[part]:
            assert any(kind.startswith(prefix) for kind in kinds), prefix


@pytest.mark.parametrize(
    ("told", "inside", "loud"),
    [(LOUD_LEAST, LOUD_LEAST + 1, True), (LOUD_LEAST - 1, LOUD_LEAST, False), (60, 120, True), (59, 120, False)],
    ids=["everybody", "a small line", "half of it", "a department"],
)
def test_post_when_it_tells_most_of_a_line_then_it_is_loud(told: int, inside: int, loud: bool) -> None:
    assert is_loud(told, inside) is loud


def test_post_when_its_author_was_loud_too_often_then_refused() -> None:
    assert decide_post("快看", mentions=1, files=0, loud=LOUD_AN_HOUR - 1) is None
    assert decide_post("快看", mentions=1, files=0, loud=LOUD_AN_HOUR) == Refuse(Why.TOO_LOUD)

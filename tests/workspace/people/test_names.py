"""Names of places as people write them: two cities may each have a store of one name."""

import pytest

from workspace.people.names import Named, Names

SH, GZ, ONE, TWO, LONE = (
    Named("sh", "上海"), Named("gz", "广州"), Named("one", "人民广场店", "上海"), Named("two", "人民广场店", "广州"),
    Named("lone", "Park 店", "上海"),
)  # fmt: skip
NAMES = Names([SH, GZ, ONE, TWO, LONE])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("上海", [SH]), ("人民广场店", [ONE, TWO]), ("上海 人民广场店", [ONE]), ("广州-人民广场店", [TWO]), ("广州人民广场店", [TWO]),
        ("上海 / Park店", [LONE]), ("ｐａｒｋ 店", [LONE]), ("人民广场", []), ("", []),
    ],
)  # fmt: skip
def test_place_when_written_as_people_do_then_found_and_never_guessed(text: str, found: list[Named]) -> None:
    assert NAMES.called(text) == found


def test_place_when_the_city_stands_elsewhere_then_it_decides() -> None:
    assert NAMES.called("人民广场店", city="广州") == [TWO]
    assert NAMES.called("Park 店", city="广州") == []


def test_city_when_a_store_is_called_like_it_then_it_comes_first_and_the_store_is_found_by_both() -> None:
    store = Named("store", "上海", "上海")
    names = Names([SH, store])
    assert names.called("上海") == [SH]
    assert (names.name_of("store"), names.called(names.name_of("store"))) == ("上海 上海", [store])


CODED = (
    Named("x", "人民店", "上海", "SH-1"), Named("y", "人民店", "上海", "SH-2"), Named("z", "人民店", "广州", "GZ-1"),
    Named("w", "sh-2", "广州"), Named("v", "徐汇店", "上海", "SH-3"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SH-1", "x"), (" ｓｈ-1 ", "x"), ("人民店", "xyz"), ("上海 人民店", "xy"), ("广州人民店", "z"), ("SH-2", "yw"), ("SH-9", ""),
        ("徐汇店", "v"), ("sh-3", "v"), ("人民店 SH-2", "y"), ("上海 人民店（SH-1）", "x"), ("人民店GZ-1", "z"),
    ],
)  # fmt: skip
def test_store_when_written_by_its_code_then_found_whatever_its_capitals_and_width(text: str, found: str) -> None:
    assert "".join(place.key for place in Names(CODED).called(text)) == found


def test_names_when_two_stores_of_a_city_share_one_then_each_is_found_again_by_its_code() -> None:
    names = Names(CODED)
    assert [names.name_of(key) for key in "xyzv"] == ["人民店 SH-1", "人民店 SH-2", "广州 人民店", "徐汇店"]
    assert [place.label for place in names.called("广州 人民店")] == ["广州 人民店（GZ-1）"]
    assert names.codes() == ["SH-1", "SH-2", "GZ-1", "SH-3"]
    assert names.coded("人民店") is None


def test_names_when_said_then_each_is_found_again_by_its_own() -> None:
    assert NAMES.names() == {"上海": "sh", "广州": "gz", "上海 人民广场店": "one", "广州 人民广场店": "two", "Park 店": "lone"}
    assert all(NAMES.called(name)[0].key == key for name, key in NAMES.names().items())
    assert NAMES.name_of("gone") == ""

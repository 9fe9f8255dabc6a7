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


def test_names_when_said_then_each_is_found_again_by_its_own() -> None:
    assert NAMES.names() == {"上海": "sh", "广州": "gz", "上海 人民广场店": "one", "广州 人民广场店": "two", "Park 店": "lone"}
    assert all(NAMES.called(name)[0].key == key for name, key in NAMES.names().items())
    assert NAMES.name_of("gone") == ""

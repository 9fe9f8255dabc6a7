from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main_lines.checks.photos import file_name
from main_lines.checks.rules import (
    CloseHold,
    Item,
    Kind,
    Misfit,
    RollUp,
    Scope,
    SheetTally,
    Somebody,
    Value,
    closing,
    fillers,
    may_remind,
    read_value,
    reminds_itself,
    roll_up,
    takes,
    tally,
)
from main_lines.tasks.rules import Tone
from sync.core.paths import refuse_name

D_DAY = date(2026, 11, 11)
LABELS = Item("1", "价签检查", Kind.TICK, -3)
SCANNER = Item("2", "扫码枪测试", Kind.NUMBER, -3)
PHOTO = Item("3", "陈列拍照", Kind.PHOTO, -1)
ITEMS = (LABELS, SCANNER, PHOTO)


def on(offset: int) -> date:
    return D_DAY + timedelta(days=offset)


def sheet(answered: set[str], today: date) -> SheetTally:
    return tally(ITEMS, answered, d_day=D_DAY, due=on(-1), today=today)


@pytest.mark.parametrize(
    ("kind", "text", "read"),
    [
        (Kind.TICK, "true", Value(True)),
        (Kind.TICK, "no", Value(None)),
        (Kind.TICK, "", Value(None)),
        (Kind.TEXT, "  已换 ", Value("已换")),
        (Kind.TEXT, "字" * 501, Misfit.TOO_LONG),
        (Kind.NUMBER, "20", Value("20")),
        (Kind.NUMBER, "３．５", Value("3.5")),
        (Kind.NUMBER, "1,200", Value("1200")),
        (Kind.NUMBER, "二十", Misfit.NO_NUMBER),
        (Kind.NUMBER, "1e9", Misfit.NO_NUMBER),
        (Kind.NUMBER, "", Value(None)),
        (Kind.PHOTO, "x", Misfit.NO_TEXT),
        (Kind.PHOTO, "", Value(None)),
    ],
)
def test_value_when_read_then_what_the_item_takes(kind: Kind, text: str, read: Value | Misfit) -> None:
    assert read_value(kind, text) == read


def test_sheet_when_its_items_have_days_of_their_own_then_the_first_missing_one_counts() -> None:
    nothing = sheet(set(), on(-4))
    assert (nothing.due, nothing.late_days, nothing.tone) == (on(-3), 0, Tone.READY)
    late = sheet({"1"}, on(-2))
    assert (late.done, late.due, late.late_days, late.tone) == (1, on(-3), 1, Tone.LATE)
    labels_done = sheet({"1", "2"}, on(-2))
    assert (labels_done.due, labels_done.late_days, labels_done.tone) == (on(-1), 0, Tone.RUNNING)
    assert sheet({"1", "2", "3"}, on(9)).tone is Tone.DONE


@given(st.sets(st.sampled_from(["1", "2", "3", "gone"])), st.integers(-9, 9))
def test_sheet_when_anything_is_answered_then_counted_once_and_never_more_than_there_is(answered: set[str], offset: int) -> None:
    one = sheet(answered, on(offset))
    assert one.done + len(one.missing) == one.total == 3
    assert one.finished == (answered >= {"1", "2", "3"})
    assert one.late_days == 0 or not one.finished
    more = sheet(answered | {"2"}, on(offset))
    assert more.done >= one.done
    assert more.late_days <= one.late_days


tallies = st.lists(st.builds(sheet, st.sets(st.sampled_from(["1", "2", "3"])), st.integers(-9, 9).map(on)), max_size=12)


@given(tallies, st.integers(0, 12))
def test_roll_up_when_stores_are_parted_into_cities_then_the_sum_is_the_whole(sheets: list[SheetTally], at: int) -> None:
    whole = roll_up(sheets)
    assert roll_up(sheets[:at]) + roll_up(sheets[at:]) == whole == roll_up(reversed(sheets))
    assert 0 <= whole.late <= whole.missing
    assert whole.done + whole.begun <= whole.stores == len(sheets)
    assert (whole.tone is Tone.DONE) == bool(sheets and all(one.finished for one in sheets))


def test_roll_up_when_there_is_no_store_then_nothing_is_done() -> None:
    assert RollUp().tone is Tone.READY


@pytest.mark.parametrize(
    ("scope", "chosen", "taken"),
    [
        (Scope.ALL, [], True),
        (Scope.CITIES, ["sh"], True),
        (Scope.CITIES, ["bj"], False),
        (Scope.STORES, ["s1"], True),
        (Scope.STORES, ["sh"], False),
    ],
)
def test_scope_when_asked_for_a_store_then_by_all_city_or_hand(scope: Scope, chosen: list[str], taken: bool) -> None:
    assert takes(scope, chosen, store_id="s1", city_id="sh") is taken


def test_fillers_when_somebody_is_nearer_then_they_are_asked() -> None:
    clerk, guard = Somebody("clerk", "retail", "s1"), Somebody("guard", "security", "s1")
    area, designer = Somebody("area", "retail", "sh"), Somebody("designer", "design", "sh")

    def asked(*people: Somebody) -> list[str]:
        return fillers(people, store_id="s1", city_id="sh", department_id="retail")

    assert asked(clerk, guard, area, designer) == ["clerk"]
    assert asked(guard, area, designer) == ["guard"]
    assert asked(area, designer) == ["area"]
    assert asked(designer, Somebody("far", "retail", "bj")) == []


def test_closing_when_stores_are_missing_then_only_for_a_reason() -> None:
    assert closing(missing=1, reason=" ", closed=False) is CloseHold.REASON_MISSING
    assert closing(missing=1, reason="两家装修", closed=False) is None
    assert closing(missing=0, reason="", closed=False) is None
    assert closing(missing=0, reason="", closed=True) is CloseHold.CLOSED


def test_reminder_when_sent_then_not_again_within_the_hour() -> None:
    now = datetime(2026, 11, 8, 2, tzinfo=UTC)
    assert may_remind(None, now)
    assert not may_remind(now - timedelta(minutes=59), now)
    assert may_remind(now - timedelta(minutes=60), now)


@pytest.mark.parametrize(
    ("offset", "last", "hour", "reminds"),
    [
        (-4, None, 10, False),
        (-3, None, 10, True),
        (-3, on(-3), 10, False),
        (-2, on(-3), 10, True),
        (-3, None, 8, False),
        (-3, None, 20, False),
    ],
    ids=["before", "due", "again", "next-day", "early", "night"],
)
def test_reminder_of_the_day_when_due_then_once_and_by_day(offset: int, last: date | None, hour: int, reminds: bool) -> None:
    assert reminds_itself([sheet(set(), on(offset))], last=last, today=on(offset), hour=hour) is reminds
    assert not reminds_itself([sheet({"1", "2", "3"}, on(offset))], last=None, today=on(offset), hour=10)


@given(st.text(max_size=90))
def test_file_name_when_made_of_any_text_then_storable_everywhere(text: str) -> None:
    assert refuse_name(file_name(text, "photo-1")) is None

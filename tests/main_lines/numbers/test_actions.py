"""Numbers are kept beside the former ones, whole files count or nothing of them, and alerts agree with what came."""

import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from main_lines.alerts.queries import open_alerts
from main_lines.lines.access import get_line
from main_lines.lines.actions import move_d_day, remove_line_member
from main_lines.numbers.access import company_zone, current_figures, current_stock, figures_to_count, get_metric, metrics_of
from main_lines.numbers.actions import (
    MetricDraft,
    Origin,
    archive_metric,
    change_metric,
    define_metric,
    note_value,
    take_numbers,
    take_stock,
)
from main_lines.numbers.bodies import NumbersBody
from main_lines.numbers.columns import NUMBER_HEADINGS
from main_lines.numbers.imports import Brought, bring_file, confirm_draft, known_in, preview_of
from main_lines.numbers.messages import receive
from main_lines.numbers.models import MetricValue, NumberDraft
from main_lines.numbers.pages import EXPORTED
from main_lines.numbers.queries import export_rows, kinds_of, metric_page, metric_rows, stock_page, summary_of
from main_lines.numbers.reading import Entry, Item, read_numbers
from main_lines.numbers.rules import Aim, Better, Supply, Verdict, standing
from tests.house import NOW
from tests.main_lines.conftest import OUTSIDE, Story, last_kinds
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound
from workspace.events.models import Event
from workspace.people.actions import add_site, change_store
from workspace.people.models import Site
from workspace.tables import read_table, write_table

START, END = date(2026, 9, 26), date(2026, 10, 5)  # At NOW five of its ten days are over, and ten hours in Shanghai.
SALES = MetricDraft("GMV", "元", Better.HIGHER, True, START, END, 90)


@pytest.fixture
def gmv(work_as: Callable, story: Story) -> str:
    """A metric with a target of 1000 over ten days."""
    with work_as("林悦") as work:
        metric_id = define_metric(work, story.line_id, SALES).id
        note_value(work, metric_id, aim=Aim.TARGET, value=Decimal(1000))
        return metric_id


def brought(text: str, name: str = "日报.csv") -> Brought:
    content = text.encode()
    return Brought(name, str(hash(text)), read_table(name, content, max_rows=1000, max_columns=20))


def import_file(work_as: Callable, story: Story, text: str, *, by: str = "林悦", what: str = "numbers", now=NOW):
    with work_as(by, now=now) as work:
        draft_id = bring_file(work, story.line_id, brought(text), what=what).id
    with work_as(by, now=now) as work:
        return confirm_draft(work, draft_id)[1]


def titles(work_as: Callable, story: Story) -> list[str]:
    with work_as("吴昊", writes=False) as work:
        return [alert.title for alert in open_alerts(work, story.line_id)]


def test_metric_when_defined_then_the_directors_and_named_once(work_as: Callable, story: Story, gmv: str) -> None:
    with work_as("苏航") as work, pytest.raises(NotAllowed):
        define_metric(work, story.line_id, MetricDraft("花费", "元", Better.LOWER, True, START, END))
    with work_as("林悦") as work, pytest.raises(InvalidInput) as refused:
        define_metric(work, story.line_id, MetricDraft("gmv", "", Better.HIGHER, True, START, END))
    assert "name" in refused.value.fields
    with work_as("苏航") as work, pytest.raises(NotAllowed):
        note_value(work, gmv, aim=Aim.TARGET, value=Decimal(1))
    for person, error in ((OUTSIDE, NotFound), ("苏航", NotAllowed)):
        with work_as(person) as work, pytest.raises(error):
            change_metric(work, gmv, SALES)


def test_time_of_a_metric_when_d_day_moves_then_moves_with_it(work_as: Callable, story: Story, gmv: str) -> None:
    with work_as("林悦") as work:
        move_d_day(work, story.line_id, date(2026, 11, 14))
        row = metric_rows(work, get_line(work, story.line_id))[0]
    assert (row.start, row.end) == (START + timedelta(days=3), END + timedelta(days=3))


def test_value_when_said_again_or_anew_then_the_former_stands_beside_it(work_as: Callable, story: Story, gmv: str) -> None:
    for hours, value in ((0, 600), (1, 600), (2, 650)):
        with work_as("苏航", now=NOW + timedelta(hours=hours)) as work:
            note_value(work, gmv, aim=Aim.ACTUAL, value=Decimal(value))
            assert last_kinds(work) == ["main_lines.number.noted"]
    with work_as("吴昊", writes=False, now=NOW + timedelta(hours=3)) as work:
        page = metric_page(work, get_line(work, story.line_id), get_metric(work, gmv))
    now = next(row.actual for row in page.scopes if row.actual)
    assert (now.value, now.former, now.at) == (650, 600, NOW + timedelta(hours=2))
    assert [(int(one.value), one.current) for one in page.history if one.aim is Aim.ACTUAL] == [(650, True), (600, False)]
    assert page.row.source is not None
    assert (page.row.source.kind, page.row.source.by) == ("typed", "苏航")
    assert page.row.chart["actual"] == [("2026-10-01 10:00", 600.0), ("2026-10-01 11:00", 600.0), ("2026-10-01 12:00", 650.0)]


def test_value_when_an_older_one_arrives_later_then_kept_and_not_counted(work_as: Callable, story: Story, gmv: str) -> None:
    """Whatever the order of arrival: the newest by its own time counts, and none is lost."""
    said = [(hour, Decimal(100 + hour)) for hour in range(6)]
    random.Random(4).shuffle(said)
    with work_as("林悦") as work:
        line = get_line(work, story.line_id, lock=True)
        for hour, value in said:
            take_numbers(work, line, [Entry("GMV", Aim.ACTUAL, value, NOW - timedelta(hours=hour))], Origin("api", NOW, "ERP"))
        actuals = [figure for figure in current_figures(work, [gmv]) if figure.aim == "actual"]
        kept = work.session.scalar(select(func.count()).select_from(MetricValue).where(MetricValue.aim == "actual"))
    assert [figure.value for figure in actuals] == [100]
    assert kept == len(said)


def test_sales_when_off_target_then_everybody_is_told_once_and_it_ends_by_itself(work_as: Callable, story: Story, gmv: str) -> None:
    file = "指标,日期,实际\n" + "".join(f"GMV,{START + timedelta(days=day)},{{}}\n" for day in range(5))
    import_file(work_as, story, file.format(80, 80, 80, 80, 80), by="苏航")
    assert titles(work_as, story) == ["GMV落后于进度：实际 400元，到此时应达 500元"]
    import_file(work_as, story, file.format(80, 80, 80, 80, 81), by="苏航", now=NOW + timedelta(minutes=5))
    assert len(titles(work_as, story)) == 1
    import_file(work_as, story, file.format(80, 80, 80, 80, 180), by="苏航", now=NOW + timedelta(hours=1))
    assert titles(work_as, story) == []
    with work_as("林悦") as work:
        change_metric(work, gmv, MetricDraft("GMV", "元", Better.HIGHER, True, START, date(2026, 9, 30), 90))
    assert len(titles(work_as, story)) == 1, "a new time asks for more by now"
    with work_as("林悦") as work:
        archive_metric(work, gmv)
        assert metrics_of(work, story.line_id) == []
    assert titles(work_as, story) == []


def test_file_when_imported_again_then_changes_nothing(work_as: Callable, story: Story, gmv: str) -> None:
    file = "指标,日期,实际\nGMV,2026-09-30,700\n"
    assert import_file(work_as, story, file).count == 1
    with work_as("苏航", now=NOW + timedelta(hours=1)) as work:
        draft = bring_file(work, story.line_id, brought(file), what="numbers")
        preview = preview_of(work, draft)
        assert preview.already is not None
        assert (preview.fits, preview.already.by) == (False, "林悦")
        with pytest.raises(Conflict):
            confirm_draft(work, draft.id)
        work.session.rollback()
    with work_as("林悦", writes=False) as work:
        assert [figure.at for figure in current_figures(work, [gmv]) if figure.aim == "actual"] == [NOW]


def test_file_when_one_cell_is_wrong_then_nothing_is_imported(work_as: Callable, story: Story, gmv: str) -> None:
    with work_as("林悦") as work:
        draft = bring_file(work, story.line_id, brought("指标,实际\nGMV,1\n新指标,x\n"), what="numbers")
        preview = preview_of(work, draft)
        assert [(problem.line, problem.column) for problem in preview.problems] == [(3, "实际")]
        with pytest.raises(InvalidInput):
            confirm_draft(work, draft.id)
    with work_as("林悦", writes=False) as work:
        assert [figure.aim for figure in current_figures(work, [gmv])] == ["target"]
        assert [metric.name for metric in metrics_of(work, story.line_id)] == ["GMV"]


def test_file_when_previewed_then_says_what_would_change(work_as: Callable, story: Story, gmv: str) -> None:
    import_file(work_as, story, "日期,GMV\n2026-09-28,10\n2026-09-29,20\n")
    with work_as("林悦", now=NOW + timedelta(hours=1)) as work:
        draft = bring_file(
            work, story.line_id, brought("日期,GMV,订单数（单）\n2026-09-28,10,1\n2026-09-29,25,\n2026-09-30,30,\n"), what="numbers"
        )
        preview = preview_of(work, draft)
    assert preview.fits
    assert preview.counts == {"first": 2, "same": 1, "changed": 1, "older": 0}
    assert preview.new_metrics == ["订单数"]
    assert (preview.changes[0].value, preview.changes[0].before) == (25, 20)


def test_draft_when_somebody_elses_then_not_there_and_gone_with_the_line(work_as: Callable, story: Story, gmv: str) -> None:
    with work_as("苏航") as work:
        draft_id = bring_file(work, story.line_id, brought("指标,实际\nGMV,1\n"), what="numbers").id
    for person in ("林悦", "吴昊", OUTSIDE):
        with work_as(person) as work, pytest.raises(NotFound):
            confirm_draft(work, draft_id)
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("苏航"))
    with work_as("苏航") as work, pytest.raises(NotFound):
        confirm_draft(work, draft_id)


def test_draft_when_another_file_is_brought_then_the_earlier_one_goes(work_as: Callable, story: Story, gmv: str) -> None:
    with work_as("苏航") as work:
        for value in (1, 2):
            bring_file(work, story.line_id, brought(f"指标,实际\nGMV,{value}\n"), what="numbers")
        assert work.session.scalar(select(func.count()).select_from(NumberDraft)) == 1


def item(sku: str, quantity: int, safety: int | None = None, at=NOW) -> Item:
    return Item(sku, "", "上海仓", Decimal(quantity), None if safety is None else Decimal(safety), at)


def test_stock_when_many_are_out_then_one_alert_that_follows_what_comes(work_as: Callable, story: Story) -> None:
    number = itertools.count()

    def bring(*items: Item) -> list[str]:
        with work_as("吴昊", now=NOW + timedelta(hours=next(number))) as work:
            take_stock(work, get_line(work, story.line_id, lock=True), items, Origin("csv", work.now, "库存.csv"))
        return titles(work_as, story)

    assert bring(*(item(f"A-{n:03}", 0) for n in range(100)), *(item(f"B-{n}", 5, 9) for n in range(3)), item("C", 9)) == [
        "库存预警：100 个缺货、3 个低于安全库存"
    ]
    later = NOW + timedelta(hours=1)
    assert len(bring(*(item(f"A-{n:03}", 50, at=later) for n in range(99)))) == 1, "better, so nobody is called"
    assert bring(item("B-0", 0, at=later)) == ["库存预警：2 个缺货、2 个低于安全库存"], "worse: called anew, and once"
    with work_as("吴昊", writes=False) as work:
        told = work.session.scalars(select(Event.kind).where(Event.kind.startswith("main_lines.alert.")).order_by(Event.seq)).all()
        assert told == [f"main_lines.alert.{kind}" for kind in ("raised", "replaced", "raised")], "nobody is told that the cause is gone"
        assert open_alerts(work, story.line_id)[0].detail.startswith("B-0 · 上海仓 剩 0（安全 9）"), "what is new comes first"
        page = stock_page(work, story.line_id, short_only=True)
        assert [(row.row.sku, row.supply) for row in page.rows][:3] == [("B-0", Supply.OUT), ("A-099", Supply.OUT), ("B-1", Supply.LOW)]
        assert page.rows[0].row.former == 5
    assert bring(item("A-099", 60, at=later), *(item(f"B-{n}", 9, at=later) for n in range(3))) == []
    with work_as("吴昊", writes=False) as work:
        summary = summary_of(work, get_line(work, story.line_id)).stock
        assert (summary.out, summary.low, summary.total) == (0, 0, 104)
        assert len(current_stock(work, story.line_id)) == 104


@pytest.mark.parametrize("seed", range(6))
def test_standing_when_places_are_added_up_by_the_database_then_as_if_each_was_read(seed: int, work_as: Callable, story: Story) -> None:
    chance = random.Random(seed)
    places = ["", "city:1", "city:2", "store:1", "store:2", "store:3", "department:1"]
    with work_as("林悦") as work:
        line = get_line(work, story.line_id, lock=True)
        for number in range(4):
            define_metric(work, line.id, MetricDraft(f"M{number}", "", Better.HIGHER, number != 3, START, END))
            for aim in Aim:
                asked = chance.sample(places, chance.choice((1, 3))) if number else ["store:1", "store:2", "store:3"]
                days = [START, START + timedelta(days=1), START + timedelta(days=2), *([None] if number == 2 else [])]
                entries = [
                    Entry(f"M{number}", aim, Decimal(chance.randrange(1, 99)), NOW - timedelta(hours=chance.randrange(30)), day, place)
                    for place in asked for day in days if chance.random() < 0.8
                ]  # fmt: skip
                take_numbers(work, line, entries, Origin("csv", work.now, f"{number}{aim}"))
    with work_as("林悦", writes=False) as work:
        line, metrics = get_line(work, story.line_id), metrics_of(work, story.line_id)
        figures, kinds = current_figures(work, [metric.id for metric in metrics]), kinds_of(work, line, metrics)
        for row in metric_rows(work, line):
            target, actual = ([one for one in figures if (one.metric_id, one.aim) == (row.id, aim)] for aim in Aim)
            plain = standing(kinds[row.id], target, actual, now=work.now, zone=company_zone(work))
            assert replace(row.standing, used=()) == replace(plain, used=())
            assert (row.source is not None) == bool(plain.used)
        added = figures_to_count(work, {metric.id: metric.adds for metric in metrics})
        assert len([one for one in added if one.metric_id == metrics[0].id]) <= 6, "three stores of a day are one"


def test_stores_of_one_name_when_exported_and_imported_again_then_each_keeps_its_number(
    work_as: Callable, story: Story, gmv: str
) -> None:  # fmt: skip
    with work_as("林悦") as work:
        cities = dict(work.session.execute(select(Site.name, Site.id).where(Site.kind == "city")).all())
        for city in ("上海", "广州"):
            add_site(work, kind="store", name="人民店", parent_id=cities[city])
    import_file(work_as, story, "指标,城市,门店,实际\nGMV,上海,人民店,1\nGMV,广州,人民店,2\n")
    with work_as("林悦", writes=False) as work:
        line = get_line(work, story.line_id)
        assert {row.name for row in metric_page(work, line, get_metric(work, gmv)).scopes} == {"", "上海 人民店", "广州 人民店"}
        content = write_table([NUMBER_HEADINGS[column][0] for column in EXPORTED], export_rows(work, line))
        table = read_table("x.xlsx", content, max_rows=99, max_columns=20)
        found = read_numbers(table, known_in(work, line, at=work.now))
    assert found.problems == []
    assert sorted((one.value, one.scope.partition(":")[0]) for one in found.entries) == [(1, "store"), (2, "store"), (1000, "")]


def test_stores_of_one_name_and_city_when_they_have_codes_then_exported_and_imported_again(
    work_as: Callable, story: Story, gmv: str
) -> None:  # fmt: skip
    with work_as("林悦") as work:
        city = work.session.scalars(select(Site.id).where(Site.name == "上海")).one()
        for code in ("SH-0201", "SH-0202"):
            add_site(work, kind="store", name="人民店", parent_id=city, code=code)
    import_file(work_as, story, "指标,门店编码,门店,实际\nGMV,SH-0201,人民店,1\nGMV,,sh-0202,2\n")
    with work_as("林悦", writes=False) as work:
        line = get_line(work, story.line_id)
        assert {row.name for row in metric_page(work, line, get_metric(work, gmv)).scopes} == {"", "人民店 SH-0201", "人民店 SH-0202"}
        header, rows = [NUMBER_HEADINGS[column][0] for column in EXPORTED], export_rows(work, line)
        assert {row[header.index("门店编码")] for row in rows} == {"", "SH-0201", "SH-0202"}
        table = read_table("x.xlsx", write_table(header, rows), max_rows=99, max_columns=20)
        found = read_numbers(table, known_in(work, line, at=work.now))
    assert found.problems == []
    assert {one.value for one in found.entries if one.scope} == {1, 2}


def counted(work_as: Callable, story: Story) -> list[tuple[str, str, int]]:
    with work_as("吴昊", writes=False) as work:
        return [(row.place, row.code, int(row.quantity)) for row in current_stock(work, story.line_id)]


def test_stock_of_a_store_when_named_by_code_or_name_and_renamed_then_one_count(work_as: Callable, story: Story) -> None:
    import_file(work_as, story, "SKU,仓库,数量\nA,淮海路店,5\nA,上海仓,9\n", what="stock")
    with work_as("管力") as work:
        change_store(work, work.session.scalars(select(Site.id).where(Site.name == "淮海路店")).one(), name="淮海中路店")
    import_file(work_as, story, "SKU,门店编码,门店,数量\nA,sh-0001,淮海路店,0\n", what="stock", now=NOW + timedelta(hours=1))
    assert counted(work_as, story) == [("上海仓", "", 9), ("淮海中路店", "SH-0001", 0)]
    import_file(work_as, story, "SKU,地点,数量\nA,淮海中路店,7\n", what="stock", now=NOW + timedelta(hours=2))
    assert counted(work_as, story) == [("上海仓", "", 9), ("淮海中路店", "SH-0001", 7)]
    with work_as("吴昊", writes=False) as work:
        assert [row.row.place for row in stock_page(work, story.line_id, query="sh-0001").rows] == ["淮海中路店"]


def test_stock_when_counted_before_it_knew_its_store_then_the_next_count_takes_its_place(work_as: Callable, story: Story) -> None:
    with work_as("林悦") as work:
        line = get_line(work, story.line_id, lock=True)
        for hours, place in enumerate(("淮海路店", "上海 淮海路店", "上海仓")):
            at = NOW - timedelta(hours=9 - hours)
            take_stock(work, line, [Item("A", "", place, Decimal(hours), None, at)], Origin("api", at, "ERP"))
    assert counted(work_as, story) == [("上海仓", "", 2), ("淮海路店", "SH-0001", 0), ("淮海路店", "SH-0001", 1)]
    with work_as("林悦") as work:
        [draft] = [bring_file(work, story.line_id, brought("SKU,门店,数量\nA,SH-0001,3\n"), what="stock")]
        [change] = preview_of(work, draft).changes
        assert (change.where, change.before, change.value) == ("淮海路店", 1, 3)
        confirm_draft(work, draft.id)
    assert counted(work_as, story) == [("上海仓", "", 2), ("淮海路店", "SH-0001", 3)]
    with work_as("吴昊", writes=False) as work:
        assert summary_of(work, get_line(work, story.line_id)).stock.total == 2


def test_stock_of_a_message_when_a_store_is_named_then_by_its_code_and_an_unknown_one_is_told(work_as: Callable, story: Story) -> None:
    with work_as("苏航") as work:
        receive(work, story.line_id, message(stock=[{"sku": "A", "store": "SH-0001", "quantity": 3}]), name="ERP")
    assert counted(work_as, story) == [("淮海路店", "SH-0001", 3)]
    with work_as("苏航") as work, pytest.raises(InvalidInput) as refused:
        receive(work, story.line_id, message(stock=[{"sku": "A", "store": "SH-0009", "quantity": 3}]), name="ERP")
    [problem] = refused.value.facts["problems"]
    assert (problem["list"], problem["item"], problem["field"]) == ("stock", 0, "门店")
    assert "没有找到“SH-0009”，是不是“SH-0001”" in problem["words"]


def message(**body: object) -> NumbersBody:
    return NumbersBody.model_validate(body)


def test_message_when_one_item_is_wrong_then_nothing_is_taken_and_it_is_named(work_as: Callable, story: Story, gmv: str) -> None:
    body = message(
        numbers=[{"metric": "GMV", "actual": 5}, {"metric": "GMV", "city": "上每", "actual": 5}], stock=[{"sku": "A", "quantity": 0}]
    )
    with work_as("林悦") as work, pytest.raises(InvalidInput) as refused:
        receive(work, story.line_id, body, name="ERP")
    assert [(one["list"], one["item"]) for one in refused.value.facts["problems"]] == [("numbers", 1)]
    with work_as("林悦", writes=False) as work:
        assert current_stock(work, story.line_id) == []


def test_message_when_it_fits_then_taken_with_its_source_and_time(work_as: Callable, story: Story, gmv: str) -> None:
    at = NOW - timedelta(hours=2)
    with work_as("苏航") as work:
        numbers, stock = receive(
            work,
            story.line_id,
            message(numbers=[{"metric": "gmv", "actual": "512.25"}], stock=[{"sku": "A", "quantity": 3, "safety": 9}], at=at),
            name="ERP",
        )
        assert (numbers.count, stock.count) == (1, 1)
        row = metric_rows(work, get_line(work, story.line_id))[0]
    assert (row.standing.actual, row.standing.at, row.standing.verdict) == (Decimal("512.25"), at, Verdict.BEHIND)
    assert row.source is not None
    assert (row.source.kind, row.source.name) == ("api", "ERP")
    assert titles(work_as, story) == ["库存预警：1 个低于安全库存"]

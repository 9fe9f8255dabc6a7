"""The way of a file through the browser, what goes out again, and programs with a pass."""

import io
import re
from collections.abc import Callable
from datetime import date

import pytest

from main_lines.lines.actions import remove_line_member
from main_lines.numbers.actions import MetricDraft, define_metric
from main_lines.numbers.rules import Better
from tests.house import Person
from tests.main_lines.conftest import Story
from tests.pages import OpenPage
from workspace.tables import read_table, write_table


@pytest.fixture
def gmv(work_as: Callable, story: Story) -> str:
    with work_as("林悦") as work:
        return define_metric(work, story.line_id, MetricDraft("GMV", "元", Better.HIGHER, True, date(2026, 10, 1), date(2026, 11, 11))).id


def bring(person: Person, story: Story, content: bytes, name: str = "日报.csv", **form: str):
    data = {"file": (io.BytesIO(content), name), **form}
    return person.post(f"/lines/{story.line_id}/numbers/import", data=data, content_type="multipart/form-data")


def numbers_of(person: Person, story: Story) -> dict:
    return person.get(f"/api/lines/{story.line_id}/numbers").get_json()


def test_file_when_brought_looked_at_and_confirmed_then_counts_with_its_source(signed_in: Callable, story: Story, gmv: str) -> None:
    person = signed_in("suhang")
    brought = bring(person, story, '日期,GMV\n2024-11-11,"1,200"\n'.encode("gbk"))
    assert brought.status_code == 303
    page = person.get(brought.headers["Location"]).get_data(as_text=True)
    assert "确认导入 1 个" in page
    assert numbers_of(person, story)["metrics"][0]["actual"] is None, "nothing before it is confirmed"
    assert person.post(brought.headers["Location"] + "/confirm").headers["Location"] == f"/lines/{story.line_id}/numbers"
    metric = numbers_of(person, story)["metrics"][0]
    assert (metric["actual"], metric["source"]["name"], metric["source"]["by"]) == (1200, "日报.csv", "苏航")
    assert "日报.csv（苏航导入）" in person.get(f"/lines/{story.line_id}/board").get_data(as_text=True)
    assert person.get(brought.headers["Location"]).status_code == 404, "done once"


@pytest.mark.parametrize(("typed", "value"), [("3.2万", 3.2), ("1,234.5", 1234.5), ("1.5亿", 15000), ("\ufeff3.\u200b2", 3.2)])
def test_value_when_typed_with_a_unit_then_counted_in_the_metrics_own(
    typed: str, value: float, signed_in: Callable, work_as: Callable, story: Story
) -> None:
    with work_as("林悦") as work:
        draft = MetricDraft("GMV", "万元", Better.HIGHER, True, date(2026, 10, 1), date(2026, 11, 11))
        metric_id = define_metric(work, story.line_id, draft).id
    person = signed_in("suhang")
    assert person.post(f"/numbers/{metric_id}/values", data={"aim": "actual", "value": typed}).status_code in (204, 302, 303)
    assert numbers_of(person, story)["metrics"][0]["actual"] == value


def test_file_when_it_is_no_table_then_the_form_says_what_to_do(signed_in: Callable, story: Story, gmv: str) -> None:
    person = signed_in("suhang")
    for content, name, said in ((b"%PDF-1.7\0", "a.pdf", "另存为 .xlsx"), (b"", "a.csv", "文件是空的"), (b"a\n1\n", "", "请选择文件")):
        answer = bring(person, story, content, name)
        assert answer.status_code == 422
        assert said in answer.get_data(as_text=True)
    assert "不能晚于现在" in bring(person, story, b"GMV\n1\n", at="2199-01-01T00:00").get_data(as_text=True)


def test_file_when_refused_then_the_next_try_has_the_same_time(signed_in: Callable, story: Story, gmv: str) -> None:
    person, at = signed_in("suhang"), "2024-11-11T08:30"
    assert f'value="{at}"' in bring(person, story, b"", "a.csv", at=at).get_data(as_text=True)
    page = person.get(bring(person, story, "GMV\n很多\n".encode(), at=at).headers["Location"]).get_data(as_text=True)
    again = re.search(r'href="(/lines/[^"]+/numbers/import\?[^"]+)"', page)
    assert again
    assert f'value="{at}"' in person.get(again[1].replace("&amp;", "&")).get_data(as_text=True)
    page = person.get(bring(person, story, "GMV\n很多\n".encode()).headers["Location"]).get_data(as_text=True)
    assert "&at=" not in page.replace("&amp;", "&"), "nobody said a time: the next file is of its own"


def test_draft_when_it_has_errors_then_named_by_line_and_cannot_be_confirmed(signed_in: Callable, story: Story, gmv: str) -> None:
    person = signed_in("suhang")
    where = bring(person, story, write_table(("指标", "目标", "实际"), [("GMV", 5, "很多")]), "日报.xlsx").headers["Location"]
    page = person.get(where).get_data(as_text=True)
    assert "只有主线负责人可以导入目标" in page
    assert "“很多”不是数值" in page
    assert "确认导入" not in page
    assert person.post(where + "/confirm").status_code == 422
    assert person.post(where + "/drop").status_code == 303
    assert person.get(where).status_code == 404


def test_export_when_imported_again_then_fits(signed_in: Callable, story: Story, gmv: str) -> None:
    director = signed_in("linyue")
    numbers = [
        {"metric": "GMV", "day": "2024-11-11", "city": "上海", "actual": 7},
        {"metric": "GMV", "target": 9},
        {"metric": "=1+1", "actual": 2},
        {"metric": "GMV", "day": "2024-11-11", "store": "SH-0001", "actual": 5},
    ]
    stock = [{"sku": "@A", "quantity": 3, "safety": 9}, {"sku": "@A", "store": "sh-0001", "quantity": 1}]
    sent = director.post(f"/api/lines/{story.line_id}/numbers", json={"numbers": numbers, "stock": stock})
    assert sent.status_code == 200, sent.get_data(as_text=True)
    for url, what, rows in ((f"/lines/{story.line_id}/numbers/export", "numbers", 4), (f"/lines/{story.line_id}/stock/export", "stock", 2)):
        answer = director.get(url)
        assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]
        table = read_table("a.xlsx", answer.get_data(), max_rows=100, max_columns=20)
        assert len(table.rows) == rows
        [store] = [cells for _line, cells in table.rows if cells[table.header.index("门店编码")]]
        assert store[table.header.index("门店编码") :][:2] == ("SH-0001", "淮海路店")
        preview = director.get(bring(director, story, answer.get_data(), "导出.xlsx", what=what).headers["Location"]).get_data(as_text=True)
        assert f"确认导入 {rows} 个" in preview
        assert "未变" in preview


@pytest.mark.parametrize("query", ["", "?kind=csv", "?show=stock", "?show=stock&kind=csv"])
def test_template_when_taken_then_readable_and_its_columns_are_known(signed_in: Callable, story: Story, gmv: str, query: str) -> None:
    answer = signed_in("suhang").get(f"/lines/{story.line_id}/numbers/template{query}")
    table = read_table("a.csv" if "csv" in query else "a.xlsx", answer.get_data(), max_rows=100, max_columns=20)
    assert table.header[0] == ("SKU" if "stock" in query else "指标")
    [store] = [cells for _line, cells in table.rows if cells[table.header.index("门店编码")]]
    assert store[table.header.index("门店")]


def test_pass_when_a_program_shows_it_then_only_its_own_line_and_only_while_it_lives(
    signed_in: Callable, visitor: Person, work_as: Callable, story: Story, gmv: str
) -> None:
    director = signed_in("linyue")
    assert signed_in("suhang").post(f"/lines/{story.line_id}/numbers/passes", data={"name": "ERP"}).status_code == 403
    page = director.post(f"/lines/{story.line_id}/numbers/passes", data={"name": "ERP"}).get_data(as_text=True)
    secret = re.search(r"mln_[\w-]{43}", page)[0]
    assert secret not in director.get(f"/lines/{story.line_id}/numbers").get_data(as_text=True), "shown once"

    def send(actual: int, *, key: str = "", bearer: str = secret):
        headers = {"Authorization": f"Bearer {bearer}", **({"Idempotency-Key": key} if key else {})}
        return visitor.client.post("/api/numbers", json={"numbers": [{"metric": "GMV", "actual": actual}]}, headers=headers)

    for hour in range(2):
        answer = send(5, key="one")
        assert answer.status_code == 200, answer.get_data(as_text=True)
        assert answer.get_json()["numbers"]["count"] == 1, hour
    assert send(6, key="one").status_code == 422, "the same key for something else"
    assert numbers_of(director, story)["metrics"][0]["source"] | {"at": "", "noted_at": ""} == {
        "kind": "api", "name": "ERP", "by": "林悦", "at": "", "noted_at": "",
    }  # fmt: skip
    for wrong in ("", "mln_" + "x" * 43, secret[:-1]):
        assert send(7, bearer=wrong).status_code == 401
    assert visitor.client.get(f"/api/lines/{story.line_id}/numbers", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    revoked = re.search(r"/numbers/passes/\w{26}/revocation", director.get(f"/lines/{story.line_id}/numbers").get_data(as_text=True))[0]
    assert director.post(revoked).status_code == 303
    assert send(8).status_code == 401
    assert numbers_of(director, story)["metrics"][0]["actual"] == 5


def test_numbers_when_a_member_is_removed_then_gone_at_once(signed_in: Callable, work_as: Callable, story: Story, gmv: str) -> None:
    person = signed_in("suhang")
    assert person.get(f"/numbers/{gmv}").status_code == 200
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("苏航"))
    for url in (
        f"/numbers/{gmv}",
        f"/lines/{story.line_id}/numbers",
        f"/lines/{story.line_id}/stock/export",
        f"/api/lines/{story.line_id}/numbers",
    ):
        assert person.get(url).status_code == 404, url


@pytest.mark.browser
def test_chart_when_the_page_is_open_then_drawn_and_a_number_can_be_said(
    open_page: OpenPage, signed_in: Callable, story: Story, gmv: str
) -> None:
    numbers = [{"metric": "GMV", "day": f"2024-11-1{day}", "actual": 10 + day} for day in range(5)] + [{"metric": "GMV", "target": 500}]
    assert signed_in("linyue").post(f"/api/lines/{story.line_id}/numbers", json={"numbers": numbers}).status_code == 200
    page = open_page(f"/numbers/{gmv}")
    page.locator(".number-chart canvas").wait_for()
    page.get_by_role("button", name="填写一个数").click()
    page.get_by_label("数值（元）").fill("3.2万")
    with page.expect_navigation():
        page.get_by_role("button", name="记下").click()
    page.get_by_text("3.2万元", exact=True).or_(page.get_by_text("32,000元", exact=True)).first.wait_for()

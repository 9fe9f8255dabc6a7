"""Stores have codes: one store each, whatever their capitals and widths, and a name may change under them."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text

import app as composition
from tests.house import Person
from workspace.db import Base, Database
from workspace.errors import InvalidInput, NotFound
from workspace.people.actions import add_site, change_store
from workspace.people.models import PeopleEvent, Site
from workspace.people.names import code_in
from workspace.people.queries import list_stores
from workspace.settings import Settings
from workspace.work import open_work

SignedIn = Callable[[str], Person]


def store_id(work_as: Callable[..., object], name: str = "淮海路店") -> str:
    with work_as("管力", writes=False) as work:
        return str(work.session.scalars(select(Site.id).where(Site.name == name)).one())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SH-0123", "SH-0123"), (" sh-0123 ", "sh-0123"), ("ＳＨ－０１２３", "SH-0123"), ("沪0123", "沪0123"), ("a.b/c_1", "a.b/c_1"),
        ("SH 0123", None), ("", None), ("SH-0123、SH-0124", None), ("x" * 20, "x" * 20), ("x" * 21, None), ("S\u0000H", None),
    ],
)  # fmt: skip
def test_code_when_typed_then_kept_as_it_is_compared_or_refused(text: str, code: str | None) -> None:
    assert code_in(text) == code


def test_store_when_given_a_code_then_recorded_with_what_was_before(work_as: Callable[..., object]) -> None:
    id = store_id(work_as)
    with work_as("管力") as work:
        change_store(work, id, name=" 淮海中路店 ", code="sh-0123")
        assert [(item.kind, item.facts["before"]) for item in work.recorded] == [
            (PeopleEvent.STORE_RENAMED, "淮海路店"),
            (PeopleEvent.STORE_CODED, "SH-0001"),
        ]
        assert [item.facts["code"] for item in work.recorded][-1] == "sh-0123"
    with work_as("管力") as work:
        store = change_store(work, id, code="")
        assert (store.name, store.code, store.code_key) == ("淮海中路店", None, None)
        assert [item.kind for item in work.recorded] == [PeopleEvent.STORE_UNCODED]
    with work_as("管力") as work:
        change_store(work, id, name="淮海中路店", code="")
        assert work.recorded == [], "nothing was changed"


@pytest.mark.parametrize("code", ["bj-0001", "ＢＪ-0001", " BJ-0001"])
def test_code_when_another_store_has_it_then_refused_and_that_store_is_named(work_as: Callable[..., object], code: str) -> None:
    with pytest.raises(InvalidInput) as refused, work_as("管力") as work:
        change_store(work, store_id(work_as), code=code)
    assert refused.value.fields == {"code": "“三里屯店”已经用了这个编码"}


def test_store_when_opened_with_a_code_then_it_has_it_and_without_one_many_may_be_there(work_as: Callable[..., object]) -> None:
    with work_as("管力") as work:
        city = work.session.scalars(select(Site.id).where(Site.name == "上海")).one()
        for name, code in (("一店", "SH-1"), ("二店", ""), ("三店", "")):
            add_site(work, kind="store", name=name, parent_id=city, code=code)
        assert [item.facts["code"] for item in work.recorded] == ["SH-1", "", ""]
        work.session.flush()
        rows = list_stores(work, asked="上海")
        assert [(row.name, row.code) for row in rows] == [("淮海路店", "SH-0001"), ("一店", "SH-1"), ("二店", ""), ("三店", "")]
        assert [row.name for row in list_stores(work, asked="ｓｈ-1 上海")] == ["一店"]


def test_store_when_it_is_a_city_or_nothing_then_not_found(work_as: Callable[..., object]) -> None:
    with pytest.raises(NotFound), work_as("管力") as work:
        change_store(work, store_id(work_as, "上海"), code="SH")


def test_page_when_a_store_is_saved_then_everybody_reads_it_and_who_may_not_is_refused(signed_in: SignedIn, work_as) -> None:
    keeper, id = signed_in("guanli"), store_id(work_as)
    assert f'href="/people/stores/{id}"' in keeper.get("/people/stores").get_data(as_text=True)
    assert f'href="/people/stores/{id}"' not in signed_in("tangxin").get("/people/stores").get_data(as_text=True)
    form = {"name": "淮海路店", "was-name": "淮海路店", "code": "SH-0123", "was-code": "SH-0001"}
    assert signed_in("tangxin").post(f"/people/stores/{id}", data=form).status_code == 403
    assert keeper.post(f"/people/stores/{id}", data=form).status_code == 303
    assert "SH-0123" in signed_in("tangxin").get("/people/stores?q=淮海").get_data(as_text=True)
    [store] = signed_in("tangxin").get("/api/stores?q=sh-0123").get_json()["stores"]
    assert store == {"id": id, "code": "SH-0123", "name": "淮海路店", "city": "上海"}


def test_page_when_the_code_does_not_fit_then_it_says_so_and_loses_nothing(signed_in: SignedIn, work_as) -> None:
    keeper, id = signed_in("guanli"), store_id(work_as)
    form = {"name": "淮海中路店", "was-name": "淮海路店", "code": "BJ-0001", "was-code": "SH-0001"}
    answer = keeper.post(f"/people/stores/{id}", data=form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "“三里屯店”已经用了这个编码" in page
    assert 'value="淮海中路店"' in page
    assert 'value="BJ-0001"' in page
    assert 'name="was-name" value="淮海路店"' in page, "what was shown before is still what stands"
    [store] = keeper.get("/api/stores?q=淮海").get_json()["stores"]
    assert (store["name"], store["code"]) == ("淮海路店", "SH-0001")


def test_page_when_two_change_different_things_then_neither_takes_the_other_s_back(signed_in: SignedIn, work_as) -> None:
    keeper, id = signed_in("guanli"), store_id(work_as)
    keeper.post(f"/people/stores/{id}", data={"name": "淮海中路店", "was-name": "淮海路店", "code": "SH-0001", "was-code": "SH-0001"})
    keeper.post(f"/people/stores/{id}", data={"name": "淮海路店", "was-name": "淮海路店", "code": "SH-9", "was-code": "SH-0001"})
    [store] = keeper.get("/api/stores?q=SH-9").get_json()["stores"]
    assert store["name"] == "淮海中路店"


def test_store_when_changed_by_a_program_then_what_it_leaves_out_stays(signed_in: SignedIn, work_as) -> None:
    keeper, id = signed_in("guanli"), store_id(work_as)
    assert keeper.post(f"/api/stores/{id}", json={"code": "SH-0123"}).get_json() == {
        "id": id, "code": "SH-0123", "name": "淮海路店", "city": "上海",
    }  # fmt: skip
    taken = keeper.post(f"/api/stores/{id}", json={"name": "淮海中路店", "code": "bj-0001"})
    assert (taken.status_code, taken.get_json()["error"]["facts"]["fields"]) == (422, {"code": "“三里屯店”已经用了这个编码"})
    assert keeper.get("/api/stores?q=SH-0123").get_json()["stores"][0]["name"] == "淮海路店"
    for login, url, status in (("tangxin", id, 403), ("guanli", "nothing", 404)):
        assert signed_in(login).post(f"/api/stores/{url}", json={"code": "SH-1"}).status_code == status


@pytest.mark.server
def test_code_when_two_give_it_to_two_stores_at_once_then_the_second_reads_who_has_it(postgres_url: str, tmp_path: Path) -> None:
    """On SQLite writers queue up anyway; on PostgreSQL both found it free, and the second met the database's own refusal."""
    parts = composition.make_parts(Settings(data_dir=tmp_path, secret_key="tests only", database_url=postgres_url))
    database, said = parts.get(Database), list[object]()
    Base.metadata.create_all(database.engine)
    with open_work(database, parts=parts) as work:
        city = add_site(work, kind="city", name="上海").id
        work.session.flush()
        first, second = (add_site(work, kind="store", name=name, parent_id=city).id for name in ("一店", "二店"))

    def give_too() -> None:
        with pytest.raises(InvalidInput) as refused, open_work(database, parts=parts) as work:
            change_store(work, second, code="sh-1")
        said.append(refused.value.fields)

    colleague = threading.Thread(target=give_too)
    with open_work(database, parts=parts) as work:
        change_store(work, first, code="SH-1")
        colleague.start()
        until = time.monotonic() + 20
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        while not work.session.scalar(waiting) and time.monotonic() < until:
            time.sleep(0.02)
        assert said == []
    colleague.join()
    assert said == [{"code": "“一店”已经用了这个编码"}]
    parts.stop()
    database.dispose()

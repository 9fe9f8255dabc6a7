"""Desktops over HTTP: who may do and see what, in JSON and on pages."""

from collections.abc import Callable
from datetime import date

import pytest

from desktops.machines.models import Desktop
from main_lines.lines.models import LineMember, MainLine
from tests.desktops.machines.conftest import Estate
from tests.house import Person, member_named
from workspace.people.actions import make_group


@pytest.fixture
def opened(estate: Estate, signed_in: Callable[[str], Person]) -> str:
    """苏航's desktop, opened by herself and ready."""
    answer = signed_in("suhang").post("/api/desktops/open", json={})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    estate.settle()
    return str(answer.json["id"])


def test_open_when_pressed_twice_then_one_desktop(opened: str, signed_in: Callable[[str], Person]) -> None:
    assert signed_in("suhang").post("/api/desktops/open", json={}).json["id"] == opened


def test_show_when_ready_then_words_and_progress(opened: str, signed_in: Callable[[str], Person]) -> None:
    desktop = signed_in("suhang").get(f"/api/desktops/{opened}").json
    assert (desktop["state"], desktop["up"], desktop["simulated"], desktop["member"]) == ("ready", True, True, "苏航")
    assert desktop["since"].endswith("+00:00")
    assert desktop["step"] == desktop["steps"]
    assert desktop["words"] == "已就绪"
    assert 1700 < desktop["sleeps_in_s"] <= 1800


@pytest.mark.parametrize(("verb", "owner", "manager", "stranger", "store"), [
    ("", 200, 200, 404, 404),
    ("/connect", 200, 200, 404, 403),
    ("/wake", 200, 200, 404, 404),
    ("/hibernate", 200, 200, 404, 404),
    ("/restart", 200, 200, 404, 404),
    ("/retry", 200, 200, 404, 404),
    ("/reclaim", 403, 200, 403, 403),
    ("/console", 409, 404, 404, 403),
])  # fmt: skip
def test_verb_when_asked_by_each_then_allowed_or_absent(
    opened: str, signed_in: Callable[[str], Person], verb: str, owner: int, manager: int, stranger: int, store: int
) -> None:
    for login, status in (("tangxin", store), ("zhaoning", stranger), ("suhang", owner), ("guanli", manager)):
        person = signed_in(login)
        url = f"/api/desktops/{opened}{verb}"
        answer = person.post(url, json={}) if verb else person.get(url)
        assert answer.status_code == status, (login, answer.get_data(as_text=True))


def test_list_when_asked_then_ones_own_or_all_for_managers(opened: str, signed_in: Callable[[str], Person]) -> None:
    counts = {login: len(signed_in(login).get("/api/desktops").json["desktops"]) for login in ("suhang", "zhaoning", "tangxin", "guanli")}
    assert counts == {"suhang": 1, "zhaoning": 0, "tangxin": 0, "guanli": 1}


def test_open_when_for_a_colleague_then_only_by_a_manager(estate: Estate, signed_in: Callable[[str], Person]) -> None:
    with estate.work(writes=False) as work:
        member_id = member_named(work, "陈墨").id
    assert signed_in("suhang").post("/api/desktops/open", json={"member_id": member_id}).status_code == 403
    assert signed_in("guanli").post("/api/desktops/open", json={"member_id": member_id}).json["member"] == "陈墨"


def test_open_when_without_the_right_then_refused(estate: Estate, signed_in: Callable[[str], Person]) -> None:
    assert signed_in("tangxin").post("/api/desktops/open", json={}).status_code == 403


def test_page_when_nothing_yet_then_it_says_what_to_do(estate: Estate, signed_in: Callable[[str], Person]) -> None:
    assert "开通我的云桌面" in signed_in("suhang").get("/desktops").get_data(as_text=True)
    assert "没有使用云桌面的权限" in signed_in("tangxin").get("/desktops").get_data(as_text=True)


def test_page_when_ready_then_connect_and_simulated_is_said(opened: str, signed_in: Callable[[str], Person]) -> None:
    page = signed_in("suhang").get("/desktops").get_data(as_text=True)
    assert f"/desktops/{opened}/console" in page
    assert "模拟" in page
    assert "全部云桌面" not in page


def test_page_when_manager_then_hosts_with_findings_and_all_desktops(opened: str, signed_in: Callable[[str], Person]) -> None:
    page = signed_in("guanli").get("/desktops").get_data(as_text=True)
    assert "全部云桌面" in page
    assert "这是 libvirt 自带的模拟宿主机" in page
    assert "上海机房" in page
    assert "苏航" in page


def test_forms_when_posted_then_back_to_the_page(opened: str, estate: Estate, signed_in: Callable[[str], Person]) -> None:
    person = signed_in("suhang")
    assert person.post(f"/desktops/{opened}/hibernate").status_code == 303
    estate.settle()
    assert "已休眠" in person.get("/desktops/mine").get_data(as_text=True)
    assert person.post(f"/desktops/{opened}/restart").status_code == 303
    assert person.post(f"/desktops/{opened}/retry").status_code == 303
    assert person.post(f"/desktops/{opened}/reclaim").status_code == 403
    assert signed_in("guanli").post(f"/desktops/{opened}/reclaim").status_code == 303


def test_console_page_when_simulated_then_honest_and_only_for_the_owner(opened: str, signed_in: Callable[[str], Person]) -> None:
    page = signed_in("suhang").get(f"/desktops/{opened}/console")
    assert "这是模拟的云桌面" in page.get_data(as_text=True)
    assert "这是 libvirt 自带的模拟宿主机" in page.get_data(as_text=True)
    assert signed_in("zhaoning").get(f"/desktops/{opened}/console").status_code == 404
    assert signed_in("guanli").get(f"/desktops/{opened}/console").status_code == 404


def test_fragments_when_embedded_then_own_desktop_and_counts_by_city(
    opened: str, estate: Estate, signed_in: Callable[[str], Person]
) -> None:
    with estate.work() as work:
        suhang, linyue = member_named(work, "苏航"), member_named(work, "林悦")
        group = make_group(work, name="双十一大促", kind="line", member_ids=[suhang.id, linyue.id])
        line = MainLine(
            id="line1",
            name="双十一大促",
            kind="sale",
            d_day=date(2026, 11, 11),
            group_id=group.id,
            opened_at=work.now,
            opened_by_id=linyue.id,
        )
        work.session.add(line)
        work.session.flush()
        work.session.add_all(LineMember(line_id="line1", member_id=one.id, joined_at=work.now) for one in (suhang, linyue))
        desktop = work.session.query(Desktop).one()
        from desktops.machines.models import DesktopEvent
        from desktops.machines.progress import record

        record(work, desktop, DesktopEvent.READY)
        assert "line:line1" in work.recorded[-1].rooms
    assert "设计师桌面" in signed_in("suhang").get("/desktops/mine/fragment").get_data(as_text=True)
    strip = signed_in("linyue").get("/desktops/strip?line=line1")
    assert "上海 1 / 1 台在线 模拟" in strip.get_data(as_text=True)
    assert signed_in("zhaoning").get("/desktops/strip?line=line1").status_code == 404
    assert signed_in("linyue").get("/desktops/strip?line=nope").status_code == 404

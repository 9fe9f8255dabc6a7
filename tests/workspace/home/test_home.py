import re
from collections.abc import Callable

import pytest
from flask import Flask

LOGINS = ["linyue", "suhang", "chenmo", "tangxin", "guanli"]


@pytest.mark.parametrize("login", LOGINS)
def test_home_when_opened_then_every_role_gets_it(signed_in: Callable, login: str) -> None:
    page = signed_in(login).get("/")
    assert page.status_code == 200
    for heading in ("我的任务", "待我审批", "我的主线", "最近动态"):
        assert heading in page.get_data(as_text=True)


def test_home_when_signed_out_then_sign_in_first(visitor) -> None:
    answer = visitor.get("/")
    assert (answer.status_code, answer.location) == (302, "/sign-in?next=/")


@pytest.mark.parametrize("login", LOGINS)
def test_fragments_when_fetched_then_each_answers_with_rows_or_what_to_do(signed_in: Callable, login: str) -> None:
    """The page embeds features by address only; this is where a wrong address shows."""
    person = signed_in(login)
    addresses = re.findall(r'hx-get="([^"]+)"', person.get("/").get_data(as_text=True))
    assert len(addresses) == (3 if login == "tangxin" else 4), "a card about a desktop only for who may have one"
    for address in addresses:
        answer = person.get(address, headers={"HX-Request": "true"})
        assert answer.status_code == 200, address
        assert re.search(r'class="(rows|blank|cards)|<li|<a ', answer.get_data(as_text=True)), address


def test_desktop_when_there_is_none_yet_then_one_way_to_it(signed_in: Callable) -> None:
    card = signed_in("suhang").get("/desktops/mine/fragment").get_data(as_text=True)
    assert "去开通" in card
    assert "管理云桌面" not in card


def test_events_when_read_then_only_from_open_rooms(signed_in: Callable, work_as: Callable, app: Flask) -> None:
    from desktops.machines.models import DesktopEvent

    with work_as("林悦") as work:
        work.record(DesktopEvent.READY, subject="desktop:x", rooms=["line:secret"], member="罗伊", name="绝密桌面")
        work.record(DesktopEvent.READY, subject="desktop:y", rooms=["company"], member="罗伊", name="公开桌面")
    told = signed_in("heqing").get("/home/events").get_data(as_text=True)
    assert "公开桌面" in told
    assert "绝密桌面" not in told


def test_events_when_only_the_machinery_moved_then_none_are_told(signed_in: Callable, work_as: Callable, app: Flask) -> None:
    from desktops.machines.models import DesktopEvent
    from workspace.people.models import PeopleEvent

    with work_as("林悦") as work:
        work.record(PeopleEvent.SITE_ADDED, subject="site:y", rooms=["company"], name="新地点")
        work.record(DesktopEvent.PROGRESSED, subject="desktop:y", rooms=["company"], member="罗伊", name="桌面", state_words="正在开机")
    assert "还没有动态" in signed_in("heqing").get("/home/events").get_data(as_text=True)

"""Pages about desktops that stay open show what a fresh read shows, whoever has them open; and a line's colleagues hear no name."""

from collections.abc import Callable
from datetime import date

import pytest

from desktops.hosts.actions import add_host, note_host_seen, note_probe
from desktops.hosts.models import Host
from desktops.images.actions import add_image, remove_image
from desktops.machines.actions import connect_desktop, hibernate_desktop, open_desktop, reclaim_desktop, restart_desktop
from desktops.machines.models import Desktop, DesktopEvent
from desktops.templates.actions import add_template
from desktops.templates.models import DesktopTemplate, TemplateEvent
from main_lines.lines.actions import add_line_member, open_line, remove_line_member
from main_lines.lines.models import MainLine
from main_lines.lines.rules import LineKind
from tests.desktops.machines.conftest import Estate
from tests.house import Person, member_named
from tests.realtime.open_pages import OpenPages
from workspace.db import Database
from workspace.roles.access import permissions_of
from workspace.work import Actor, Work, open_work

MANAGE = ("desktops:desktop:manage",)


class Reader:
    """Somebody with pages open, who is sent what happens."""

    def __init__(self, person: Person, login: str, only: str, **ids: str) -> None:
        self._person, self._pages = person, OpenPages(person, login, ids, only=only)
        self._head = person.get("/api/events?since=0").get_json()["head"]
        self.frames: list[dict[str, object]] = []
        self.urls = {fragment.url for fragment in self._pages.held}

    def shown(self, url: str) -> str:
        return next(html for fragment, html in self._pages.held.items() if fragment.url == url)

    def hears(self) -> list[str]:
        """What is stale although they were sent all that has happened since."""
        frames = self._person.get(f"/api/events?since={self._head}").get_json()["events"]
        self._head = max([self._head, *(frame["seq"] for frame in frames)])
        self.frames += frames
        return [str(one) for one in self._pages.after([(frame["kind"], [frame["subject"], *frame["rooms"]]) for frame in frames])]


@pytest.fixture
def line(estate: Estate) -> str:
    """林悦 and 苏航 are in it."""
    with estate.work() as work:
        act_as(work, "林悦")
        opened: MainLine = open_line(
            work, name="双十一大促", kind=LineKind.PROMOTION, d_day=date(2030, 11, 11), member_ids=[member_named(work, "苏航").id]
        )
        return opened.id


def act_as(work: Work, name: str) -> None:
    member = member_named(work, name)
    work.actor = Actor(member.id, member.name, permissions_of(work, member.id))


def test_line_pages_when_a_colleagues_desktop_moves_then_the_counts_move_and_no_name_is_told(
    estate: Estate, line: str, signed_in: Callable[[str], Person]
) -> None:
    director = Reader(signed_in("linyue"), "linyue", r"/lines/<line_id>/(board|cities)$", line_id=line)
    strip = f"/desktops/strip?line={line}"
    assert {strip, f"/lines/{line}/cities/rows"} <= director.urls
    with estate.work() as work:
        desktop_id = open_desktop(work, member_id=member_named(work, "苏航").id).id
    assert director.hears() == []
    assert "台在线" not in director.shown(strip), "nobody knows yet where it will be"
    counts = []
    for verb in (None, hibernate_desktop, connect_desktop, restart_desktop):
        if verb is not None:
            estate.act(verb, desktop_id)
        assert director.hears() == []
        estate.settle()
        assert director.hears() == []
        counts.append("1 / 1" in director.shown(strip))
    assert counts == [True, False, True, True]
    estate.act(reclaim_desktop, desktop_id, name="管力", permissions=MANAGE)
    estate.settle()
    assert director.hears() == []
    assert "台在线" not in director.shown(strip)
    told = [frame for frame in director.frames if frame["kind"] == str(DesktopEvent.COUNT_CHANGED)]
    assert len(told) >= 3
    for frame in told:
        assert (frame["rooms"], frame["subject"], frame["facts"]) == ([f"line:{line}"], "desktops:count", {})
        assert frame["actor"] == "系统"
    assert "在线的云桌面数" not in signed_in("linyue").get(f"/lines/{line}/feed?since=0").get_data(as_text=True)


def test_pages_when_a_desktop_is_switched_off_while_it_should_sleep_then_its_owner_and_the_line_see_it(
    estate: Estate, line: str, signed_in: Callable[[str], Person]
) -> None:
    desktop_id = estate.open()
    director = Reader(signed_in("linyue"), "linyue", r"/lines/<line_id>/(board|cities)$", line_id=line)
    owner = Reader(signed_in("suhang"), "suhang", "/desktops$")
    estate.act(hibernate_desktop, desktop_id)
    estate.hypervisor.destroy(desktop_id)  # type: ignore[attr-defined]
    estate.settle()
    assert estate.state(desktop_id) == "stopped"
    assert director.hears() == owner.hears() == []
    assert "0 / 1" in director.shown(f"/desktops/strip?line={line}")
    assert "已关机" in owner.shown("/desktops/mine")


def test_line_pages_when_a_member_with_a_desktop_comes_and_goes_then_the_counts_move(
    estate: Estate, line: str, signed_in: Callable[[str], Person]
) -> None:
    estate.open("赵宁")
    director = Reader(signed_in("linyue"), "linyue", r"/lines/<line_id>/board$", line_id=line)
    for change, shown in ((add_line_member, True), (remove_line_member, False)):
        with estate.work() as work:
            act_as(work, "林悦")
            change(work, line, member_named(work, "赵宁").id)
        assert director.hears() == []
        assert ("台在线" in director.shown(f"/desktops/strip?line={line}")) is shown


def test_line_pages_when_a_host_turns_out_to_be_simulated_then_they_say_so(
    estate: Estate, line: str, signed_in: Callable[[str], Person]
) -> None:
    desktop_id = estate.open()
    director = Reader(signed_in("linyue"), "linyue", r"/lines/<line_id>/(board|cities)$", line_id=line)
    owner = Reader(signed_in("suhang"), "suhang", "/desktops$")
    with estate.work() as work:
        host = work.session.get_one(Host, work.session.get_one(Desktop, desktop_id).host_id)
        note_probe(work, host.id, simulated=not host.simulated, facts=host.facts, verdict="")
    assert director.hears() == owner.hears() == []
    assert "模拟" not in director.shown(f"/desktops/strip?line={line}")
    assert "上海机房" not in str(director.frames)


def test_desktop_pages_when_its_host_is_lost_and_back_then_its_owner_sees_it(estate: Estate, signed_in: Callable[[str], Person]) -> None:
    estate.open()
    owner, other = Reader(signed_in("suhang"), "suhang", "/desktops$"), Reader(signed_in("zhaoning"), "zhaoning", "/desktops$")
    manager = Reader(signed_in("guanli"), "guanli", "/desktops$")
    for trouble in ("没有回应", ""):
        with estate.work() as work:
            note_host_seen(work, work.session.query(Host).one().id, trouble)
        assert owner.hears() == other.hears() == manager.hears() == []
        assert ("没有回应" in owner.shown("/desktops/mine")) is bool(trouble)
    assert other.frames == [], "whoever has no desktop there hears nothing of it"


def test_desktop_pages_when_the_first_template_is_added_then_everybody_may_ask_for_a_desktop(
    estate: Estate, signed_in: Callable[[str], Person]
) -> None:
    with estate.work() as work:
        work.session.query(DesktopTemplate).delete()
        work.record(TemplateEvent.ADDED, subject="desktop_template:none", rooms=["desktops"], name="none")
    owner, manager = Reader(signed_in("suhang"), "suhang", "/desktops$"), Reader(signed_in("guanli"), "guanli", "/desktops$")
    assert "还没有桌面模板" in owner.shown("/desktops/mine")
    with estate.work() as work:
        add_template(work, name="客服桌面", is_default=True)
    assert owner.hears() == manager.hears() == []
    assert "开通我的云桌面" in owner.shown("/desktops/mine")


def test_desktop_pages_when_a_host_is_added_then_those_who_manage_see_it(company: Database, signed_in: Callable[[str], Person]) -> None:
    manager = Reader(signed_in("guanli"), "guanli", "/desktops$")
    with open_work(company) as work:
        add_host(work, name="广州机房", uri="test:///nowhere")
    assert manager.hears() == []
    assert "广州机房" in manager.shown("/desktops/all")


def test_desktop_pages_when_images_come_and_go_then_those_who_manage_see_it(estate: Estate, signed_in: Callable[[str], Person]) -> None:
    manager = Reader(signed_in("guanli"), "guanli", "/desktops$")
    with estate.work() as work:
        image_id = add_image(work, name="desktop", title="设计桌面", digest="a", path="/images/a", facts={}).id
    assert manager.hears() == []
    assert "设计桌面 · 第 1 版" in manager.shown("/desktops/all")
    with estate.work() as work:
        remove_image(work, image_id)
    assert manager.hears() == []
    assert "设计桌面" not in manager.shown("/desktops/all")

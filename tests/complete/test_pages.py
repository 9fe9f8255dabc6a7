"""Every page in a browser, by somebody who may see it: accessible, quiet, inside its width, and in English without Chinese.

One company and one application for the module; pages are found among the routes, so that a new page is walked by itself.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import select
from werkzeug.serving import make_server

import app as composition
from demo import DEMO_PASSWORD
from demo_line import seed_demo
from main_lines.lines.models import MainLine
from main_lines.plans.queries import plan_of
from main_lines.playbooks.shipped import PLAYBOOKS
from sync.library.storage import ObjectStore
from tests.fakes.store import MemoryStore
from tests.house import Person, Templates, without_fsync
from tests.world import World, make_world
from workspace.db import Base, Database
from workspace.jobs.worker import Worker
from workspace.people.models import Member
from workspace.security import SESSION_COOKIE
from workspace.settings import ROOT, Settings
from workspace.web import ANYONE, DEVICE, RouteFacts
from workspace.work import open_work

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text("utf-8") if (ROOT / "node_modules").exists() else ""
STILL = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const moving = () => document.getAnimations().some(a => a.effect.getComputedTiming().endTime < Infinity);
    for (let still = 0; still < 3; still = moving() ? 0 : still + 1) await frame();  // A colour passes from parent to child.
}"""
RUN_AXE = """async ([frame, options]) => {
    // Of what axe would read ahead only films are asked for by these rules; stylesheets it would fetch and parse each time.
    const found = await axe.run(
        {exclude: frame.map(part => [part])}, {resultTypes: ['violations'], preload: {assets: ['media']}, ...options});
    return found.violations.map(v => `${v.id}: ${v.nodes.map(n => n.target.join(' ')).slice(0, 3).join(' | ')}`);
}"""
FRAME = (".sidebar", ".topbar", ".tabbar")
ALL_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
ONLY_CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}  # All that a theme changes.
ALL_BUT_CONTRAST = {**ALL_RULES, "rules": {"color-contrast": {"enabled": False}}}  # It takes longest, and a width hardly changes it.
SHAPE = """({h1: document.querySelectorAll('h1').length, title: document.title, wide: document.documentElement.scrollWidth - innerWidth})"""
DARKEN = "document.documentElement.dataset.bsTheme = 'dark'"
TEXTS = """() => {
    const said = [document.title];
    const foreign = e => e.closest('[lang="zh-CN"]:not(html)');
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        if (!parent.closest('script, style, template, textarea') && !foreign(parent)) said.push(walker.currentNode.textContent);
    }
    for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'data-confirm'])
        for (const e of document.querySelectorAll(`[${name}]`)) if (!foreign(e)) said.push(e.getAttribute(name));
    return said;
}"""
CHINESE = re.compile(r"[\u3400-\u9fff]+")
PHONE_UA = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36"
PC: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}

# Who opens a page first; the others are tried when it is not theirs.
READERS = ("linyue", "suhang", "chenmo", "guanli")
FIRST_READER = {"desktops": "suhang", "approvals": "chenmo", "approvals_compose": "suhang", "libraries": "suhang", "assets": "suhang"}
# The same pages in other states: empty, narrowed down, refused, or somebody else's.
MORE = (
    ("heqing", "/"), ("heqing", "/lines"), ("heqing", "/tasks"), ("heqing", "/approvals"), ("heqing", "/notices"),
    ("tangxin", "/desktops"), ("guanli", "/desktops"), ("guanli", "/"), ("chenmo", "/approvals"), ("suhang", "/tasks"),
    ("heqing", "/tasks/load"), ("tangxin", "/tasks"),
    ("suhang", "/tasks/<task_id>"), ("suhang", "/approvals/<approval_id>"), ("linyue", "/search?q=主视觉"), ("linyue", "/search?q=zzzz"),
    ("suhang", "/alerts/<alert_id>"),
    ("linyue", "/audit?kind=none"), ("suhang", "/library/folders/<folder_id>?view=list"), ("linyue", "/no-such-page"),
    ("linyue", "/lines/new?playbook=double11&d_day=2027-11-11"), ("linyue", "/playbooks/double11?group=day"),
    ("suhang", "/approvals/new?template=leave"), ("suhang", "/approvals/new?template=asset_sign_off"),
    ("suhang", "/approvals/<returned_id>/edit"), ("", "/sign-in"),
)  # fmt: skip
# In MORE, for a returned request; a fragment that asks for a line; a film, which the one asset of the world is not.
ALSO_READ = {"/approvals/<approval_id>/edit", "/desktops/strip", "/library/assets/<asset_id>/versions/<int:number>/film"}


@dataclass(frozen=True)
class Look:
    """One page and who looks at it; no login means a visitor."""

    login: str
    url: str


class House:
    """The served application, its world, and a browser context per person."""

    def __init__(self, app: Flask, world: World, database: Database, url: str) -> None:
        self.app, self.world, self.database, self.url = app, world, database, url
        self.people: dict[str, Person] = {}
        self.unread: list[str] = []

    def person(self, login: str) -> Person:
        if login not in self.people:
            self.people[login] = person = Person(self.app.test_client())
            answer = person.post("/sign-in", data={"login": login, "password": DEMO_PASSWORD})
            assert answer.status_code == 302, answer.get_data(as_text=True)
        return self.people[login]

    @cached_property
    def looks(self) -> list[Look]:
        """Every page by its first reader, then the further ones."""
        found = [look for facts in self._page_routes() if (look := self._look(facts))]
        found += [Look(login, self.world.url(url)) for login, url in MORE]
        return list(dict.fromkeys(found))

    def _page_routes(self) -> list[RouteFacts]:
        facts = self.app.extensions["mainline"].facts
        return [one for one in facts if one.methods == ("GET",) and not one.is_api and one.needs not in (ANYONE, DEVICE)]

    def _look(self, facts: RouteFacts) -> Look | None:
        """None for fragments and files; a route that nobody can open is noted."""
        url = self.world.url(facts.rule)
        first = FIRST_READER.get(facts.endpoint.split(".")[0], "linyue")
        for login in dict.fromkeys((first, *READERS)):
            answer = self.person(login).get(url)
            if answer.status_code == 200:
                return Look(login, url) if answer.get_data().lstrip().lower().startswith(b"<!doctype html") else None
        self.unread.append(facts.rule)
        return None

    def context(self, browser: Browser, login: str, **options: Any) -> BrowserContext:
        """A browser of this person's. No realtime process runs here: its socket opens and stays silent."""
        context = browser.new_context(base_url=self.url, reduced_motion="reduce", **{"locale": "zh-CN", **options})
        if login:
            session = self.person(login).client.get_cookie(SESSION_COOKIE)
            assert session
            context.add_cookies([{"name": SESSION_COOKIE, "value": session.value, "url": self.url}])
        if options.get("locale") == "en-GB":
            context.add_cookies([{"name": "mainline_locale", "value": "en", "url": self.url}])
        context.route_web_socket(re.compile("."), lambda socket: None)
        return context

    def data_words(self) -> list[str]:
        """Runs of Chinese in the company's own data, longest first: these stay as they are in any language."""
        texts = [self.app.extensions["mainline"].parts.get(Settings).company_name, repr(PLAYBOOKS)]
        with self.database.engine.connect() as connection:
            for table in Base.metadata.sorted_tables:
                for row in connection.execute(select(table)):
                    texts += [json.dumps(value, ensure_ascii=False, default=str) for value in row if isinstance(value, (str, dict, list))]
        words = {word for text in texts for word in CHINESE.findall(text)}
        return sorted(words | {word[-2:] for word in words if len(word) == 3}, key=len, reverse=True)


@pytest.fixture(scope="module")
def house(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("pages"), secret_key="tests only", rate_limit="100000 per minute")
    parts = composition.make_parts(settings)
    templates.copy("house_demo", seed_demo, settings)
    store, database = MemoryStore(), without_fsync(parts.get(Database))
    parts.provide(ObjectStore, lambda: store)
    app = composition.create_app(settings, parts)
    app.testing = True
    server = make_server("127.0.0.1", 0, app, threaded=True)
    made = House(app, World({}), database, f"http://127.0.0.1:{server.server_port}")
    made.world = _world(made, Worker(database, parts).run_due)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
    store.close()
    database.dispose()


def _world(house: House, run_jobs: Callable[[], int]) -> World:
    """One of everything, and an approval that was returned: its form is a page of its own."""
    world = make_world(house.database, house.person, run_jobs)
    asked = {
        "template": "asset_sign_off",
        "title": "详情页首屏定稿",
        "to": [_member_id(house, "陈墨")],
        "asset_id": world.ids["asset_id"],
        "version": 1,
    }
    made = house.person("suhang").post("/api/approvals", json=asked).get_json()["approval_id"]
    turn = house.person("chenmo").get(f"/api/approvals/{made}").get_json()["step_id"]
    answer = house.person("chenmo").post(f"/api/approvals/{made}/return", json={"step_id": turn, "reason": "标题压到利益点"})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    run_jobs()
    return World({**world.ids, "returned_id": made})


def _member_id(house: House, name: str) -> str:
    with house.database.engine.connect() as connection:
        return str(connection.execute(select(Member.id).where(Member.name == name)).scalar_one())


def visits(house: House, browser: Browser, looks: list[Look], faults: list[str], **options: Any) -> Iterator[tuple[Look, Page]]:
    """Open each page in its person's browser; what the console complains about is a fault."""
    by_login: dict[str, list[Look]] = {}
    for look in looks:
        by_login.setdefault(look.login, []).append(look)
    for login, mine in by_login.items():
        context = house.context(browser, login, **options)
        page = context.new_page()
        now = [mine[0]]
        page.on("pageerror", lambda error, now=now: faults.append(f"{now[0]} script: {error}"))
        page.on("console", lambda line, now=now: _complaint(line, now[0], faults))
        for look in mine:
            now[0] = look
            page.goto(look.url, wait_until="load")
            yield look, page
        context.close()


def _complaint(line: Any, look: Look, faults: list[str]) -> None:
    if line.type == "error" and not ("no-such-page" in look.url and "404" in line.text):
        faults.append(f"{look} console: {line.text} {line.location.get('url', '')}")


def shape_faults(look: Look, page: Page) -> list[str]:
    page.evaluate(STILL)  # The frame after a new width may still hold parts of the old one.
    shape = page.evaluate(SHAPE)
    faults = [f"{look}: {shape['h1']} h1"] if shape["h1"] != 1 else []
    faults += [] if re.match(r"\S.* · ", shape["title"]) else [f"{look}: title {shape['title']!r}"]
    return faults + ([f"{look}: {shape['wide']} px too wide"] if shape["wide"] > 0 else [])


def axe_faults(look: Look, page: Page, rules: dict[str, Any], *, but: Sequence[str] = ()) -> list[str]:
    """but: parts of the page that are not looked at."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE + ";0")
    page.evaluate(STILL)
    return [f"{look} {found}" for found in page.evaluate(RUN_AXE, [list(but), rules])]


def test_demo_when_first_looked_at_then_its_plan_is_what_it_promised(templates: Templates, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key="tests only")
    parts = composition.make_parts(settings)
    templates.copy("house_demo", seed_demo, settings)
    with open_work(parts.get(Database), writes=False, parts=parts) as work:
        plan = plan_of(work, work.session.scalars(select(MainLine)).one())
    assert [row.task.title for row in plan.rows if row.new] == []
    assert plan.baseline.kept
    parts.get(Database).dispose()


def test_pages_when_listed_then_every_page_route_has_a_reader(house: House) -> None:
    looks = house.looks
    assert len(looks) > 40
    assert set(house.unread) <= ALSO_READ, "nobody of the demo company can open these"


def test_pages_when_walked_then_accessible_quiet_and_inside_their_width(house: House, chromium: Browser) -> None:
    assert AXE, "axe-core is missing: run script/setup"
    faults: list[str] = []
    framed: set[str] = set()  # Whose frame was looked at: all of a person's pages have the same.
    for look, page in visits(house, chromium, house.looks, faults, **PC):
        but = FRAME if look.login in framed else ()
        faults += shape_faults(look, page) + axe_faults(look, page, ALL_RULES, but=but)
        page.evaluate(DARKEN)
        faults += [f"dark: {found}" for found in axe_faults(look, page, ONLY_CONTRAST, but=but)]
        page.set_viewport_size(PHONE["viewport"])
        faults += [f"390 px: {found}" for found in shape_faults(look, page) + axe_faults(look, page, ALL_BUT_CONTRAST, but=but)]
        if page.locator(", ".join(FRAME)).count() == len(FRAME):
            framed.add(look.login)
        page.set_viewport_size(PC["viewport"])
    assert faults == []


def test_approvals_when_opened_in_the_phones_own_frame_then_the_same_holds(house: House, chromium: Browser) -> None:
    faults: list[str] = []
    looks = [look for look in house.looks if look.url.startswith("/approvals")]
    for look, page in visits(house, chromium, looks, faults, user_agent=PHONE_UA, **PHONE):
        faults += shape_faults(look, page) + axe_faults(look, page, ALL_RULES)
    assert faults == []


def test_pages_when_read_in_english_then_only_names_are_chinese(house: House, chromium: Browser) -> None:
    faults: list[str] = []
    data = re.compile("|".join(map(re.escape, house.data_words())))
    for look, page in visits(house, chromium, house.looks, faults, **PC, locale="en-GB"):
        assert page.locator("html").get_attribute("lang") == "en"
        left = {text.strip() for text in page.evaluate(TEXTS) if CHINESE.search(data.sub("", text))}
        faults += [f"{look}: {text}" for text in sorted(left)]
    assert faults == []

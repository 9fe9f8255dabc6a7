"""The demo company's first main line, so that the first look is not empty: a product launch nine days before its D-day.

It is told through the product's own actions, each by the person who would do it and at the time they would have done it.
Composition level, beside demo.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select

from demo import seed_company
from main_lines.alerts.actions import acknowledge_alert, raise_alert
from main_lines.alerts.rules import AlertKind
from main_lines.checks.actions import CheckDraft, fill_item, open_check
from main_lines.checks.models import StoreSheet
from main_lines.checks.rules import Kind, Scope
from main_lines.feed.actions import post_progress
from main_lines.lines.access import get_line
from main_lines.lines.actions import open_line, state_health
from main_lines.lines.rules import Health, LineKind, Phase
from main_lines.numbers.actions import MetricDraft, Origin, define_metric, note_value, take_numbers
from main_lines.numbers.reading import Entry
from main_lines.numbers.rules import Aim, Better
from main_lines.plans.actions import keep_baseline
from main_lines.tasks.actions import (
    Draft,
    accept_task,
    block_task,
    check_item,
    close_task,
    deliver_task,
    return_task,
    sign_task,
    start_task,
    submit_task,
    write_task,
)
from workspace.db import Database
from workspace.jobs.models import Job
from workspace.parts import Parts
from workspace.people.models import Member, Site
from workspace.roles.access import permissions_of
from workspace.settings import Settings
from workspace.work import Actor, Work, open_work

NAME = "暖冬系列新品上市"
DAYS_TO_D = 9
DIRECTOR = "linyue"
NOTICES = (
    "main_lines.line_notices",
    "main_lines.task_notices",
    "main_lines.alert_notices",
    "main_lines.post_notices",
    "main_lines.check_notices",
)
MEMBERS = ("suhang", "chenmo", "zhaoning", "wuhao", "luoyi", "tangxin")


@dataclass(frozen=True)
class Plan:
    """One order and how far it has come. owner: a login. steps: (hours ago, verb, text) after it was signed.

    involved: logins of people whose departments take part.
    """

    owner: str
    offset: int
    title: str
    requirements: str
    steps: tuple[tuple[float, str, str], ...] = ()
    signed: bool = True
    submitted: bool = True
    phase: Phase = Phase.PREPARE
    checklist: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    involved: tuple[str, ...] = ()


PLANS = (
    Plan(
        "chenmo", -20, "品牌调性与画面规范", "色彩、字体、留白、模特姿态各一页；列出三个不可用的示例。",
        ((260, "start", ""), (190, "deliver", "https://example.com/brand/warm-winter"), (180, "accept", "")),
    ),
    Plan(
        "suhang", -10, "新品主视觉", "横版 1920×1080、竖版 1080×1920 各一；突出“轻、暖、可机洗”；源文件存素材库。",
        ((150, "start", ""), (30, "check", "0")), checklist=("横版", "竖版", "源文件归档"),
        expected=("横版 1920×1080", "竖版 1080×1920", "源文件"), involved=("luoyi", "tangxin"),
    ),
    Plan("suhang", -4, "详情页首屏", "首屏三秒内看到面料、温度、价格；移动端优先，单图不超过 300 KB。"),
    Plan(
        "zhaoning", -6, "新品话术与尺码问答", "面料、洗护、尺码、退换四类；每条不超过 120 字。",
        ((100, "start", ""), (5, "deliver", "四类共 36 条，尺码表附后；“起球”一问待品控给出口径。")),
    ),
    Plan("zhaoning", -2, "客服新品培训", "首发前全员完成，签到与小测各一次。", signed=False),
    Plan(
        "wuhao", -8, "首批到仓与质检", "首批 12,000 件入库；按 5% 抽检并出报告。",
        ((120, "start", ""), (26, "block", "面料供应商晚到两天，等第三方质检报告")),
    ),
    Plan("wuhao", -5, "包材与吊牌核对", "吊牌条码逐款扫描；包材按 15,000 件备齐。", ((48, "start", ""),)),
    Plan(
        "luoyi", -7, "首发直播脚本", "三小时，按款分段；每段写明利益点、演示动作和备播口径。",
        ((90, "start", ""), (40, "deliver", "脚本第一稿，全程 3 小时 10 分"), (22, "return", "利益点太靠后，前三分钟就要说清")),
    ),
    Plan(
        "luoyi", -12, "主播排期与备播", "主播两人、备播一人、场控一人，写明到场时间。",
        ((230, "start", ""), (200, "deliver", "主播安安、小满；备播阿哲，D 日 18:00 到场"), (196, "accept", ""), (170, "close", "")),
    ),
    Plan("tangxin", -3, "门店橱窗更换", "按陈列图布置四城门店橱窗，当日回传照片。"),
    Plan("tangxin", -1, "价签扫码测试", "每店抽 20 个价签扫码，价格与系统一致。", signed=False),
    Plan(DIRECTOR, 0, "首发日整点战报", "每小时通告销量、库存、客诉；异常 10 分钟内处理。", phase=Phase.EXECUTE),
    Plan(DIRECTOR, 7, "上市复盘", "目标达成、流程得失、可沿用与须改进各三条。", signed=False, submitted=False, phase=Phase.REVIEW),
)  # fmt: skip

CHECK = (("价签检查", Kind.TICK, -3), ("扫码枪可用台数", Kind.NUMBER, -3), ("橱窗陈列拍照", Kind.PHOTO, None))
CHECK_NOTE = "价签抽 20 个扫码，与系统价一致才打勾。"
CHECKED = (
    (27.0, "tangxin", "春熙路店", "1", "true"),
    (26.5, "tangxin", "春熙路店", "2", "4"),
    (23.0, DIRECTOR, "三里屯店", "1", "true"),
)

POSTS = (
    (70.0, "suhang", "主视觉横版已定稿，竖版今晚出。"),
    (20.0, "wuhao", "@林悦 面料明早到仓，到仓后优先抽检，尽量不影响首批发货。@设计策划 详情页的发货时间先别改。"),
)

METRICS = (
    ("预售订单", "单", Better.HIGHER, True, "6000", ("310", "355", "402", "388", "420", "465")),
    ("推广花费", "元", Better.LOWER, True, "120000", ("7400", "7900", "8200", "8500", "8900", "9100")),
    ("加购转化率", "%", Better.HIGHER, False, "4.5", ("3.8", "4.1", "4.2", "4.4", "4.6", "4.7")),
)
"""Name, unit, which way is better, whether days add up, target, the last days."""


def seed_demo(database: Database, parts: Parts) -> bool:
    """The demo company and its first main line; False when the database already has members."""
    if not seed_company(database, parts):
        return False
    Story(database, parts).tell()
    return True


class Story:
    """Tells the line's events in the order of their time."""

    def __init__(self, database: Database, parts: Parts) -> None:
        self.database, self.parts, self.now = database, parts, datetime.now(UTC)
        with open_work(database, writes=False) as work:
            self.people = {member.login: member for member in work.session.scalars(select(Member))}
            self.actors = {login: Actor(member.id, member.name, permissions_of(work, member.id)) for login, member in self.people.items()}
        self.steps: list[tuple[float, str, Callable[[Work], object]]] = []

    def tell(self) -> None:
        line_id = self._open()
        for number, plan in enumerate(PLANS):
            self._plan(line_id, plan, number)
        for hours_ago, login, text in POSTS:
            self._then(hours_ago, login, _posting(line_id, text))
        reason = "主视觉晚一天，首批质检未出，其余按计划"
        self._then(3, DIRECTOR, lambda work: state_health(work, line_id, health=Health.AMBER, reason=reason))
        # Each order was written by itself; what the line promised is the plan once all of them stood.
        self._then(328, DIRECTOR, lambda work: keep_baseline(work, line_id, name="立项计划"))
        self._alert(line_id)
        self._check(line_id)
        self._numbers(line_id)
        for hours_ago, login, step in sorted(self.steps, key=lambda step: -step[0]):
            self._do(hours_ago, login, step)
        with open_work(self.database, parts=self.parts) as work:  # Its people have read these notices long ago.
            work.session.execute(delete(Job).where(Job.name.in_(NOTICES)))

    def _open(self) -> str:
        d_day = self._today() + timedelta(days=DAYS_TO_D)
        members = [self.people[login].id for login in MEMBERS]
        goal = "首发 7 天售出 8,000 件，退货率低于 6%"
        return self._do(
            336, DIRECTOR, lambda work: open_line(work, name=NAME, kind=LineKind.LAUNCH, d_day=d_day, goal=goal, member_ids=members).id
        )

    def _plan(self, line_id: str, plan: Plan, number: int) -> None:
        """Write the order now, so that its id is known; what follows is told in its turn."""
        owner = self.people[plan.owner]
        draft = Draft(
            title=plan.title, department_id=owner.department_id, requirements=plan.requirements, phase=plan.phase, owner_id=owner.id,
            due_offset=plan.offset, checklist=list(plan.checklist), expected=list(plan.expected),
            involved=[self.people[login].department_id for login in plan.involved],
        )  # fmt: skip
        written = 330 - number / 10
        task_id = self._do(written, DIRECTOR, lambda work: write_task(work, line_id, draft).id)
        if plan.signed:
            self._then(written - 10, DIRECTOR, lambda work: sign_task(work, task_id))
        elif plan.submitted:
            self._then(46 - number, plan.owner, lambda work: submit_task(work, task_id))
        for hours_ago, verb, text in plan.steps:
            login = DIRECTOR if verb in ("accept", "return", "close") else plan.owner
            self._then(hours_ago, login, _doing(verb, task_id, text))

    def _alert(self, line_id: str) -> None:
        raised: list[str] = []
        title = "首批可售库存不足 6,000 件"
        detail = "质检未放行前只能按样品量发货，直播与门店请先备预售口径。"
        self._then(25, "wuhao", lambda work: raised.append(raise_alert(work, line_id, kind=AlertKind.STOCK, title=title, detail=detail).id))
        for hours_ago, login in ((24.5, DIRECTOR), (24, "luoyi"), (21, "tangxin")):
            self._then(hours_ago, login, lambda work: acknowledge_alert(work, raised[0]))

    def _check(self, line_id: str) -> None:
        """A checklist for all stores: one has done all but the photo, one has begun, for two the line has nobody yet."""
        department_id = self.people["tangxin"].department_id
        draft = CheckDraft(
            title="首发前门店检查", department_id=department_id, items=CHECK, scope=Scope.ALL, note=CHECK_NOTE, due_offset=-1
        )
        sheets: dict[str, str] = {}

        def send_out(work: Work) -> None:
            check = open_check(work, line_id, draft)
            query = select(Site.name, StoreSheet.id).join(Site, Site.id == StoreSheet.site_id).where(StoreSheet.check_id == check.id)
            sheets.update((name, sheet_id) for name, sheet_id in work.session.execute(query))

        self._then(50, DIRECTOR, send_out)
        for hours_ago, login, store, key, answer in CHECKED:
            self._then(hours_ago, login, _filling(sheets, store, key, answer))

    def _numbers(self, line_id: str) -> None:
        """Targets by the director, then the daily report of the operations department."""
        today = self._today()
        report = f"日报-{today:%m%d}.csv"

        def define(work: Work) -> None:
            for name, unit, better, adds, target, _days in METRICS:
                draft = MetricDraft(name, unit, better, adds, today - timedelta(days=6), today + timedelta(days=DAYS_TO_D))
                metric = define_metric(work, line_id, draft)
                note_value(work, metric.id, aim=Aim.TARGET, value=Decimal(target))

        def bring(work: Work) -> None:
            entries = [
                Entry(name, Aim.ACTUAL, Decimal(value), work.now, today - timedelta(days=back))
                for name, _unit, _better, _adds, _target, days in METRICS
                for back, value in zip(range(6, 0, -1), days, strict=True)
            ]
            take_numbers(work, get_line(work, line_id, lock=True), entries, Origin("csv", work.now, report))

        self._then(150, DIRECTOR, define)
        self._then(2.5, "wuhao", bring)

    def _then(self, hours_ago: float, login: str, step: Callable[[Work], object]) -> None:
        self.steps.append((hours_ago, login, step))

    def _do(self, hours_ago: float, login: str, step: Callable[[Work], object]) -> str:
        at = self.now - timedelta(hours=hours_ago)
        with open_work(self.database, actor=self.actors[login], now=at, parts=self.parts) as work:
            return str(step(work))

    def _today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.parts.get(Settings).time_zone)).date()


def _posting(line_id: str, text: str) -> Callable[[Work], object]:
    return lambda work: post_progress(work, line_id, text=text)


def _filling(sheets: dict[str, str], store: str, key: str, answer: str) -> Callable[[Work], object]:
    return lambda work: fill_item(work, sheets[store], key, answer)


def _doing(verb: str, task_id: str, text: str) -> Callable[[Work], object]:
    return lambda work: _VERBS[verb](work, task_id, text)


_VERBS: dict[str, Callable[[Work, str, str], object]] = {
    "start": lambda work, task_id, _text: start_task(work, task_id),
    "deliver": deliver_task,
    "accept": lambda work, task_id, _text: accept_task(work, task_id),
    "return": lambda work, task_id, text: return_task(work, task_id, reason=text),
    "block": lambda work, task_id, text: block_task(work, task_id, reason=text),
    "close": lambda work, task_id, _text: close_task(work, task_id),
    "check": lambda work, task_id, text: check_item(work, task_id, int(text), done=True),
}

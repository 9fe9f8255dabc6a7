"""The demo company: 星河电商 with teams in 北京, 上海, 广州 and 成都. Composition level, beside app.py: it uses every room."""

from dataclasses import dataclass

from sqlalchemy import select

from desktops.hosts.actions import add_host
from desktops.templates.actions import add_template
from workspace.db import Database
from workspace.parts import Parts
from workspace.people.actions import add_department, add_member, add_site
from workspace.people.models import Member
from workspace.roles.actions import assign_role, define_role
from workspace.roles.permissions import all_permissions
from workspace.settings import Settings
from workspace.signin.actions import hash_password
from workspace.work import Work, open_work

DEMO_PASSWORD = "mainline-demo"

CITIES = ("北京", "上海", "广州", "成都")
STORES = (
    ("北京", "三里屯店", "BJ-0001"),
    ("上海", "淮海路店", "SH-0001"),
    ("广州", "天河城店", "GZ-0001"),
    ("成都", "春熙路店", "CD-0001"),
)
DEPARTMENTS = ("运营推广", "商品", "设计策划", "客服", "物流仓储", "财务", "人事", "直播", "门店", "信息技术")


@dataclass(frozen=True)
class Person:
    login: str
    name: str
    title: str
    department: str
    city: str
    role: str = "成员"


PEOPLE = (
    Person("linyue", "林悦", "运营总监", "运营推广", "北京", "运营总监"),
    Person("suhang", "苏航", "视觉设计师", "设计策划", "上海"),
    Person("chenmo", "陈墨", "设计主管", "设计策划", "广州", "审批主管"),
    Person("zhaoning", "赵宁", "客服主管", "客服", "成都"),
    Person("wuhao", "吴昊", "仓储经理", "物流仓储", "广州"),
    Person("heqing", "何青", "财务专员", "财务", "北京"),
    Person("luoyi", "罗伊", "直播统筹", "直播", "上海"),
    Person("tangxin", "唐欣", "店长", "门店", "成都", "门店"),
    Person("guanli", "管力", "系统管理员", "信息技术", "北京", "系统管理员"),
)

# Which permissions each role holds, by prefix; the administrator runs the house but reads no main line.
ROLES = {
    "运营总监": (
        "main_lines:line:open",
        "main_lines:order_template:keep",
        "main_lines:playbook:edit",
        "desktops:desktop:own",
        "workspace:audit:read",
        "workspace:settings:read",
    ),
    "审批主管": ("desktops:desktop:own",),
    "成员": ("desktops:desktop:own",),
    "门店": (),
    "系统管理员": ("workspace:", "desktops:"),
}


def seed_company(database: Database, parts: Parts) -> bool:
    """Create the demo company once, in one transaction; False when the database already has members."""
    password_hash = hash_password(DEMO_PASSWORD)
    with open_work(database, parts=parts) as work:
        if work.session.scalar(select(Member.id).limit(1)) is not None:
            return False
        _seed(work, password_hash)
    return True


def _seed(work: Work, password_hash: str) -> None:
    cities = {name: add_site(work, kind="city", name=name) for name in CITIES}
    work.session.flush()
    for city, store, code in STORES:
        add_site(work, kind="store", name=store, parent_id=cities[city].id, code=code)
    add_host(work, name="上海机房", site_id=cities["上海"].id)
    add_template(work, name="设计师桌面", audience="设计策划", is_default=True)
    departments = {name: add_department(work, name=name) for name in DEPARTMENTS}
    known = list(all_permissions())
    roles = {
        name: define_role(
            work,
            name=name,
            permissions=[known_one for known_one in known if str(known_one).startswith(prefixes)] if prefixes else [],
        )
        for name, prefixes in ROLES.items()
    }
    work.session.flush()
    manager_id = None
    for person in PEOPLE:
        member = add_member(
            work,
            login=person.login,
            name=person.name,
            title=person.title,
            password_hash=password_hash,
            department=departments[person.department],
            site=cities[person.city],
            manager_id=manager_id,
        )
        assign_role(work, member, roles[person.role])
        manager_id = manager_id or member.id


def welcome(settings: Settings, demo: bool) -> str:
    """What a newcomer reads when everything is up: where to go and as whom."""
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    lines = ["", f"  {settings.company_name} · Mainline 主线", f"  {address}", ""]
    if demo:
        lines += [
            f"  {_padded(person.login, 10)}{_padded(person.name, 8)}{person.city} {person.department} {person.title}" for person in PEOPLE
        ]
        lines += ["", f"  password of every demo account / 演示账号密码: {DEMO_PASSWORD}"]
    return "\n".join([*lines, "  Ctrl-C stops everything. / 按 Ctrl-C 停止。", ""])


def _padded(text: str, width: int) -> str:
    """Chinese characters take two columns of a terminal."""
    return text + " " * max(1, width - sum(2 if ord(char) > 0x2E7F else 1 for char in text))

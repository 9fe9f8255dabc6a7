"""One of everything in the demo company, made through the API by the people who would make it: for tests that walk all routes."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image
from werkzeug.test import TestResponse

from desktops.templates.models import DesktopTemplate
from tests.house import Person, member_named
from workspace.db import Database
from workspace.people.queries import list_stores
from workspace.work import open_work

LINE = "双十一大促"


@dataclass(frozen=True)
class World:
    """Ids by the names that routes use. Members of the line: 林悦 (director), 苏航, 陈墨, 赵宁, 吴昊."""

    ids: dict[str, str]

    def url(self, rule: str) -> str:
        """A rule with its parameters filled in."""
        for name, value in self.ids.items():
            rule = rule.replace(f"<int:{name}>", value).replace(f"<path:{name}>", value).replace(f"<{name}>", value)
        assert "<" not in rule, f"no value for {rule}"
        return rule


def make_world(company: Database, signed_in: Callable[[str], Person], run_jobs: Callable[[], int]) -> World:
    director, designer = signed_in("linyue"), signed_in("suhang")
    with open_work(company, writes=False) as work:
        members = {name: member_named(work, name) for name in ("苏航", "陈墨", "赵宁", "吴昊")}
        template = work.session.query(DesktopTemplate).first()
        template_id = template.id if template else ""
        store = list_stores(work)[0].id
    others = [member.id for member in members.values()]
    line = _made(director, "/api/lines", name=LINE, d_day="2027-11-11", members=others)["id"]
    task = _made(
        director, f"/api/lines/{line}/tasks", title="双十一主视觉", department_id=members["苏航"].department_id, owner_id=members["苏航"].id
    )["id"]
    _made(director, f"/api/tasks/{task}/moves", verb="sign")
    wanted = {"title": "双十一选品", "department_id": members["吴昊"].department_id, "due_offset": -40}
    needed = _made(director, f"/api/lines/{line}/tasks", **wanted)["id"]
    _made(director, f"/api/tasks/{task}/needs", needs_id=needed)
    milestone = _made(director, f"/api/lines/{line}/milestones", name="双十一方案过会", day="2027-10-12")["id"]
    playbook = _made(director, "/api/playbooks", name="周年庆", of="flash_sale")["id"]
    baseline = _made(director, f"/api/lines/{line}/baselines", name="双十一锁价前")["id"]
    retail = {
        "department_id": members["苏航"].department_id,
        "due_offset": -1,
        "texts": ["价签检查", "陈列拍照"],
        "kinds": ["tick", "photo"],
    }
    check = _made(director, f"/api/lines/{line}/checks", title="开业前检查", task_id=task, **retail)["id"]
    sheet = director.get(f"/api/checks/{check}").get_json()["sheets"][0]["sheet_id"]
    told = {"kind": "blocked", "severity": "critical", "title": "样衣未到"}
    alert = _made(director, f"/api/lines/{line}/alerts", **told)["id"]
    post = _made(designer, f"/api/tasks/{task}/posts", text="@林悦 双十一主视觉横版已定稿")["id"]
    piece = _piece(designer, task)
    handover = _made(director, f"/api/tasks/{needed}/handovers", member_id=members["苏航"].id, note="双十一选品改由设计先看")["id"]
    kept = {"name": "大促主视觉", "title": "大促主视觉", "department_id": members["苏航"].department_id, "checklist": "横版\n竖版"}
    order_template = _made(director, "/api/order-templates", **kept)["id"]
    conclusion = _made(director, f"/api/lines/{line}/conclusions", kind="good", text="双十一提前锁价")["id"]
    calendar = director.post("/calendar", data={"name": "手机"})
    metric, draft, number_pass = _numbers(director, line)
    library = _first(r"/library/([0-9a-z]{26})", designer.get("/library"))
    folder = _first(r"/library/folders/([0-9a-z]{26})", designer.get(f"/library/{library}"))
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "#11667a").save(picture, "PNG")
    picture.seek(0)
    answer = designer.post(f"/library/folders/{folder}/upload", data={"files": (picture, "kv.png")}, content_type="multipart/form-data")
    assert answer.status_code < 400, answer.get_data(as_text=True)
    run_jobs()
    asset = _newest_asset(designer)
    written = {"words": "标题再大些", "version": "1", "x": "0.5", "y": "0.5", "key": "one"}
    said = designer.post(f"/library/assets/{asset}/comments", data=written)
    comment = _first(r'id="comment-([0-9a-z]{26})"', said)
    headers = {"Upload-Length": "100", "Upload-Metadata": "filename a3YucHNk", "Tus-Resumable": "1.0.0"}
    upload = designer.post(f"/library/folders/{folder}/uploads", headers=headers).headers["Location"].rpartition("/")[2]
    made = designer.post(f"/library/folders/{folder}/folders", data={"name": "old-drafts"})
    assert designer.post(f"/library/nodes/{made.headers['Location'].rpartition('/')[2]}/deletion").status_code == 303
    approval = _made(
        designer,
        "/api/approvals",
        template="asset_sign_off",
        title="主视觉定稿",
        to=[members["陈墨"].id],
        asset_id=asset,
        version=1,
        task_id=task,
    )["approval_id"]
    chosen = {"template_id": template_id} if template_id else {}
    desktop = _made(designer, "/api/desktops/open", **chosen)["id"]
    run_jobs()
    notice = signed_in("chenmo").get("/api/notices").get_json()["notices"][0]["id"]
    designer.post("/devices/folders", data={"name": "会议室"})
    device = _first(r"/devices/([0-9a-z]{26})/revocation", designer.get("/devices"))
    shares = f"/library/nodes/{asset}/shares"
    assert designer.post(shares, data={"purpose": "代理商", "days": "7", "watermark": "true"}).status_code == 303
    token = _first(r"/s/([0-9a-z]+)", designer.get(shares))
    share = _first(r"/library/shares/([0-9a-z]+)/revocation", designer.get(shares))
    ids = {
        "conclusion_id": conclusion, "feed_id": _first(r"/calendar/([0-9a-z]{26})/revocation", calendar),
        "feed_token": _first(r"/calendar/([\w-]{43})\.ics", calendar),
        "line_id": line, "task_id": task, "alert_id": alert, "library_id": library,
        "folder_id": folder, "node_id": asset, "asset_id": asset,
        "number": "1", "approval_id": approval, "purpose": "pass-on", "desktop_id": desktop, "notice_id": notice, "locale": "zh",
        "member_id": members["吴昊"].id, "upload_id": upload, "device_id": device, "comment_id": comment, "path": "nothing.png",
        "token": token, "item": asset, "share_id": share, "department_id": members["苏航"].department_id, "job_id": "none",
        "needs_id": needed, "baseline_id": baseline, "check_id": check, "sheet_id": sheet,
        "post_id": post, "piece_id": piece, "handover_id": handover,
        "order_template_id": order_template,
        "milestone_id": milestone, "playbook_id": playbook,
        "metric_id": metric, "draft_id": draft, "pass_id": number_pass, "store_id": store,
    }  # fmt: skip
    return World(ids)


def _piece(person: Person, task_id: str) -> str:
    """Something that lies with an order which its owner has begun."""
    _made(person, f"/api/tasks/{task_id}/pieces", text="双十一草图")
    return str(person.get(f"/api/tasks/{task_id}").get_json()["pieces"][0]["id"])


def _numbers(director: Person, line: str) -> tuple[str, str, str]:
    """A metric with a target and an actual, the stock of one SKU, a file that is not confirmed yet, and a pass."""
    numbers = [{"metric": "GMV", "target": 1000}, {"metric": "GMV", "day": "2024-11-11", "actual": 10}]
    _made(director, f"/api/lines/{line}/numbers", numbers=numbers, stock=[{"sku": "A-1", "quantity": 5, "safety": 3}])
    file = (io.BytesIO("指标,日期,实际\nGMV,2024-11-11,12\n".encode()), "日报.csv")
    brought = director.post(f"/lines/{line}/numbers/import", data={"file": file, "what": "numbers"}, content_type="multipart/form-data")
    assert brought.status_code == 303, brought.get_data(as_text=True)
    assert director.post(f"/lines/{line}/numbers/passes", data={"name": "ERP"}).status_code == 200
    page = director.get(f"/lines/{line}/numbers")
    made = _first(r"/numbers/passes/([0-9a-z]{26})/revocation", page)
    return _first(r'href="/numbers/([0-9a-z]{26})"', page), brought.headers["Location"].rpartition("/")[2], made


def _first(pattern: str, answer: TestResponse) -> str:
    found = re.search(pattern, answer.get_data(as_text=True))
    assert found, f"{pattern} is not on {answer.request.path}"
    return found.group(1)


def _made(person: Person, url: str, **body: Any) -> dict[str, Any]:
    answer = person.post(url, json=body)
    assert answer.status_code < 300, f"{url}: {answer.get_data(as_text=True)}"
    made: dict[str, Any] = answer.get_json()
    return made


def _newest_asset(person: Person) -> str:
    since, found = 0, ""
    while True:
        page = person.get(f"/api/events?since={since}").get_json()
        for event in page["events"]:
            since = event["seq"]
            if event["kind"] == "library.version.committed":
                found = event["subject"].split(":", 1)[1]
        if not page["more"]:
            return found

"""The server's part of the story over real HTTP, told by people who do not give up when an answer is lost.

A command carries an idempotency key and is sent again with the same key until it is answered: what was acknowledged is
then told once, however often it was sent. ``Live`` listens to the same events over Socket.IO as a page would.
"""

import json
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import socketio
import urllib3

from demo import DEMO_PASSWORD
from demo_line import NAME as DEMO_LINE
from tests.product import wait_until
from workspace.db import new_id

ANSWERED_WITHIN_S = 90
FILE = "主视觉.psd"
TASK = "双十一主视觉"


class Caller:
    """A signed-in person. answered, lost, refused: requests that were, that got no answer, that were asked to try again later."""

    def __init__(self, url: str, login: str) -> None:
        self.url, self.login = url, login
        self.answered = self.lost = self.refused = 0
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5, read=60))
        self._cookies: dict[str, str] = {}
        self._token = ""
        self._token = self._csrf()
        fields = urlencode({"login": login, "password": DEMO_PASSWORD})
        answer = self.send("POST", "/sign-in", body=fields, kind="application/x-www-form-urlencoded")
        assert answer.status == 302, answer.data.decode()
        self._token = self._csrf()  # It belongs to the session, and there is a new one.

    def get(self, path: str) -> Any:
        answer = self.send("GET", path)
        assert answer.status == 200, f"GET {path}: {answer.status} {answer.data[:500]!r}"
        return json.loads(answer.data)

    def page(self, path: str) -> str:
        answer = self.send("GET", path, accept="text/html")
        assert answer.status == 200, f"GET {path}: {answer.status}"
        return answer.data.decode()

    def status(self, path: str) -> int:
        return self.send("GET", path).status

    def command(self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None) -> Any:
        """POST JSON until it is acknowledged."""
        answer = self.send("POST", path, body=json.dumps(body or {}), key=key or new_id())
        assert answer.status in (200, 201), f"POST {path}: {answer.status} {answer.data.decode()}"
        return json.loads(answer.data)

    def submit(self, path: str, fields: dict[str, Any]) -> str:
        """POST a form until it is acknowledged; returns the answer's body, which links to where it leads."""
        encoded = urlencode(fields, doseq=True)
        answer = self.send("POST", path, body=encoded, kind="application/x-www-form-urlencoded", key=new_id())
        assert answer.status == 303, f"POST {path}: {answer.status} {answer.data.decode()}"
        return answer.data.decode()

    def upload(self, folder_id: str, name: str, content: bytes) -> dict[str, Any]:
        """Save a file by browser until it is acknowledged. It has no key: the same content twice is one version."""
        body, kind = urllib3.encode_multipart_formdata({"files": (name, content, "application/octet-stream")})
        answer = self.send("POST", f"/library/folders/{folder_id}/upload", body=body, kind=kind)
        assert answer.status == 200, f"upload: {answer.status} {answer.data.decode()}"
        saved: dict[str, Any] = json.loads(answer.data)["saved"][0]
        return saved

    def content(self, asset_id: str, version: int) -> bytes:
        answer = self.send("GET", f"/library/assets/{asset_id}/versions/{version}/content")
        assert answer.status == 200, answer.data[:300]
        return answer.data

    def events(self, since: int = 0) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        while True:
            page = self.get(f"/api/events?since={events[-1]['seq'] if events else since}")
            assert not page["resync"]
            events += page["events"]
            if not page["more"]:
                return events

    def send(
        self, method: str, path: str, *, body: str | bytes | None = None, kind: str = "application/json", key: str = "",
        accept: str = "application/json",
    ) -> urllib3.BaseHTTPResponse:  # fmt: skip
        """One request, repeated unchanged while nobody answers it or the answer asks for that."""
        deadline = time.monotonic() + ANSWERED_WITHIN_S
        while True:
            answer = self._once(method, path, body, kind, key, accept)
            if answer is not None and answer.status not in (429, 502, 503):
                self.answered += 1
                return answer
            self.lost += answer is None
            self.refused += answer is not None
            assert time.monotonic() < deadline, f"{method} {path} was not answered within {ANSWERED_WITHIN_S} s"
            time.sleep(0.1)

    def _once(self, method: str, path: str, body: str | bytes | None, kind: str, key: str, accept: str) -> urllib3.BaseHTTPResponse | None:
        headers = {"Accept": accept, "Cookie": self.cookie()}
        if body is not None:
            headers |= {"Content-Type": kind, "X-CSRF-Token": self._token}
        if key:
            headers["Idempotency-Key"] = key
        try:
            answer = self._http.request(method, f"{self.url}{path}", body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError:
            return None
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer

    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def headers(self, key: str) -> dict[str, str]:
        """For a request that a test sends over a connection of its own."""
        return {
            "Cookie": self.cookie(), "Accept": "application/json", "Content-Type": "application/json", "X-CSRF-Token": self._token,
            "Idempotency-Key": key,
        }  # fmt: skip

    def _csrf(self) -> str:
        page = self.send("GET", "/no-such-page", accept="text/html").data.decode()
        found = re.search(r'name="csrf-token" content="([0-9a-f]+)"', page)
        assert found, page[:2000]
        return found.group(1)


@dataclass
class Told:
    """What one telling was told to be done: nothing of it may be missing, nothing there twice."""

    name: str
    line: str = ""
    task: str = ""
    library: str = ""
    folder: str = ""
    asset: str = ""
    approval: str = ""
    posts: list[str] = field(default_factory=list)
    saves: list[bytes] = field(default_factory=list)


class Company:
    """The people of the story, signed in."""

    def __init__(self, url: str) -> None:
        self.director, self.designer, self.approver = (Caller(url, login) for login in ("linyue", "suhang", "chenmo"))
        demo_line = next(line for line in self.director.get("/api/lines")["lines"] if line["name"] == DEMO_LINE)
        members = self.director.get(f"/api/lines/{demo_line['id']}")["members"]
        self.ids = {member["name"]: member["id"] for member in members}

    @property
    def callers(self) -> tuple[Caller, ...]:
        return self.director, self.designer, self.approver

    def open_line(self, name: str) -> Told:
        """The director opens a line with the designer and the approver."""
        d_day = datetime.now(UTC).date() + timedelta(days=30)
        members = [self.ids["苏航"], self.ids["陈墨"]]
        page = self.director.submit("/lines", {"name": name, "kind": "promotion", "d_day": d_day, "members": members})
        told = Told(name)
        found = re.search(r"/lines/([0-9a-z]{26})/board", page)
        assert found, page
        told.line = found.group(1)
        told.library = self.director.get(f"/api/lines/{told.line}")["library_id"]
        folder = re.search(r"/library/folders/([0-9a-z]{26})/upload", self.designer.page(f"/library/{told.library}"))
        assert folder
        told.folder = folder.group(1)
        return told

    def sign_task(self, told: Told) -> None:
        """She writes and signs the task order; the designer starts it."""
        form = self.director.page(f"/lines/{told.line}/tasks/new")
        department = re.search(r'value="([0-9a-z]{26})"[^>]*>\s*设计策划', form)
        assert department, "no department 设计策划 to choose"
        body = {"title": TASK, "requirements": "3:4 主图", "department_id": department.group(1), "owner_id": self.ids["苏航"]}
        told.task = self.director.command(f"/api/lines/{told.line}/tasks", body)["id"]
        self.director.command(f"/api/tasks/{told.task}/moves", {"verb": "sign"})
        self.designer.command(f"/api/tasks/{told.task}/moves", {"verb": "start"})

    def save(self, told: Told, content: bytes) -> None:
        saved = self.designer.upload(told.folder, FILE, content)
        told.saves.append(content)
        told.asset = saved["url"].rpartition("/")[2]
        assert saved["version"] == len(told.saves), saved

    def post(self, told: Told, text: str) -> None:
        self.designer.command(f"/api/lines/{told.line}/posts", {"text": text})
        told.posts.append(text)

    def send_for_sign_off(self, told: Told) -> None:
        body = {
            "template": "asset_sign_off", "title": f"{told.name}定稿", "to": [self.ids["陈墨"]], "asset_id": told.asset,
            "version": len(told.saves), "line_id": told.line, "task_id": told.task,
        }  # fmt: skip
        told.approval = self.designer.command("/api/approvals", body)["approval_id"]

    def approve(self, told: Told) -> None:
        step = self.approver.get(f"/api/approvals/{told.approval}")["step_id"]
        self.approver.command(f"/api/approvals/{told.approval}/finish", {"step_id": step, "comment": "同意"})

    def task_state(self, told: Told) -> str:
        return str(self.designer.get(f"/api/tasks/{told.task}")["state"])

    def tell(self, name: str, contents: list[bytes]) -> Told:
        """The whole server part, from the line to the board. Ends when the worker carried the approval to the task order."""
        told = self.open_line(name)
        self.sign_task(told)
        for number, content in enumerate(contents):
            self.save(told, content)
            self.post(told, f"{name}：第 {number + 1} 稿已保存")
        self.send_for_sign_off(told)
        self.approve(told)
        wait_until(lambda: self.task_state(told) == "accepted", within_s=ANSWERED_WITHIN_S, what="the order is accepted", every_s=0.3)
        return told

    def check(self, told: Told) -> None:
        """Everything that was acknowledged is there, once."""
        assert [line["name"] for line in self.director.get("/api/lines")["lines"]].count(told.name) == 1
        [task] = self.director.get(f"/api/lines/{told.line}/tasks")["tasks"]
        assert (task["id"], task["title"], task["state"]) == (told.task, TASK, "accepted")
        full = self.director.get(f"/api/tasks/{told.task}")
        assert full["signed"]
        assert full["deliverable"]["version"] == len(told.saves)
        approval = self.approver.get(f"/api/approvals/{told.approval}")
        assert approval["state"] == "approved"
        assert approval["pin"]["version"] == len(told.saves)
        self._check_feed(told)
        for number, content in enumerate(told.saves, 1):
            assert self.director.content(told.asset, number) == content, f"version {number} of {told.name}"
        board = self.director.get(f"/api/lines/{told.line}/board")
        assert (board["counts"]["total"], board["counts"]["done"]) == (1, 1)

    def _check_feed(self, told: Told) -> None:
        events = self.feed(told)
        kinds = Counter(event["kind"] for event in events)
        texts = [event["words"] for event in events]
        for text in told.posts:
            assert sum(text in words for words in texts) == 1, f"{text} is there {sum(text in words for words in texts)} times"
        for kind in ("main_lines.line.opened", "main_lines.task.signed", "main_lines.approval.submitted", "main_lines.approval.approved"):
            assert kinds[kind] == 1, (kind, kinds)
        versions = [event["facts"]["version"] for event in events if event["kind"] == "library.version.committed"]
        assert sorted(versions) == list(range(1, len(told.saves) + 1))
        assert not kinds["library.version.conflicted"]

    def feed(self, told: Told) -> list[dict[str, Any]]:
        """Every event of the line as its director reads it."""
        events: list[dict[str, Any]] = []
        before = ""
        while True:
            page = self.director.get(f"/api/lines/{told.line}/feed{before}")
            events += page["events"]
            if not page["older"]:
                return events
            before = f"?before={page['older']}"


class Live:
    """A page that stays open: frames over Socket.IO, holes filled over HTTP, a new ticket after each broken connection."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.pushed: list[int] = []
        self.events: list[dict[str, Any]] = []
        self.connections = 0
        self._first = self.last = int(caller.command("/api/realtime/ticket")["head"])
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._client: socketio.Client | None = None
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()
        wait_until(lambda: self.connections, what="the socket is open")

    @property
    def seqs(self) -> list[int]:
        return [event["seq"] for event in self.events]

    def kinds(self) -> set[str]:
        return {event["kind"] for event in self.events}

    def is_complete(self) -> bool:
        """Whether it holds every event since it was opened that the person may see now, once and in order."""
        return self.seqs == [event["seq"] for event in self.caller.events(self._first)]

    def reconnect(self) -> None:
        """As after a broken line: a new ticket, a new socket, and what was missed fetched over HTTP."""
        before = self.connections
        if self._client is not None:
            self._client.disconnect()
        wait_until(lambda: self.connections > before, what="the socket is open again")

    def close(self) -> None:
        self._closed.set()
        if self._client is not None:
            self._client.disconnect()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._closed.is_set():
            ticket = self.caller.command("/api/realtime/ticket")
            self._client = socketio.Client(reconnection=False)
            self._client.on("frame", self._frame)
            self._client.on("catch_up", lambda _body: self._catch_up())
            self._client.on("heartbeat", self._heartbeat)
            try:
                self._client.connect(ticket["url"], auth={"ticket": ticket["ticket"]}, transports=["websocket"], wait_timeout=10)
            except socketio.exceptions.ConnectionError:
                self._closed.wait(0.2)
                continue
            self.connections += 1
            self._catch_up()
            self._client.wait()

    def _frame(self, frame: dict[str, Any]) -> None:
        with self._lock:
            if frame["prev"] > self.last:
                self._catch_up()
            elif frame["seq"] > self.last:
                self.pushed.append(frame["seq"])
                self._take(frame)

    def _heartbeat(self, body: dict[str, Any]) -> None:
        if body["head"] > self.last:
            self._catch_up()

    def _catch_up(self) -> None:
        with self._lock:
            for event in self.caller.events(self.last):
                self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self.last = event["seq"]

"""The command line on a PC: words, settings, services, and the agent as a real process."""

from __future__ import annotations

import json
import os
import plistlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sync.agent.cli import main
from sync.agent.mirror import words
from sync.agent.mirror.service import service_for
from sync.agent.mirror.show import save_in_words
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.conftest import LIBRARY, PATIENCE_S, ROOT, read, until

COMMAND = ("/opt/my agent/python", "-m", "sync.agent.cli", "--state-dir", '/home/林悦/50% "state"', "mirror", "run")


class Process:
    """The mirror as a member runs it."""

    def __init__(self, home: Path, fake: FakeLibrary, member: str) -> None:
        self.home, self.root, self.state = home, home / "素材", home / "state"
        self.library = self.root / LIBRARY
        home.mkdir(exist_ok=True)
        self.tell("login", json.dumps({"api": fake.api, "code": fake.issue_code(member), "device_name": member}))
        self.tell("mirror", "add", "--root", str(self.root))
        self.process: subprocess.Popen[bytes] | None = None

    def tell(self, *words_: str) -> str:
        command = [sys.executable, "-m", "sync.agent.cli", "--channel", "none", "--state-dir", str(self.state), *words_]
        env = {**os.environ, "MAINLINE_LANG": "zh_CN"}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> Process:
        command = [sys.executable, "-m", "sync.agent.cli", "--channel", "none", "--state-dir", str(self.state), "mirror", "run"]
        with open(self.home / "log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        until(
            lambda: self.status().get("pid") == self.process.pid and self.status()["state"] == "mounted" and self.library.is_dir(),
            self.log(),
        )  # type: ignore[union-attr]
        return self

    def log(self) -> str:
        return (self.home / "log").read_text()[-1500:]

    def status(self) -> dict:
        try:
            return json.loads((self.state / "status.json").read_bytes())
        except OSError:
            return {}

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self.process = None
        return code


@pytest.fixture
def lin(tmp_path: Path, fake: FakeLibrary, library: str) -> Iterator[Process]:
    process = Process(tmp_path / "pc", fake, "林悦")
    yield process
    if process.process is not None:
        process.end(signal.SIGKILL)


def test_agent_when_run_as_a_process_then_events_alone_bring_changes_both_ways(lin: Process, fake: FakeLibrary, library: str) -> None:
    lin.start()
    path = lin.library / "海报.psd"
    path.write_bytes(b"one")
    until(lambda: "海报.psd" in fake.live(library), "sent")
    path.write_bytes(b"two!")
    until(lambda: fake.live(library)["海报.psd"].version == 2, "sent again")
    assert fake.bytes_of(library, fake.live(library)["海报.psd"]) == b"two!"
    until(lambda: lin.status()["saves"] and lin.status()["saves"][0]["state"] == "safe", "told")
    shown = lin.tell("status")
    assert "状态: 运行中" in shown
    assert "双十一大促/海报.psd  已安全" in shown
    assert "全部同步完成" in shown
    assert json.loads(lin.tell("status", "--json"))["mirrored_files"] == 1
    assert lin.end() == 0
    assert "同步客户端没有运行" in lin.tell("status")


def test_agent_when_paused_then_nothing_moves_until_it_is_resumed(lin: Process, fake: FakeLibrary, library: str) -> None:
    assert "已暂停" in lin.tell("pause")
    lin.start()
    (lin.library / "f").write_bytes(b"x")
    until(lambda: lin.status().get("pending_ops") == 1, "noticed")
    assert "状态: 已暂停" in lin.tell("status")
    assert fake.live(library) == {}
    lin.tell("resume")
    until(lambda: "f" in fake.live(library), "sent")


def test_settings_when_told_then_kept_and_shown(lin: Process) -> None:
    assert "上传 200.0 KiB/s，下载 不限" in lin.tell("limit", "--up", "200")
    assert "上传 200.0 KiB/s，下载 1.0 MiB/s" in lin.tell("limit", "--down", "1024")
    assert "忽略规则 2 条" in lin.tell("ignore", "*.mov", "缓存/")
    assert "*.mov\n缓存/\n" in lin.tell("ignore")
    lin.tell("mirror", "remove", "双十一大促/大文件")
    listed = lin.tell("mirror", "list")
    assert "包括  全部素材库" in listed
    assert "不包括  双十一大促/大文件" in listed


def test_second_agent_when_one_runs_already_then_refused(lin: Process) -> None:
    lin.start()
    command = [sys.executable, "-m", "sync.agent.cli", "--channel", "none", "--state-dir", str(lin.state), "mirror", "run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "已在运行" in done.stderr


@pytest.mark.parametrize("seed", [0, 2])
def test_kill_when_at_any_moment_then_nothing_is_lost_and_nothing_is_there_twice(
    lin: Process, fake: FakeLibrary, library: str, seed: int
) -> None:
    lin.start()
    wanted: dict[str, bytes] = {}
    for _ in range(2):
        for number in range(8):
            content = os.urandom(150_000 + number)
            (lin.library / f"{number}.bin").write_bytes(content)
            wanted[f"{number}.bin"] = content
        received = len(fake.received)
        until(lambda at=received: len(fake.received) > at + seed, "under way")
        lin.end(signal.SIGKILL)
        lin.start()
    until(lambda: {path: fake.bytes_of(library, node) for path, node in fake.live(library).items()} == wanted, "all there")
    assert {path.name for path in lin.library.iterdir()} == set(wanted)


def test_kill_when_it_is_fetching_then_goes_on_and_no_half_file_is_ever_seen(
    lin: Process, tmp_path: Path, fake: FakeLibrary, library: str
) -> None:
    chen = Process(tmp_path / "pc2", fake, "陈帆")
    lin.start()
    content = os.urandom(48 * 1024 * 1024)
    (lin.library / "big.bin").write_bytes(content)
    until(lambda: "big.bin" in fake.live(library), "sent")
    chen.tell("limit", "--down", "5000")
    chen.start()
    try:
        until(lambda: list((chen.root / ".mainline/part").glob("*")), "being fetched")
        assert not (chen.library / "big.bin").exists()
        chen.end(signal.SIGKILL)
        chen.tell("limit", "--down", "0")
        chen.start()
        until(lambda: (chen.library / "big.bin").exists(), "fetched")
        assert read(chen.library / "big.bin") == content
        until(lambda: not list((chen.root / ".mainline/part").glob("*")), "tidy")
    finally:
        chen.end(signal.SIGKILL)


# --- words --------------------------------------------------------------------------------------------------------------


def test_words_when_said_anywhere_in_the_agent_then_there_is_english() -> None:
    source = "".join(path.read_text() for path in (ROOT / "sync/agent").rglob("*.py") if path.name != "words.py")
    said = set(re.findall(r'say\(\s*"([^"]+)"', source)) | set(re.findall(r'"([^"]*[\u4e00-\u9fff][^"]*)" if options', source))
    assert len(said) > 20
    assert said <= set(words.ENGLISH)
    for zh, en in words.ENGLISH.items():
        assert set(re.findall(r"\{\w+\}", zh)) == set(re.findall(r"\{\w+\}", en)), zh


def test_reasons_when_given_to_a_trouble_then_there_are_words() -> None:
    source = "".join(path.read_text() for path in (ROOT / "sync/agent/mirror").rglob("*.py") if path.name != "words.py")
    codes = set(re.findall(r'trouble\([^\n]*?, "(\w+)"', source))
    assert len(codes) > 8
    assert codes <= set(words.REASONS)


@pytest.mark.parametrize(("language", "spoken"), [("zh_CN.UTF-8", "已安全"), ("en_GB.UTF-8", "safe"), ("C", "已安全"), ("de_DE", "safe")])
def test_language_when_the_system_has_one_then_chinese_first(monkeypatch: pytest.MonkeyPatch, language: str, spoken: str) -> None:
    for name in ("MAINLINE_LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", language)
    assert save_in_words({"state": "safe"}) == spoken


def test_save_when_it_gets_further_then_said_in_these_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINLINE_LANG", "zh")
    steps = [{"state": "on_this_machine"}, {"state": "uploading", "percent": 40}, {"state": "safe"}, {"state": "safe", "seen": 3}]
    assert [save_in_words(step) for step in steps] == ["在本机", "上传 40%", "已安全", "已被 3 处看到"]


def test_login_when_the_text_is_not_a_seed_then_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--state-dir", str(tmp_path), "login", "{nonsense"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


# --- services -----------------------------------------------------------------------------------------------------------


def test_service_when_for_linux_then_systemd_gets_the_words_unharmed(tmp_path: Path) -> None:
    service = service_for("linux", COMMAND, tmp_path)
    assert service.path == tmp_path / ".config/systemd/user/mainline-agent.service"
    line = next(line for line in service.text.splitlines() if line.startswith("ExecStart="))
    assert line.endswith('"/home/林悦/50%% \\"state\\"" "mirror" "run"')
    checked = (
        subprocess.run(["systemd-analyze", "--version"], check=False, capture_output=True)
        if os.path.exists("/usr/bin/systemd-analyze")
        else None
    )
    if checked is not None and checked.returncode == 0:
        unit = tmp_path / "mainline-agent.service"
        unit.write_text(service.text.replace("/opt/my agent/python", sys.executable))
        done = subprocess.run(["systemd-analyze", "--user", "verify", str(unit)], check=False, capture_output=True, text=True)
        assert "Unknown" not in done.stderr


def test_service_when_for_macos_then_a_property_list_with_the_words(tmp_path: Path) -> None:
    service = service_for("darwin", COMMAND, tmp_path)
    content = plistlib.loads(service.text.encode())
    assert content["ProgramArguments"] == list(COMMAND)
    assert (content["RunAtLoad"], content["KeepAlive"]) == (True, {"SuccessfulExit": False})
    assert service.path.name == content["Label"] + ".plist"


def test_service_when_for_windows_then_a_task_at_logon_with_the_words(tmp_path: Path) -> None:
    service = service_for("win32", COMMAND, tmp_path)
    tree = ElementTree.fromstring(service.text.partition("\n")[2])
    space = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
    assert tree.findtext(f".//{space}Command") == COMMAND[0]
    arguments = tree.findtext(f".//{space}Arguments")
    assert arguments is not None
    assert arguments.endswith('"/home/林悦/50% \\"state\\"" mirror run')
    assert tree.find(f".//{space}LogonTrigger") is not None

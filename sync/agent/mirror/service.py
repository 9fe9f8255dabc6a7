"""The mirror as a service of the member's own session: systemd, launchd, or Windows' task scheduler.

Texts are made for any system on any system, so that they can be read and tested; only this machine's own is installed.
"""

from __future__ import annotations

import os
import plistlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from sync.agent.errors import BadSetting

NAME = "mainline-agent"
LABEL = "com.mainline.agent"


@dataclass(frozen=True)
class Service:
    """A file to be written, and the commands that make the system take it up or drop it."""

    path: Path
    text: str
    start: tuple[tuple[str, ...], ...]
    stop: tuple[tuple[str, ...], ...]


def service_for(system: str, command: tuple[str, ...], home: Path) -> Service:
    """The service on `linux`, `darwin` or `win32`. command: what runs, whole paths. Raises BadSetting for another system."""
    if system == "linux":
        return _systemd(command, home)
    if system == "darwin":
        return _launchd(command, home)
    if system == "win32":
        return _task(command, home)
    raise BadSetting("这个系统没有已知的服务方式", system)


def _systemd(command: tuple[str, ...], home: Path) -> Service:
    quoted = " ".join(f'"{_systemd_escaped(word)}"' for word in command)
    text = f"""[Unit]
Description=Mainline asset libraries on this computer
Documentation=https://www.freedesktop.org/software/systemd/man/systemd.service.html
StartLimitIntervalSec=0

[Service]
ExecStart={quoted}
Restart=on-failure
RestartSec=5
# Wrong settings and a computer that is not enrolled do not get better by trying again.
RestartPreventExitStatus=2 3
TimeoutStopSec=40
Nice=5
IOSchedulingPriority=6
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""
    unit = f"{NAME}.service"
    return Service(
        home / ".config/systemd/user" / unit, text,
        (("systemctl", "--user", "daemon-reload"), ("systemctl", "--user", "enable", "--now", unit)),
        (("systemctl", "--user", "disable", "--now", unit),),
    )  # fmt: skip


def _systemd_escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")


def _launchd(command: tuple[str, ...], home: Path) -> Service:
    logs = home / "Library/Logs"
    content = {
        "Label": LABEL, "ProgramArguments": list(command), "RunAtLoad": True, "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 10, "ProcessType": "Background", "LowPriorityIO": True,
        "StandardErrorPath": str(logs / f"{NAME}.log"), "StandardOutPath": str(logs / f"{NAME}.log"),
    }  # fmt: skip
    path = home / "Library/LaunchAgents" / f"{LABEL}.plist"
    return Service(
        path, plistlib.dumps(content).decode(), (("launchctl", "load", "-w", str(path)),), (("launchctl", "unload", "-w", str(path)),)
    )


def _task(command: tuple[str, ...], home: Path) -> Service:
    arguments = subprocess.list2cmdline(command[1:])
    text = f"""<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>Mainline asset libraries on this computer</Description></RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>
  <Principals><Principal id="Author"><LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>255</Count></RestartOnFailure>
    <Hidden>true</Hidden>
  </Settings>
  <Actions Context="Author"><Exec><Command>{escape(command[0])}</Command><Arguments>{escape(arguments)}</Arguments></Exec></Actions>
</Task>
"""
    path = home / "AppData/Local/Mainline" / f"{NAME}.xml"
    return Service(
        path, text,
        (("schtasks", "/Create", "/F", "/TN", "Mainline Agent", "/XML", str(path)), ("schtasks", "/Run", "/TN", "Mainline Agent")),
        (("schtasks", "/End", "/TN", "Mainline Agent"), ("schtasks", "/Delete", "/F", "/TN", "Mainline Agent")),
    )  # fmt: skip


def own_command(state_dir: Path) -> tuple[str, ...]:
    """How this very installation runs the mirror; on Windows without a console window."""
    python = Path(sys.executable)
    if sys.platform == "win32" and (silent := python.with_name("pythonw.exe")).exists():
        python = silent
    return str(python), "-m", "sync.agent.cli", "--log", "info", "--state-dir", str(state_dir), "mirror", "run"


def install(service: Service) -> list[tuple[str, ...]]:
    """Write the file and start it. Returns the commands that could not be run here, for the person to run."""
    service.path.parent.mkdir(parents=True, exist_ok=True)
    encoding = "utf-16" if service.path.suffix == ".xml" else "utf-8"
    service.path.write_text(service.text, encoding=encoding)
    return _run(service.start)


def uninstall(service: Service) -> list[tuple[str, ...]]:
    """Stop it and remove the file; what is mirrored stays. Returns the commands that could not be run here."""
    left = _run(service.stop)
    service.path.unlink(missing_ok=True)
    return left


def _run(commands: tuple[tuple[str, ...], ...]) -> list[tuple[str, ...]]:
    for position, command in enumerate(commands):
        try:
            done = subprocess.run(command, check=False, capture_output=True, env={**os.environ, "LC_ALL": "C"})
        except OSError:
            return list(commands[position:])
        if done.returncode:
            return list(commands[position:])
    return []

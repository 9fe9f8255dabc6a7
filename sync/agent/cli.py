"""The command line: `mainline-agent login | mount | pin | mirror | status …`. Errors are one line and an exit status.

On a desktop the agent mounts (`serve`); on a PC it mirrors (`mirror/commands.py`).

Exit status: 0 fine, 2 wrong settings, 3 not enrolled, 4 cannot mount, 5 not reachable, 6 refused, 7 the disk takes nothing.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

from sync.agent import VERSION, config, pin_commands
from sync.agent.config import Config, Identity
from sync.agent.disk_errors import disk_errno, disk_words, trouble_of
from sync.agent.errors import AgentError, NotEnrolled, Unreachable
from sync.agent.mirror import commands as mirror_commands
from sync.agent.mirror.show import lines
from sync.agent.mirror.words import say
from sync.agent.single import only_one
from sync.agent.transport import ChannelDialer, TcpDialer, Transport

log = logging.getLogger("mainline.agent")

DISK_STATUS = 7


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log.upper(), format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        return int(options.run(options))
    except AgentError as error:
        print(f"mainline-agent: {error.title}" + (f" — {error.message}" if error.message else ""), file=sys.stderr)
        return error.exit_status
    except (OSError, sqlite3.OperationalError) as error:
        code = disk_errno(error)
        if code is None:
            raise
        print(f"mainline-agent: {disk_words(code)} — {error}", file=sys.stderr)
        return DISK_STATUS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mainline-agent", description="主线同步客户端: the asset libraries on this machine.")
    parser.add_argument("--version", action="version", version=VERSION)
    parser.add_argument("--state-dir", type=Path, default=None, help="index, journal, unsent bytes and cache")
    parser.add_argument(
        "--channel", default="auto", help="virtio port to the gateway, 'none' for plain TCP, 'auto' for the port if there is one"
    )
    parser.add_argument("--log", default="warning", choices=["debug", "info", "warning", "error"])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    enrol = commands.add_parser("enrol", help="trade the code of a seed for this device's token")
    enrol.add_argument("--seed", type=Path, default=None, help="JSON file; default: the desktop's firmware configuration")
    enrol.set_defaults(run=_enrol)
    login = commands.add_parser("login", help="enrol this computer with what the page “我的设备” shows")
    login.add_argument("seed_text", nargs="?", default=None, metavar="JSON", help="asked for if left out")
    login.set_defaults(run=_login)

    for name, run, text in (
        ("mount", _mount, "mount the libraries and stay in the foreground"),
        ("serve", _serve, "enrol if need be, as soon as the product can be reached, then mount"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("mount_point", type=Path)
        command.add_argument("--uid", type=int, default=_id("getuid"), help="whose the files appear to be")
        command.add_argument("--gid", type=int, default=_id("getgid"))
        command.add_argument("--allow-other", action="store_true", help="other users may look in (needed with --uid)")
        command.add_argument("--drain-s", type=float, default=30.0, help="how long stopping waits for unsent saves")
        command.add_argument("--cache-mib", type=int, default=2048)
        command.add_argument("--status-file", type=Path, default=None, help="where to tell how it is; default: in the state directory")
        command.add_argument("--seed", type=Path, default=None)
        command.set_defaults(run=run)

    status = commands.add_parser("status", help="where the files of this machine are")
    status.add_argument("--json", action="store_true", help="all of it, for programs")
    status.set_defaults(run=_status)
    pin_commands.add_commands(commands)
    mirror_commands.add_commands(commands, _config, _transport)
    return parser


def _id(name: str) -> int:
    """The user or group; systems without either have no mount to show them in."""
    return int(getattr(os, name, int)())


def _config(options: argparse.Namespace) -> Config:
    channel = {"auto": config.default_channel(), "none": None}.get(options.channel, Path(options.channel))
    state_dir = options.state_dir or config.default_state_dir()
    cache_bytes = getattr(options, "cache_mib", 2048) * 1024 * 1024
    return Config(state_dir, channel, cache_bytes, getattr(options, "status_file", None))


def _transport(settings: Config) -> Transport:
    if settings.channel is None:
        return Transport(TcpDialer())
    from sync.agent.link import Link

    return Transport(ChannelDialer(Link(settings.channel)))


def _enrol(options: argparse.Namespace) -> int:
    settings = _config(options)
    identity = enrol(settings, options.seed, _transport(settings))
    print(f"已注册为 {identity.member_name} 的设备 {identity.device}")
    return 0


def _login(options: argparse.Namespace) -> int:
    settings = _config(options)
    seed = config.parse_seed(mirror_commands.read_login(options.seed_text), "登记信息")
    identity = enrol_with(settings, seed, _transport(settings))
    print(say("已登记为{member}的电脑", member=identity.member_name))
    return 0


def enrol(settings: Config, seed_path: Path | None, transport: Transport) -> Identity:
    """Trade the seed's code for a token and keep it."""
    return enrol_with(settings, config.read_seed(config.find_seed(seed_path)), transport)


def enrol_with(settings: Config, seed: config.Seed, transport: Transport) -> Identity:
    """The same with a seed that was read already."""
    from sync.agent.remote import Remote
    from sync.core.protocol import EnrolRequest

    request = EnrolRequest(seed.code, config.enrolment_nonce(settings, seed.code), seed.device_name, platform.platform(terse=True), VERSION)
    answer = Remote(transport, seed.api, None).enrol(request)
    identity = Identity(seed.api, answer.token, answer.device, answer.member.id, answer.member.name, answer.desktop)
    config.save_identity(settings, identity)
    return identity


def _mount(options: argparse.Namespace) -> int:
    settings = _config(options)
    return _run(options, settings, config.load_identity(settings), _transport(settings))


def _serve(options: argparse.Namespace) -> int:
    """For a unit: the desktop may be up before the product can be reached."""
    settings = _config(options)
    transport = _transport(settings)
    threading.Thread(target=_load_mount, name="load", daemon=True).start()
    pause = 0.5
    while True:
        try:
            identity = config.load_identity(settings)
            break
        except NotEnrolled:
            pass  # the usual case at the first start
        try:
            identity = enrol(settings, options.seed, transport)
            break
        except Unreachable as error:
            log.warning("%s", error)
            time.sleep(pause)
            pause = min(pause * 2, 15)
    return _run(options, settings, identity, transport)


def _load_mount() -> None:
    """Import what `_run` needs while the network is waited for: seconds, on an emulated processor."""
    import sync.agent.engine
    import sync.agent.mount  # noqa: F401


def _run(options: argparse.Namespace, settings: Config, identity: Identity, transport: Transport) -> int:
    from sync.agent.engine import Engine
    from sync.agent.mount import MountOptions, run_mount

    lock = only_one(settings.state_dir)
    try:
        engine = Engine(settings, identity, transport)
        run_mount(
            engine, options.mount_point.absolute(), settings.state_dir,
            MountOptions(options.uid, options.gid, options.allow_other), drain_s=options.drain_s,
        )  # fmt: skip
    finally:
        os.close(lock)
    if engine.fatal is not None:
        raise engine.fatal
    return 0


def _status(options: argparse.Namespace) -> int:
    settings = _config(options)
    status = _told(settings.status_path) or (_told(config.DESKTOP_STATUS) if options.state_dir is None else None)
    if status is None:
        identity = config.load_identity(settings)
        status = {"state": "stopped", "member": identity.member_name, "device": identity.device, "saves": []}
    if not _is_running(status):
        status["state"] = "stopped"
    # The agent's last word may be from before its disk stopped taking any.
    status["error"] = status.get("error") or trouble_of(settings.state_dir)
    if options.json:
        json.dump(status, sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        print("\n".join(lines(status)))
    return 0


def _told(path: Path) -> dict[str, Any] | None:
    """What the agent wrote; read again if it was being written over in this very moment."""
    for _attempt in range(3):
        try:
            status: dict[str, Any] = json.loads(path.read_bytes())
            return status
        except OSError:
            return None
        except ValueError:
            time.sleep(0.05)
    return None


def _is_running(status: dict[str, Any]) -> bool:
    """Whether the agent that wrote this is still there; on Windows its last word is believed."""
    pid = status.get("pid")
    if not isinstance(pid, int) or sys.platform == "win32":
        return status.get("state") != "stopped"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    sys.exit(main())

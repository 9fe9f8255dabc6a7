"""The command line: `mainline-agent enrol | mount | serve | status`. Errors are one line and an exit status.

Exit status: 0 fine, 2 wrong settings, 3 not enrolled, 4 cannot mount, 5 not reachable, 6 refused.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
import threading
import time
from pathlib import Path

from sync.agent import VERSION, config
from sync.agent.config import Config, Identity
from sync.agent.errors import AgentError, MountFailed, NotEnrolled, Unreachable
from sync.agent.transport import ChannelDialer, TcpDialer, Transport

log = logging.getLogger("mainline.agent")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log.upper(), format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        return int(options.run(options))
    except AgentError as error:
        print(f"mainline-agent: {error.title}" + (f" — {error.message}" if error.message else ""), file=sys.stderr)
        return error.exit_status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mainline-agent", description="主线同步客户端: mounts the asset libraries.")
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

    for name, run, text in (
        ("mount", _mount, "mount the libraries and stay in the foreground"),
        ("serve", _serve, "enrol if need be, as soon as the product can be reached, then mount"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("mount_point", type=Path)
        command.add_argument("--uid", type=int, default=os.getuid(), help="whose the files appear to be")
        command.add_argument("--gid", type=int, default=os.getgid())
        command.add_argument("--allow-other", action="store_true", help="other users may look in (needed with --uid)")
        command.add_argument("--drain-s", type=float, default=30.0, help="how long stopping waits for unsent saves")
        command.add_argument("--cache-mib", type=int, default=2048)
        command.add_argument("--seed", type=Path, default=None)
        command.set_defaults(run=run)

    status = commands.add_parser("status", help="where the saves of this machine are, as JSON")
    status.set_defaults(run=_status)
    return parser


def _config(options: argparse.Namespace) -> Config:
    channel = {"auto": config.default_channel(), "none": None}.get(options.channel, Path(options.channel))
    state_dir = options.state_dir or config.default_state_dir()
    cache_bytes = getattr(options, "cache_mib", 2048) * 1024 * 1024
    return Config(state_dir, channel, cache_bytes)


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


def enrol(settings: Config, seed_path: Path | None, transport: Transport) -> Identity:
    """Trade the seed's code for a token and keep it."""
    from sync.agent.remote import Remote
    from sync.core.protocol import EnrolRequest

    seed = config.read_seed(config.find_seed(seed_path))
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

    lock = _only_one(settings)
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


def _only_one(settings: Config) -> int:
    """Two agents on one index would send everything twice."""
    import fcntl

    settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(settings.state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise MountFailed("同步客户端已在运行", f"another agent uses {settings.state_dir}") from None
    return lock


def _status(options: argparse.Namespace) -> int:
    settings = _config(options)
    identity = config.load_identity(settings)
    try:
        status = json.loads(settings.status_path.read_bytes())
    except (OSError, ValueError):
        status = {"state": "stopped", "member": identity.member_name, "device": identity.device, "saves": []}
    json.dump(status, sys.stdout, ensure_ascii=False, indent=2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The commands of the mirror: `mainline-agent login | mirror … | pause | resume | limit | ignore | log | service …`.

They change settings and show the status; the running agent notices both ways within a second. Only `mirror run` is the agent.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType

from sync.agent import config
from sync.agent.config import Config
from sync.agent.errors import BadSetting
from sync.agent.mirror.choice import IGNORE_FILE, read_rules
from sync.agent.mirror.settings import MirrorSettings, load_settings, save_settings
from sync.agent.mirror.words import say, size_in_words
from sync.agent.single import only_one
from sync.agent.transport import Transport

Options = argparse.Namespace
MakeConfig = Callable[[Options], Config]
MakeTransport = Callable[[Config], Transport]

_LOG_BYTES = 2 * 1024 * 1024
_ACTIONS = "_SubParsersAction[argparse.ArgumentParser]"


def add_commands(commands: _ACTIONS, make_config: MakeConfig, make_transport: MakeTransport) -> None:  # type: ignore[valid-type]
    """Add the mirror's commands to the command line."""

    def command(to: _ACTIONS, name: str, text: str, run: Callable[[Options, Config], int]) -> argparse.ArgumentParser:  # type: ignore[valid-type]
        parser: argparse.ArgumentParser = to.add_parser(name, help=text)  # type: ignore[attr-defined]
        parser.set_defaults(run=lambda options: run(options, make_config(options)))
        return parser

    mirror = commands.add_parser("mirror", help="libraries as a folder on this computer")  # type: ignore[attr-defined]
    actions = mirror.add_subparsers(required=True, metavar="ACTION")
    run = command(actions, "run", "mirror and stay in the foreground", lambda options, made: _run(options, made, make_transport(made)))
    run.add_argument("--drain-s", type=float, default=10.0, help="how long stopping waits for unsent saves")
    add = command(actions, "add", "choose a library, or a folder in one", _add)
    add.add_argument("path", nargs="?", default=None, help="LIBRARY or LIBRARY/FOLDER; all libraries if left out")
    add.add_argument("--root", type=Path, default=None, help="where the libraries go; only before the first run")
    remove = command(actions, "remove", "leave a library or folder out; copies here that are safe go away", _remove)
    remove.add_argument("path", nargs="?", default=None)
    command(actions, "list", "what is chosen", _list)

    command(commands, "pause", "move nothing until `resume`", lambda _, made: _pause(made, paused=True))
    command(commands, "resume", "go on", lambda _, made: _pause(made, paused=False))
    limit = command(commands, "limit", "KiB a second for contents; 0 is no limit", _limit)
    limit.add_argument("--up", type=int, default=None, metavar="KIB_S")
    limit.add_argument("--down", type=int, default=None, metavar="KIB_S")
    ignore = command(commands, "ignore", "show rules of what stays out, or add some, as in .gitignore", _ignore)
    ignore.add_argument("rules", nargs="*", metavar="RULE")
    log = command(commands, "log", "the last lines of the agent's log", _log)
    log.add_argument("-n", type=int, default=40, dest="lines")
    service = command(commands, "service", "run at each sign-in", _service)
    service.add_argument("action", choices=["install", "uninstall", "show"])
    service.add_argument("--system", choices=["linux", "darwin", "win32"], default=sys.platform, help="for `show`: another system's text")


# --- running ------------------------------------------------------------------------------------------------------------


def _run(options: Options, made: Config, transport: Transport) -> int:
    from sync.agent.mirror.engine import MirrorEngine

    identity = config.load_identity(made)
    lock = only_one(made.state_dir)
    try:
        _log_to_file(made)
        engine = MirrorEngine(made, identity, transport)
        stopped = threading.Event()
        engine.on_fatal = stopped.set

        def on_signal(number: int, frame: FrameType | None) -> None:
            stopped.set()

        for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), on_signal)
        try:
            engine.begin()
            while not stopped.wait(0.5):  # with a timeout, so that Windows delivers the signal
                pass
            if engine.fatal is None and not engine.settings.paused:
                engine.drain(options.drain_s)
        finally:
            engine.stop()
    finally:
        os.close(lock)
    if engine.fatal is not None:
        raise engine.fatal
    return 0


def _log_path(made: Config) -> Path:
    return made.state_dir / "agent.log"


def _log_to_file(made: Config) -> None:
    from logging.handlers import RotatingFileHandler

    handler = RotatingFileHandler(_log_path(made), maxBytes=_LOG_BYTES, backupCount=2, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("mainline.agent")
    logger.addHandler(handler)
    logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))


# --- settings -----------------------------------------------------------------------------------------------------------


def _add(options: Options, made: Config) -> int:
    settings = load_settings(made)
    if options.root is not None:
        settings = _with_root(made, settings, options.root)
    if options.path is None:
        settings = replace(settings, everything=True, folders={})
    else:
        settings = settings.choose(_known_path(made, options.path), True)
    save_settings(made, settings)
    print(say("已选择“{path}”", path=options.path or say("全部素材库")))
    print(say("素材会放在 {root}", root=settings.root))
    return 0


def _with_root(made: Config, settings: MirrorSettings, root: Path) -> MirrorSettings:
    wanted = str(root.expanduser().absolute())
    if wanted != settings.root and (Path(settings.root) / ".mainline").exists():
        raise BadSetting(say("镜像已经开始，不能改到别处"), settings.root)
    return replace(settings, root=wanted)


def _known_path(made: Config, path: str) -> str:
    """The path as the library spells it. While nothing is known yet, as it was typed."""
    clean = path.replace(os.sep, "/").strip("/")
    if not (made.state_dir / "index.db").exists():
        return clean
    from sync.agent.index import Index

    index = Index(made.state_dir / "index.db")
    try:
        if not index.libraries():
            return clean
        file = index.at_path(clean)
        if file is None or not file.is_folder:
            raise BadSetting(say("没有找到“{path}”", path=path))
        return index.path_of(file.ino).strip("/")
    finally:
        index.close()


def _remove(options: Options, made: Config) -> int:
    settings = load_settings(made)
    if options.path is None:
        settings = replace(settings, everything=False, folders={})
    else:
        settings = settings.choose(_known_path(made, options.path), False)
    save_settings(made, settings)
    print(say("已取消“{path}”，已安全的本机副本会被移走", path=options.path or say("全部素材库")))
    return 0


def _list(options: Options, made: Config) -> int:
    settings = load_settings(made)
    if not settings.everything and not settings.folders:
        print(say("还没有选择素材库。用 mirror add 选择。"))
        return 0
    print(say("素材会放在 {root}", root=settings.root))
    if settings.everything:
        print(f"  {say('包括')}  {say('全部素材库')}")
    for path, chosen in sorted(settings.folders.items()):
        print(f"  {say('包括') if chosen else say('不包括')}  {path}")
    return 0


def _pause(made: Config, *, paused: bool) -> int:
    save_settings(made, replace(load_settings(made), paused=paused))
    print(say("已暂停同步") if paused else say("已继续同步"))
    return 0


def _limit(options: Options, made: Config) -> int:
    settings = load_settings(made)
    up = settings.up_kib_s if options.up is None else max(0, options.up)
    down = settings.down_kib_s if options.down is None else max(0, options.down)
    save_settings(made, replace(settings, up_kib_s=up, down_kib_s=down))
    shown = [f"{size_in_words(rate * 1024)}/s" if rate else say("不限") for rate in (up, down)]
    print(say("上传 {up}，下载 {down}", up=shown[0], down=shown[1]))
    return 0


def _ignore(options: Options, made: Config) -> int:
    path = Path(load_settings(made).root) / IGNORE_FILE
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if options.rules:
        path.parent.mkdir(parents=True, exist_ok=True)
        separator = "" if not before or before.endswith("\n") else "\n"
        path.write_text(before + separator + "".join(f"{rule}\n" for rule in options.rules), encoding="utf-8")
    elif before:
        print(before, end="")
    print(say("忽略规则 {count} 条，写在 {path}", count=len(read_rules(path)), path=path))
    return 0


def _log(options: Options, made: Config) -> int:
    try:
        lines = _log_path(made).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        print(say("没有日志"))
        return 0
    print("\n".join(lines[-max(1, options.lines) :]))
    return 0


def _service(options: Options, made: Config) -> int:
    from sync.agent.mirror.service import install, own_command, service_for, uninstall

    service = service_for(options.system, own_command(made.state_dir), Path.home())
    if options.action == "show":
        print(service.text, end="")
        return 0
    if options.system != sys.platform:
        raise BadSetting(say("只能安装这台电脑自己的服务"), options.system)
    left = install(service) if options.action == "install" else uninstall(service)
    print(say("已写入 {path}" if options.action == "install" else "已移除 {path}", path=service.path))
    for command in left:
        print(say("请运行：{command}", command=" ".join(command)))
    if not left and options.action == "install":
        print(say("已启动服务"))
    return 0


def read_login(given: str | None) -> str:
    """What the page of devices shows: given, or pasted; JSON over one line or several."""
    if given is not None:
        return given
    if sys.stdin.isatty():
        print(say("从网页“我的设备”复制登记信息，粘贴到这里，然后按回车："), file=sys.stderr)
    text = ""
    for line in sys.stdin:
        text += line
        try:
            json.loads(text)
            break
        except ValueError:
            continue
    return text

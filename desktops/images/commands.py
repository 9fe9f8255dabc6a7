"""Running the outside programs that the builder needs, with errors a person can act on."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from workspace.errors import MainlineError
from workspace.i18n import _


class BuildFailed(MainlineError):
    """A step of the image build failed; the message ends with the program's last words."""

    status = 500
    code = "image_build_failed"


def require_programs(programs: dict[str, str]) -> None:
    """Raise BuildFailed that names every missing program and the Debian package that brings it."""
    missing = {program: package for program, package in programs.items() if shutil.which(program, path=_path()) is None}
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise BuildFailed(
            _("缺少制作镜像所需的程序：%(names)s", names="、".join(sorted(missing))),
            _("请先安装：apt-get install %(packages)s", packages=packages),
        )


def run(argv: Sequence[str | Path], *, log: Path, step: str, cwd: Path | None = None) -> None:
    """Run to its end with the output appended to ``log``; raises BuildFailed with the last ten lines."""
    with log.open("ab") as output:
        output.write(f"\n$ {' '.join(map(str, argv))}\n".encode())
        output.flush()
        begin = output.tell()
        try:
            code = subprocess.run(
                [str(part) for part in argv], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=cwd, env=_environment()
            ).returncode
        except OSError as error:
            raise BuildFailed(_("%(step)s 无法开始", step=step), f"{argv[0]}: {error.strerror}") from error
    if code != 0:
        words = log.read_bytes()[begin:].decode("utf-8", "replace").strip().splitlines()[-10:]
        raise BuildFailed(_("%(step)s 失败（退出码 %(code)s）", step=step, code=code), "\n".join([str(log), *words]))


def output_of(argv: Sequence[str | Path], *, step: str) -> str:
    """The program's standard output; raises BuildFailed with its standard error."""
    try:
        done = subprocess.run([str(part) for part in argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=_environment())
    except OSError as error:
        raise BuildFailed(_("%(step)s 无法开始", step=step), f"{argv[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise BuildFailed(_("%(step)s 失败（退出码 %(code)s）", step=step, code=done.returncode), done.stderr.strip()[-800:])
    return done.stdout


def _path() -> str:
    """With the sbin folders, which a plain user's PATH lacks and where mkfs and chroot live."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


def _environment() -> dict[str, str]:
    """The caller's environment (proxies included) in a language whose messages the builder can be grepped for."""
    return {**os.environ, "PATH": _path(), "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}

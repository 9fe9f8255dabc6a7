"""The image's root file system: Debian packages, the recipe's own files, the sync agent. Runs as root."""

import os
import shutil
import stat
import sys
from pathlib import Path

from desktops.images.apt_sources import sources_of_suite
from desktops.images.commands import BuildFailed, output_of, run
from desktops.images.kernel import ModuleIndex
from desktops.images.recipe import AgentSource, Recipe
from workspace.i18n import _

DESIGNER_UID = 1000
AGENT_FOLDER = "opt/mainline"
_LEFTOVERS = (
    "var/cache/apt/*", "var/lib/apt/lists/*", "var/log/*", "tmp/*", "usr/share/i18n/charmaps/*", "usr/share/i18n/locales/*",
)  # fmt: skip


def unpack_packages(recipe: Recipe, root: Path, *, kernel_folder: Path, log: Path) -> None:
    """Install the recipe's packages into ``root`` and unpack the kernel package, without installing it, beside.

    The kernel is not installed: its scripts would build an initramfs that nobody uses.
    """
    sources = _apt_sources(recipe.suite)
    arguments: list[str | Path] = ["mmdebstrap", "--mode=root", "--variant=essential", "--format=directory"]
    arguments += [f"--dpkgopt=path-exclude={path}" for path in recipe.excluded_paths]
    arguments += [f"--dpkgopt=path-include={path}" for path in recipe.included_paths]
    arguments += [f"--include={','.join(recipe.packages)}", f"--customize-hook={_kernel_hook(recipe, kernel_folder)}"]
    arguments += [recipe.suite, root]
    if sources:
        source_file = kernel_folder / "apt.sources"
        source_file.write_text(sources)
        arguments.append(source_file)
    run(arguments, log=log, step=_("安装 Debian 软件包"))
    for package in sorted(kernel_folder.glob("*.deb")):
        run(["dpkg-deb", "-x", package, kernel_folder / "tree"], log=log, step=_("解开内核软件包"))


def _apt_sources(suite: str) -> str:
    folder = Path("/etc/apt")
    paths = [folder / "sources.list", *(folder / "sources.list.d").glob("*.list"), *(folder / "sources.list.d").glob("*.sources")]
    return sources_of_suite({path.name: path.read_text("utf-8") for path in paths if path.is_file()}, suite)


def _kernel_hook(recipe: Recipe, folder: Path) -> str:
    """Shell that mmdebstrap runs with apt set up for the new root: it follows the metapackage to today's kernel."""
    apt = 'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"'
    newest = f"{apt} apt-cache depends {recipe.kernel.package} | sed -n 's/^ *Depends: \\(linux-image-.*\\)/\\1/p' | head -n 1"
    return f'cd "{folder}" && {apt} apt-get download -qq "$({newest})"'


def install_modules(recipe: Recipe, root: Path, kernel_tree: Path, *, log: Path) -> tuple[str, Path, list[tuple[str, bytes]]]:
    """Put the kept modules on the system disk; returns (kernel version, bzImage, initramfs modules in load order)."""
    source = _only_folder(next(iter(kernel_tree.glob("*lib/modules")), kernel_tree / "lib/modules"))
    version = source.name
    run(["chroot", root, "depmod", "--version"], log=log, step=_("检查内核模块工具"))
    target = root / "usr/lib/modules" / version
    shutil.copytree(source, target)
    run(["chroot", root, "depmod", version], log=log, step=_("登记内核模块"))
    index = ModuleIndex.parse((target / "modules.dep").read_text())
    built_in = {Path(line).stem.replace("-", "_") for line in (target / "modules.builtin").read_text().splitlines()}
    wanted = [name for name in recipe.kernel.initramfs_modules if name.replace("-", "_") not in built_in]
    try:
        order = index.load_order(wanted)
    except KeyError as error:
        raise BuildFailed(_("内核 %(version)s 没有模块 %(name)s", version=version, name=error.args[0]), str(recipe.folder)) from error
    loaded = [(Path(path).name, (target / path).read_bytes()) for path in order]
    for path in index.paths.values():
        if not path.startswith(recipe.kernel.kept_modules):
            (target / path).unlink()
    run(["chroot", root, "depmod", version], log=log, step=_("登记内核模块"))
    return version, kernel_tree / "boot" / f"vmlinuz-{version}", loaded


def _only_folder(parent: Path) -> Path:
    folders = [path for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
    if len(folders) != 1:
        raise BuildFailed(_("内核软件包的内容与预期不同"), str(parent))
    return folders[0]


def copy_files(recipe: Recipe, root: Path) -> None:
    """Lay the recipe's own files over the packages', owned by root, with modes that do not depend on the umask."""
    for path in sorted(recipe.files.rglob("*")):
        target = root / path.relative_to(recipe.files)
        if path.is_dir():
            target.mkdir(mode=0o755, parents=True, exist_ok=True)
        else:
            shutil.copyfile(path, target)
            target.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def install_agent(recipe: Recipe, agent: AgentSource, root: Path, *, scratch: Path, log: Path) -> None:
    """Install the sync agent and its dependencies below /opt/mainline and compile them for the image's Python."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if agent.wheels is None and running != recipe.python:
        raise BuildFailed(
            _("同步客户端的依赖要用 Python %(wanted)s 准备，现在运行的是 %(running)s", wanted=recipe.python, running=running),
            _("请用 Python %(wanted)s 运行，或用 --wheels 指定一个准备好的 wheel 目录。", wanted=recipe.python),
        )
    wheels, target = agent.wheels, root / AGENT_FOLDER
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    if wheels is None:
        wheels = scratch / "wheels"
        run([*pip, "wheel", "-q", "-w", wheels, "-r", agent.requirements], log=log, step=_("准备同步客户端的依赖"))
    # sqlite-utils asks for pip, which nothing here runs.
    chosen = [path for path in sorted(wheels.glob("*.whl")) if not path.name.startswith(("pip-", "setuptools-", "wheel-"))]
    into: list[str | Path] = ["--no-index", "--no-deps", "--no-compile", "--root-user-action=ignore", "--target", target]
    run([*pip, "install", "-q", *into, *chosen], log=log, step=_("安装同步客户端的依赖"))
    for module in agent.modules():
        destination = target / module.relative_to(agent.root)
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, destination)
    # Unchecked: the files never change in the image, and comparing times costs a stat for each import.
    compile_all = ["python3", "-m", "compileall", "-q", "-j0", "--invalidation-mode", "unchecked-hash", f"/{AGENT_FOLDER}"]
    run(["chroot", root, *compile_all], log=log, step=_("编译同步客户端"))


def check_agent(root: Path, *, log: Path) -> None:
    """Import the agent with the image's own Python: a wheel for another Python or libc fails here, not in a desktop."""
    check = ["env", "-i", f"PYTHONPATH=/{AGENT_FOLDER}", "/usr/bin/python3", "-B", "-c", "import pyfuse3, sync.agent.cli"]
    run(["chroot", root, *check], log=log, step=_("检查同步客户端"))


def settle(recipe: Recipe, root: Path, *, log: Path) -> None:
    """Accounts, language, time, caches: all that would otherwise be worked out at every start of every desktop."""
    step = _("设置系统")

    def inside(*argv: str) -> None:
        run(["chroot", root, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", *argv], log=log, step=step)

    (root / "etc/hostname").write_text("desktop\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost desktop\n")
    (root / "etc/timezone").write_text(f"{recipe.time_zone}\n")
    _link(root / "etc/localtime", f"/usr/share/zoneinfo/{recipe.time_zone}")
    language, _dot, charset = recipe.locale.partition(".")
    inside("localedef", "-i", language, "-f", charset, recipe.locale)
    (root / "etc/default/locale").write_text(f"LANG={recipe.locale}\n")
    inside("useradd", "--uid", str(DESIGNER_UID), "--user-group", "--create-home", "--shell", "/bin/bash", "designer")
    (root / "assets").mkdir(mode=0o755)
    # fontconfig compares times to the nanosecond and mkfs.ext4 keeps whole seconds: unless the folders have whole
    # ones, every program scans all fonts at every start (10 CPU-seconds under emulation).
    for folder in [root / "usr/share/fonts", *(path for path in (root / "usr/share/fonts").rglob("*") if path.is_dir())]:
        os.utime(folder, (int(folder.stat().st_mtime),) * 2)
    inside("fc-cache", "-s", "-f")
    for theme in sorted((root / "usr/share/icons").iterdir()):
        if (theme / "index.theme").is_file() and theme.name != "default":
            inside("gtk-update-icon-cache", "-q", "-f", f"/usr/share/icons/{theme.name}")
    _clear(root)


def _link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _clear(root: Path) -> None:
    """Remove what belongs to the build or must differ in each desktop."""
    for pattern in _LEFTOVERS:
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in ("etc/apt/sources.list", "etc/apt/sources.list.d/0000apt.sources", "etc/resolv.conf", "var/lib/dbus/machine-id"):
        (root / name).unlink(missing_ok=True)
    # Empty: dbus and others fill it at the first start, so that no two desktops share it.
    (root / "etc/machine-id").write_text("")
    os.sync()


def installed_packages(root: Path) -> dict[str, str]:
    """Package name -> version, as dpkg in the image knows them."""
    listing = output_of(["chroot", root, "dpkg-query", "-W", "-f", "${Package}\t${Version}\n"], step=_("列出软件包"))
    return dict(line.split("\t", 1) for line in listing.splitlines())

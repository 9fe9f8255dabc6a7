"""Building a golden image: `mainline image build --output DIR`.

What comes out, in DIR/NAME-DIGEST/, never changed again (desktops are linked clones of it):

- rootfs.qcow2   the system disk, ext4 without a partition table
- vmlinux        the kernel, uncompressed
- initrd         our initramfs
- manifest.json  what it was made of: digests, packages, sizes, kernel command line

Steps: mmdebstrap -> the recipe's files -> the agent -> caches -> mkfs.ext4 -d -> qemu-img convert. Nothing is
mounted and no guest is started, so it also runs in a container that lets root chroot. A build works in a hidden
folder beside its result and renames it at the end: a killed build leaves no half image.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from desktops.images import rootfs
from desktops.images.commands import BuildFailed, require_programs, run
from desktops.images.kernel import UnknownKernel, initramfs, vmlinux_from
from desktops.images.recipe import AgentSource, Recipe, inputs_digest, packages_digest
from desktops.images.wallpaper import draw_wallpaper
from workspace.i18n import _

_PROGRAMS = {
    "mmdebstrap": "mmdebstrap", "dpkg-deb": "dpkg", "apt-get": "apt", "chroot": "coreutils",
    "mkfs.ext4": "e2fsprogs", "qemu-img": "qemu-utils",
}  # fmt: skip
_FONT = "usr/share/fonts/truetype/wqy/wqy-microhei.ttc"
MANIFEST = "manifest.json"
LOCK = ".lock"
_LAYER_KEPT_S = 7 * 86400


@dataclass(frozen=True)
class Image:
    """One built image. Paths are absolute; digest: BLAKE2b of the three files; built_at: ISO 8601, UTC."""

    folder: Path
    name: str
    title: str
    digest: str
    inputs_digest: str
    system_disk: Path
    kernel: Path
    initrd: Path
    cmdline: str
    memory_mib: int
    disk_gib: int
    size_bytes: int
    built_at: str
    kernel_version: str
    packages: dict[str, str]


def build_image(
    recipe: Recipe, agent: AgentSource, output: Path, *, force: bool = False, tell: Callable[[str], None] = lambda line: None
) -> Image:
    """Build into ``output``, or return what is there when the inputs are unchanged.

    force: build again all the same, for Debian's security updates; the former image stays. tell: one line a step.
    Raises BuildFailed with a sentence; the log of the outside programs is then kept as output/build.log.
    """
    digest = inputs_digest(recipe, agent)
    built = _built(output, digest)
    if built is None or force:
        _require_root()
        require_programs(_PROGRAMS)
        output.mkdir(parents=True, exist_ok=True)
        with _alone(output, tell):
            built = _built(output, digest)  # Perhaps by the one we waited for.
            if built is None or force:
                return _build_into(recipe, agent, output, digest, fresh=force, tell=tell)
    tell(_("镜像已是最新：%(folder)s", folder=built.folder))
    return built


def _built(output: Path, digest: str) -> Image | None:
    return next((image for image in reversed(list_images(output)) if image.inputs_digest == digest), None)


@contextmanager
def _alone(output: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """One build at a time in a folder; what killed builds left there is removed."""
    with (output / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(_("另一个进程正在制作镜像，等待它完成"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        for folder in output.glob(".building-*"):
            shutil.rmtree(folder, ignore_errors=True)
        yield


def _build_into(recipe: Recipe, agent: AgentSource, output: Path, digest: str, *, fresh: bool, tell: Callable[[str], None]) -> Image:
    """In a scratch folder that is renamed at the end. The log survives a failure as output/build.log."""
    scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=output))
    try:
        result = _build(recipe, agent, scratch, digest, _Steps(tell), fresh=fresh)
        folder = _free_name(output, f"{recipe.name}-{digest[:12]}")
        result.rename(folder)
    except BaseException:
        if (scratch / "build.log").exists():
            shutil.copyfile(scratch / "build.log", output / "build.log")
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return load_image(folder)


class _Steps:
    """Says each step when it begins, with the seconds since the start."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell, self._began = tell, time.monotonic()

    def __call__(self, sentence: str) -> None:
        self._tell(f"[{time.monotonic() - self._began:5.0f} s] {sentence}")


def _build(recipe: Recipe, agent: AgentSource, scratch: Path, digest: str, step: _Steps, *, fresh: bool) -> Path:
    log, root, kernel_folder, result = scratch / "build.log", scratch / "root", scratch / "kernel", scratch / "result"
    scratch.chmod(0o755)  # apt fetches as an unprivileged user
    result.mkdir(mode=0o755)
    layer = _package_layer(recipe, scratch, step, fresh=fresh, log=log)
    run(["cp", "-a", "--reflink=auto", layer / "root", root], log=log, step=_("复制软件包"))
    run(["cp", "-a", "--reflink=auto", layer / "kernel", kernel_folder], log=log, step=_("复制软件包"))
    packages = rootfs.installed_packages(root)
    step(_("内核与启动文件"))
    version, bzimage, modules = rootfs.install_modules(recipe, root, kernel_folder / "tree", log=log)
    try:
        (result / "vmlinux").write_bytes(vmlinux_from(bzimage.read_bytes()))
    except UnknownKernel as error:
        raise BuildFailed(_("无法解开内核 %(version)s", version=version), str(error)) from error
    (result / "initrd").write_bytes(initramfs((root / "usr/bin/busybox").read_bytes(), modules))
    step(_("界面、语言与账号"))
    rootfs.copy_files(recipe, root)
    (root / "usr/share/backgrounds").mkdir(mode=0o755, exist_ok=True)
    draw_wallpaper(root / _FONT).save(root / "usr/share/backgrounds/mainline.png")
    step(_("同步客户端"))
    rootfs.install_agent(recipe, agent, root, scratch=scratch, log=log)
    rootfs.check_agent(root, log=log)
    rootfs.settle(recipe, root, log=log)
    step(_("系统盘"))
    _write_disk(recipe, root, result / "rootfs.qcow2", scratch, log)
    _write_manifest(recipe, result, digest, version, packages)
    step(_("完成"))
    return result


def _package_layer(recipe: Recipe, scratch: Path, step: _Steps, *, fresh: bool, log: Path) -> Path:
    """The installed packages, kept beside the images for a week: most builds only bring a new agent, and take a fifth."""
    layer = scratch.parent / f".packages-{packages_digest(recipe)}"
    made_at = layer / "made"
    if not fresh and made_at.exists() and time.time() - made_at.stat().st_mtime < _LAYER_KEPT_S:
        step(_("使用 %(days)s 天内安装好的软件包", days=_LAYER_KEPT_S // 86400))
        return layer
    step(_("安装 %(count)s 个软件包及其依赖", count=len(recipe.packages)))
    work = scratch / "layer"
    (work / "kernel").mkdir(mode=0o755, parents=True)
    rootfs.unpack_packages(recipe, work / "root", kernel_folder=work / "kernel", log=log)
    (work / "made").touch()
    for old in scratch.parent.glob(".packages-*"):
        shutil.rmtree(old)
    work.rename(layer)
    return layer


def _write_disk(recipe: Recipe, root: Path, disk: Path, scratch: Path, log: Path) -> None:
    """ext4 straight on the disk. No metadata checksums: they cost CPU in every guest and the image never changes."""
    raw = scratch / "rootfs.raw"
    with raw.open("wb") as file:
        file.truncate(recipe.disk_gib << 30)
    options = ["-q", "-F", "-L", "system", "-m", "0", "-O", "^metadata_csum,^has_journal", "-E", "lazy_itable_init=0,nodiscard"]
    run(["mkfs.ext4", *options, "-d", root, raw], log=log, step=_("生成文件系统"))
    run(["tune2fs", "-O", "has_journal", "-J", "size=16", raw], log=log, step=_("生成文件系统"))
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", "lazy_refcounts=off", raw, disk], log=log, step=_("转换系统盘"))
    raw.unlink()


def _write_manifest(recipe: Recipe, result: Path, digest: str, version: str, packages: dict[str, str]) -> None:
    state, size = hashlib.blake2b(digest_size=20), 0
    for name in ("rootfs.qcow2", "vmlinux", "initrd"):
        with (result / name).open("rb") as file:
            state.update(hashlib.file_digest(file, "blake2b").digest())
        size += (result / name).stat().st_size
        (result / name).chmod(0o444)
    facts = {
        "name": recipe.name, "title": recipe.title, "digest": state.hexdigest(), "inputs_digest": digest,
        "cmdline": recipe.kernel.cmdline, "memory_mib": recipe.memory_mib, "disk_gib": recipe.disk_gib, "size_bytes": size,
        "built_at": datetime.now(UTC).isoformat(timespec="seconds"), "kernel_version": version, "packages": packages,
    }  # fmt: skip
    (result / MANIFEST).write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", "utf-8")
    result.chmod(0o755)


def load_image(folder: Path) -> Image:
    """Read a built image's manifest; raises BuildFailed when the folder holds none."""
    folder = folder.absolute()
    try:
        facts = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BuildFailed(_("%(folder)s 里没有可用的镜像", folder=folder), str(error)) from error
    return Image(folder=folder, system_disk=folder / "rootfs.qcow2", kernel=folder / "vmlinux", initrd=folder / "initrd", **facts)


def list_images(output: Path) -> list[Image]:
    """The finished images in ``output``, oldest first."""
    return sorted((load_image(path.parent) for path in output.glob(f"[!.]*/{MANIFEST}")), key=lambda image: image.built_at)


def image_facts(image: Image) -> dict[str, object]:
    """For showing and storing: the manifest with paths as text."""
    return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(image).items()}


def _free_name(output: Path, wanted: str) -> Path:
    number, folder = 1, output / wanted
    while folder.exists():
        number += 1
        folder = output / f"{wanted}-{number}"
    return folder


def _require_root() -> None:
    if os.geteuid() != 0:
        raise BuildFailed(_("制作镜像需要 root 权限"), _("请用 root 运行：软件包要安装到一个独立的根目录里。"))

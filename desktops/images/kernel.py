"""The kernel as guests start it: an uncompressed vmlinux and an initramfs of our own. Pure bytes in, bytes out.

Why uncompressed: under emulation the decompressor takes longer than the rest of the kernel's start. Why an own
initramfs: the guest's hardware is known, so modules are loaded by name, in order, without any discovery.
"""

import lzma
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import zstandard

_HEADER_MAGIC = b"HdrS"
_SIGNATURE_MAGIC = b"~Module signature appended~\n"


class UnknownKernel(ValueError):
    """The file is no bzImage, or its payload is packed in a way this code does not know."""


def vmlinux_from(bzimage: bytes) -> bytes:
    """Unpack the ELF kernel out of a bzImage. Source: Documentation/x86/boot.rst, payload_offset and payload_length."""
    if bzimage[0x202:0x206] != _HEADER_MAGIC:
        raise UnknownKernel("no Linux boot header")
    setup_sectors = bzimage[0x1F1] or 4
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    image = _unpack(bzimage[start : start + length])
    if image[:4] != b"\x7fELF":
        raise UnknownKernel("the payload is no ELF file")
    return image


def _unpack(payload: bytes) -> bytes:
    # The four bytes after the stream hold the unpacked length, so each codec must stop at the stream's end.
    if payload[:6] == b"\xfd7zXZ\x00":
        return lzma.LZMADecompressor(format=lzma.FORMAT_XZ).decompress(payload)
    if payload[:4] == b"\x28\xb5\x2f\xfd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(payload)
    if payload[:2] == b"\x1f\x8b":
        return zlib.decompressobj(wbits=31).decompress(payload)
    raise UnknownKernel(f"unknown compression, first bytes {payload[:6].hex()}")


def unsigned_module(module: bytes) -> bytes:
    """The module without its appended signature: checking RSA costs boot time under emulation, and the kernel
    loads unsigned modules (it notes the taint). Source: scripts/sign-file.c, struct module_signature."""
    if not module.endswith(_SIGNATURE_MAGIC):
        return module
    body = module[: -len(_SIGNATURE_MAGIC)]
    (signature_bytes,) = struct.unpack(">I", body[-4:])
    return body[: -12 - signature_bytes]


@dataclass(frozen=True)
class ModuleIndex:
    """paths: module name -> path below lib/modules/VERSION. needs: module name -> names it needs, direct and indirect."""

    paths: Mapping[str, str]
    needs: Mapping[str, tuple[str, ...]]

    @classmethod
    def parse(cls, modules_dep: str) -> "ModuleIndex":
        """Read depmod's modules.dep. Names are normalised with `_`, as modprobe does."""
        paths, needs = {}, {}
        for line in modules_dep.splitlines():
            path, _colon, rest = line.partition(":")
            paths[_name(path)] = path
            needs[_name(path)] = tuple(_name(other) for other in rest.split())
        return cls(paths, needs)

    def load_order(self, wanted: Iterable[str]) -> list[str]:
        """Paths of the wanted modules and all they need, each after its needs, none twice.

        Raises KeyError for a module the kernel has neither as a file; built-in ones are left out by the caller.
        """
        order: list[str] = []
        for name in wanted:
            key = name.replace("-", "_")
            # modules.dep lists the deepest need last.
            for each in [*reversed(self.needs[key]), key]:
                if self.paths[each] not in order:
                    order.append(self.paths[each])
        return order


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1].split(".ko", 1)[0].replace("-", "_")


def initramfs(busybox: bytes, modules: Iterable[tuple[str, bytes]], *, init: str = "/usr/sbin/mainline-init") -> bytes:
    """An uncompressed cpio (newc) that loads the modules in the given order, mounts /dev/vda and starts ``init``."""
    modules = list(modules)
    archive = _Cpio()
    for folder in ("bin", "dev", "proc", "modules", "root"):
        archive.add(folder, mode=0o040755)
    archive.add("dev/console", mode=0o020600, device=(5, 1))
    archive.add("bin/busybox", busybox, mode=0o100755)
    for name, data in modules:
        archive.add(f"modules/{name}", unsigned_module(data))
    archive.add("init", _init_script([name for name, _data in modules], init).encode(), mode=0o100755)
    return archive.finished()


def _init_script(modules: list[str], init: str) -> str:
    loads = "\n".join(f"$b insmod /modules/{name} || echo module {name} failed" for name in modules)
    return f"""#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
{loads}
tries=0
until [ -b /dev/vda ] || [ $tries -ge 100 ]; do $b usleep 50000; tries=$((tries + 1)); done
if ! $b mount -t ext4 -o rw,noatime /dev/vda /root; then
    echo "mainline: the system disk cannot be mounted"
    $b poweroff -f
fi
$b mount --move /dev /root/dev
exec $b switch_root /root {init}
"""


class _Cpio:
    """The newc format. Source: Documentation/driver-api/early-userspace/buffer-format.rst."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._inode = 0

    def add(self, name: str, data: bytes = b"", *, mode: int = 0o100644, device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        encoded = name.encode() + b"\0"
        numbers = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
        self._out += b"070701" + b"".join(b"%08X" % number for number in numbers) + encoded
        self._pad()
        self._out += data
        self._pad()

    def finished(self) -> bytes:
        self.add("TRAILER!!!", mode=0)
        return bytes(self._out)

    def _pad(self) -> None:
        self._out += b"\0" * (-len(self._out) % 4)

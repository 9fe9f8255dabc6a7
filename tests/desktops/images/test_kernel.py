"""Unpacking kernels and packing the initramfs."""

import gzip
import lzma
import struct

import pytest
import zstandard

from desktops.images.kernel import ModuleIndex, UnknownKernel, initramfs, unsigned_module, vmlinux_from

ELF = b"\x7fELF" + b"kernel" * 1000
SIGNATURE = b"s" * 300
SIGNED = b"\x7fELFmodule" + SIGNATURE + struct.pack(">8xI", len(SIGNATURE)) + b"~Module signature appended~\n"
DEPENDENCIES = """\
kernel/fs/ext4/ext4.ko: kernel/fs/mbcache.ko kernel/fs/jbd2/jbd2.ko
kernel/fs/mbcache.ko:
kernel/fs/jbd2/jbd2.ko:
kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio_ring.ko:
kernel/drivers/gpu/virtio-gpu.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
"""


def bzimage(payload: bytes) -> bytes:
    """A boot sector and one setup sector, then the payload with the unpacked length behind it, as the kernel has it."""
    head = bytearray(2 * 512)
    head[0x1F1] = 1
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", head, 0x248, 16, len(payload) + 4)
    return bytes(head) + b"\0" * 16 + payload + struct.pack("<I", len(ELF)) + b"rest"


@pytest.mark.parametrize("pack", [lzma.compress, zstandard.compress, gzip.compress], ids=["xz", "zstd", "gzip"])
def test_vmlinux_when_packed_then_unpacked(pack) -> None:  # type: ignore[no-untyped-def]
    assert vmlinux_from(bzimage(pack(ELF))) == ELF


@pytest.mark.parametrize(
    "image", [b"\0" * 2048, bzimage(b"lz4 or so"), bzimage(lzma.compress(b"no elf"))], ids=["no-header", "unknown-packing", "no-elf"]
)
def test_vmlinux_when_not_a_known_kernel_then_said(image: bytes) -> None:
    with pytest.raises(UnknownKernel):
        vmlinux_from(image)


def test_unsigned_module_when_signed_then_cut_else_untouched() -> None:
    assert unsigned_module(SIGNED) == b"\x7fELFmodule"
    assert unsigned_module(b"\x7fELFmodule") == b"\x7fELFmodule"


def test_load_order_puts_each_module_after_its_needs_and_none_twice() -> None:
    order = [path.rsplit("/", 1)[-1] for path in ModuleIndex.parse(DEPENDENCIES).load_order(["virtio_pci", "ext4", "virtio-gpu"])]
    assert order == ["virtio_ring.ko", "virtio.ko", "virtio_pci.ko", "jbd2.ko", "mbcache.ko", "ext4.ko", "virtio-gpu.ko"]


def test_load_order_when_the_kernel_lacks_it_then_key_error() -> None:
    with pytest.raises(KeyError, match="absent"):
        ModuleIndex.parse(DEPENDENCIES).load_order(["absent"])


def unpack_newc(archive: bytes) -> dict[str, tuple[int, bytes]]:
    """Name -> (mode, content), read as the kernel reads it: fields of eight hex digits, everything padded to four."""
    found, at = {}, 0
    while True:
        assert archive[at : at + 6] == b"070701"
        numbers = [int(archive[at + 6 + 8 * field : at + 14 + 8 * field], 16) for field in range(13)]
        name = archive[at + 110 : at + 110 + numbers[11] - 1].decode()
        start = (at + 110 + numbers[11] + 3) & ~3
        if name == "TRAILER!!!":
            return found
        found[name] = (numbers[1], archive[start : start + numbers[6]])
        at = (start + numbers[6] + 3) & ~3


def test_initramfs_is_a_cpio_that_loads_in_order() -> None:
    files = unpack_newc(initramfs(b"busybox", [("a.ko", SIGNED), ("b.ko", b"bb")], init="/sbin/first"))
    assert files["bin/busybox"] == (0o100755, b"busybox")
    assert files["modules/a.ko"][1] == b"\x7fELFmodule"
    assert files["modules/b.ko"][1] == b"bb"
    assert files["dev/console"][0] == 0o020600
    mode, script = files["init"]
    assert mode == 0o100755
    assert script.index(b"/modules/a.ko") < script.index(b"/modules/b.ko") < script.index(b"switch_root /root /sbin/first")

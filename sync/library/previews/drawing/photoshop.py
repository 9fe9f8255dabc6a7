"""PSD and PSB: the composite picture that the program saved beside the layers, read a strip at a time.

Pillow reads no PSB and no 16-bit PSD, and keeps all pixels at once. Only the composite is read; without one, the small
JPEG among the image resources. Source: Adobe Photoshop File Formats Specification, November 2019.
"""

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageChops

from sync.library.previews.drawing import EDGES
from sync.library.previews.drawing.raster import Drawn, write_pictures
from sync.library.previews.drawing.refusal import DAMAGED, NO_PICTURE, check_pixels, refuse

PIXELS_MAX = 600_000_000
EDGE_MAX = 300_000
_MODES = {0: 1, 1: 1, 2: 1, 3: 3, 4: 4, 7: 1, 8: 1, 9: 3}
"""Colour mode -> channels that make its colours: bitmap, grey, indexed, RGB, CMYK, multichannel, duotone, Lab."""
_THUMBNAIL, _VERSION_INFO = 1036, 1057
_RESOURCES_MAX = 64 * 1024 * 1024
_STRIP_ROWS = 64


@dataclass(frozen=True)
class _Header:
    big: bool
    channels: int
    height: int
    width: int
    depth: int
    mode: int


def draw_photoshop(source: Path, out: Path) -> Drawn:
    with source.open("rb") as file:
        header = _read_header(file)
        palette = _exactly(file, _size(file, wide=False, most=1 << 20))
        resources = _read_resources(file)
        has_alpha = _skip_layers(file, big=header.big)
        if resources.get(_VERSION_INFO, b"....\x01")[4:5] == b"\x00":
            image = _thumbnail(resources)
        else:
            image = _composite(file, header, palette, has_alpha=has_alpha)
    write_pictures(image, out)
    return {"width": header.width, "height": header.height}


def _read_header(file: BinaryIO) -> _Header:
    signature, version, channels, height, width, depth, mode = struct.unpack(">4sH6xHIIHH", _exactly(file, 26))
    if signature != b"8BPS" or version not in (1, 2) or mode not in _MODES or depth not in (1, 8, 16, 32):
        refuse(DAMAGED, f"no Photoshop file: version {version}, mode {mode}, depth {depth}")
    check_pixels(width, height, PIXELS_MAX)
    if max(width, height) > EDGE_MAX or not _MODES[mode] <= channels <= 56 or (depth == 1) != (mode == 0):
        refuse(DAMAGED, f"{channels} channels, {width} x {height}, depth {depth}")
    return _Header(version == 2, channels, height, width, depth, mode)


def _read_resources(file: BinaryIO) -> dict[int, bytes]:
    block = io.BytesIO(_exactly(file, _size(file, wide=False, most=_RESOURCES_MAX)))
    found: dict[int, bytes] = {}
    while (head := block.read(7)) and len(head) == 7:
        number, name_length = struct.unpack(">4xHB", head)
        block.seek(name_length + (name_length + 1) % 2, io.SEEK_CUR)
        size = _size(block, wide=False, most=_RESOURCES_MAX)
        found[number] = block.read(size)
        block.seek(size % 2, io.SEEK_CUR)
    return found


def _skip_layers(file: BinaryIO, *, big: bool) -> bool:
    """Go to the composite. Whether its first extra channel is transparency: then the count of layers is negative."""
    length = _size(file, wide=big, most=1 << 62)
    start, has_alpha = file.tell(), False
    if length >= 10 and _size(file, wide=big, most=1 << 62) >= 2:
        has_alpha = struct.unpack(">h", _exactly(file, 2))[0] < 0
    file.seek(start + length)
    return has_alpha


def _thumbnail(resources: dict[int, bytes]) -> Image.Image:
    jpeg = resources.get(_THUMBNAIL, b"")[28:]
    if not jpeg:
        refuse(NO_PICTURE, "saved without a composite picture")
    image = Image.open(io.BytesIO(jpeg), formats=("JPEG",))
    check_pixels(*image.size, 1_000_000)
    return image


def _composite(file: BinaryIO, header: _Header, palette: bytes, *, has_alpha: bool) -> Image.Image:
    coding = struct.unpack(">H", _exactly(file, 2))[0]
    if coding not in (0, 1):
        refuse(NO_PICTURE, f"composite in coding {coding}")
    row_bytes = (header.width * header.depth + 7) // 8
    lengths: list[int] = []
    if coding == 1:
        count, item = header.height * header.channels, "I" if header.big else "H"
        lengths = list(struct.unpack(f">{count}{item}", _exactly(file, count * struct.calcsize(item))))
    colours = _MODES[header.mode]
    wanted = colours + (1 if has_alpha and header.channels > colours and header.mode in (1, 3, 4) else 0)
    factor = max(1, max(header.width, header.height) // (2 * EDGES["large"]))
    planes = []
    for channel in range(wanted):
        rows = lengths[channel * header.height : (channel + 1) * header.height] if coding == 1 else [row_bytes] * header.height
        if header.mode == 2:
            factor = 1  # Numbers of colours cannot be averaged.
        planes.append(_plane(file, header, rows, row_bytes, factor=factor, packed=coding == 1))
    return _coloured(header.mode, planes, palette)


def _plane(file: BinaryIO, header: _Header, rows: list[int], row_bytes: int, *, factor: int, packed: bool) -> Image.Image:
    """One channel, made smaller by ``factor`` while it is read: memory does not grow with the picture."""
    plane = Image.new("L", (-(-header.width // factor), -(-header.height // factor)))
    step = _STRIP_ROWS * factor
    for top in range(0, header.height, step):
        wanted = rows[top : top + step]
        data = _exactly(file, sum(wanted))
        size = (row_bytes, len(wanted))
        strip = Image.frombytes("L", size, data, "packbits", "L") if packed else Image.frombytes("L", size, data)
        strip = _eight_bit(strip, header)
        plane.paste(strip.reduce(factor) if factor > 1 else strip, (0, top // factor))
    return plane


def _eight_bit(strip: Image.Image, header: _Header) -> Image.Image:
    size = (header.width, strip.height)
    if header.depth == 8:
        return strip
    if header.depth == 1:
        return ImageChops.invert(Image.frombytes("1", size, strip.tobytes()).convert("L"))
    if header.depth == 16:
        return Image.frombytes("L", size, strip.tobytes()[::2])
    linear = Image.frombytes("F", size, strip.tobytes(), "raw", "F;32BF")
    return linear.point(lambda value: value * 255 + 0).convert("L").point([round(255 * (n / 255) ** (1 / 2.2)) for n in range(256)])


def _coloured(mode: int, planes: list[Image.Image], palette: bytes) -> Image.Image:
    if mode == 2:
        image = planes[0].copy()
        image.putpalette(b"".join(bytes(colour) for colour in zip(palette[:256], palette[256:512], palette[512:768], strict=True)))
        return image.convert("RGB")
    if mode == 4:
        image = Image.merge("CMYK", [ImageChops.invert(plane) for plane in planes[:4]]).convert("RGB")
    elif mode == 9:
        image = _from_lab(planes[:3])
    elif mode == 3:
        image = Image.merge("RGB", planes[:3])
    else:
        image = planes[0].convert("RGB")
    if len(planes) > _MODES[mode]:
        image.putalpha(planes[-1])
    return image


def _from_lab(planes: list[Image.Image]) -> Image.Image:
    from PIL import ImageCms

    signed = [planes[0], *(plane.point([(n + 128) % 256 for n in range(256)]) for plane in planes[1:])]
    lab = Image.merge("LAB", signed)
    return ImageCms.profileToProfile(  # type: ignore[return-value]
        lab, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )


def _size(file: BinaryIO, *, wide: bool, most: int) -> int:
    size = int.from_bytes(_exactly(file, 8 if wide else 4), "big")
    if size > most:
        refuse(DAMAGED, f"a section of {size} bytes")
    return size


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        refuse(DAMAGED, "the file ends too early")
    return data

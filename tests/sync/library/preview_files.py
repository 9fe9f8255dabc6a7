"""Real files of the kinds that get previews, made here: none of them lies in the repository."""

import io
import struct
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageDraw

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 200"><rect width="300" height="200" fill="#b4283c"/>{}</svg>'


def artwork(size: tuple[int, int] = (900, 600), mode: str = "RGB") -> Image.Image:
    """Red with a white square in its upper left quarter: a picture that is turned, mirrored or inverted looks different."""
    image = Image.new("RGB", size, (180, 40, 60))
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2 - 1, size[1] // 2 - 1), fill=(255, 255, 255))
    return image.convert(mode)


def raster(kind: str, mode: str = "RGB", size: tuple[int, int] = (900, 600), **options: Any) -> bytes:
    out = io.BytesIO()
    artwork(size, mode).save(out, kind, **options)
    return out.getvalue()


def pdf(pages: int = 1) -> bytes:
    out = io.BytesIO()
    artwork().save(out, "PDF", save_all=True, append_images=[artwork()] * (pages - 1))
    return out.getvalue()


def locked_pdf() -> bytes:
    """Says that it is encrypted with a password that nobody has."""
    plain = pdf()
    at = plain.rindex(b"trailer\n<<") + len(b"trailer\n<<")
    lock = b" /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <" + b"11" * 32 + b"> /U <" + b"22" * 32 + b"> >> /ID [<00><00>] "
    return plain[:at] + lock + plain[at:]


def photoshop(
    *, big: bool = False, depth: int = 8, mode: int = 3, packed: bool = False, size: tuple[int, int] = (300, 200), stated: Any = None
) -> bytes:
    """A Photoshop file without layers. stated: width and height in the header when they are to be a lie."""
    image = {1: artwork(size, "L"), 3: artwork(size), 4: artwork(size, "CMYK")}[mode]
    planes = [plane.tobytes() for plane in image.split()]
    if mode == 4:
        planes = [bytes(255 - value for value in plane) for plane in planes]
    if depth == 16:
        planes = [b"".join(bytes((value, value)) for value in plane) for plane in planes]
    if depth == 32:
        planes = [struct.pack(f">{len(plane)}f", *((value / 255) ** 2.2 for value in plane)) for plane in planes]
    width, height = stated or size
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 2 if big else 1, len(planes), height, width, depth, mode)
    sections = struct.pack(">II", 0, 0) + bytes(8 if big else 4)
    body = b"".join(planes)
    if packed:
        row_bytes = size[0] * depth // 8
        rows = [pack_bits(plane[at : at + row_bytes]) for plane in planes for at in range(0, len(plane), row_bytes)]
        body = struct.pack(f">{len(rows)}{'I' if big else 'H'}", *(len(row) for row in rows)) + b"".join(rows)
    return head + sections + struct.pack(">H", int(packed)) + body


def pack_bits(row: bytes) -> bytes:
    """Runs of one value, and literals of one byte."""
    out, at = bytearray(), 0
    while at < len(row):
        length = 1
        while length < 128 and at + length < len(row) and row[at + length] == row[at]:
            length += 1
        out += bytes((257 - length if length > 1 else 0, row[at]))
        at += length
    return bytes(out)


def office(name: str = "docProps/thumbnail.jpeg", content: bytes | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr(name, raster("JPEG") if content is None else content)
    return out.getvalue()


def film(
    folder: Path, name: str = "x.mp4", codec: str = "libx264", *, seconds: int = 2, size: tuple[int, int] = (320, 180), sound: bool = True
) -> bytes:
    """A film at 10 pictures a second, its sound a low tone."""
    path = folder / name
    with av.open(str(path), "w") as container:
        pictures: Any = container.add_stream(codec, rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = *size, "yuv420p"
        heard: Any = container.add_stream("aac", rate=48000, layout="mono") if sound else None
        for number in range(seconds * 10):
            image = artwork(size)
            ImageDraw.Draw(image).line((number * 5, 0, number * 5, size[1]), fill=(0, 0, 0), width=3)
            frame = av.VideoFrame.from_image(image)
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        if heard is not None:
            for number in range(seconds * 48000 // 1024):
                piece = av.AudioFrame(format="fltp", layout="mono", samples=1024)
                piece.sample_rate, piece.pts, piece.time_base = 48000, number * 1024, Fraction(1, 48000)
                for plane in piece.planes:
                    plane.update(struct.pack("1024f", *(0.1 if i % 96 < 48 else -0.1 for i in range(1024))))
                container.mux(heard.encode(piece))
            container.mux(heard.encode(None))
    return path.read_bytes()


def turned(data: bytes) -> bytes:
    """The same MP4, held upright as a phone does it: a matrix in its header turns the picture clockwise by 90 degrees."""
    lying = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    upright = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    at = data.index(lying, data.index(b"tkhd"))
    return data[:at] + upright + data[at + len(lying) :]

"""Pictures of files that anybody may have brought: what is drawn, what is refused, and what the drawing may not do."""

import io
import os
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sync.library.previews.drawing.__main__ import draw as draw_here
from sync.library.previews.rules import COPY_LIMITS, MIB, PICTURE_LIMITS, Reason, is_previewable, is_too_large
from sync.library.previews.sandbox import Answer, Stopping, read_pictures, read_plain, run_drawing, workplace
from tests.sync.library.preview_files import SVG, film, locked_pdf, office, pdf, photoshop, raster, turned

FONTS = sorted(Path("/usr/share/fonts").rglob("DejaVuSans.ttf"))
RED, WHITE = (180, 40, 60), (255, 255, 255)


def draw(tmp_path: Path, data: bytes, limits: Any = PICTURE_LIMITS) -> tuple[Answer, Image.Image | None]:
    """What the drawing said, and the large picture."""
    with workplace(tmp_path / "drawing", [data]) as place:
        answer = run_drawing("picture", place, limits)
        pictures = read_pictures(place.out) if answer.refused is None else None
    assert list((tmp_path / "drawing").iterdir()) == []
    return answer, Image.open(io.BytesIO(pictures["large"])) if pictures else None


def look(tmp_path: Path, data: bytes) -> tuple[dict[str, Any], Image.Image | None]:
    """The same in this process: for many kinds of file, each of which a child would make slow."""
    source, out = tmp_path / "source", tmp_path / "out"
    source.write_bytes(data)
    out.mkdir(exist_ok=True)
    facts = draw_here("picture", source, out)
    pictures = read_pictures(out) if "refused" not in facts else None
    return facts, Image.open(io.BytesIO(pictures["large"])) if pictures else None


# --- what is drawn --------------------------------------------------------------------------------------------------

DRAWN: dict[str, tuple[Callable[[], bytes], tuple[int, int]]] = {
    "jpeg": (lambda: raster("JPEG"), (900, 600)),
    "jpeg cmyk": (lambda: raster("JPEG", "CMYK"), (900, 600)),
    "png": (lambda: raster("PNG", "RGBA"), (900, 600)),
    "webp": (lambda: raster("WEBP"), (900, 600)),
    "gif": (lambda: raster("GIF"), (900, 600)),
    "tiff cmyk": (lambda: raster("TIFF", "CMYK"), (900, 600)),
    "avif": (lambda: raster("AVIF"), (900, 600)),
    "large jpeg": (lambda: raster("JPEG", size=(3000, 2000)), (1600, 1067)),
    "pdf and ai": (lambda: pdf(3), (1600, 1067)),
    "docx": (office, (900, 600)),
    "odt": (lambda: office("Thumbnails/thumbnail.png", raster("PNG")), (900, 600)),
}


@pytest.mark.parametrize("kind", DRAWN)
def test_drawing_when_kind_is_known_then_the_picture_of_it(tmp_path: Path, kind: str) -> None:
    make, size = DRAWN[kind]
    facts, picture = look(tmp_path, make())
    assert "refused" not in facts
    assert picture is not None
    assert picture.size == size
    _assert_artwork(picture)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("mode", [3, 4], ids=["rgb", "cmyk"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("big", [False, True], ids=["psd", "psb"])
def test_drawing_when_photoshop_then_the_composite(tmp_path: Path, big: bool, depth: int, mode: int, packed: bool) -> None:
    facts, picture = look(tmp_path, photoshop(big=big, depth=depth, mode=mode, packed=packed))
    assert (facts["width"], facts["height"]) == (300, 200)
    assert picture is not None
    _assert_artwork(picture)


def test_drawing_when_photoshop_has_32_bits_then_as_the_eye_sees_them(tmp_path: Path) -> None:
    _facts, picture = look(tmp_path, photoshop(depth=32))
    assert picture is not None
    _assert_artwork(picture)


def test_drawing_when_photoshop_is_large_then_read_in_strips(tmp_path: Path) -> None:
    answer, picture = draw(tmp_path, photoshop(big=True, size=(8000, 6000), mode=1), replace(PICTURE_LIMITS, memory_bytes=256 * MIB))
    assert answer.refused is None
    assert picture is not None
    assert picture.size == (1600, 1200)
    assert [picture.convert("L").getpixel(at) for at in ((400, 300), (1200, 900))] == [255, 84]


def test_drawing_when_svg_is_plain_then_drawn_at_full_size(tmp_path: Path) -> None:
    answer, picture = draw(tmp_path, SVG.format('<a href="https://example.com"><circle r="9"/></a>').encode())
    assert (answer.number("width"), answer.number("height")) == (300, 200)
    assert picture is not None
    assert picture.size == (1600, 1067)
    assert _near(picture.convert("RGB").getpixel((800, 500)), RED)


def test_drawing_when_font_then_a_specimen_in_it(tmp_path: Path) -> None:
    answer, picture = draw(tmp_path, FONTS[0].read_bytes())
    assert answer.facts["family"] == "DejaVu Sans"
    assert picture is not None
    darkest, lightest = picture.convert("L").getextrema()
    assert darkest < 60
    assert lightest == 255


def test_drawing_when_font_is_wide_then_no_letter_beyond_the_paper(tmp_path: Path) -> None:
    _answer, picture = draw(tmp_path, FONTS[0].with_name("DejaVuSans-Bold.ttf").read_bytes())
    assert picture is not None
    assert picture.convert("L").crop((1520, 0, 1600, 1200)).getextrema()[0] > 240


@pytest.mark.parametrize(
    ("name", "codec", "plays"), [("x.mp4", "libx264", True), ("x.webm", "libvpx-vp9", True), ("x.mov", "mpeg4", False)]
)
def test_drawing_when_film_then_a_still_and_whether_browsers_play_it(tmp_path: Path, name: str, codec: str, plays: bool) -> None:
    answer, picture = draw(tmp_path, film(tmp_path, name, codec, sound=not name.endswith("webm")))
    assert answer.facts["plays"] is plays
    assert answer.number("duration_ms") == pytest.approx(2000, abs=100)
    assert picture is not None
    _assert_artwork(picture)


def test_drawing_when_film_was_taken_upright_then_still_and_copy_stand_upright(tmp_path: Path) -> None:
    facts, still = look(tmp_path, turned(film(tmp_path, sound=False)))
    assert (facts["width"], facts["height"]) == (180, 320)
    assert "refused" not in draw_here("copy", tmp_path / "source", tmp_path / "out")
    _facts, copied = look(tmp_path, (tmp_path / "out" / "film.mp4").read_bytes())
    for picture in (still, copied):
        assert picture is not None
        assert picture.size == (180, 320)
        corners = [picture.convert("RGB").getpixel(at) for at in ((45, 80), (135, 80))]
        assert _near(corners[0], RED)
        assert _near(corners[1], WHITE)


def _assert_artwork(picture: Image.Image) -> None:
    plain = picture.convert("RGB")
    assert _near(plain.getpixel((plain.width // 4, plain.height // 4)), WHITE)
    assert _near(plain.getpixel((plain.width * 3 // 4, plain.height * 3 // 4)), RED)


def _near(colour: Any, wanted: tuple[int, int, int]) -> bool:
    return all(abs(one - other) <= 12 for one, other in zip(colour, wanted, strict=True))


# --- what is refused ------------------------------------------------------------------------------------------------


def png_of(width: int, height: int, *, bits: int = 8, colour: int = 2, rows: bytes = zlib.compress(bytes(1000))) -> bytes:
    """A header that states a size, and next to nothing behind it."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)


def bomb() -> bytes:
    """1.2 gigapixels of one colour in 146 KB."""
    return png_of(40_000, 30_000, bits=1, colour=0, rows=zlib.compress(bytes(5001 * 30_000), 1))


def entities(count: int) -> bytes:
    named = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "lol"}">' for n in range(count))
    return f"<!DOCTYPE svg [{named}]>{SVG.format(f'<text>&a{count - 1};</text>')}".encode()


REFUSED: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "gigapixel png": (lambda: png_of(40_000, 30_000), Reason.TOO_MANY_PIXELS),
    "png bomb": (bomb, Reason.TOO_MANY_PIXELS),
    "gif of 4 gigapixels": (lambda: b"GIF89a" + b"\xff" * 4 + raster("GIF")[10:], Reason.TOO_MANY_PIXELS),
    "psb of 90 gigapixels": (lambda: photoshop(big=True, stated=(300_000, 300_000)), Reason.TOO_MANY_PIXELS),
    "png cut off": (lambda: raster("PNG")[:1500], Reason.DAMAGED),
    "gif that is none": (lambda: b"GIF89a no, it is not", Reason.DAMAGED),
    "psd cut off": (lambda: photoshop()[:50_000], Reason.DAMAGED),
    "psd that lies about its size": (lambda: photoshop(stated=(3000, 2000)), Reason.DAMAGED),
    "psd whose sections never end": (lambda: photoshop()[:26] + b"\xff" * 60, Reason.DAMAGED),
    "pdf of noise": (lambda: b"%PDF-1.7\n" + bytes(range(256)) * 40, Reason.DAMAGED),
    "pdf with a password": (locked_pdf, Reason.ENCRYPTED),
    "ai without pdf": (lambda: b"%!PS-Adobe-3.0\nshowpage", Reason.NO_PICTURE),
    "docx without picture": (lambda: office("word/document.xml"), Reason.NO_PICTURE),
    "docx with a bomb": (lambda: office(content=bytes(60 * MIB)), Reason.DAMAGED),
    "docx with a gigapixel": (lambda: office("Thumbnails/thumbnail.png", png_of(40_000, 30_000)), Reason.TOO_MANY_PIXELS),
    "zip cut off": (lambda: office()[:600], Reason.DAMAGED),
    "svg script": (lambda: SVG.format("<script>alert(1)</script>").encode(), Reason.ACTIVE),
    "svg event": (lambda: SVG.format('<g onload="alert(1)"/>').encode(), Reason.ACTIVE),
    "svg foreign object": (lambda: SVG.format("<foreignObject><b/></foreignObject>").encode(), Reason.ACTIVE),
    "svg javascript link": (lambda: SVG.format('<a href="javascript:alert(1)"><g/></a>').encode(), Reason.ACTIVE),
    "svg that fetches": (lambda: SVG.format('<image href="http://10.0.0.1/x.png"/>').encode(), Reason.ACTIVE),
    "svg that reads a file": (lambda: SVG.format('<image href="file:///etc/passwd"/>').encode(), Reason.ACTIVE),
    "svg style that fetches": (lambda: SVG.format("<style>@import 'http://10.0.0.1/x.css';</style>").encode(), Reason.ACTIVE),
    "svg in svg": (lambda: SVG.format('<image href="data:image/svg+xml,&lt;svg/&gt;"/>').encode(), Reason.ACTIVE),
    "svg external entity": (
        lambda: b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + SVG.format("<text>&x;</text>").encode(),
        Reason.ACTIVE,
    ),
    "svg billion laughs": (lambda: entities(12), Reason.DAMAGED),
    "svg 10,000 deep": (lambda: SVG.format("<g>" * 10_000 + "</g>" * 10_000).encode(), Reason.DAMAGED),
    "svg a million high": (lambda: SVG.replace("300 200", "1 1000000").format("").encode(), Reason.DAMAGED),
    "svg cut off": (lambda: SVG.format("<g>").encode()[:-3], Reason.DAMAGED),
    "font of noise": (lambda: b"OTTO" + bytes(range(256)) * 20, Reason.DAMAGED),
    "text": (lambda: "主线".encode() * 100, Reason.UNKNOWN_KIND),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_drawing_when_input_is_hostile_then_refused_for_a_reason_in_little_time(tmp_path: Path, kind: str) -> None:
    make, reason = REFUSED[kind]
    data = make()
    began = time.process_time()  # What else runs on the machine takes none of it.
    facts, picture = look(tmp_path, data)
    assert (facts["refused"], picture) == (reason.value, None), facts
    assert time.process_time() - began < 5


@pytest.mark.parametrize("kind", ["png bomb", "psd that lies about its size", "pdf of noise", "docx with a bomb", "svg billion laughs"])
def test_drawing_when_hostile_and_confined_then_the_same_reason(tmp_path: Path, kind: str) -> None:
    make, reason = REFUSED[kind]
    answer, picture = draw(tmp_path, make(), replace(PICTURE_LIMITS, memory_bytes=512 * MIB))
    assert (answer.refused, picture) == (reason, None)


@pytest.mark.parametrize("kind", ["tiff cmyk", "pdf and ai", "docx"])
def test_drawing_when_confined_then_nothing_that_it_needs_is_missing(tmp_path: Path, kind: str) -> None:
    answer, picture = draw(tmp_path, DRAWN[kind][0]())
    assert answer.refused is None
    assert picture is not None
    _assert_artwork(picture)


def test_drawing_when_font_lies_then_refused_or_drawn_but_never_stuck(tmp_path: Path) -> None:
    """Tables that do not lie where the font says."""
    font = FONTS[0].read_bytes()
    count = struct.unpack(">H", font[4:6])[0]
    for number in range(0, count, 4):
        lying = bytearray(font)
        at = 12 + 16 * number + 8
        lying[at : at + 4] = b"\x7f\xff\xff\xf0"
        answer, picture = draw(tmp_path, bytes(lying), replace(PICTURE_LIMITS, wall_s=10))
        assert answer.refused in (Reason.DAMAGED, None)
        assert (picture is None) is (answer.refused is not None)


def test_drawing_when_film_is_cut_off_then_no_copy_of_half_of_it(tmp_path: Path) -> None:
    whole = film(tmp_path, "x.mkv", "mpeg4", seconds=8, sound=False)
    half = whole[: len(whole) // 2]
    answer, picture = draw(tmp_path, half)
    assert answer.refused is None, "what is there can be looked at"
    assert picture is not None
    with workplace(tmp_path / "drawing", [half]) as place:
        assert run_drawing("copy", place, COPY_LIMITS).refused is Reason.DAMAGED
    answer, _picture = draw(tmp_path, film(tmp_path)[:3000])
    assert answer.refused is Reason.DAMAGED, "an MP4 that was cut off has lost its table of contents"


def test_drawing_when_time_is_over_then_killed_with_its_reason(tmp_path: Path) -> None:
    answer, _picture = draw(tmp_path, raster("PNG"), replace(PICTURE_LIMITS, wall_s=0.01))
    assert answer.refused is Reason.TIMED_OUT


def test_drawing_when_memory_is_over_then_its_reason(tmp_path: Path) -> None:
    tight = replace(PICTURE_LIMITS, memory_bytes=256 * MIB)
    answer, _picture = draw(tmp_path, png_of(10_000, 10_000, bits=1, colour=0, rows=zlib.compress(bytes(1251 * 10_000))), tight)
    assert answer.refused is Reason.TOO_MUCH_MEMORY


def test_drawing_when_worker_ends_then_killed_and_the_folder_is_gone(tmp_path: Path) -> None:
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Stopping), workplace(tmp_path, [raster("PNG")]) as place:
        run_drawing("picture", place, PICTURE_LIMITS, stopping)
    assert list(tmp_path.iterdir()) == []


# --- what the drawing may not do ------------------------------------------------------------------------------------

TRIES = """
import json, os, socket, sys
from pathlib import Path
from sync.library.previews.drawing.confine import _landlock_version, confine
landlock = _landlock_version()
source, out = Path(sys.argv[1]), Path(sys.argv[2])
held = confine(source=source, out=out, memory_bytes=1 << 30, cpu_s=10, file_bytes=1 << 20)

def tries(what):
    try:
        what()
    except Exception as error:
        return type(error).__name__
    return "done"

print(json.dumps({
    "network": held.network, "files": held.files, "landlock": landlock,
    "source": tries(lambda: source.read_bytes()),
    "out": tries(lambda: (out / "x").write_bytes(b"x")),
    "too large": tries(lambda: (out / "y").write_bytes(bytes(2 << 20))),
    "secret": tries(lambda: Path(sys.argv[3]).read_bytes()),
    "passwd": tries(lambda: open("/etc/passwd").read()),
    "overwrite": tries(lambda: source.write_bytes(b"")),
    "elsewhere": tries(lambda: Path(sys.argv[3]).with_name("z").write_bytes(b"")),
    "tcp": tries(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[4])), timeout=2)),
    "signal": tries(lambda: os.kill(int(sys.argv[5]), 0)),
}))
"""


def test_confinement_when_held_then_no_network_no_other_file_and_no_signal(tmp_path: Path) -> None:
    import json
    import socket

    source, out, secret = tmp_path / "source", tmp_path / "out", tmp_path / "secret"
    source.write_bytes(b"x")
    secret.write_bytes(b"secret")
    out.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-I", "-c", TRIES, source, out, secret, str(server.getsockname()[1]), str(os.getpid())]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    tried = json.loads(done.stdout)
    assert (tried["source"], tried["out"], tried["too large"]) == ("done", "done", "OSError")
    if tried["network"] != "open":
        assert tried["tcp"] in ("OSError", "ConnectionRefusedError", "PermissionError")
    if tried["files"]:
        for what in ("secret", "passwd", "overwrite", "elsewhere"):
            assert tried[what] == "PermissionError", what
    if tried["landlock"] >= 6:
        assert tried["signal"] == "PermissionError"


def test_output_when_it_is_a_link_or_too_large_or_no_picture_then_not_taken(tmp_path: Path) -> None:
    secret = tmp_path / "secret.webp"
    secret.write_bytes(raster("WEBP", size=(100, 100)))
    for name, make in {
        "link": lambda path: path.symlink_to(secret),
        "hard link": lambda path: os.link(secret, path),
        "pipe": lambda path: os.mkfifo(path),
        "folder": lambda path: path.mkdir(),
        "large": lambda path: path.write_bytes(bytes(2 * MIB)),
    }.items():
        path = tmp_path / name
        make(path)
        with pytest.raises(OSError, match=r".+"):
            read_plain(path, MIB)
    for data in (raster("PNG", size=(100, 100)), raster("WEBP", size=(2000, 10)), raster("WEBP")[:200], b"RIFF", b""):
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        (out / "small.webp").write_bytes(raster("WEBP", size=(100, 100)))
        (out / "large.webp").write_bytes(data)
        assert read_pictures(out) is None


def test_size_when_beyond_what_is_looked_at_then_said() -> None:
    assert is_previewable("海报.PSB", 4096 * MIB)
    assert is_too_large("海报.PSB", 4096 * MIB + 1)
    assert not is_too_large("账目.db", 2**40)
    assert not is_previewable("空.png", 0)

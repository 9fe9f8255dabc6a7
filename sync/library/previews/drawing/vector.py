"""SVG: looked through first, then drawn by resvg, which runs no scripts and fetches nothing.

A file with a script, an event attribute, an external entity or a reference outside itself is refused rather than drawn
without it: what the picture shows would not be what the file does elsewhere.
"""

import io
import re
from pathlib import Path
from typing import Any
from xml.parsers import expat

from PIL import Image

from sync.library.previews.drawing import EDGES
from sync.library.previews.drawing.raster import Drawn, write_pictures
from sync.library.previews.drawing.refusal import ACTIVE, DAMAGED, check_pixels, refuse

BYTES_MAX = 20 * 1024 * 1024
DEPTH_MAX = 300
ELEMENTS_MAX = 500_000
_ACTIVE_TAGS = frozenset({"script", "foreignobject", "iframe", "embed", "object", "handler", "listener"})
_LINKS = frozenset({"a"})
_OUTSIDE = re.compile(r"url\(\s*['\"]?\s*(?!#|data:)[^)\s]|@import|javascript:|expression\(", re.IGNORECASE)
_DATA = ("data:image/png", "data:image/jpeg", "data:image/jpg", "data:image/gif", "data:image/webp")
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
_STAND_INS = (
    ("NotoSansCJK-Regular.ttc", "Noto Sans CJK SC"), ("wqy-microhei.ttc", "WenQuanYi Micro Hei"), ("wqy-zenhei.ttc", "WenQuanYi Zen Hei"),
    ("DejaVuSans.ttf", "DejaVu Sans"), ("LiberationSans-Regular.ttf", "Liberation Sans"),
)  # fmt: skip
_NUMBER = re.compile(r"\s*([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*(%?)", re.IGNORECASE)


def draw_svg(source: Path, out: Path) -> Drawn:
    with source.open("rb") as file:
        data = file.read(BYTES_MAX + 1)
    if len(data) > BYTES_MAX:
        refuse(DAMAGED, f"more than {BYTES_MAX} bytes of SVG")
    found = _Reader()
    found.read(data)
    import resvg_py

    edge = EDGES["large"]
    sizes: dict[str, Any] = {"width": edge} if found.width >= found.height else {"height": edge}
    if max(found.width, found.height) > 200 * min(found.width, found.height):
        refuse(DAMAGED, f"{found.width} x {found.height} is too thin to be shown")
    try:
        png = resvg_py.svg_to_bytes(svg_path=str(source), **sizes, **_families())
    except ValueError as error:
        refuse(DAMAGED, str(error))
    image = Image.open(io.BytesIO(bytes(png)), formats=("PNG",))
    check_pixels(*image.size, 4 * edge * edge)
    write_pictures(image, out)
    return {"width": round(found.width), "height": round(found.height)}


def _families() -> dict[str, Any]:
    """What stands in for families that this machine lacks: without it resvg leaves such text out."""
    there = {path.name for folder in _FONT_FOLDERS for path in Path(folder).rglob("*.tt[fc]")}
    family = next((family for file, family in _STAND_INS if file in there), None)
    return dict.fromkeys(("font_family", "serif_family", "sans_serif_family", "monospace_family"), family) if family else {}


class _Reader:
    """Looks at every element before anything is drawn. width, height: as the file states them, 1 x 1 when it does not."""

    def __init__(self) -> None:
        self.width, self.height = 1.0, 1.0
        self._depth = self._elements = 0
        self._in_style = 0

    def read(self, data: bytes) -> None:
        if data[:2] == b"\x1f\x8b":
            refuse(DAMAGED, "compressed SVG")
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = self._entity
        parser.ProcessingInstructionHandler = self._instruction
        parser.buffer_text = True
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            refuse(DAMAGED, f"not XML: {error}")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = _local(tag)
        self._depth, self._elements = self._depth + 1, self._elements + 1
        if self._depth > DEPTH_MAX or self._elements > ELEMENTS_MAX:
            refuse(DAMAGED, "too many elements, or too deep")
        if self._elements == 1:
            self._root(tag, attributes)
        if tag in _ACTIVE_TAGS:
            refuse(ACTIVE, f"<{tag}>")
        self._in_style += tag == "style"
        for name, value in attributes.items():
            _check_attribute(tag, _local(name), value)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._in_style -= _local(tag) == "style"

    def _text(self, text: str) -> None:
        if self._in_style and _OUTSIDE.search(text):
            refuse(ACTIVE, "a style that refers to something outside")

    def _entity(self, name: str, parameter: bool, value: str | None, base: str | None, system: str | None, *_rest: object) -> None:
        if value is None or parameter:
            refuse(ACTIVE, f"external entity {name}")

    def _instruction(self, target: str, data: str) -> None:
        if target.casefold() == "xml-stylesheet":
            refuse(ACTIVE, "an external style sheet")

    def _root(self, tag: str, attributes: dict[str, str]) -> None:
        if tag != "svg":
            refuse(DAMAGED, f"<{tag}> is no SVG")
        stated = [_NUMBER.match(attributes.get(side, "")) for side in ("width", "height")]
        box = re.split(r"[\s,]+", attributes.get("viewBox", "").strip())
        if all(found and not found[2] and float(found[1]) > 0 for found in stated):
            self.width, self.height = (float(found[1]) for found in stated if found)
        elif len(box) == 4:
            try:
                self.width, self.height = float(box[2]), float(box[3])
            except ValueError:
                refuse(DAMAGED, "viewBox without numbers")
        if not (0 < self.width < 1e9 and 0 < self.height < 1e9):
            refuse(DAMAGED, f"{self.width} x {self.height}")


def _check_attribute(tag: str, name: str, value: str) -> None:
    if name.startswith("on"):
        refuse(ACTIVE, f"{name} of <{tag}>")
    address = value.strip().casefold()
    if name == "href" and tag not in _LINKS and not address.startswith(("#", *_DATA)) and address:
        refuse(ACTIVE, f"<{tag}> refers to something outside")
    if _OUTSIDE.search(value) and not (name == "href" and tag not in _LINKS):
        refuse(ACTIVE, f"{name} of <{tag}> refers to something outside")


def _local(name: str) -> str:
    return name.rpartition(":")[2].casefold()

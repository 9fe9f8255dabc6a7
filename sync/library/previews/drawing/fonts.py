"""Fonts: their name and a specimen, drawn by FreeType in the font itself."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from sync.library.previews.drawing.raster import Drawn, write_pictures
from sync.library.previews.drawing.refusal import DAMAGED, refuse

SIZE = (1600, 1200)
MARGIN = 100
_INK, _PAPER = (24, 27, 34), (255, 255, 255)
_LINES = (
    (230, "Aa 字体"),
    (120, "主线 设计 春夏秋冬"),
    (80, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (80, "abcdefghijklmnopqrstuvwxyz"),
    (80, "0123456789 ¥$%&@!?"),
)
"""Height in pixels and text. Characters that the font does not have are left out."""
_ABSENT = "\U000f5a5a"  # Private use: drawn as the font draws what it lacks.


def draw_font(source: Path, out: Path) -> Drawn:
    image = Image.new("RGB", SIZE, _PAPER)
    pen = ImageDraw.Draw(image)
    try:
        family, style = _font(source, 20).getname()
        top, drawn = 80, 0
        for height, text in _LINES:
            font = _font(source, height)
            lacking = bytes(font.getmask(_ABSENT))
            shown = "".join(char for char in text if char == " " or bytes(font.getmask(char)) not in (lacking, b"")).strip()
            if shown:
                drawn += 1
                height = _fitting(font, shown, height)
                _line(pen, _font(source, height), shown, top=top, height=height)
                top += round(height * 1.45)
        if not drawn:  # Symbols: what the font has instead of letters is not known without reading its tables.
            refuse(DAMAGED, "the font has none of the letters of the specimen")
    except (OSError, ValueError) as error:
        refuse(DAMAGED, str(error))
    write_pictures(image, out)
    return {"width": SIZE[0], "height": SIZE[1], "family": str(family or "")[:100], "style": str(style or "")[:100]}


def _font(source: Path, height: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(source), height, layout_engine=ImageFont.Layout.BASIC)


def _fitting(font: ImageFont.FreeTypeFont, text: str, height: int) -> int:
    """The height at which the line ends before the paper does: wide fonts would lose the end of the alphabet."""
    width = font.getlength(text)
    return height if width <= SIZE[0] - 2 * MARGIN else max(1, int(height * (SIZE[0] - 2 * MARGIN) / width))


def _line(pen: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont, text: str, *, top: int, height: int) -> None:
    """Drawn only where the font's own measures say it stays near the paper: a lying font asks for gigapixels."""
    left, upper, right, lower = font.getbbox(text)
    if right - left > 20 * SIZE[0] or lower - upper > 20 * height or abs(left) > 20 * SIZE[0] or abs(upper) > 20 * height:
        refuse(DAMAGED, f"a line of {right - left:.0f} x {lower - upper:.0f} pixels")
    pen.text((MARGIN, top), text, font=font, fill=_INK)

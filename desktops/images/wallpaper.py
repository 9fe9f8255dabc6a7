"""The plain wallpaper of the desktops: a calm gradient, one line through four cities, the product's name."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_SIZE = (1920, 1200)
_TOP, _BOTTOM = (30, 68, 96), (14, 30, 46)
_LINE, _NAME = (255, 255, 255, 38), (255, 255, 255, 110)
_LINE_Y = 1098  # between the first window and the panel
_SMOOTHING = 2  # drawn larger and scaled down: Pillow's lines have no anti-aliasing


def draw_wallpaper(font: Path) -> Image.Image:
    """font: a TrueType file with Chinese glyphs (the image's own)."""
    width, height = _SIZE
    gradient = Image.linear_gradient("L").resize(_SIZE, Image.Resampling.BICUBIC)
    picture = Image.composite(Image.new("RGB", _SIZE, _BOTTOM), Image.new("RGB", _SIZE, _TOP), gradient).convert("RGBA")
    layer = Image.new("RGBA", (width * _SMOOTHING, height * _SMOOTHING), (255, 255, 255, 0))
    _draw_line(ImageDraw.Draw(layer))
    picture.alpha_composite(layer.resize(_SIZE, Image.Resampling.LANCZOS))
    name = Image.new("RGBA", _SIZE, (255, 255, 255, 0))
    ImageDraw.Draw(name).text((1872, _LINE_Y), "主线 Mainline", font=ImageFont.truetype(str(font), 30), fill=_NAME, anchor="rm")
    picture.alpha_composite(name)
    return picture.convert("RGB")


def _draw_line(draw: ImageDraw.ImageDraw) -> None:
    scale, y = _SMOOTHING, _LINE_Y
    stops = (240, 620, 1000, 1380)
    draw.line((0, y * scale, 1640 * scale, y * scale), fill=_LINE, width=2 * scale)
    for x in stops:
        radius = 7 * scale
        box = (x * scale - radius, y * scale - radius, x * scale + radius, y * scale + radius)
        draw.ellipse(box, fill=(*_BOTTOM, 255), outline=(255, 255, 255, 130), width=2 * scale)

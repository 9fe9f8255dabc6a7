"""Pictures that Pillow decodes, and the WebP pictures that come of everything."""

from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from sync.library.previews.drawing import EDGES
from sync.library.previews.drawing.refusal import check_pixels

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")
"""Pillow tries no other decoder, whatever the file is called."""
PIXELS_MAX = 120_000_000

Drawn = dict[str, Any]


def draw_picture(source: Path, out: Path) -> Drawn:
    """The first frame, as its EXIF says it is to be held."""
    with Image.open(source, formats=FORMATS) as image:
        check_pixels(*image.size, PIXELS_MAX)
        width, height = image.size
        if image.getexif().get(0x0112, 1) >= 5:
            width, height = height, width
        image.draft("RGB", (EDGES["large"], EDGES["large"]))  # JPEG is decoded at a fraction of its size where that is enough.
        if image.mode in ("RGB", "L", "RGBA"):
            image.thumbnail((EDGES["large"] * 2, EDGES["large"] * 2), Image.Resampling.BOX)
        turned = ImageOps.exif_transpose(image)
        write_pictures(turned, out)
    return {"width": width, "height": height}


def write_pictures(image: Image.Image, out: Path) -> None:
    """``small.webp`` and ``large.webp``, never larger than the image itself."""
    if image.mode.startswith(("I;16", "I", "F")):
        image = _eight_bit(image)
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    for name, edge in sorted(EDGES.items()):  # large first: the small one is made of it
        image.thumbnail((edge, edge), Image.Resampling.LANCZOS)
        image.save(out / f"{name}.webp", "WEBP", quality=82, method=4)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scientific and 16-bit grey: the range that occurs becomes black to white."""
    grey = image.convert("F")
    low, high = grey.getextrema()
    span = (float(high) - float(low)) or 1.0  # type: ignore[arg-type]
    return grey.point(lambda value: value * (255 / span) - float(low) * (255 / span)).convert("L")  # type: ignore[arg-type]

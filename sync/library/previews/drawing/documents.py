"""PDF, Illustrator and office files: the first page, or the picture that the program put into the file."""

import io
import zipfile
from pathlib import Path

from PIL import Image

from sync.library.previews.drawing import EDGES
from sync.library.previews.drawing.raster import Drawn, write_pictures
from sync.library.previews.drawing.refusal import DAMAGED, ENCRYPTED, NO_PICTURE, check_pixels, refuse

PICTURE_BYTES_MAX = 20 * 1024 * 1024
PICTURE_PIXELS_MAX = 40_000_000
NAMES_MAX = 20_000
_EMBEDDED = ("docProps/thumbnail.jpeg", "docProps/thumbnail.jpg", "docProps/thumbnail.png", "Thumbnails/thumbnail.png")
"""Where Microsoft Office, WPS and OpenDocument keep the picture of the first page."""


def draw_pdf(source: Path, out: Path) -> Drawn:
    """The first page on white. This build of PDFium has no JavaScript and fetches nothing."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(source)
        page = document[0]
    except pypdfium2.PdfiumError as error:
        refuse(ENCRYPTED if "password" in str(error).lower() else DAMAGED, str(error))
    except IndexError:
        refuse(DAMAGED, "no pages")
    width, height = page.get_size()
    if not 0 < min(width, height) <= max(width, height) < 1e7:
        refuse(DAMAGED, f"a page of {width} x {height} points")
    scale = EDGES["large"] / max(width, height)
    image = page.render(scale=scale, may_draw_forms=False).to_pil()
    write_pictures(image, out)
    return {"width": round(width), "height": round(height), "pages": len(document)}


def draw_postscript(source: Path, out: Path) -> Drawn:
    """Illustrator before version 9, or saved without PDF: PostScript is a program, and is not run."""
    refuse(NO_PICTURE, "PostScript without PDF content")


def draw_package(source: Path, out: Path) -> Drawn:
    """docx, xlsx, pptx, odt, ods, odp: the picture that the program saved in it. Nothing else is unpacked."""
    with zipfile.ZipFile(source) as package:
        names = {name.casefold(): name for name in package.namelist()[:NAMES_MAX]}
        found = next((names[wanted.casefold()] for wanted in _EMBEDDED if wanted.casefold() in names), None)
        if found is None:
            refuse(NO_PICTURE, "no picture was saved in the file")
        with package.open(found) as member:
            data = member.read(PICTURE_BYTES_MAX + 1)  # What the directory says of its size may be a lie.
    if len(data) > PICTURE_BYTES_MAX:
        refuse(DAMAGED, f"{found} is larger than {PICTURE_BYTES_MAX} bytes")
    image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
    check_pixels(*image.size, PICTURE_PIXELS_MAX)
    size = image.size
    write_pictures(image, out)
    return {"width": size[0], "height": size[1]}

"""The words of a document as plain text in ``OUT/words.txt``: of PDF and Illustrator, and office packages."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import defusedxml.ElementTree

from sync.library.previews.drawing import sniff
from sync.library.previews.drawing.raster import Drawn
from sync.library.previews.drawing.refusal import DAMAGED, ENCRYPTED, UNKNOWN_KIND, refuse
from sync.library.previews.drawing.text import gathered

PAGES_MOST = 500
PART_BYTES_MAX = 50 * 1024 * 1024
PARTS_MOST = 500
_PARTS = re.compile(
    r"word/(document|header\d*|footer\d*|footnotes|comments)\.xml|ppt/(slides|notesSlides)/[^/]+\.xml|xl/sharedStrings\.xml|content\.xml"
)


def write_words(source: Path, out: Path) -> Drawn:
    """At most WORDS_MOST characters, paragraph by paragraph."""
    with source.open("rb") as file:
        head = file.read(sniff.HEAD_BYTES)
    kind = sniff.kind_of(head)
    if kind == sniff.PDF:
        pieces = _of_pdf(source)
    elif kind == sniff.PACKAGE:
        pieces = _of_package(source)
    else:
        refuse(UNKNOWN_KIND, "not a document")
    words = gathered(pieces)
    (out / "words.txt").write_text(words, "utf-8", "replace")
    return {"length": len(words)}


def _of_pdf(source: Path) -> Iterator[str]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(source)
        for index in range(min(len(document), PAGES_MOST)):
            page = document[index].get_textpage()
            yield from page.get_text_range().splitlines()
            page.close()
    except pypdfium2.PdfiumError as error:
        refuse(ENCRYPTED if "password" in str(error).lower() else DAMAGED, str(error))


def _of_package(source: Path) -> Iterator[str]:
    """Paragraphs of docx, pptx, odt and the like; cells of xlsx."""
    with zipfile.ZipFile(source) as package:
        names = sorted(name for name in package.namelist()[:20_000] if _PARTS.fullmatch(name))[:PARTS_MOST]
        if not names:
            refuse(UNKNOWN_KIND, "no part with words")
        for name in names:
            with package.open(name) as part:
                data = part.read(PART_BYTES_MAX + 1)
            if len(data) > PART_BYTES_MAX:
                refuse(DAMAGED, f"{name} is larger than {PART_BYTES_MAX} bytes")
            yield from _paragraphs(data)


def _paragraphs(data: bytes) -> Iterator[str]:
    try:
        for _event, element in defusedxml.ElementTree.iterparse(io.BytesIO(data), events=("end",)):
            if element.tag.rpartition("}")[2] in ("p", "h", "si"):
                yield "".join(element.itertext())
                element.clear()
    except (defusedxml.DefusedXmlException, defusedxml.ElementTree.ParseError) as error:
        refuse(DAMAGED, str(error))

"""The words of a document as plain text in ``OUT/words.txt``: of PDF and Illustrator, office packages, text in any usual encoding."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import defusedxml.ElementTree

from sync.library.previews.drawing import sniff
from sync.library.previews.drawing.raster import Drawn
from sync.library.previews.drawing.refusal import DAMAGED, ENCRYPTED, UNKNOWN_KIND, refuse

WORDS_MOST = 50_000
PAGES_MOST = 500
PART_BYTES_MAX = 50 * 1024 * 1024
PARTS_MOST = 500
_PARTS = re.compile(
    r"word/(document|header\d*|footer\d*|footnotes|comments)\.xml|ppt/(slides|notesSlides)/[^/]+\.xml|xl/sharedStrings\.xml|content\.xml"
)
_GAPS = re.compile(r"[ \t\x00-\x08\x0b-\x1f\x7f]+")
_ENCODINGS = ("utf-8-sig", "gb18030")


def write_words(source: Path, out: Path) -> Drawn:
    """At most WORDS_MOST characters, paragraph by paragraph."""
    with source.open("rb") as file:
        head = file.read(sniff.HEAD_BYTES)
    kind = sniff.kind_of(head)
    if kind == sniff.PDF:
        pieces = _of_pdf(source)
    elif kind == sniff.PACKAGE:
        pieces = _of_package(source)
    elif kind is None:
        pieces = _of_text(source, head)
    else:
        refuse(UNKNOWN_KIND, "not a document")
    words, length = [], 0
    for piece in pieces:
        plain = _GAPS.sub(" ", piece).strip()
        if plain:
            words.append(plain[: WORDS_MOST - length])
            length += len(words[-1]) + 1
        if length >= WORDS_MOST:
            break
    (out / "words.txt").write_text("\n".join(words), "utf-8", "replace")
    return {"length": length}


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


def _of_text(source: Path, head: bytes) -> Iterator[str]:
    data = source.read_bytes()[: WORDS_MOST * 8]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return iter(data.decode("utf-16", "replace").splitlines())
    if b"\x00" in data:
        refuse(UNKNOWN_KIND, "not text")
    for encoding in _ENCODINGS:
        try:
            return iter(data.decode(encoding).splitlines())
        except UnicodeDecodeError as error:
            if error.end >= len(data) - 4:  # Cut in the middle of a character.
                return iter(data.decode(encoding, "ignore").splitlines())
    return iter(data.decode("gb18030", "replace").splitlines())

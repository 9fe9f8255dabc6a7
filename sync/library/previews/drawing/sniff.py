"""What a file is, by its first bytes: a name can lie, and the same bytes must get the same preview under any name."""

PICTURE, PHOTOSHOP, PDF, POSTSCRIPT = "picture", "photoshop", "pdf", "postscript"
SVG, FONT, FILM, PACKAGE = "svg", "font", "film", "package"
HEAD_BYTES = 4096

_STARTS = (
    (b"\xff\xd8\xff", PICTURE), (b"\x89PNG\r\n\x1a\n", PICTURE), (b"GIF87a", PICTURE), (b"GIF89a", PICTURE), (b"BM", PICTURE),
    (b"II*\x00", PICTURE), (b"MM\x00*", PICTURE), (b"II+\x00", PICTURE), (b"MM\x00+", PICTURE),
    (b"8BPS", PHOTOSHOP), (b"%!PS", POSTSCRIPT), (b"\xc5\xd0\xd3\xc6", POSTSCRIPT),
    (b"\x00\x01\x00\x00", FONT), (b"OTTO", FONT), (b"true", FONT), (b"ttcf", FONT), (b"wOFF", FONT), (b"wOF2", FONT),
    (b"\x1aE\xdf\xa3", FILM), (b"PK\x03\x04", PACKAGE),
)  # fmt: skip
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_STILL_BRANDS = (b"avif", b"avis")


def kind_of(head: bytes) -> str | None:
    """One of the kinds above, None when it is none of them. head: the first HEAD_BYTES."""
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return PICTURE
    if head[4:8] in _BOXES:
        return PICTURE if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS else FILM
    if b"%PDF-" in head[:1024]:
        return PDF
    return SVG if _looks_like_svg(head) else None


def _looks_like_svg(head: bytes) -> bool:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.replace(b"\x00", b"")[2:]
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith(b"<") and (b"<svg" in text or b":svg" in text or b"doctype svg" in text)

"""One file: ``python -I -m sync.library.previews.drawing TASK SOURCE OUT MEMORY_BYTES CPU_S FILE_BYTES``.

TASK: picture (small.webp and large.webp), copy (film.mp4), check (of a copy) or words (words.txt). What came of it is told in
``OUT/facts.json``: the facts, or {"refused": code, "why": words for the log}; always with "network" and "files", which
say how far this process was confined. Without that file it was killed on the way.
"""

import importlib
import json
import os
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from sync.library.previews.drawing import sniff
from sync.library.previews.drawing.confine import confine
from sync.library.previews.drawing.raster import Drawn
from sync.library.previews.drawing.refusal import DAMAGED, TOO_MANY_PIXELS, TOO_MUCH_MEMORY, UNKNOWN_KIND, Refused

_HERE = "sync.library.previews.drawing."
_DRAWERS = {
    sniff.PICTURE: ("raster", "draw_picture"),
    sniff.PHOTOSHOP: ("photoshop", "draw_photoshop"),
    sniff.PDF: ("documents", "draw_pdf"),
    sniff.POSTSCRIPT: ("documents", "draw_postscript"),
    sniff.PACKAGE: ("documents", "draw_package"),
    sniff.SVG: ("vector", "draw_svg"),
    sniff.FONT: ("fonts", "draw_font"),
    sniff.FILM: ("films", "draw_film"),
}
_TASKS = {"copy": ("films", "copy_film"), "check": ("films", "check_copy"), "words": ("words", "write_words")}


def main() -> None:
    task, source, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    memory_bytes, cpu_s, file_bytes = (int(word) for word in sys.argv[4:7])
    held = confine(source=source, out=out, memory_bytes=memory_bytes, cpu_s=cpu_s, file_bytes=file_bytes)
    Image.MAX_IMAGE_PIXELS = None  # Ours are checked by the header, with a reason of their own.
    facts = draw(task, source, out)
    (out / "facts.json").write_text(json.dumps({**facts, "network": held.network, "files": held.files}))
    os._exit(0)  # Libraries' own threads and clean-ups have nothing left to add.


def draw(task: str, source: Path, out: Path) -> Drawn:
    """Carry out a task; a refusal is an answer too."""
    try:
        return _drawer(task, source)(source, out)
    except Refused as error:
        return {"refused": error.code, "why": str(error)[:300]}
    except MemoryError:
        return {"refused": TOO_MUCH_MEMORY, "why": "out of memory"}
    except Image.DecompressionBombError as error:
        return {"refused": TOO_MANY_PIXELS, "why": str(error)}
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, EOFError, struct.error, zipfile.BadZipFile) as error:
        return {"refused": DAMAGED, "why": f"{type(error).__name__}: {error}"[:300]}


def _drawer(task: str, source: Path) -> Callable[[Path, Path], Drawn]:
    with source.open("rb") as file:
        kind = sniff.kind_of(file.read(sniff.HEAD_BYTES))
    if kind is None and task != "words":  # Plain text has no beginning of its own.
        raise Refused(UNKNOWN_KIND, "not a kind of file that can be shown")
    module, name = _TASKS.get(task) or _DRAWERS[str(kind)]
    drawer: Callable[[Path, Path], Drawn] = getattr(importlib.import_module(_HERE + module), name)
    return drawer


if __name__ == "__main__":
    main()

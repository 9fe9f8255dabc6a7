"""For whom a picture was shared, drawn across it so that no part of it is without. Only our own previews come here."""

import functools
import io
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workspace.errors import Unavailable
from workspace.i18n import _

_FONTS = (
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
)
_AT_ONCE = threading.BoundedSemaphore(2)
"""A picture costs some 60 ms of a processor and 20 MB; strangers must not take them all."""
_PATIENCE_S = 5.0


def mark(picture: bytes, text: str) -> bytes:
    """A preview (WebP) with ``text`` repeated across it, as WebP."""
    from PIL import Image, ImageDraw  # Only where it is needed: it costs every web process 10 MB.

    with _place(), Image.open(io.BytesIO(picture), formats=("WEBP",)) as opened:
        image = opened.convert("RGBA")
        size = max(14, max(image.size) // 36)
        font = _font(size)
        left, top, right, bottom = font.getbbox(text)
        step_x, step_y = int(right - left) + size * 3, int(bottom - top) + size * 4
        reach = int(math.hypot(*image.size)) + step_x
        layer = Image.new("RGBA", (reach, reach))
        pen = ImageDraw.Draw(layer)
        for row, y in enumerate(range(0, reach, step_y)):
            for x in range(-(row % 2) * step_x // 2, reach, step_x):
                pen.text((x + 1, y + 1), text, font=font, fill=(0, 0, 0, 90))
                pen.text((x, y), text, font=font, fill=(255, 255, 255, 120))
        turned = layer.rotate(28, resample=Image.Resampling.BILINEAR)
        middle = ((turned.width - image.width) // 2, (turned.height - image.height) // 2)
        image.alpha_composite(turned.crop((*middle, middle[0] + image.width, middle[1] + image.height)))
        out = io.BytesIO()
        image.convert("RGB").save(out, "WEBP", quality=80, method=2)
        return out.getvalue()


@contextmanager
def _place() -> Iterator[None]:
    """Unavailable when it takes too long: whoever waits here keeps a thread from the members."""
    if not _AT_ONCE.acquire(timeout=_PATIENCE_S):
        raise Unavailable(_("正在处理的图片太多"), _("请稍候片刻再试。"))
    try:
        yield
    finally:
        _AT_ONCE.release()


@functools.cache
def _font(size: int):  # type: ignore[no-untyped-def]
    from PIL import ImageFont

    for path in _FONTS:
        if Path(path).exists():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)

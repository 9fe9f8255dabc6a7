"""Make the pictures of one image. A program of its own: ``python -I render.py``, image on stdin.

What it reads was brought by anybody, so it runs as a child with limits on memory, time and pixels, and imports nothing
of the product. On stdout: one line of JSON {"width", "height", "pictures": [bytes of each]}, then the WebP pictures in
the order of EDGES. Ends with status 1 and a sentence on stderr when the input is not such an image.
"""

import io
import json
import resource
import sys

from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
"""Pillow tries no other decoder, whatever the file is called."""
EDGES = (480, 1600)
"""Longest edge of the small and the large picture, in pixels."""
PIXELS_MAX = 120_000_000
MEMORY_BYTES = 2 * 1024**3
CPU_S = 40


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    try:
        width, height, pictures = render(sys.stdin.buffer.read())
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError) as error:
        sys.exit(f"not a picture that can be shown: {error}")
    sys.stdout.buffer.write(json.dumps({"width": width, "height": height, "pictures": [len(one) for one in pictures]}).encode())
    sys.stdout.buffer.write(b"\n" + b"".join(pictures))


def render(data: bytes) -> tuple[int, int, list[bytes]]:
    """Width and height as shown, and the pictures."""
    Image.MAX_IMAGE_PIXELS = PIXELS_MAX
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    if image.width * image.height > PIXELS_MAX:
        raise ValueError(f"{image.width} x {image.height} pixels are too many")
    size = image.size
    image.draft("RGB", (EDGES[-1], EDGES[-1]))  # JPEG is decoded at a fraction of its size where that is enough.
    turned = ImageOps.exif_transpose(image)
    if turned.width * size[1] != turned.height * size[0] and image.getexif().get(0x0112, 1) >= 5:
        size = size[::-1]
    plain = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
    return size[0], size[1], [_picture(plain, edge) for edge in EDGES]


def _picture(image: Image.Image, edge: int) -> bytes:
    small = image.copy()
    small.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=82, method=4)
    return out.getvalue()


if __name__ == "__main__":
    main()

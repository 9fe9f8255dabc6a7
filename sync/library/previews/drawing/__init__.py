"""Draws the picture of a file that anybody may have brought. A program of its own: ``python -I -m sync.library.previews.drawing``.

It imports nothing else of the product, and confines itself (``confine``) before it looks at the file. The other side is
``sync.library.previews.sandbox``, which believes nothing it writes.
"""

EDGES = {"small": 480, "large": 1600}
"""Longest edge of the pictures, in pixels."""

"""Whether bytes are those of a version: while its head is written, and of one that is there."""

from collections.abc import Iterable, Iterator

from sync.core.hashing import address_of
from sync.core.manifest import Manifest
from sync.library.content.reading import RUN_BYTES
from sync.library.storage import ObjectStore
from workspace.errors import NotFound, Unavailable
from workspace.i18n import _


class Damaged(Unavailable):
    """Bytes are not those of the version."""


def verified(pieces: Iterable[bytes], manifest: Manifest) -> Iterator[bytes]:
    """The pieces, as long as they are the version's chunks in their order. Damaged at the first that is none, before it is given on.

    The reading has verified each chunk against the place it was read from; this compares the whole with what the version names.
    """
    chunks = iter(manifest.chunks)
    for piece in pieces:
        chunk = next(chunks, None)
        if chunk is None or len(piece) != chunk.size_bytes or address_of(piece) != chunk.address:
            raise Damaged(_("内容已损坏"))
        yield piece
    if next(chunks, None) is not None:
        raise Damaged(_("内容已损坏"))


def fault_of(store: ObjectStore, key: str, manifest: Manifest) -> str:
    """What is wrong with an object that is to hold a version; "" when nothing is. Reads it in ranges."""
    try:
        for _piece in verified(_read(store, key, manifest), manifest):
            pass
        beyond = store.get_range(key, manifest.size_bytes, 1)
    except NotFound:
        return "is not in the bucket"
    except Damaged:
        return "does not hold the bytes of the version"
    return "is longer than the version" if beyond else ""


def _read(store: ObjectStore, key: str, manifest: Manifest) -> Iterator[bytes]:
    """The object, cut where the version's chunks are."""
    offset, run, length = 0, list[int](), 0
    for chunk in (*manifest.chunks, None):
        if run and (chunk is None or length + chunk.size_bytes > RUN_BYTES):
            data, start = store.get_range(key, offset, length), 0
            for size in run:
                yield data[start : start + size]
                start += size
            offset, run, length = offset + length, [], 0
        if chunk is not None:
            run.append(chunk.size_bytes)
            length += chunk.size_bytes

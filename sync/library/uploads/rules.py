"""What an upload may be, and what its headers say. Pure. The protocol is tus 1.0: https://tus.io/protocols/resumable-upload."""

import base64
import binascii
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sync.core.chunking import Chunk
from sync.core.hashing import address_bytes, address_from_bytes
from sync.core.paths import NameProblem, normal_name, refuse_name

TUS_VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,expiration,checksum"
CHECKSUMS = {"sha1": "sha1", "sha256": "sha256"}
OFFSET_TYPE = "application/offset+octet-stream"

GIB = 1024 * 1024 * 1024
SIZE_MOST = 64 * GIB
KEPT = timedelta(hours=24)
"""How long an upload waits for its next byte, and a finished one for somebody who missed the answer."""
RESERVED_FOR = timedelta(hours=1)
"""How long after its last byte an upload keeps the room that it still needs from others."""
OPEN_MOST = 500
"""Unfinished uploads of one member."""
DEPTH_MOST = 64
"""Folders of a dropped folder, one in another."""
FOLDERS_MOST = 1000
"""Empty folders of one drop."""
PART_LEAST_BYTES = 64 * 1024
"""Shortest request that does not end the file: each one costs an object and a row."""
PART_MOST_S = 300.0
"""Seconds after which a request is cut off; what came in them counts."""

_CHUNK = struct.Struct("<32sI")


class BadHeader(ValueError):
    """A header that is none of the protocol's; the text says which."""


@dataclass(frozen=True)
class Wish:
    """What a creation asks for. folders: below the folder that it is sent to. asset_id: to be the next version of that one, or None."""

    size_bytes: int
    name: str
    folders: tuple[str, ...] = ()
    note: str = ""
    asset_id: str | None = None


@dataclass(frozen=True)
class NameRefused:
    """The component of the path that cannot be stored, and why. problem: None when there are too many of them."""

    name: str
    problem: NameProblem | None


def read_length(text: str | None) -> int:
    """A count of bytes as a header carries it: digits alone."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadHeader("a length or offset is missing or no number")
    return int(text)


def read_metadata(header: str) -> dict[str, str]:
    """``Upload-Metadata``: pairs of a key and its value in base64, separated by commas."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _space, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise BadHeader(f"Upload-Metadata: {key[:40]}") from error
    return found


def read_wish(length: str | None, metadata: str, *, note_length: int) -> Wish:
    """filename, relativePath (folders and name, slashes between), note, asset."""
    values = read_metadata(metadata)
    path = values.get("relativePath") or values.get("filename", "")
    *folders, name = [normal_name(part) for part in path.replace("\\", "/").split("/")]
    note = "".join(char for char in " ".join(values.get("note", "").split()) if char.isprintable())[:note_length]
    return Wish(read_length(length), name, tuple(folders), note, values.get("asset") or None)


def refuse_path(wish: Wish) -> NameRefused | None:
    """Why the path cannot be stored; None when it can."""
    if len(wish.folders) > DEPTH_MOST:
        return NameRefused("/".join(wish.folders[:3]) + "/…", None)
    for name in (*wish.folders, wish.name):
        if problem := refuse_name(name):
            return NameRefused(name, problem)
    return None


def read_paths(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """Paths of folders below the one that is dropped into, as names. BadHeader when there are none, too many, or one too deep."""
    paths = [tuple(normal_name(name) for name in text.split("/")) for text in texts]
    if not 0 < len(paths) <= FOLDERS_MOST or any(len(path) > DEPTH_MOST for path in paths):
        raise BadHeader("paths")
    return paths


def read_checksum(header: str | None) -> tuple[str, bytes] | None:
    """Algorithm and digest that ``Upload-Checksum`` names; None without the header."""
    if header is None:
        return None
    name, _space, value = header.partition(" ")
    try:
        return CHECKSUMS[name], base64.b64decode(value, validate=True)
    except (KeyError, binascii.Error) as error:
        raise BadHeader("Upload-Checksum") from error


def pack_chunks(chunks: Iterable[Chunk]) -> bytes:
    """36 bytes each: a large file has tens of thousands."""
    return b"".join(_CHUNK.pack(address_bytes(chunk.address), chunk.size_bytes) for chunk in chunks)


def unpack_chunks(body: bytes) -> list[Chunk]:
    return [Chunk(address_from_bytes(address), size_bytes) for address, size_bytes in _CHUNK.iter_unpack(body)]

"""Addresses and change detection.

An address (`b3:` and 64 hex digits, BLAKE3-256) is identity: chunks, packs and manifests are named by it, and people
can check one with `b3sum`. xxh3 is ten times cheaper in a small guest but not collision-resistant: it only answers
"did this file change on this machine?" and never names anything.
"""

from __future__ import annotations

import re
from typing import BinaryIO, NewType

import xxhash
from blake3 import blake3

Address = NewType("Address", str)
"""`b3:` and 64 lower-case hex digits."""

Bytes = bytes | bytearray | memoryview

_ADDRESS = re.compile(r"b3:[0-9a-f]{64}\Z")


def address_of(data: Bytes) -> Address:
    """The address of these bytes."""
    return Address("b3:" + blake3(data).hexdigest())


def is_address(text: str) -> bool:
    """Whether `text` is written as an address. Says nothing about existence."""
    return _ADDRESS.match(text) is not None


def address_bytes(address: Address) -> bytes:
    """The 32 bytes of an address, as packs store it."""
    if not is_address(address):
        raise ValueError(f"not an address: {address[:80]!r}")
    return bytes.fromhex(address[3:])


def address_from_bytes(digest: bytes) -> Address:
    """The inverse of `address_bytes`; raises ValueError unless 32 bytes."""
    if len(digest) != 32:
        raise ValueError(f"an address has 32 bytes, not {len(digest)}")
    return Address("b3:" + digest.hex())


def change_mark_of(stream: BinaryIO) -> str:
    """A cheap mark (xxh3-128) of everything that a stream still has: whether local bytes changed. Never identity. In flat memory."""
    mark = xxhash.xxh3_128()
    while piece := stream.read(1024 * 1024):
        mark.update(piece)
    return mark.hexdigest()

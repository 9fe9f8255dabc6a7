"""Manifests that are kept decoded: as many as their chunks allow, those that were asked for last."""

import pytest

from sync.core.chunking import Chunk, Cutter
from sync.core.hashing import address_of
from sync.core.manifest import Manifest, manifest_of
from sync.library.content import access


def made_of(*texts: bytes) -> Manifest:
    return manifest_of([Chunk(address_of(text), len(text)) for text in texts], Cutter.CDC_1M)


def test_kept_manifests_when_their_chunks_are_too_many_then_the_one_asked_for_least_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_KEPT_CHUNKS", 6)
    kept, two, other, large = access._Manifests(), made_of(b"a", b"b"), made_of(b"c", b"d"), made_of(*(b"%d" % n for n in range(9)))
    kept.keep(two.digest, two)
    kept.keep(other.digest, other)
    assert kept.get(two.digest) is two
    kept.keep("b3:third", made_of(b"e"))
    assert (kept.get(two.digest), kept.get(other.digest)) == (two, None)
    kept.keep(large.digest, large)
    assert kept.get(large.digest) is None

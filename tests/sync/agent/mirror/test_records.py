"""Rows of what was seen on the disk: what is kept at hand is what the index says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.agent.index import ROOT, Index
from sync.agent.mirror.disk import Seen
from sync.agent.mirror.records import Records
from sync.core.protocol import NodeKind


def test_place_when_the_transaction_comes_to_nothing_then_what_it_was_before(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    records = Records(index)
    records.put(2, ROOT, Seen("素材", NodeKind.FOLDER, "1:2"))
    records.put(3, 2, Seen("a.psd", NodeKind.FILE, "1:3"))
    assert records.path_of(3) == "素材/a.psd"

    def fail() -> None:
        with index.transaction():
            records.put(2, ROOT, Seen("别的", NodeKind.FOLDER, "1:2"))
            records.trouble("别的", "cannot_read")
            assert records.path_of(3) == "别的/a.psd"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert records.path_of(3) == "素材/a.psd"
    records.no_trouble("别的")
    records.trouble("素材", "cannot_read")
    records.no_trouble("素材")
    assert not records.troubles()
    records.forget(2)
    assert records.path_of(3) is None
    index.close()

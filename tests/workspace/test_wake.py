"""The line between processes: who is woken by whom."""

from contextlib import closing
from pathlib import Path

import pytest

from workspace.wake import LocalWake


def test_listener_when_it_is_told_of_its_own_process_otherwise_then_only_others_wake_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wake = LocalWake(tmp_path)
    with closing(wake.listener()) as everything, closing(wake.listener(own=False)) as others:
        wake()
        assert everything.wait(5)
        assert not others.wait(0.01)
        monkeypatch.setattr("workspace.wake.os.getpid", lambda: 1)
        wake()
        assert everything.wait(5)
        assert others.wait(5)

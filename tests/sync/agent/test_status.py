"""What the agent tells of its saves."""

from pathlib import Path

import pytest

from sync.agent.status import Status


def test_status_when_much_happens_before_it_is_written_then_its_thread_is_woken_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = Status(tmp_path / "status.json")
    woken: list[None] = []
    with status._condition:  # Its thread writes nothing meanwhile.
        monkeypatch.setattr(status._condition, "notify_all", lambda: woken.append(None))
        status._changed = False
        status.saved(1, "/素材/a.psd")
        for percent in range(100):
            status.progress(1, state="uploading", percent=percent)
        monkeypatch.undo()
        status._condition.notify_all()
    status.close()
    assert len(woken) == 1
    assert '"percent": 99' in (tmp_path / "status.json").read_text()

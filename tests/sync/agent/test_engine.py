"""The engine without a mount: what happens to the agent as a whole."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sync.agent.config import Config, Identity
from sync.agent.engine import Engine, NoKernel
from sync.agent.remote import Remote
from sync.agent.transport import TcpDialer, Transport
from sync.core import protocol as p
from tests.fakes.library_server import FakeLibrary


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_thread_when_it_fails_by_our_mistake_then_the_agent_stops_and_says_so(
    tmp_path: Path, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = Transport(TcpDialer())
    answer = Remote(transport, fake.api, None).enrol(p.EnrolRequest(fake.issue_code("林悦"), "n", "d", "Linux", "0"))
    identity = Identity(fake.api, answer.token, answer.device, answer.member.id, answer.member.name)
    engine = Engine(Config(tmp_path / "state"), identity, transport)
    stopped = threading.Event()
    engine.on_fatal = stopped.set

    def mistake(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(engine.journal, "has_ready", mistake)
    engine.start(NoKernel())
    assert stopped.wait(10)
    engine.stop()
    assert engine.fatal is not None
    assert "sender" in engine.fatal.message

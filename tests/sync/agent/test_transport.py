"""Requests over connections that end when nobody expects it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from sync.agent.errors import Unreachable
from sync.agent.transport import API, STORE, Transport

URL = "http://product/"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nfine"


class Ends:
    """A dialer whose other ends answer one request each, when `ready` says so, and are gone."""

    def __init__(self, answer: bytes = GOOD, ready: Callable[[], object] = lambda: None) -> None:
        self.answer, self.ready, self.dialled = answer, ready, 0

    def dial(self, target: str, host: str, port: int, *, secure: bool) -> socket.socket:
        self.dialled += 1
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._serve, args=(theirs,), daemon=True).start()
        return ours

    def _serve(self, end: socket.socket) -> None:
        with end:
            if end.recv(65536):
                self.ready()
                with suppress(BrokenPipeError, ConnectionResetError):  # who asked may not wait for it
                    end.sendall(self.answer)


@pytest.fixture
def transport_to() -> Iterator[Callable[[Ends], Transport]]:
    made: list[Transport] = []

    def make(ends: Ends) -> Transport:
        made.append(Transport(ends))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


def ask(transport: Transport, target: str = API) -> bytes:
    return transport.request(target, "GET", URL, headers={}, timeout_s=5).body


def test_request_when_every_kept_connection_was_closed_meanwhile_then_a_new_one_answers(transport_to: Callable[[Ends], Transport]) -> None:
    together = threading.Barrier(3)
    ends = Ends(ready=together.wait)
    transport = transport_to(ends)
    askers = [threading.Thread(target=ask, args=(transport,)) for _ in range(3)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    ends.ready = lambda: None
    assert ask(transport) == b"fine"
    assert ends.dialled == 4


@pytest.mark.parametrize("limit", [0, 10**9])
def test_answer_when_cut_off_then_the_line_is_blamed(transport_to: Callable[[Ends], Transport], limit: int) -> None:
    transport = transport_to(Ends(CUT))
    transport.limits.down.limit(limit)
    with pytest.raises(Unreachable, match="396 more expected"):
        ask(transport, STORE)


def test_request_when_stopping_while_it_connects_then_not_sent(transport_to: Callable[[Ends], Transport]) -> None:
    ends = Ends()
    transport = transport_to(ends)
    dial = ends.dial

    def slow(*where: object, **how: object) -> socket.socket:
        transport.close()
        return dial(*where, **how)  # type: ignore[arg-type]

    ends.dial = slow  # type: ignore[method-assign]
    with pytest.raises(Unreachable, match="正在停止"):
        ask(transport)


def test_body_when_stopping_while_a_limit_holds_it_back_then_it_ends_at_once(transport_to: Callable[[Ends], Transport]) -> None:
    begun, errors = threading.Event(), []
    transport = transport_to(Ends(ready=begun.set))
    transport.limits.up.limit(100)

    def put() -> None:
        try:
            transport.request(STORE, "PUT", URL, headers={}, body=b"x" * 100_000, timeout_s=5)
        except Unreachable as error:
            errors.append(error)

    putting = threading.Thread(target=put, daemon=True)
    putting.start()
    assert begun.wait(5)
    transport.close()
    putting.join(5)
    assert not putting.is_alive()
    assert errors

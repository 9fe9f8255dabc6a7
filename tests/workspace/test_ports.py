"""Ports and answers, against real sockets."""

import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from tests.product import free_port_block
from workspace.ports import free_port, http_answers, port_is_free, tcp_answers


def test_port_with_a_listener_is_taken_and_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not port_is_free("127.0.0.1", port)
        assert tcp_answers("127.0.0.1", port)


def test_free_port_has_no_listener() -> None:
    port = free_port()
    assert port_is_free("127.0.0.1", port)
    assert not tcp_answers("127.0.0.1", port)
    assert not http_answers("127.0.0.1", port)


def test_free_port_when_given_then_it_is_none_of_those_that_a_whole_product_of_a_test_stands_on() -> None:
    product = free_port_block(4)
    assert product + 4 <= min(free_port() for _ in range(100))


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


def test_http_answers_when_the_status_is_below_500() -> None:
    with HTTPServer(("127.0.0.1", 0), _Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        answers = {status: http_answers("127.0.0.1", server.server_port, f"/{status}") for status in (200, 302, 403, 500, 503)}
        server.shutdown()
    assert answers == {200: True, 302: True, 403: True, 500: False, 503: False}


def test_http_answers_is_false_when_the_port_speaks_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _peer = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"SSH-2.0-nothing\r\n")

        Thread(target=greet, daemon=True).start()
        assert not http_answers("127.0.0.1", server.getsockname()[1])

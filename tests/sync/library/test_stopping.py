"""A web process that is told to stop lets the agents that wait for news go at once."""

import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.core.codec import to_bytes
from sync.core.protocol import MAX_WAIT_S, Endpoint, FeedRequest
from tests.product import ROOT, wait_until
from tests.sync.library.conftest import Room
from workspace.ports import free_port, http_answers
from workspace.settings import Settings


class WebProcess:
    def __init__(self, settings: Settings) -> None:
        self.port = free_port()
        self.places = 20  # More than it has threads for answers.
        environment = {
            **os.environ,
            "MAINLINE_DATA_DIR": str(settings.data_dir),
            "MAINLINE_DATABASE_URL": settings.database_url,
            "MAINLINE_SECRET_KEY": settings.secret_key,
            "MAINLINE_PORT": str(self.port),
            "MAINLINE_FEED_PLACES": str(self.places),
        }
        argv = [str(Path(sys.executable).parent / "mainline"), "web"]
        self.process = subprocess.Popen(argv, cwd=ROOT, env=environment, start_new_session=True)
        wait_until(lambda: http_answers("127.0.0.1", self.port, "/health"), what="web answers")

    def ask(self, path: str, body: bytes, token: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        try:
            headers = {"Authorization": f"Bearer {token}", "Mainline-Protocol": "1", "Content-Type": "application/json"}
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def web(room: Room, settings: Settings) -> Iterator[WebProcess]:
    running = WebProcess(settings)
    yield running
    running.process.kill()
    running.process.wait()


@pytest.mark.server
def test_web_when_told_to_stop_while_agents_wait_then_it_ends_at_once(room: Room, web: WebProcess) -> None:
    known, path = room.chen.feed({room.id: 0}), Endpoint.FEED.path()
    message = to_bytes(FeedRequest({room.id: known.pages[0].cursor}, known.libraries_tag, MAX_WAIT_S, 100))
    brief = to_bytes(FeedRequest({room.id: known.pages[0].cursor}, known.libraries_tag, 1, 100))
    answers: list[int] = []

    def wait_for_news() -> None:
        while (status := web.ask(path, message, room.chen.token)) == 429:
            pass  # The asking below had the last place.
        answers.append(status)

    waiting = [threading.Thread(target=wait_for_news) for _ in range(web.places)]
    began = time.monotonic()
    for thread in waiting:
        thread.start()
    wait_until(lambda: web.ask(path, brief, room.chen.token) == 429, what="every place to wait is taken")
    web.process.terminate()
    web.process.wait()
    assert time.monotonic() - began < MAX_WAIT_S, "nobody waited to the end"
    for thread in waiting:
        thread.join()
    assert answers == [200] * web.places

"""The real embedded object store for this room's tests, started once and stopped at the end."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.library.embedded_store import EmbeddedStore, prepare_store
from sync.library.storage import S3Store
from workspace.ports import free_port

READY_WITHIN_S = 60


@pytest.fixture(scope="session")
def weed() -> Iterator[EmbeddedStore]:
    with tempfile.TemporaryDirectory(prefix="mainline-store-") as folder:  # Short: it holds unix sockets.
        prepared = prepare_store(Path(folder), s3_port=free_port("127.0.0.1"), bucket="mainline")
        child = prepared.child()
        with open(Path(folder) / "log", "wb") as log:
            process = subprocess.Popen(child.argv, env={**os.environ, **child.env}, cwd=child.cwd, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + READY_WITHIN_S
            while not child.ready():
                assert process.poll() is None and time.monotonic() < deadline, (Path(folder) / "log").read_text()[-2000:]
            yield prepared
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def s3(weed: EmbeddedStore) -> S3Store:
    return S3Store(
        endpoint=weed.endpoint, access_key=weed.access_key, secret_key=weed.secret_key, bucket=weed.bucket, region="us-east-1", secure=False
    )

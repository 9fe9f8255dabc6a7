"""The embedded store as the supervisor runs it: who may reach it, what a stop and a kill -9 leave behind."""

import io
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import urllib3
from minio import Minio
from minio.error import S3Error

from sync.library.embedded_store import EmbeddedStore, prepare_store
from workspace.ports import free_port

BUCKET = "mainline"
WRITERS = 4


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@contextmanager
def running(store: EmbeddedStore) -> Iterator[subprocess.Popen[bytes]]:
    """The store once it is ready; killed at the end as by a power cut of the process."""
    child = store.child()
    with open(store.folder / "log", "ab") as log:
        process = subprocess.Popen(child.argv, env={**os.environ, **child.env}, cwd=child.cwd, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + child.ready_within_s
            while not child.ready():
                assert process.poll() is None, (store.folder / "log").read_text()[-2000:]
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield process
        finally:
            process.kill()
            process.wait()


def client(store: EmbeddedStore, access_key: str = "", secret_key: str = "") -> Minio:
    pool = urllib3.PoolManager(timeout=5, retries=False, maxsize=WRITERS)
    return Minio(
        store.endpoint,
        access_key=access_key or store.access_key,
        secret_key=secret_key or store.secret_key,
        secure=False,
        region="us-east-1",
        http_client=pool,
    )


def test_keys_are_made_once_and_readable_by_the_owner_alone(folder: Path) -> None:
    first = prepare_store(folder, s3_port=free_port(), bucket=BUCKET)
    second = prepare_store(folder, s3_port=free_port(), bucket=BUCKET)
    assert (first.access_key, first.secret_key, first.ports) == (second.access_key, second.secret_key, second.ports)
    assert len(first.secret_key) >= 32
    modes = {name: (folder / name).stat().st_mode & 0o777 for name in ("store.json", "s3.json")}
    assert modes == {"store.json": 0o600, "s3.json": 0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_two_installations_have_different_keys(folder: Path, tmp_path: Path) -> None:
    one = prepare_store(folder, s3_port=free_port(), bucket=BUCKET)
    other = prepare_store(tmp_path, s3_port=free_port(), bucket=BUCKET)
    assert one.access_key != other.access_key
    assert one.secret_key != other.secret_key


def test_inner_port_that_was_taken_meanwhile_is_replaced(folder: Path) -> None:
    import socket

    first = prepare_store(folder, s3_port=free_port(), bucket=BUCKET)
    with socket.create_server(("127.0.0.1", first.ports["master"])):
        second = prepare_store(folder, s3_port=first.s3_port, bucket=BUCKET)
    assert second.ports["master"] != first.ports["master"]
    assert {**second.ports, "master": 0} == {**first.ports, "master": 0}
    assert len({second.s3_port, *second.ports.values()}) == 8


@pytest.mark.server
def test_store_listens_on_loopback_alone_and_on_no_port_that_was_not_named(weed: EmbeddedStore) -> None:
    expected = {weed.s3_port, *weed.ports.values()}
    mine = {line.split()[3] for line in _listeners() if f":{weed.s3_port} " in line or any(f":{port} " in line for port in expected)}
    assert {address.rsplit(":", 1)[0] for address in mine} == {"127.0.0.1"}
    pid = next(line.split("pid=")[1].split(",")[0] for line in _listeners() if f":{weed.s3_port} " in line)
    opened = {int(line.split()[3].rsplit(":", 1)[1]) for line in _listeners() if f"pid={pid}," in line}
    assert opened == expected


def _listeners() -> list[str]:
    return subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.server
def test_wrong_key_no_key_and_unknown_bucket_are_refused(weed: EmbeddedStore) -> None:
    with pytest.raises(S3Error) as stranger:
        client(weed, access_key="stranger", secret_key="guessed").put_object(BUCKET, "a", io.BytesIO(b"x"), 1)
    assert stranger.value.code == "InvalidAccessKeyId"
    with pytest.raises(S3Error) as guessed:
        client(weed, access_key=weed.access_key, secret_key="guessed").put_object(BUCKET, "a", io.BytesIO(b"x"), 1)
    assert guessed.value.code == "SignatureDoesNotMatch"
    anonymous = urllib3.PoolManager().request("GET", f"http://{weed.endpoint}/{BUCKET}/a")
    assert anonymous.status == 403
    with pytest.raises(S3Error) as unknown:
        client(weed).put_object("another", "a", io.BytesIO(b"x"), 1)
    assert unknown.value.code == "NoSuchBucket"


@pytest.mark.server
def test_filer_has_no_http_door(weed: EmbeddedStore) -> None:
    try:
        answer = urllib3.PoolManager(retries=False, timeout=3).request("GET", f"http://127.0.0.1:{weed.ports['filer']}/buckets/{BUCKET}/")
    except urllib3.exceptions.HTTPError:
        return  # Nobody speaks HTTP there.
    assert answer.status in (403, 404, 405)


@pytest.mark.server
def test_presigned_write_once_has_exactly_one_winner(weed: EmbeddedStore) -> None:
    url = client(weed).presigned_put_object(BUCKET, "packs/race", expires=timedelta(minutes=5))
    pool = urllib3.PoolManager(maxsize=16)
    statuses: list[int] = []

    def send(content: bytes) -> None:
        statuses.append(pool.request("PUT", url, body=content, headers={"If-None-Match": "*"}).status)

    threads = [threading.Thread(target=send, args=(bytes([number]) * 1000,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [412] * 15
    assert len(set(client(weed).get_object(BUCKET, "packs/race").read())) == 1


@pytest.mark.server
@pytest.mark.slow
def test_kill_9_during_writes_loses_nothing_that_was_acknowledged(folder: Path) -> None:
    """Three rounds of four writers with a kill in the middle; every acknowledged object is whole after the restart."""
    store = prepare_store(folder, s3_port=free_port(), bucket=BUCKET)
    acknowledged: dict[str, int] = {}
    for round_number in range(3):
        with running(store) as process:
            threads = [
                threading.Thread(target=_write_until_cut, args=(store, f"{round_number}/{writer}", acknowledged)) for writer in range(4)
            ]
            before = len(acknowledged)
            for thread in threads:
                thread.start()
            while len(acknowledged) < before + 60:
                time.sleep(0.01)
            process.kill()
            for thread in threads:
                thread.join()
    with running(store):
        reader = client(store)
        lost = [name for name, size in acknowledged.items() if reader.get_object(BUCKET, name).read() != _content(name, size)]
        listed = {found.object_name: found.size for found in reader.list_objects(BUCKET, recursive=True)}
    assert len(acknowledged) >= 180
    assert lost == []
    assert set(acknowledged) <= set(listed)
    for name in set(listed) - set(acknowledged):  # Written but not yet acknowledged: whole all the same.
        assert listed[name] == _size(name), f"{name} is cut off"


def _write_until_cut(store: EmbeddedStore, prefix: str, acknowledged: dict[str, int]) -> None:
    writer = client(store)
    for number in range(100_000):
        name = f"{prefix}/{number}"
        size = _size(name)
        try:
            writer.put_object(BUCKET, name, io.BytesIO(_content(name, size)), size)
        except (urllib3.exceptions.HTTPError, S3Error, OSError):
            return  # The store is gone: what was sent last is not acknowledged.
        acknowledged[name] = size


def _size(name: str) -> int:
    return 1_000 if int(name.rsplit("/", 1)[1]) % 3 else 300_000


def _content(name: str, size: int) -> bytes:
    return (name.encode() * (size // len(name) + 1))[:size]


@pytest.mark.server
def test_every_put_into_the_bucket_is_synced(weed: EmbeddedStore) -> None:
    rules = json.loads(weed.shell("fs.configure"))
    assert [(rule["locationPrefix"], rule["fsync"]) for rule in rules["locations"]] == [(f"/buckets/{BUCKET}/", True)]


@pytest.mark.server
@pytest.mark.slow
def test_ready_after_a_kill_means_that_everything_can_be_read_at_once(folder: Path) -> None:
    """S3 answered seconds before the volumes were known, and gave errors for content that was there."""
    store = prepare_store(folder, s3_port=free_port(), bucket=BUCKET)
    with running(store):
        client(store).put_object(BUCKET, "kept", io.BytesIO(b"kept" * 75_000), 300_000)
    for _restart in range(3):
        with running(store):
            assert client(store).get_object(BUCKET, "kept").read() == b"kept" * 75_000
            client(store).put_object(BUCKET, "new", io.BytesIO(b"new"), 3)

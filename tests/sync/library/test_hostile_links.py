"""Share links and the store's signed addresses in the wrong hands: opened too often, changed, late, slowly, used for something else."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from flask import Flask

from sync.library.storage import S3Store
from tests.house import Person
from tests.sync.library.conftest import Room
from tests.sync.library.test_shares import enter, share
from workspace.db import new_id
from workspace.errors import NotFound

SignedIn = Callable[[str], Person]


def test_link_when_fifty_open_it_at_once_then_as_many_as_it_says(app: Flask, room: Room, signed_in: SignedIn) -> None:
    node = room.su.save(room.id, room.root, "a.txt", b"x").node
    address = share(signed_in("suhang"), node.id, most_views="7")
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda _number: enter(app.test_client(), address).status_code, range(50)))
    assert (got.count(303), got.count(404)) == (7, 43)


def test_link_when_its_token_is_tampered_with_then_absent(app: Flask, room: Room, signed_in: SignedIn) -> None:
    nodes = [room.su.save(room.id, room.root, f"{name}.txt", name.encode()).node for name in "ab"]
    one, other = (share(signed_in("suhang"), node.id, may_download="1")[3:] for node in nodes)
    visitor = app.test_client()
    enter(visitor, f"/s/{one}")
    for token in (one[:-1], f"{one}0", one.upper(), one[:26] + other[26:], one[:26], "0" * 26 + one[26:], "x" * 10_000, "%00"):
        assert visitor.get(f"/s/{token}").status_code == 404, token
    assert visitor.get(f"/s/{one}/{nodes[0].id}/content").get_data() == b"a"
    assert visitor.get(f"/s/{one}/{nodes[1].id}/content").status_code == 404
    visitor.set_cookie("mainline_share", visitor.get_cookie("mainline_share", path=f"/s/{one}").value, path=f"/s/{other}")
    assert visitor.get(f"/s/{other}/{nodes[1].id}/content").status_code == 404


def test_signed_addresses_when_late_or_for_something_else_then_refused_by_the_real_store(
    s3: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice, and with other bytes: test_embedded_store.py and the contract of stores."""
    key, web = f"packs/hostile/{new_id()}", urllib3.PoolManager(retries=False)

    class LongAgo(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) - timedelta(hours=7)

    with monkeypatch.context() as patch:
        patch.setattr("sync.library.storage.datetime", LongAgo)
        late_put, late_get = s3.presign_put(key, timedelta(hours=6)), s3.presign_get(key, timedelta(hours=1))
    assert web.request("PUT", late_put.url, body=b"late", headers=late_put.headers).status == 403
    put = s3.presign_put(key, timedelta(minutes=5))
    assert web.request("PUT", put.url.replace(key, f"{key}x"), body=b"x", headers=put.headers).status == 403
    assert web.request("PUT", put.url, body=b"x").status == 403  # Without the header that keeps what is there.
    assert web.request("GET", put.url).status == 403
    with pytest.raises(NotFound):
        s3.get(key)
    assert web.request("PUT", put.url, body=b"first", headers=put.headers).status == 200
    assert web.request("PUT", put.url, body=b"other", headers=put.headers).status == 412
    assert (s3.get(key), web.request("GET", late_get.url).status) == (b"first", 403)


OTHER_USES = {
    "x-amz-copy-source": "/{bucket}/{other}", "x-amz-acl": "public-read", "x-amz-tagging": "a=b", "x-amz-meta-x": "y",
    "x-amz-object-lock-mode": "COMPLIANCE", "x-amz-object-lock-retain-until-date": "2099-01-01T00:00:00Z",
    "x-amz-website-redirect-location": "https://elsewhere.example/", "x-amz-grant-full-control": "id=somebody",
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
}  # fmt: skip
OTHER_QUESTIONS = ("uploads", "partNumber=1&uploadId=x", "acl", "tagging", "retention", "versionId=x", "X-Amz-Expires=604800")


def test_signed_put_when_used_to_copy_or_to_say_more_than_was_signed_then_refused_by_the_real_store(s3: S3Store) -> None:
    """A copy would bring what lies in a library that its holder may not see into one that they may."""
    other, web = f"packs/other/{new_id()}", urllib3.PoolManager(retries=False)
    s3.put(other, b"of another library")
    for name, value in OTHER_USES.items():
        key = f"packs/hostile/{new_id()}"
        put = s3.presign_put(key, timedelta(minutes=5))
        bucket = urlsplit(put.url).path.split("/")[1]
        headers = {**put.headers, name: value.format(bucket=bucket, other=other)}
        assert web.request("PUT", put.url, body=b"x", headers=headers).status == 403, name
        with pytest.raises(NotFound):
            s3.get(key)
    put, get = s3.presign_put(key, timedelta(minutes=5)), s3.presign_get(other, timedelta(minutes=5))
    for question in OTHER_QUESTIONS:
        for method, ticket in (("PUT", put), ("POST", put), ("DELETE", put), ("DELETE", get), ("PUT", get), ("POST", get)):
            answer = web.request(method, f"{ticket.url}&{question}", body=b"x", headers=put.headers)
            assert answer.status in (400, 403, 405), (method, question)
    assert s3.get(other) == b"of another library"
    with pytest.raises(NotFound):
        s3.get(key)


@pytest.mark.parametrize("size", [1000, 9_000_000], ids=["small", "of two pieces"])
def test_signed_put_when_begun_first_and_ended_last_then_what_was_stored_meanwhile_stays(s3: S3Store, size: int) -> None:
    """Its condition held when it began. Were it to win, it would replace a pack that was verified since."""
    key, web = f"packs/hostile/{new_id()}", urllib3.PoolManager(retries=False)
    put = s3.presign_put(key, timedelta(minutes=5))
    parts, honest = urlsplit(put.url), b"h" * size
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=20) as slow:
        slow.sendall(f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {size}\r\n".encode())
        slow.sendall(b"Expect: 100-continue\r\n")
        slow.sendall(b"".join(f"{name}: {value}\r\n".encode() for name, value in put.headers.items()) + b"\r\n")
        assert slow.recv(100).split()[1] == b"100"  # It was looked at, and let in.
        slow.sendall(b"e" * (size - 10))
        assert web.request("PUT", put.url, body=honest, headers=put.headers).status == 200
        slow.sendall(b"e" * 10)
        assert slow.recv(64).split()[1] == b"412"
    assert s3.get(key) == honest

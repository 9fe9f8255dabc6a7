"""Share links and the store's signed addresses in the wrong hands: opened too often, changed, late, used for something else."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

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

"""What every ObjectStore must do. A subclass gives the fixtures ``store`` and ``public``, a store that browsers reach; the fake and real
servers run the same tests.
"""

import random
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
import urllib3

from sync.library.storage import PART_BYTES, ObjectStore, Shown
from workspace.errors import NotFound, Unavailable

MINUTE = timedelta(minutes=1)


def key() -> str:
    """A key nobody used before: real servers keep what earlier tests wrote."""
    return f"contract/{uuid.uuid4().hex}"


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    yield from (data[start : start + size] for start in range(0, len(data), size))


def broken_pieces(data: bytes, error: Exception) -> Iterator[bytes]:
    """What was said to be the whole, and then a failure before its end."""
    yield data
    raise error


class StoreContract:
    @pytest.fixture
    def http(self) -> urllib3.PoolManager:
        return urllib3.PoolManager(retries=False)

    def test_get_when_put_then_same_bytes(self, store: ObjectStore) -> None:
        name, data = key(), bytes(range(256)) * 300
        store.put(name, data)
        assert store.get(name) == data

    def test_get_when_absent_then_not_found(self, store: ObjectStore) -> None:
        name = key()
        with pytest.raises(NotFound):
            store.get(name)
        with pytest.raises(NotFound):
            store.get_range(name, 0, 5)

    def test_get_range_then_exactly_those_bytes(self, store: ObjectStore) -> None:
        name = key()
        store.put(name, b"0123456789")
        assert store.get_range(name, 3, 4) == b"3456"
        assert store.get_range(name, 8, 100) == b"89"
        assert store.get_range(name, 0, 11) == b"0123456789"
        assert store.get_range(name, 10, 5) == b""

    def test_get_range_of_nothing_then_nothing(self, store: ObjectStore) -> None:
        name = key()
        store.put(name, b"")
        assert store.get_range(name, 0, 1) == b""

    def test_put_when_present_then_replaced(self, store: ObjectStore) -> None:
        name = key()
        store.put(name, b"one")
        store.put(name, b"two")
        assert store.get(name) == b"two"

    @pytest.mark.parametrize("size", [1, 5000, PART_BYTES, 2 * PART_BYTES + 7])
    def test_put_pieces_then_the_whole_of_them_whatever_was_there(self, store: ObjectStore, size: int) -> None:
        name, data = key(), random.Random(size).randbytes(size)
        store.put(name, b"before")
        store.put_pieces(name, in_pieces(data, 1_300_001), size, "image/png")
        assert store.get(name) == data
        assert [found.size_bytes for found in store.list(name)] == [size]

    @pytest.mark.parametrize("size", [100, 2 * PART_BYTES])
    def test_put_pieces_when_one_cannot_be_had_then_what_was_there_stays(self, store: ObjectStore, size: int) -> None:
        name = key()
        with pytest.raises(NotFound):
            store.put_pieces(name, broken_pieces(bytes(size - 1), NotFound("a pack")), size)
        with pytest.raises(Unavailable):
            store.put_pieces(name, in_pieces(bytes(size - 1), PART_BYTES), size)
        assert list(store.list(name)) == []
        store.put(name, b"before")
        with pytest.raises(Unavailable):
            store.put_pieces(name, in_pieces(bytes(size - 1), PART_BYTES), size)
        assert store.get(name) == b"before"

    def test_put_once_when_present_then_refused(self, store: ObjectStore) -> None:
        name = key()
        assert store.put_once(name, b"one")
        assert not store.put_once(name, b"two")
        assert store.get(name) == b"one"

    def test_list_then_keys_in_order_under_the_prefix_alone(self, store: ObjectStore) -> None:
        folder = key()
        for name in ("b", "a", "deep/c"):
            store.put(f"{folder}/{name}", b"x" * 7)
        store.put(f"{folder}-other/a", b"")
        assert [(found.key, found.size_bytes) for found in store.list(f"{folder}/")] == [
            (f"{folder}/{name}", 7) for name in ("a", "b", "deep/c")
        ]

    def test_remove_then_absent_and_again_is_fine(self, store: ObjectStore) -> None:
        name = key()
        store.put(name, b"x")
        store.remove(name)
        store.remove(name)
        with pytest.raises(NotFound):
            store.get(name)

    def test_presigned_put_when_sent_twice_then_the_first_stays(self, store: ObjectStore, http: urllib3.PoolManager) -> None:
        name = key()
        ticket = store.presign_put(name, MINUTE)
        assert http.request("PUT", ticket.url, body=b"first", headers=ticket.headers).status in (200, 201, 204)
        assert http.request("PUT", ticket.url, body=b"second", headers=ticket.headers).status == 412
        assert store.get(name) == b"first"

    def test_presigned_put_without_its_headers_then_refused(self, store: ObjectStore, http: urllib3.PoolManager) -> None:
        name = key()
        store.put(name, b"first")
        answer = http.request("PUT", store.presign_put(name, MINUTE).url, body=b"second")
        assert answer.status in (400, 403)
        assert store.get(name) == b"first"

    def test_presigned_put_of_many_at_once_then_exactly_one_wins(self, store: ObjectStore, http: urllib3.PoolManager) -> None:
        name = key()
        ticket = store.presign_put(name, MINUTE)
        statuses: list[tuple[int, bytes]] = []

        def send(number: int) -> None:
            body = b"%d" % number
            statuses.append((http.request("PUT", ticket.url, body=body, headers=ticket.headers).status, body))

        threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        won = [body for status, body in statuses if status < 300]
        assert len(won) == 1
        assert store.get(name) == won[0]

    def test_presigned_get_then_range_served_and_method_bound(self, store: ObjectStore, http: urllib3.PoolManager) -> None:
        name = key()
        store.put(name, b"0123456789")
        ticket = store.presign_get(name, MINUTE)
        assert http.request("GET", ticket.url, headers=ticket.headers).data == b"0123456789"
        part = http.request("GET", ticket.url, headers={**ticket.headers, "Range": "bytes=2-4"})
        assert (part.status, part.data) == (206, b"234")
        assert http.request("PUT", ticket.url, body=b"x", headers={"If-None-Match": "*"}).status in (400, 403)

    def test_presigned_url_when_altered_then_refused(self, store: ObjectStore, http: urllib3.PoolManager) -> None:
        name = key()
        store.put(name, b"secret")
        url = store.presign_get(key(), MINUTE).url
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        bucket, _, tail = path.partition("/")
        stolen = f"{scheme}://{host}/{bucket}/{name}?{tail.partition('?')[2]}"
        assert http.request("GET", stolen).status in (400, 403, 404)

    def test_view_then_range_served_and_named_as_signed(self, public: ObjectStore, http: urllib3.PoolManager) -> None:
        name, shown = f"{key()}/主视觉_v2.png", Shown("image/png", "inline; filename=\"a_.png\"; filename*=UTF-8''%E4%B8%BB%20a.png")
        public.put(name, b"0123456789")
        url = public.presign_view(name, MINUTE, shown)
        assert url is not None
        whole = http.request("GET", url)
        assert (whole.status, whole.data) == (200, b"0123456789")
        assert whole.headers["Content-Type"] == "image/png"
        assert whole.headers["Content-Disposition"] == shown.disposition
        for wanted, there, said in (("bytes=2-4", b"234", "bytes 2-4/10"), ("bytes=7-", b"789", "bytes 7-9/10")):
            part = http.request("GET", url, headers={"Range": wanted})
            assert (part.status, part.data, part.headers["Content-Range"]) == (206, there, said)
        assert http.request("PUT", url, body=b"x").status in (400, 403)
        assert http.request("GET", url.replace("image%2Fpng", "text%2Fhtml")).status in (400, 403), "the kind is signed"
        assert http.request("GET", url.replace("response-content-disposition", "x-nothing")).status in (400, 403)

    def test_view_when_browsers_do_not_reach_the_store_then_none(self, store: ObjectStore) -> None:
        assert store.presign_view(key(), MINUTE, Shown("image/png", "inline")) is None

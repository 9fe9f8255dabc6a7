"""What every ObjectStore must do. A subclass gives the ``store`` fixture; the fake and real servers run the same tests."""

import threading
import uuid
from datetime import timedelta

import pytest
import urllib3

from sync.library.storage import ObjectStore
from workspace.errors import NotFound

MINUTE = timedelta(minutes=1)


def key() -> str:
    """A key nobody used before: real servers keep what earlier tests wrote."""
    return f"contract/{uuid.uuid4().hex}"


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

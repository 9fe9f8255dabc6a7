"""The cache as guests meet it: what comes once, what it refuses, and that nobody depends on it."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from desktops.caching.disk import name_of
from desktops.caching.server import ANSWERS_EACH, Turns
from sync.core.codec import to_bytes
from sync.core.host_cache import ChunksRequest, make_voucher
from sync.core.packs import PACK_MAX_BYTES
from tests.desktops.caching.conftest import LONG_MS, Cache, CountingStore
from workspace.secrets import SigningKey


def expected(store: CountingStore) -> list[tuple[str, bytes]]:
    return [(place.chunk, chunk) for place, chunk in zip(store.places, store.chunks, strict=True)]


def test_chunks_when_a_second_desktop_wants_them_then_the_store_sends_nothing_more(cache: Cache, store: CountingStore) -> None:
    for desktop in ("one", "two"):
        guest = cache.guest(desktop)
        assert guest.remote.get_chunks(store.download, store.for_desktop(desktop)) == expected(store)
        assert guest.dialer.stores == 0, "all came through the cache"
    assert len(store.ranges) == 1
    assert store.sent_bytes == sum(place.stored for place in store.places)
    assert cache.server is not None
    counts = cache.server.cache.counts()
    assert (counts.hits, counts.fetches, counts.hit_bytes, counts.fetched_bytes) == (3, 3, store.sent_bytes, store.sent_bytes)


def test_chunks_when_ten_desktops_want_them_at_once_then_they_come_once(cache: Cache, store: CountingStore) -> None:
    store.hold.clear()
    desktops = [f"desktop{number}" for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(cache.guest(name).remote.get_chunks, store.download, store.for_desktop(name)) for name in desktops]
        assert cache.server is not None
        while cache.server.cache.counts().hits < 9 * len(store.places):
            time.sleep(0.005)
        store.hold.set()
        assert all(each.result(10) == expected(store) for each in asked)
    assert len(store.ranges) == 1


def test_chunks_when_the_cache_was_killed_and_comes_back_then_they_are_still_there(
    make_cache: Callable[..., Cache], store: CountingStore
) -> None:
    cache = make_cache().start()
    cache.guest("one").remote.get_chunks(store.download, store.for_desktop("one"))
    cache.stop()
    cache.start()
    assert cache.guest("two").remote.get_chunks(store.download, store.for_desktop("two")) == expected(store)
    assert len(store.ranges) == 1


def test_chunks_when_the_disk_is_full_then_they_pass_through(make_cache: Callable[..., Cache], store: CountingStore) -> None:
    cache = make_cache().start(least_free_bytes=2**60)
    for _ in range(2):
        guest = cache.guest("one")
        assert guest.remote.get_chunks(store.download, store.for_desktop("one")) == expected(store)
        assert guest.dialer.stores == 0
    assert len(store.ranges) == 2


def test_chunks_when_wrong_bytes_lie_on_the_caches_disk_then_the_right_ones_come_and_stay(cache: Cache, store: CountingStore) -> None:
    cache.guest("one").remote.get_chunks(store.download, store.for_desktop("one"))
    place = store.places[0]
    planted = cache.folder / place.chunk[3:5] / name_of(place)
    planted.write_bytes(b"x" * place.stored)
    for _ in range(2):
        assert cache.guest("two").remote.get_chunks(store.download, store.for_desktop("two")) == expected(store)
    assert len(store.ranges) == 2, "one to fill, one to mend"


def test_chunks_when_the_caches_disk_was_made_read_only_then_they_pass_through_and_nobody_waits(
    cache: Cache, store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One was never kept, one is spoiled and cannot be taken away, one is whole."""
    cache.guest("one").remote.get_chunks(store.download, store.for_desktop("one")[1:])
    (cache.folder / store.places[1].chunk[3:5] / name_of(store.places[1])).write_bytes(b"spoiled")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patched:
        for act in ("write_bytes", "replace", "unlink"):
            patched.setattr(Path, act, refuse)
        for desktop in ("one", "two"):
            guest = cache.guest(desktop)
            with ThreadPoolExecutor(1) as pool:
                asked = pool.submit(guest.remote.get_chunks, store.download, store.for_desktop(desktop))
                try:
                    assert asked.result(5) == expected(store)
                finally:
                    guest.transport.close()
            assert guest.dialer.stores == 0


def test_chunks_when_something_goes_wrong_before_they_are_fetched_then_nobody_waits_for_them(
    cache: Cache, store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache.server is not None
    chunks = cache.server.cache
    with monkeypatch.context() as patched:
        patched.setattr(chunks._pool, "submit", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            chunks.chunks(store.download, store.places)
    assert [each.result(5) for each in chunks.chunks(store.download, store.places)]


def test_chunks_when_they_are_fetched_one_after_another_then_over_one_connection(cache: Cache, store: CountingStore) -> None:
    guest = cache.guest("one")
    for place in store.for_desktop("one"):
        guest.remote.get_chunks(store.download, [place])
    assert (len(store.ranges), store.connections) == (3, 1)


# Whoever may not


def other_key(desktop: str, store: CountingStore) -> list[str]:
    forged = SigningKey("another key")
    return [make_voucher(lambda text: forged.mac("host chunk cache", text), desktop, LONG_MS, store.download, p) for p in store.places]


def other_desktop(desktop: str, store: CountingStore) -> list[str]:
    return [place.voucher for place in store.for_desktop("somebody else")]


def expired(desktop: str, store: CountingStore) -> list[str]:
    return [place.voucher for place in store.for_desktop(desktop, until_ms=1)]


def prolonged(desktop: str, store: CountingStore) -> list[str]:
    return [f"{LONG_MS}.{voucher.partition('.')[2]}" for voucher in expired(desktop, store)]


def other_chunk(desktop: str, store: CountingStore) -> list[str]:
    vouchers = [place.voucher for place in store.for_desktop(desktop)]
    return vouchers[1:] + vouchers[:1]


def malformed(desktop: str, store: CountingStore) -> list[str]:
    return ["²." + "é" * 64, "-1.x", "9" * 400 + ".0"]


@pytest.mark.parametrize("forge", [other_key, other_desktop, expired, prolonged, other_chunk, malformed], ids=lambda each: each.__name__)
def test_request_when_the_voucher_is_not_for_this_then_refused_although_the_chunks_are_there(
    cache: Cache, store: CountingStore, forge: Callable[[str, CountingStore], list[str]]
) -> None:
    cache.guest("one").remote.get_chunks(store.download, store.for_desktop("one"))
    guest = cache.guest("two")
    places = [replace(place, voucher=voucher) for place, voucher in zip(store.places, forge("two", store), strict=True)]
    assert guest.remote._cache is not None
    assert guest.remote._cache.stored(store.download, places) is None
    assert guest.transport.request(
        "cache", "POST", "http://cache/chunks", headers={}, body=b"{}", timeout_s=5
    ).status == 400, "and the cache is there"  # fmt: skip
    assert guest.dialer.stores == 0


def test_request_when_address_place_or_url_is_another_one_then_refused_and_nothing_is_fetched(cache: Cache, store: CountingStore) -> None:
    guest, signed = cache.guest("one"), store.for_desktop("one")
    elsewhere = replace(store.download, url="http://127.0.0.1:1/secret")
    headers = replace(store.download, headers={"Authorization": "x"})
    assert guest.remote._cache is not None
    for download, place in (
        (elsewhere, signed[0]),
        (headers, signed[0]),
        (store.download, replace(signed[0], chunk=store.places[1].chunk)),
        (store.download, replace(signed[0], offset=0)),
        (store.download, replace(signed[0], stored=PACK_MAX_BYTES)),
        (store.download, replace(signed[0], size=1)),
    ):
        assert guest.remote._cache.stored(download, [place]) is None
    assert store.ranges == []
    assert list(cache.folder.glob("??/*")) == []


def test_request_when_the_store_holds_other_bytes_then_nothing_is_kept_and_the_reader_refuses_them_too(
    cache: Cache, store: CountingStore
) -> None:
    store.pack = bytes(len(store.pack))
    guest = cache.guest("one")
    with pytest.raises(Exception, match=r"does not have this address|zstd"):
        guest.remote.get_chunks(store.download, store.for_desktop("one"))
    assert guest.dialer.stores == 1
    assert list(cache.folder.glob("??/*")) == []


@pytest.mark.parametrize(
    "said",
    [
        b"\n",
        b"one\nGET / HTTP/1.1\r\n\r\n",
        b"one\nPOST /chunks HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"one\nPOST /chunks HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"one\nPOST /chunks HTTP/1.1\r\n\r\n",
        b"one\nPOST /../counts.json HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"\x00" * 70_000,
    ],
    ids=["no desktop", "GET", "too long", "no number", "no length", "another path", "noise"],
)
def test_line_when_what_comes_is_no_request_then_refused_and_others_are_served(cache: Cache, store: CountingStore, said: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(cache.path))
        line.settimeout(5)
        line.sendall(said)
        line.shutdown(socket.SHUT_WR)
        answer = line.recv(4096)
        assert answer == b"" or answer.split()[1] in (b"400", b"404", b"501", b"414")
    assert cache.guest("one").remote.get_chunks(store.download, store.for_desktop("one")) == expected(store)


def test_turns_when_one_desktop_takes_all_of_its_own_then_others_still_have_theirs() -> None:
    turns = Turns(3, 2)
    with turns.of("greedy") as first, turns.of("greedy") as second, turns.of("greedy") as third, turns.of("other") as other:
        assert (first, second, third, other) == (True, True, False, True)
        with turns.of("late") as late:
            assert not late
    with turns.of("greedy") as again:
        assert again


def raw_request(store: CountingStore, desktop: str) -> bytes:
    body = to_bytes(ChunksRequest(store.download, tuple(store.for_desktop(desktop))))
    return b"%s\nPOST /chunks HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (desktop.encode(), len(body), body)


def test_turns_when_one_desktop_asks_and_goes_away_then_what_it_fetches_still_takes_its_own(
    cache: Cache, store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it could have the cache fetch without end, and all others wait behind it."""
    monkeypatch.setattr("desktops.caching.server.BEAT_S", 0.01)
    store.hold.clear()

    def status() -> bytes:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(cache.path))
            line.settimeout(5)
            line.sendall(raw_request(store, "greedy"))
            answer = b""
            while not answer.endswith((b"1\r\n.\r\n", b"Content-Length: 0\r\n\r\n")):
                answer += line.recv(4096)
            return answer.split()[1]

    assert [status() for _ in range(ANSWERS_EACH)] == [b"200"] * ANSWERS_EACH
    until = time.monotonic() + 0.3  # Thirty times as long as it takes to notice that somebody went away.
    while time.monotonic() < until:
        assert status() == b"503"
    store.hold.set()
    assert cache.guest("other").remote.get_chunks(store.download, store.for_desktop("other")) == expected(store)


# Nobody depends on it


def test_chunks_when_the_cache_is_away_then_from_the_store_at_once_and_it_is_not_asked_again_soon(
    make_cache: Callable[..., Cache], store: CountingStore
) -> None:
    cache = make_cache()  # never started
    guest = cache.guest("one")
    assert guest.remote.get_chunks(store.download, store.for_desktop("one")) == expected(store)
    cache.start()
    assert guest.remote.get_chunks(store.download, store.for_desktop("one")) == expected(store)
    assert cache.server is not None
    assert cache.server.cache.counts().fetches == 0


def test_chunks_when_the_cache_cannot_get_them_then_whoever_wants_them_asks_the_store(cache: Cache, store: CountingStore) -> None:
    store.away = True
    guest = cache.guest("one")
    with pytest.raises(Exception, match="HTTP 503"):
        guest.remote.get_chunks(store.download, store.for_desktop("one"))
    store.away = False
    assert guest.remote.get_chunks(store.download, store.for_desktop("one")) == expected(store)


@pytest.mark.parametrize("said", [None, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n=abc"], ids=["nothing", "half"])
def test_chunks_when_the_cache_falls_silent_then_from_the_store(
    make_cache: Callable[..., Cache], store: CountingStore, monkeypatch: pytest.MonkeyPatch, said: bytes | None
) -> None:
    monkeypatch.setattr("sync.agent.host_cache._SILENT_S", 0.2)
    cache = make_cache()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(cache.path))
        silent.listen()
        guest = cache.guest("one")
        with ThreadPoolExecutor(1) as pool:
            line = pool.submit(silent.accept)
            line.add_done_callback(lambda accepted: accepted.result()[0].sendall(said or b""))
            assert guest.remote.get_chunks(store.download, store.for_desktop("one")) == expected(store)
        line.result()[0].close()
    guest.transport.close()
    os.unlink(cache.path)


def test_chunks_when_the_store_is_slow_then_the_cache_says_that_it_lives_and_is_waited_for(
    cache: Cache, store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktops.caching.server.BEAT_S", 0.02)
    monkeypatch.setattr("sync.agent.host_cache._SILENT_S", 0.5)
    store.hold.clear()
    threading.Timer(1.0, store.hold.set).start()
    guest = cache.guest("one")
    assert guest.remote.get_chunks(store.download, store.for_desktop("one")) == expected(store)
    assert guest.dialer.stores == 0

"""The object store's contract on the fake and on the real embedded server, and what happens when it is away."""

from collections.abc import Iterator

import pytest

from sync.library.embedded_store import EmbeddedStore
from sync.library.storage import PART_BYTES, ObjectStore, S3Store, Shown, open_store, origin_of
from tests.contracts.store_contract import MINUTE, StoreContract, key
from tests.fakes.store import MemoryStore
from tests.sync.library.conftest import s3_of
from workspace.errors import Unavailable
from workspace.settings import Settings


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[ObjectStore]:
        made = MemoryStore()
        yield made
        made.close()

    @pytest.fixture
    def public(self) -> Iterator[ObjectStore]:
        made = MemoryStore(public=True)
        yield made
        made.close()


@pytest.mark.server
class TestEmbeddedStore(StoreContract):
    @pytest.fixture
    def store(self, s3: S3Store) -> ObjectStore:
        return s3

    @pytest.fixture
    def public(self, weed: EmbeddedStore) -> ObjectStore:
        return s3_of(weed, public_url=f"http://{weed.endpoint}/")

    def test_put_pieces_when_killed_in_the_middle_then_the_next_one_leaves_nothing_of_it(self, s3: S3Store) -> None:
        name = key()
        left = s3._minio._create_multipart_upload("mainline", name, {})
        s3._minio._upload_part("mainline", name, bytes(PART_BYTES), None, left, 1)
        s3.put_pieces(name, [bytes(PART_BYTES), b"end"], PART_BYTES + 3)
        assert s3._minio._list_multipart_uploads("mainline", prefix=name).uploads == []
        assert s3.get_range(name, PART_BYTES, 9) == b"end"


def test_store_when_nobody_listens_then_unavailable(settings: Settings) -> None:
    store = S3Store(endpoint="127.0.0.1:1", access_key="a", secret_key="b" * 10, bucket="mainline", region="us-east-1", secure=False)
    with pytest.raises(Unavailable):
        store.get("packs/x")
    with pytest.raises(Unavailable):
        list(store.list("packs/"))


def test_open_store_when_never_prepared_then_unavailable(settings: Settings) -> None:
    with pytest.raises(Unavailable):
        open_store(settings)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("", ""),
        ("https://Assets.example.com/", "https://assets.example.com"),
        ("https://assets.example.com:443", "https://assets.example.com"),
        ("http://127.0.0.1:8803", "http://127.0.0.1:8803"),
        ("http://a:80", "http://a"),
        ("https://a:80", "https://a:80"),
    ],
)
def test_origin_when_of_an_address_then_as_browsers_send_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_view_when_asked_for_again_soon_then_the_same_address_so_that_browsers_find_it_in_their_cache() -> None:
    store = S3Store(
        endpoint="127.0.0.1:1", access_key="a", secret_key="b" * 10, bucket="mainline", region="us-east-1", secure=False,
        public_url="https://assets.example.com",
    )  # fmt: skip
    shown = Shown("image/png", "inline")
    urls = {store.presign_view("previews/x", MINUTE, shown) for _time in range(3)}
    assert len(urls) <= 2, "two, where the five minutes ended meanwhile"
    (url, *_rest) = urls
    assert url is not None
    assert url.startswith("https://assets.example.com/mainline/previews/x?")
    assert "X-Amz-Expires=360" in url

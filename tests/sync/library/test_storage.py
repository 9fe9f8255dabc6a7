"""The object store's contract on the fake and on the real embedded server, and what happens when it is away."""

from collections.abc import Iterator

import pytest

from sync.library.storage import ObjectStore, S3Store, open_store
from tests.contracts.store_contract import StoreContract
from tests.fakes.store import MemoryStore
from workspace.errors import Unavailable
from workspace.settings import Settings


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[ObjectStore]:
        made = MemoryStore()
        yield made
        made.close()


@pytest.mark.server
class TestEmbeddedStore(StoreContract):
    @pytest.fixture
    def store(self, s3: S3Store) -> ObjectStore:
        return s3


def test_store_when_nobody_listens_then_unavailable(settings: Settings) -> None:
    store = S3Store(endpoint="127.0.0.1:1", access_key="a", secret_key="b" * 10, bucket="mainline", region="us-east-1", secure=False)
    with pytest.raises(Unavailable):
        store.get("packs/x")
    with pytest.raises(Unavailable):
        list(store.list("packs/"))


def test_open_store_when_never_prepared_then_unavailable(settings: Settings) -> None:
    with pytest.raises(Unavailable):
        open_store(settings)

from collections.abc import Callable

import pytest
from sqlalchemy import select

from main_lines.tasks.access import get_task
from main_lines.tasks.actions import AssetDelivery, deliver_task, sign_task
from main_lines.tasks.bodies import DeliverBody
from main_lines.tasks.deliverables import deliverable_view, delivery_of, recent_versions
from sync.library.assets.actions import save_upload
from sync.library.assets.models import Node, Version
from sync.library.libraries.models import Library
from sync.library.storage import ObjectStore
from tests.contracts.library_contract import manifest_for
from tests.fakes.store import MemoryStore
from tests.main_lines.conftest import Story
from workspace.errors import InvalidInput, NotFound
from workspace.parts import Parts


@pytest.fixture
def asset_id(work_as: Callable, story: Story, parts: Parts) -> str:
    """An asset of the line's library with one version, saved by 苏航."""
    store = MemoryStore()
    parts.provide(ObjectStore, lambda: store)  # type: ignore[type-abstract]
    with work_as("苏航") as work:
        root_id = work.session.get_one(Library, story.library_id).root_id
        save_upload(work, story.library_id, folder_id=root_id, name="主视觉.psd", manifest=manifest_for(b""), packs=())
        return work.session.scalars(select(Node.id).where(Node.name == "主视觉.psd")).one()


def next_version(work_as: Callable, asset_id: str) -> None:
    """A second version of the same asset."""
    with work_as("苏航") as work:
        node = work.session.get_one(Node, asset_id)
        first = work.session.get_one(Version, (asset_id, 1))
        columns = {column.key: getattr(first, column.key) for column in Version.__table__.columns}
        work.session.add(Version(**{**columns, "number": 2}))
        node.version = 2
        from sync.library.assets.models import AssetEvent

        work.record(AssetEvent.COMMITTED, subject=f"asset:{asset_id}", rooms=["company"], asset="主视觉.psd", version=2)


def signed(work_as: Callable, write: Callable) -> str:
    task_id = write()
    with work_as("林悦") as work:
        sign_task(work, task_id)
    return task_id


def test_delivery_when_an_asset_then_pinned_and_never_swapped(work_as: Callable, write: Callable, asset_id: str) -> None:
    task_id = signed(work_as, write)
    with work_as("苏航") as work:
        deliver_task(work, task_id, AssetDelivery(asset_id, 1))
    with work_as("林悦", writes=False) as work:
        pinned = dict(get_task(work, task_id).deliverable)
        assert (pinned["version"], pinned["name"]) == (1, "主视觉.psd")
        assert pinned["digest"] == work.session.get_one(Version, (asset_id, 1)).digest
        assert deliverable_view(work, pinned).newest is None
    next_version(work_as, asset_id)
    with work_as("林悦", writes=False) as work:
        assert get_task(work, task_id).deliverable == pinned
        view = deliverable_view(work, pinned)
        assert (view.newest, view.words) == (2, "主视觉.psd 版本 1")


def test_delivery_when_the_version_does_not_exist_then_refused(work_as: Callable, write: Callable, asset_id: str) -> None:
    task_id = signed(work_as, write)
    with pytest.raises(NotFound), work_as("苏航") as work:
        deliver_task(work, task_id, AssetDelivery(asset_id, 9))


def test_delivery_when_empty_then_asked_for(work_as: Callable, write: Callable) -> None:
    task_id = signed(work_as, write)
    with pytest.raises(InvalidInput), work_as("苏航") as work:
        deliver_task(work, task_id, "  ")


def test_recent_versions_when_offered_then_the_newest_of_each_asset(work_as: Callable, story: Story, asset_id: str) -> None:
    next_version(work_as, asset_id)
    with work_as("苏航", writes=False) as work:
        offered = recent_versions(work, story.library_id)
        assert len([one for one in offered if one.asset_id == asset_id]) == 1


@pytest.mark.parametrize(
    ("body", "delivery"),
    [
        ({"asset_id": "n1:3"}, AssetDelivery("n1", 3)),
        ({"asset_id": "n1", "version": 3}, AssetDelivery("n1", 3)),
        ({"asset_id": "n1:3", "text": "也有话说"}, AssetDelivery("n1", 3)),
        ({"text": "https://example.com"}, "https://example.com"),
        ({"asset_id": "", "version": "", "text": "说明"}, "说明"),
        ({"asset_id": "n1"}, ""),
    ],
)
def test_delivery_of_when_sent_then_understood(body: dict, delivery: AssetDelivery | str) -> None:
    assert delivery_of(DeliverBody.model_validate(body)) == delivery


@pytest.mark.parametrize(
    ("text", "kind"), [("https://a.example/x", "link"), ("见 https://a.example", "text"), ("javascript:alert(1)", "text")]
)
def test_delivery_when_text_then_only_web_addresses_become_links(work_as: Callable, write: Callable, text: str, kind: str) -> None:
    task_id = signed(work_as, write)
    with work_as("苏航") as work:
        deliver_task(work, task_id, text)
    with work_as("林悦", writes=False) as work:
        view = deliverable_view(work, get_task(work, task_id).deliverable)
        assert (view.kind, bool(view.url)) == (kind, kind == "link")

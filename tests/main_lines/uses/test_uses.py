"""Where an asset is used: only what the reader may see of it, and only for who sees the asset."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from main_lines.approvals.actions import Draft, submit_request
from main_lines.feed.actions import post_progress, withdraw_post
from main_lines.tasks.actions import AssetDelivery, deliver_task, sign_task
from main_lines.uses.queries import Uses, uses_of
from sync.library.assets.actions import save_upload
from sync.library.assets.models import Node
from sync.library.content.writing import write_file
from sync.library.libraries.models import Library
from sync.library.storage import ObjectStore
from tests.fakes.store import MemoryStore
from tests.house import Person
from tests.main_lines.conftest import Story
from workspace.errors import NotFound
from workspace.parts import Parts

Opens = Callable[..., Any]


@pytest.fixture
def asset_id(work_as: Opens, story: Story, parts: Parts) -> str:
    """苏航's picture in the line's library, in two versions."""
    store = MemoryStore()
    parts.provide(ObjectStore, lambda: store)  # type: ignore[type-abstract]
    for content in (b"first", b"second"):
        file = write_file(store, story.library_id, name="主视觉.psd", stream=io.BytesIO(content), size_bytes=len(content))
        with work_as("苏航") as work:
            root_id = work.session.get_one(Library, story.library_id).root_id
            save_upload(work, story.library_id, folder_id=root_id, name="主视觉.psd", manifest=file.manifest, packs=file.packs)
    with work_as("苏航", writes=False) as work:
        return work.session.scalars(select(Node.id).where(Node.name == "主视觉.psd")).one()


def seen(work_as: Opens, name: str, asset_id: str) -> Uses:
    with work_as(name, writes=False) as work:
        return uses_of(work, asset_id)


def send(work_as: Opens, story: Story, asset_id: str, to: str, version: int) -> str:
    draft = Draft(title="主视觉定稿", values={}, to=(story.id_of(to),), asset_id=asset_id, version=version)
    with work_as("苏航") as work:
        return submit_request(work, "asset_sign_off", draft).approval_id


def test_uses_when_delivered_and_sent_then_with_version_and_state(
    work_as: Opens, story: Story, write: Callable[..., str], asset_id: str
) -> None:
    task_id = write()
    with work_as("林悦") as work:
        sign_task(work, task_id)
    with work_as("苏航") as work:
        deliver_task(work, task_id, AssetDelivery(asset_id, 1))
    approval_id = send(work_as, story, asset_id, "林悦", 2)
    uses = seen(work_as, "苏航", asset_id)
    assert uses.line is not None
    assert (uses.line.id, uses.line.name) == (story.line_id, "双十一大促")
    assert [(task.id, task.version, task.state) for task in uses.tasks] == [(task_id, 1, "delivered")]
    assert [(each.id, each.versions, each.state) for each in uses.approvals] == [(approval_id, [2], "running")]


def test_uses_when_nothing_of_it_is_the_readers_then_not_told(work_as: Opens, story: Story, asset_id: str) -> None:
    send(work_as, story, asset_id, "林悦", 1)
    assert seen(work_as, "赵宁", asset_id).approvals == []
    assert len(seen(work_as, "林悦", asset_id).approvals) == 1


def test_uses_when_the_asset_is_not_visible_then_absent(
    work_as: Opens, story: Story, asset_id: str, signed_in: Callable[[str], Person]
) -> None:
    send(work_as, story, asset_id, "何青", 1)
    for name in ("何青", "管力"):
        with pytest.raises(NotFound):
            seen(work_as, name, asset_id)
    assert signed_in("heqing").get(f"/uses/{asset_id}").status_code == 404


def test_fragment_when_shown_then_links_to_each(work_as: Opens, story: Story, asset_id: str, signed_in: Callable[[str], Person]) -> None:
    approval_id = send(work_as, story, asset_id, "林悦", 1)
    page = signed_in("linyue").get(f"/uses/{asset_id}").get_data(as_text=True)
    assert f'href="/lines/{story.line_id}"' in page
    assert f'href="/approvals/{approval_id}"' in page
    assert "送审版本 1" in page


def test_uses_when_a_post_carries_it_then_named_until_it_is_withdrawn(work_as: Opens, story: Story, asset_id: str) -> None:
    with work_as("苏航") as work:
        post = post_progress(work, story.line_id, text="请看", files=[(asset_id, 2)])
    (use,) = seen(work_as, "赵宁", asset_id).posts
    assert (use.url, use.author, use.version) == (post.url, "苏航", 2)
    with work_as("苏航") as work:
        withdraw_post(work, post.id)
    assert seen(work_as, "赵宁", asset_id).posts == []

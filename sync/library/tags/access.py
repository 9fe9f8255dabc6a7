"""The tags of assets. Who may see them is asked of the assets."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import select

from sync.library.tags.models import AssetTag
from workspace.work import Work


def tags_of(work: Work, node_ids: Iterable[str]) -> dict[str, list[str]]:
    """Node id -> its tags in the order of their keys; nodes without tags are left out."""
    found: dict[str, list[str]] = defaultdict(list)
    query = select(AssetTag.node_id, AssetTag.tag).where(AssetTag.node_id.in_(list(node_ids))).order_by(AssetTag.tag_key)
    for node_id, tag in work.session.execute(query):
        found[node_id].append(tag)
    return dict(found)

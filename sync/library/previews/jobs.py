"""Makes previews in the media lane, each in a limited child process."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import structlog

from sync.library.assets.access import content_of, library_of
from sync.library.assets.models import Node
from sync.library.content.reading import plan_reading, read_all
from sync.library.previews.access import preview_key
from sync.library.previews.models import Preview, PreviewEvent
from sync.library.previews.rules import SIZES
from sync.library.storage import ObjectStore
from workspace.jobs.registry import job
from workspace.jobs.worker import JobRun

log = structlog.get_logger("previews")

RENDER = Path(__file__).with_name("render.py")
TIMEOUT_S = 60


@job("library.make_preview", lane="media", lease_s=180, max_attempts=5)
def make_preview(run: JobRun, *, node_id: str, number: int) -> None:
    """Make and keep the pictures of a version, unless its content has them."""
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    with run.open_work(writes=False) as work:
        content = content_of(work, node_id, number)
        if work.session.get(Preview, content.digest) is not None:
            return
        reading = plan_reading(work, content.library_id, content.manifest, 0, content.manifest.size_bytes)
    made = render(read_all(store, reading))
    for size, picture in zip(SIZES, made.pictures, strict=False):
        store.put(preview_key(content.digest, size), picture, "image/webp")
    with run.open_work() as work:
        if work.session.get(Preview, content.digest) is not None:
            return
        row = Preview(digest=content.digest, state="made" if made.pictures else "failed", width=made.width, height=made.height, at=work.now)
        work.session.add(row)
        if made.pictures:
            node = work.session.get_one(Node, node_id)
            library = library_of(work, node)
            work.record(
                PreviewEvent.MADE, subject=f"asset:{node.id}", rooms=[f"library:{library.id}"],
                asset=node.name, asset_id=node.id, version=number, library_id=library.id, parent_id=node.parent_id,
            )  # fmt: skip


@dataclass(frozen=True)
class Rendered:
    """What came of rendering. pictures: empty when the input is no such image."""

    width: int = 0
    height: int = 0
    pictures: tuple[bytes, ...] = ()


def render(data: bytes) -> Rendered:
    """Run the renderer on untrusted bytes. A crash, a refusal and a timeout all mean: no preview for this content."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(RENDER)], input=data, capture_output=True, timeout=TIMEOUT_S, env={"LANG": "C.UTF-8"}
        )
    except subprocess.TimeoutExpired:
        log.warning("preview.refused", why=f"took longer than {TIMEOUT_S} s")
        return Rendered()
    if done.returncode != 0:
        log.warning("preview.refused", why=done.stderr.decode(errors="replace").strip()[-300:])
        return Rendered()
    head, _newline, body = done.stdout.partition(b"\n")
    facts = json.loads(head)
    pictures = []
    for length in facts["pictures"]:
        pictures.append(body[:length])
        body = body[length:]
    return Rendered(facts["width"], facts["height"], tuple(pictures))

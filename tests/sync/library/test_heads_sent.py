"""Heads in the whole product: who gets one when, who is sent to it and who is not, and what backup, check and usage know of it."""

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import urllib3
from flask import Flask
from sqlalchemy import select

import app as composition
from main_lines.approvals.access import steps_of
from main_lines.approvals.actions import Draft, approve_request, submit_request
from sync.library.backup.actions import back_up
from sync.library.content.access import stored_bytes
from sync.library.heads.access import libraries_lacking
from sync.library.heads.actions import make_all_again
from sync.library.heads.jobs import make_missing_heads
from sync.library.heads.models import Head
from sync.library.recovery.verify import Pace, verify_content
from tests.fakes.store import MemoryStore
from tests.house import Person, member_named
from tests.sync.library.conftest import Room
from tests.sync.library.preview_files import film
from tests.sync.library.test_pages import picture
from tests.sync.library.test_shares import share
from tests.sync.library.test_trash import make_manager
from workspace.db import Database
from workspace.jobs.models import Job
from workspace.jobs.worker import JobRun
from workspace.parts import Parts
from workspace.settings import Settings
from workspace.work import open_work

SignedIn = Callable[[str], Person]
Opens = Callable[..., Any]
BIG = random.Random(7).randbytes(3_000_000)  # Several chunks.


def heads_of(memory: MemoryStore) -> dict[str, bytes]:
    return {key: data for key, data in memory.objects.items() if key.startswith("heads/")}


def keep(person: Person, node_id: str, number: int = 1) -> None:
    assert person.post(f"/library/assets/{node_id}/versions/{number}/keeping").status_code == 303


def test_version_when_approved_or_kept_then_it_has_a_head_and_others_none(
    room: Room, memory: MemoryStore, run_jobs: Any, signed_in: SignedIn, work_as: Opens
) -> None:
    sent = room.su.save(room.id, room.root, "主视觉 定稿.bin", BIG).node
    kept = room.su.save(room.id, room.root, "留.bin", b"kept").node
    room.su.save(room.id, room.root, "草稿.bin", b"draft")
    with work_as("苏航") as work:
        draft = Draft(title="主视觉定稿", to=(member_named(work, "陈墨").id,), asset_id=sent.id, version=1)
        approval_id = submit_request(work, "asset_sign_off", draft).approval_id
    run_jobs()
    assert heads_of(memory) == {}, "not before somebody said yes"
    with work_as("陈墨") as work:
        (step,) = steps_of(work, approval_id)
        approve_request(work, approval_id, step_id=step.id)
    keep(signed_in("suhang"), kept.id)
    run_jobs()
    assert heads_of(memory) == {
        f"heads/{room.id}/{sent.id}/1/主视觉_定稿.bin": BIG,
        f"heads/{room.id}/{kept.id}/1/留.bin": b"kept",
    }


def test_version_when_its_job_was_lost_then_the_reconcile_heals_it_once(
    room: Room, memory: MemoryStore, run_jobs: Any, parts: Parts, signed_in: SignedIn
) -> None:
    node = room.su.save(room.id, room.root, "留.bin", b"kept").node
    keep(signed_in("suhang"), node.id)
    with open_work(parts.get(Database), parts=parts) as work:
        for lost in work.session.scalars(select(Job)):
            work.session.delete(lost)
    run_jobs()
    assert heads_of(memory) == {}
    reconcile(parts)
    run_jobs()
    assert list(heads_of(memory).values()) == [b"kept"]
    with open_work(parts.get(Database), writes=False, parts=parts) as work:
        assert libraries_lacking(work) == [], "there is nothing to do any more"


def reconcile(parts: Parts) -> None:
    make_missing_heads(JobRun(parts.get(Database), parts, 1, "test", threading.Event()))


def test_backup_when_made_then_without_heads_and_a_restored_product_writes_them_again(
    room: Room, memory: MemoryStore, run_jobs: Any, parts: Parts, signed_in: SignedIn, tmp_path: Path
) -> None:
    node = room.su.save(room.id, room.root, "留.bin", BIG).node
    keep(signed_in("suhang"), node.id)
    run_jobs()
    back_up(parts, tmp_path / "backup", lambda text: None)
    assert not (tmp_path / "backup" / "objects" / "heads").exists()
    (key,) = heads_of(memory)
    del memory.objects[key]  # What a restore finds.
    with open_work(parts.get(Database), parts=parts) as work:
        make_all_again(work)
    reconcile(parts)
    run_jobs()
    assert heads_of(memory) == {key: BIG}


def test_verify_when_a_head_holds_other_bytes_then_named_and_repaired(
    room: Room, memory: MemoryStore, run_jobs: Any, parts: Parts, signed_in: SignedIn
) -> None:
    su = signed_in("suhang")
    nodes = [room.su.save(room.id, room.root, f"{name}.bin", BIG[:size]).node for name, size in (("a", 3_000_000), ("b", 70_000), ("c", 9))]
    for node in nodes:
        keep(su, node.id)
    run_jobs()
    sound = heads_of(memory)
    turned, cut, gone = (f"heads/{room.id}/{node.id}/1/{name}.bin" for node, name in zip(nodes, "abc", strict=True))
    said: list[str] = []

    def verify(*, repair: bool = False) -> bool:
        said.clear()
        return verify_content(parts, said.append, content="all", pace=Pace(0), repair=repair)

    assert verify()
    assert "3 of 3 plain copies read, sound" in said[-1]
    memory.objects[turned] = BIG[:-1] + bytes([BIG[-1] ^ 1])
    memory.objects[cut] = memory.objects[cut][:-1]
    del memory.objects[gone]
    assert not verify(repair=True)
    words = "\n".join(said)
    assert "3 plain copies wrong" in words
    assert f"{turned} does not hold the bytes of the version" in words
    assert f"{cut} has 69999 bytes instead of 70000" in words
    assert f"{gone} is not in the bucket" in words
    assert "will be written again" in words
    run_jobs()
    assert heads_of(memory) == sound
    assert verify()


# --- in the browser -------------------------------------------------------------------------------------------------------


@pytest.fixture
def public(memory: MemoryStore) -> MemoryStore:
    memory.public = True
    return memory


@pytest.fixture
def reached(settings: Settings, parts: Parts, public: MemoryStore) -> MemoryStore:
    """The store, at an address that browsers reach. To be taken before the app."""
    parts.provide(Settings, lambda: replace(settings, s3_public_url="http://store.example.com"))
    return public


@pytest.fixture
def http() -> urllib3.PoolManager:
    return urllib3.PoolManager(retries=False)


def test_content_when_a_head_is_reached_then_the_browser_is_sent_there_for_a_while(
    reached: MemoryStore, room: Room, run_jobs: Any, signed_in: SignedIn, http: urllib3.PoolManager
) -> None:
    su, lin, stranger = signed_in("suhang"), signed_in("linyue"), signed_in("zhaoning")
    node = room.su.save(room.id, room.root, "主图 v2.png", BIG).node
    url = f"/library/assets/{node.id}/versions/1/content"
    assert su.get(url).get_data() == BIG, "streamed while there is no head"
    keep(su, node.id)
    run_jobs()
    shown = lin.get(url, headers={"Range": "bytes=5-9"})
    assert (shown.status_code, shown.get_data()) == (302, b"")
    assert shown.headers["Cache-Control"] == "no-store"
    part = http.request("GET", shown.headers["Location"], headers={"Range": "bytes=1500000-2600000"})
    assert (part.status, part.data) == (206, BIG[1500000:2600001])
    assert part.headers["Content-Type"] == "image/png"
    assert part.headers["Content-Disposition"].startswith("inline; ")
    kept = http.request("GET", lin.get(f"{url}?download").headers["Location"])
    assert kept.data == BIG
    assert kept.headers["Content-Disposition"].startswith("attachment; ")
    assert stranger.get(url).status_code == stranger.get(url.replace(node.id, "nothing")).status_code == 404
    etag = lin.client.head(url).headers["ETag"]
    assert lin.client.head(url).status_code == 200, "the address is signed for a GET"
    assert lin.get(url, headers={"If-None-Match": etag}).status_code == 304
    assert lin.get(url, headers={"Range": "bytes=0-9", "If-Range": etag}).get_data() == BIG[:10], "what began here goes on here"
    assert lin.get(url, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert lin.get(url, base_url="https://localhost").status_code == 200, "a secure page may not fetch from an insecure address"


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "paper.pdf", "script.js"])
def test_content_when_it_is_not_shown_in_place_then_its_address_says_bytes_to_be_kept(
    reached: MemoryStore, room: Room, run_jobs: Any, signed_in: SignedIn, http: urllib3.PoolManager, name: str
) -> None:
    su = signed_in("suhang")
    node = room.su.save(room.id, room.root, name, b"<script>alert(1)</script>").node
    keep(su, node.id)
    run_jobs()
    answer = http.request("GET", su.get(f"/library/assets/{node.id}/versions/1/content").headers["Location"])
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")


def test_content_when_the_store_is_not_reached_or_the_head_about_to_go_then_streamed(
    room: Room, public: MemoryStore, run_jobs: Any, parts: Parts, settings: Settings, signed_in: SignedIn
) -> None:
    su = signed_in("suhang")
    node = room.su.save(room.id, room.root, "留.bin", BIG).node
    keep(su, node.id)
    run_jobs()
    url = f"/library/assets/{node.id}/versions/1/content"
    assert len(heads_of(public)) == 1
    assert su.get(url).get_data() == BIG
    parts.provide(Settings, lambda: replace(settings, s3_public_url="http://store.example.com"))
    assert su.get(url).status_code == 302
    with open_work(parts.get(Database), parts=parts) as work:
        head = work.session.scalars(select(Head)).one()
        head.doomed_at = work.now
    assert su.get(url).get_data() == BIG


def test_pictures_and_films_when_the_store_is_reached_then_fetched_there_but_for_the_small_ones(
    reached: MemoryStore, room: Room, run_jobs: Any, signed_in: SignedIn, http: urllib3.PoolManager, tmp_path: Path
) -> None:
    su, stranger = signed_in("suhang"), signed_in("zhaoning")
    node = room.su.save(room.id, room.root, "样片.mov", film(tmp_path, "x.mov", "mpeg4")).node
    run_jobs()
    url = f"/library/assets/{node.id}/versions/1"
    copy = next(data for key, data in reached.objects.items() if key.endswith("-film.mp4"))
    part = http.request("GET", su.get(f"{url}/film").headers["Location"], headers={"Range": "bytes=100-199"})
    assert (part.status, part.data, part.headers["Content-Type"]) == (206, copy[100:200], "video/mp4")
    large = su.get(f"{url}/preview?size=large")
    assert large.headers["Cache-Control"] == "private, max-age=300"
    assert http.request("GET", large.headers["Location"]).headers["Content-Type"] == "image/webp"
    assert su.get(f"{url}/preview").headers["Content-Type"] == "image/webp", "a small one is no detour worth"
    assert {stranger.get(f"{url}/{what}").status_code for what in ("film", "preview?size=large", "content")} == {404}


def test_link_when_the_store_is_reached_then_its_visitors_are_sent_nowhere(
    reached: MemoryStore, app: Flask, room: Room, run_jobs: Any, signed_in: SignedIn
) -> None:
    su = signed_in("suhang")
    node = room.su.save(room.id, room.root, "主图.png", picture()).node
    keep(su, node.id)
    run_jobs()
    assert su.get(f"/library/assets/{node.id}/versions/1/content").status_code == 302
    for wish, status in (({"may_download": "true"}, 200), ({}, 404)):
        address = share(su, node.id, **wish)
        visitor = app.test_client()
        visitor.get(address)
        answer = visitor.get(f"{address}/{node.id}/content")
        assert answer.status_code == status
        assert "Location" not in answer.headers
        assert visitor.get(f"{address}/{node.id}/preview?size=large").status_code == 200


def test_page_when_the_store_is_reached_then_its_policy_lets_pictures_come_from_there(
    settings: Settings, parts: Parts, company: Database
) -> None:
    policies = []
    for url in ("https://store.example.com/", ""):
        made = composition.create_app(replace(settings, s3_public_url=url), parts)
        policies.append(made.test_client().get("/sign-in").headers["Content-Security-Policy"])
    assert "img-src 'self' data: blob: https://store.example.com; media-src 'self' blob: https://store.example.com;" in policies[0]
    assert "img-src 'self' data: blob:; media-src 'self' blob:;" in policies[1]


def test_usage_when_there_are_heads_then_says_what_they_take(
    room: Room, run_jobs: Any, signed_in: SignedIn, work_as: Opens, company: Database
) -> None:
    node = room.su.save(room.id, room.root, "留.bin", BIG).node
    with open_work(company, writes=False) as work:
        before = stored_bytes(work, room.id)
    keep(signed_in("suhang"), node.id)
    run_jobs()
    with open_work(company, writes=False) as work:
        assert stored_bytes(work, room.id) == before + len(BIG)
    with work_as("林悦") as work:
        make_manager(work, room)
    assert "其中整份副本 3.0 MB" in signed_in("suhang").get(f"/library/{room.id}/usage").get_data(as_text=True)

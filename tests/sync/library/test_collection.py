"""Collection never removes what is reachable: a state machine over the real actions, bugs planted for it to catch, each step alone."""

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import select

from sync.core.hashing import Address, address_of
from sync.core.packs import PACK_MAX_BYTES
from sync.library.agents_api.api import UPLOAD_VALID
from sync.library.agents_api.contents import DOWNLOAD_VALID
from sync.library.assets import claims
from sync.library.assets.models import Node
from sync.library.collection import actions, jobs
from sync.library.collection.models import CollectionEvent
from sync.library.collection.queries import outlook, unregistered
from sync.library.collection.rules import GRACE, is_sparse, made_at, oldest_open_upload
from sync.library.content.access import WAIT, find_chunks, missing_chunks, pack_states, promised_chunks, stored_bytes
from sync.library.content.actions import pack_key, record_packs
from sync.library.embedded_store import EmbeddedStore, vacuum_store
from sync.library.retention import actions as retention_actions
from sync.library.storage import S3Store, Stored
from tests.house import Person
from tests.realtime.open_pages import OpenPages
from tests.sync.library.collecting import PIECES, CollectionMachine, Violation, World, collect_all
from tests.sync.library.conftest import Room
from workspace.db import new_id
from workspace.events.models import Event
from workspace.settings import Settings
from workspace.work import Work, open_work

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def explore(examples: int, chosen: int) -> None:
    run_state_machine_as_test(
        seed(chosen)(CollectionMachine),
        settings=settings(
            max_examples=examples, stateful_step_count=40, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_machine_when_people_jobs_crashes_and_the_clock_take_turns_then_nothing_reachable_is_lost() -> None:
    chosen = random.SystemRandom().randrange(2**32)
    print(f"seed {chosen}")
    explore(15, chosen)


# --- planted bugs: a permanent test of the machine ------------------------------------------------------------------------


def removes_first(copies: jobs._Copies) -> None:
    """The former packs go before the new one stands."""
    for pack_id in set(copies._former.values()):
        copies._store.remove(pack_key(copies._library_id, pack_id))
    FINISH(copies)


FINISH = jobs._Copies.finish


def look_without_claiming(work: Work, library_id: str, addresses: Iterable[Address], sizes: dict[Address, int]) -> list[Address]:
    wanted = list(addresses)
    sizes.update((address, chunk.size_bytes) for address, chunk in find_chunks(work, library_id, wanted).items())
    return missing_chunks(work, library_id, wanted)


def plant(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    if bug == "sweeps_without_wait":
        monkeypatch.setattr(actions, "WAIT", timedelta(0))
    elif bug == "thins_without_looking_at_pins":
        monkeypatch.setattr(retention_actions, "held_versions", lambda work, library_id: set())
    elif bug == "forgets_to_resurrect":
        monkeypatch.setattr(claims, "claim_chunks", look_without_claiming)
    elif bug == "repack_deletes_first":
        monkeypatch.setattr(jobs._Copies, "finish", removes_first)
    else:
        monkeypatch.setattr(jobs, "ship_log", lambda run, library_id: None)


@pytest.mark.parametrize(
    ("bug", "quick_seed"),  # Any seed catches it; this one does so soon.
    [
        ("thins_without_looking_at_pins", 0),
    ],
)
def test_machine_when_a_bug_is_planted_then_it_is_caught(monkeypatch: pytest.MonkeyPatch, bug: str, quick_seed: int) -> None:
    plant(monkeypatch, bug)
    with pytest.raises(Violation):
        explore(600, quick_seed)


def let_go_and_crash_in_every_step(world: World) -> None:
    """Most of a pack is let go; then days pass, and each repack dies one step later than the one before."""
    world.save("a.dat", [0, 1, 2, 3, 4])
    world.save("b.dat", [4])
    world.let_go(file_named(world, "a.dat"))
    for day in range(16):
        world.now += DAY
        world.job(jobs.mark)
        world.job(jobs.sweep)
        world.job(lambda run, library_id: jobs.repack(run, library_id, worth_bytes=300), crash_after=day if day > 7 else None)
        world.check()
        world.job(collect_all, crash_after=day)
        world.check()
        world.check_recovery(shipped=False)


def save_again_what_is_marked(world: World) -> None:
    """Somebody is told that a chunk is there which no version needs any more, and commits it a day later, after a sweep."""
    world.save("a.dat", [0])
    world.let_go(file_named(world, "a.dat"))
    world.now += timedelta(days=10)
    world.job(jobs.mark)
    world.save("b.dat", [0], later=True)
    world.now += DAY
    world.job(jobs.sweep)
    world.commit(0)
    world.check()


def save_what_is_marked_and_sweep(world: World) -> None:
    """Somebody commits at once what no version needed any more; the sweep comes when its time is over."""
    world.save("a.dat", [0])
    world.let_go(file_named(world, "a.dat"))
    world.now += timedelta(days=10)
    world.job(jobs.mark)
    world.save("b.dat", [0])
    world.now += timedelta(days=10)
    world.job(jobs.sweep)
    world.check()


STORIES = {
    "forgets_to_resurrect": save_what_is_marked_and_sweep,
    "repack_deletes_first": let_go_and_crash_in_every_step,
    "removes_before_the_log_tells": let_go_and_crash_in_every_step,
    "sweeps_without_wait": save_again_what_is_marked,
}


@pytest.mark.parametrize("bug", STORIES)
def test_world_when_a_bug_is_planted_then_it_is_caught(monkeypatch: pytest.MonkeyPatch, world: World, bug: str) -> None:
    plant(monkeypatch, bug)
    with pytest.raises(Violation):
        STORIES[bug](world)


@pytest.mark.parametrize("story", dict.fromkeys(STORIES.values()))
def test_world_when_no_bug_is_planted_then_nothing_is_lost(world: World, story: Callable[[World], None]) -> None:
    story(world)


def test_recovery_when_the_clock_was_set_back_before_a_file_was_let_go_then_it_does_not_come_back(world: World) -> None:
    world.save("a.dat", [0])
    world.save("b.dat", [1])
    world.now -= timedelta(hours=14)
    world.let_go(file_named(world, "a.dat"))
    world.check_recovery(shipped=True)


# --- rules ----------------------------------------------------------------------------------------------------------------


def test_times_when_compared_then_no_signed_address_outlasts_a_doomed_pack() -> None:
    assert max(UPLOAD_VALID, DOWNLOAD_VALID) < GRACE < WAIT


@pytest.mark.parametrize(
    ("packs", "days"),
    [
        ([], 0),
        ([("su", 3)], 3),
        ([("su", 8)], 0),
        ([("su", 3), ("su", 9), ("su", 15)], 15),
        ([("su", 3), ("su", 11)], 3),
        ([("su", 3), ("chen", 6)], 6),
        ([("su", day) for day in range(1, 60, 5)], 26),
        ([(None, 3)], 0),
    ],
    ids=["none", "one", "too_old", "a_long_one", "a_hole_ends_it", "of_two_members", "no_upload_lasts_longer", "repacked"],
)
def test_oldest_open_upload_when_packs_wait_for_their_commit_then_its_begin(packs: Iterable[tuple[str | None, int]], days: int) -> None:
    assert oldest_open_upload([(member, NOW - days * DAY) for member, days in packs], NOW) == NOW - days * DAY


@pytest.mark.parametrize(
    ("size", "serving", "sparse"), [(1000, 400, True), (1000, 500, False), (1000, 0, False), (100, 10, False), (1000, 1000, False)]
)
def test_is_sparse_when_little_serves_and_it_pays_then_true(size: int, serving: int, sparse: bool) -> None:
    assert is_sparse(size, serving, worth_bytes=200) is sparse


def test_made_at_when_an_id_of_the_product_then_its_time_else_none() -> None:
    made = made_at(new_id())
    assert made is not None
    assert abs(made - datetime.now(UTC)) < timedelta(minutes=1)
    assert made_at("x") is None
    assert made_at("I" * 26) is None


# --- step by step -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


def file_named(world: World, name: str) -> str:
    with open_work(world.database, writes=False) as work:
        return work.session.scalars(select(Node.id).where(Node.name == name)).one()


def test_content_when_its_file_left_the_trash_then_goes_after_a_week_and_a_day_and_the_figures_shrink(world: World) -> None:
    world.save("a.dat", [0, 1, 2])
    world.save("b.dat", [3])
    world.let_go(file_named(world, "a.dat"))
    world.job(collect_all)
    for days, left in ((6, 2), (2, 2), (2, 1)):
        world.now += days * DAY
        world.job(collect_all)
        assert len(world.packs()) == left
    with open_work(world.database, writes=False, now=world.now) as work:
        found = outlook(work, world.id, "素材", 300)
        assert (found.unneeded_bytes, found.doomed_bytes) == (0, 0)
        assert stored_bytes(work, world.id) == found.stored_bytes == sum(each.size_bytes for each in world.store.list("packs/"))
        assert "素材" in found.in_words
        (facts,) = work.session.scalars(select(Event.facts).where(Event.kind == str(CollectionEvent.COLLECTED)))
        assert facts["packs"] == 1
    world.check()
    world.check_recovery(shipped=True)


def test_content_when_somebody_needs_it_again_then_stays_and_nothing_is_sent(world: World) -> None:
    world.save("a.dat", [0, 1])
    world.let_go(file_named(world, "a.dat"))
    world.job(collect_all)
    world.now += 3 * DAY
    world.save("b.dat", [0, 1])
    assert len(world.packs()) == 1, "it was there"
    for _day in range(12):
        world.now += DAY
        world.job(collect_all)
    world.check()
    assert len(world.packs()) == 1


def test_content_when_about_to_be_swept_then_not_promised(world: World) -> None:
    world.save("a.dat", [0])
    world.let_go(file_named(world, "a.dat"))
    world.job(jobs.mark)
    address = address_of(PIECES[0])
    for days, promised in ((3, True), (2, False)):
        world.now += days * DAY
        with open_work(world.database, writes=False, now=world.now) as work:
            assert (promised_chunks(work, world.id, [address]) == []) is promised
            assert missing_chunks(work, world.id, [address]) == []


def test_sparse_pack_when_packed_anew_then_what_lives_is_read_from_the_new_one_and_the_old_one_goes(world: World) -> None:
    big = [0, 1, 2, 3, 4]
    world.save("a.dat", big)
    world.save("b.dat", [4])
    (former,) = world.packs()
    world.let_go(file_named(world, "a.dat"))
    world.job(collect_all)
    world.now += 8 * DAY
    world.job(collect_all)
    assert len(world.packs()) == 2
    world.check()
    world.now += 2 * DAY
    world.job(collect_all)
    assert len(world.packs()) == 1
    assert world.packs() != [former]
    world.check()
    world.check_recovery(shipped=True)


def test_object_when_never_registered_then_goes_and_a_late_registration_serves_nobody(world: World) -> None:
    (late,) = world.bring([PIECES[0]])
    world.now += 8 * DAY
    world.job(jobs.doom)
    with world.as_member() as work:
        record_packs(work, world.id, [late])
        work.recorded.clear()
    with open_work(world.database, writes=False, now=world.now) as work:
        assert pack_states(work, world.id, [late.pack.pack]) == {late.pack.pack: "absent"}
        assert missing_chunks(work, world.id, [address_of(PIECES[0])]) != []
    world.now += 2 * DAY
    world.job(collect_all)
    assert world.packs() == []


def test_upload_when_still_open_then_nothing_younger_is_swept(world: World) -> None:
    """A client on a weak line registers a pack every few days; the file is whole after three weeks."""
    world.save("big.dat", [0, 1], later=True)
    for number in (2, 3, 4):
        world.now += 6 * DAY
        world.job(collect_all)
        with world.as_member() as work:
            record_packs(work, world.id, world.bring([PIECES[number]]))
    world.job(collect_all)
    with open_work(world.database, writes=False, now=world.now) as work:
        assert missing_chunks(work, world.id, [address_of(piece) for piece in PIECES]) == []
        assert "an upload has been open since" in outlook(work, world.id, "素材", 300).in_words


@pytest.mark.server
def test_collection_when_on_a_real_store_then_removes_repacks_and_the_disk_is_vacuumed(
    s3: S3Store, weed: EmbeddedStore, tmp_path: Path
) -> None:
    world = World(s3)
    world.save("a.dat", [0, 1, 2, 3, 4])
    world.save("b.dat", [4])
    world.let_go(file_named(world, "a.dat"))
    for _day in range(12):
        world.now += DAY
        world.job(collect_all)
    assert len(world.packs()) == 1
    assert len(world.read(world.database, s3)) == 1
    (tmp_path / "store").symlink_to(weed.folder)
    assert vacuum_store(Settings(data_dir=tmp_path))
    assert not vacuum_store(Settings(data_dir=tmp_path / "none"))
    world.close()


def test_object_when_longer_than_a_pack_can_be_then_it_goes_without_waiting(room: Room, work_as: Callable[..., Any]) -> None:
    """A presigned PUT is bound to no length."""
    long, short = (Stored(f"packs/{room.id}/{new_id()}", size) for size in (PACK_MAX_BYTES + 1, PACK_MAX_BYTES))
    with work_as("苏航", now=datetime.now(UTC)) as work:
        assert unregistered(work, room.id, [long, short]) == [long]
    with work_as("苏航", now=datetime.now(UTC) + WAIT + timedelta(minutes=1)) as work:
        assert unregistered(work, room.id, [long, short]) == [long, short]


def test_pages_when_content_was_collected_then_those_who_look_see_what_is(
    room: Room, work_as: Callable[..., Any], signed_in: Callable[[str], Person]
) -> None:
    lost = Stored(f"packs/{room.id}/{new_id()}", 40_000_000)
    pages = OpenPages(signed_in("suhang"), "suhang", {"library_id": room.id, "folder_id": room.root})
    assert {fragment.page for fragment in pages.held} >= {"/library", "/library/<library_id>", "/"}
    with work_as("管力", now=datetime.now(UTC)) as work:
        actions.doom_packs(work, room.id, [lost])
        actions.note_removed(work, room.id, [(lost.key.rpartition("/")[2], lost.size_bytes)])
        [event] = work.recorded
    assert (event.kind, event.facts["packs"], event.facts["megabytes"]) == (CollectionEvent.COLLECTED, 1, "40.0")
    stale = pages.after([(str(event.kind), [event.subject, *event.rooms])])
    assert not stale, "\n".join(map(str, stale))

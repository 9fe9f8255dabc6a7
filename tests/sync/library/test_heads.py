"""Heads: versions as plain objects. Which get one, that it holds the version's bytes and no others, and when it goes."""

import io
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import select, update

from sync.core.chunking import Chunk, Cutter
from sync.core.hashing import address_of
from sync.core.manifest import manifest_of
from sync.library.assets.actions import save_upload
from sync.library.content import reading
from sync.library.content.access import stored_bytes
from sync.library.content.writing import write_file
from sync.library.heads import actions, jobs
from sync.library.heads.checking import Damaged, fault_of, verified
from sync.library.heads.models import Head
from sync.library.heads.rules import GRACE, NAME_BYTES, head_key, may_be_fetched, safe_name, version_of
from sync.library.heads.sending import FETCHED, VIEWED
from sync.library.libraries.models import Library
from sync.library.retention.rules import Mode as Retention
from sync.library.retention.rules import Plan
from sync.library.storage import PART_BYTES, STEADY, S3Store
from tests.fakes.store import MemoryStore
from tests.sync.library.collecting import PIECES, Violation
from tests.sync.library.heading import DAY, HeadWorld, machine
from workspace.errors import Unavailable
from workspace.jobs.worker import Again
from workspace.settings import Settings, load_settings
from workspace.work import open_work

NODE = "01m81ed0e1faszsw7rg45v8sxv"


# --- rules --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("主图 v2.psd", "主图_v2.psd"),
        ("Plan (final)?.tar.gz", "Plan__final__.tar.gz"),
        (".profile", "profile"),
        ("...", "file"),
        ("no suffix", "no_suffix"),
        ("Re\u0301sume\u0301.pdf", "R\u00e9sum\u00e9.pdf"),
        ("a.%2e%2e", "a._2e_2e"),
    ],
)
def test_safe_name_when_of_a_file_then_readable_and_one_part_of_a_key(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(min_size=1, max_size=300))
def test_key_when_of_any_name_then_one_object_below_its_version(name: str) -> None:
    key = head_key("library", NODE, 12, name)
    assert key.startswith(f"heads/library/{NODE}/12/")
    assert version_of(key) == (NODE, 12)
    assert len(safe_name(name).encode()) <= NAME_BYTES
    assert not set(key.split("/")) & {"", ".", ".."}


@pytest.mark.parametrize(
    "key",
    [
        f"heads/library/{NODE}/x/a",
        f"heads/library/{NODE}/1",
        f"packs/library/{NODE}/1/a",
        "heads/l//1/a",
        "heads/library/short/1/a",
        f"heads/library/{NODE}/12345678901/a",
        f"heads/library/{NODE}/1/{'a' * 400}",
    ],
)
def test_key_when_of_something_else_then_names_no_version(key: str) -> None:
    assert version_of(key) is None


@pytest.mark.parametrize(
    ("store", "page", "sent"),
    [
        ("https://assets.example.com", "https://mainline.example.com/", True),
        ("https://assets.example.com", "http://127.0.0.1:8800/", True),
        ("http://127.0.0.1:8803", "http://127.0.0.1:8800/", True),
        ("http://127.0.0.1:8803", "https://mainline.example.com/", False),
        ("https://mainline.example.com/", "https://Mainline.example.com/", False),
        ("", "http://127.0.0.1:8800/", False),
    ],
)
def test_browser_when_the_store_is_another_origin_and_as_secure_then_sent_there(store: str, page: str, sent: bool) -> None:
    assert may_be_fetched(store, page) is sent


@pytest.mark.parametrize("setting", ["library_heads=some", "s3_public_url=assets.example.com", "s3_public_url=https://a.example.com/path"])
def test_settings_when_they_do_not_fit_then_the_start_ends_with_a_sentence(setting: str) -> None:
    name, _sep, value = setting.partition("=")
    with pytest.raises(Exception, match=f"Setting {name} cannot be"):
        load_settings({}, **{name: value})


def test_addresses_when_compared_then_none_outlasts_its_object() -> None:
    assert max(VIEWED, FETCHED) + STEADY < GRACE


def of_pieces(*numbers: int) -> Any:
    return manifest_of([Chunk(address_of(PIECES[number]), len(PIECES[number])) for number in numbers], Cutter.CDC_1M)


def test_pieces_when_they_are_the_version_then_given_on() -> None:
    assert b"".join(verified([PIECES[0], PIECES[1]], of_pieces(0, 1))) == PIECES[0] + PIECES[1]


@pytest.mark.parametrize(
    "came",
    [
        pytest.param([PIECES[1], PIECES[0]], id="in_another_order"),
        pytest.param([PIECES[0]], id="too_few"),
        pytest.param([PIECES[0], PIECES[1], b"x"], id="too_many"),
        pytest.param([PIECES[0], PIECES[1][:-1]], id="cut_short"),
        pytest.param([PIECES[0], bytes([PIECES[1][0] ^ 1]) + PIECES[1][1:]], id="a_bit_turned"),
    ],
)
def test_pieces_when_they_are_not_the_version_then_damaged(came: list[bytes]) -> None:
    with pytest.raises(Damaged):
        list(verified(came, of_pieces(0, 1)))


def test_fault_when_an_object_goes_on_beyond_its_version_then_found() -> None:
    store = MemoryStore()
    store.put("heads/x", PIECES[0] + b"and more")
    assert fault_of(store, "heads/x", of_pieces(0)) == "is longer than the version"


# --- heads are their versions, and go with them ---------------------------------------------------------------------------


def explore(mode: str, examples: int, chosen: int) -> None:
    run_state_machine_as_test(
        seed(chosen)(machine(mode)),
        settings=settings(
            max_examples=examples, stateful_step_count=20, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["approved", "all"])
def test_machine_when_people_and_dying_jobs_take_turns_then_heads_are_their_versions(mode: str) -> None:
    chosen = random.SystemRandom().randrange(2**32)
    print(f"seed {chosen}")
    explore(mode, 5, chosen)


def live(world: HeadWorld) -> None:
    """Jobs die at each of their steps, days pass, people think better of it."""
    for crash_after in range(12):
        world.save(f"{crash_after}.dat", [crash_after % 5])
        world.pins.add(list(world.contents)[-1])
        world.make(crash_after=crash_after)
        world.check_heads()
    for _day in range(3):
        world.now += 1.1 * DAY
        world.collect()
        world.check_heads()
    world.pins.remove(min(world.serving().values()))
    world.check_rest()


@pytest.mark.parametrize("bug", ["row_before_object", "removes_without_asking", "never_dooms", "keeps_serving_what_goes"])
def test_heads_when_a_bug_is_planted_then_it_is_caught(monkeypatch: pytest.MonkeyPatch, approved: HeadWorld, bug: str) -> None:
    plant(monkeypatch, bug)
    with pytest.raises(Violation):
        live(approved)


def test_heads_when_no_bug_is_planted_then_they_are_their_versions_and_go_with_them(approved: HeadWorld) -> None:
    live(approved)


def plant(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    claim, doom = actions.claim_head, actions.doom_heads
    if bug == "row_before_object":

        def claimed_as_made(work: Any, node_id: str, number: int) -> Any:
            found = claim(work, node_id, number)
            if found is not None:
                work.session.flush()
                actions.note_made(work, found)
            return found

        monkeypatch.setattr(jobs, "claim_head", claimed_as_made)
    elif bug == "removes_without_asking":
        monkeypatch.setattr(actions, "wanted_versions", lambda work, library_id: set())
        monkeypatch.setattr(jobs, "wanted_contents", lambda work, library_id: {})
        monkeypatch.setattr(actions, "GRACE", timedelta(0))
    elif bug == "never_dooms":
        monkeypatch.setattr(jobs, "doom_heads", lambda *values: None)
    else:

        def dooms_and_forgets(work: Any, library_id: str, *values: Any) -> None:
            doom(work, library_id, *values)
            work.session.flush()
            for row in work.session.scalars(select(Head).where(Head.doomed_at.is_not(None))):
                work.parts.get(jobs.ObjectStore).remove(row.key)
                row.doomed_at = None

        monkeypatch.setattr(jobs, "doom_heads", dooms_and_forgets)


@pytest.fixture
def approved() -> Iterator[HeadWorld]:
    made = HeadWorld("approved")
    yield made
    made.close()


@pytest.fixture
def world() -> Iterator[HeadWorld]:
    made = HeadWorld("all")
    yield made
    made.close()


@pytest.mark.parametrize("careless", [(), ("reading",), ("reading", "writing")], ids=["as_it_is", "reading_careless", "both_careless"])
def test_corrupt_chunk_when_a_head_is_written_then_never_published(
    world: HeadWorld, monkeypatch: pytest.MonkeyPatch, careless: tuple[str, ...]
) -> None:
    """Each of the two checks is enough; without both the test sees the bytes that should never have been."""
    world.save("good.dat", [0, 1])
    world.save("hurt.dat", [2, 3])
    (key,) = (key for key in world.packs() if PIECES[3] in world.store.objects[key])
    world.store.objects[key] = world.store.objects[key].replace(PIECES[3], bytes([PIECES[3][0] ^ 1]) + PIECES[3][1:])
    if "reading" in careless:
        monkeypatch.setattr(reading, "read_chunk", lambda place, stored: bytes(stored))
    if "writing" in careless:
        monkeypatch.setattr(jobs, "verified", lambda pieces, manifest: pieces)
        world.make()
        with pytest.raises(Violation, match="other bytes"):
            world.check_heads()
        return
    with pytest.raises(Unavailable):
        world.make()
    world.check_heads()
    assert [key.rpartition("/")[2] for key in world.heads()] == ["good.dat"], "what cannot be written does not hold up the others"
    assert len(world.serving()) == 1


def test_head_when_wanted_no_more_then_goes_a_day_later_and_stays_when_wanted_again(world: HeadWorld) -> None:
    world.save("a.dat", [0])
    node = next(iter(world.known))
    world.make()
    world.save("a.dat", [1], node=node)
    world.make()
    assert len(world.heads()) == 2
    world.collect()
    assert list(world.serving().values()) == [(node, 2)], "nobody is sent any more to what is about to go"
    world.now += DAY / 2
    world.collect()
    assert len(world.heads()) == 2
    world.pins.add((node, 1))
    world.make()
    world.now += 2 * DAY
    world.collect()
    assert sorted(world.serving().values()) == [(node, 1), (node, 2)]
    world.pins.clear()
    world.collect()
    world.now += 2 * DAY
    world.collect()
    assert [version for key in world.heads() if (version := version_of(key))] == [(node, 2)]
    world.parts.provide(Settings, lambda: Settings(secret_key="tests only", library_heads="none"))
    for _day in range(3):
        world.collect()
        world.make()
        world.now += 2 * DAY
    assert world.heads() == {}
    world.check()


def test_object_when_nobody_knows_it_then_goes_after_its_day_unless_retention_is_paused(
    world: HeadWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.store.objects[f"heads/{world.id}/{NODE}/1/left.dat"] = b"left by a catalogue that is gone"
    monkeypatch.setattr(actions, "plan_of", lambda work, library_id: Plan(Retention.PAUSED))
    for _day in range(3):
        world.collect()
        world.now += 2 * DAY
    assert len(world.heads()) == 1, "after a recovery nobody knows what had been approved"
    monkeypatch.undo()
    world.collect()
    assert len(world.heads()) == 1
    world.now += 2 * DAY
    world.collect()
    assert world.heads() == {}


def test_object_when_it_is_lost_or_cut_then_written_again(world: HeadWorld) -> None:
    world.save("a.dat", [0, 1])
    world.save("b.dat", [2])
    world.make()
    lost, cut = sorted(world.heads())
    kept = world.heads()
    del world.store.objects[lost]
    world.store.objects[cut] = world.store.objects[cut][:-1]
    world.now += DAY
    world.collect()
    assert world.serving() == {}
    world.make()
    assert world.heads() == kept
    world.check_rest()


def test_heads_when_the_catalogue_is_rebuilt_then_none_goes_and_they_are_written_again(world: HeadWorld) -> None:
    world.save("a.dat", [0, 1])
    world.save("b.dat", [2])
    world.make()
    kept = world.heads()
    other = world.recovered()
    for _day in range(3):
        other.collect()
        other.now += 2 * DAY
    assert other.heads() == kept, "what had been approved is not in the bucket: nothing goes"
    assert other.serving() == {}, "and nobody is sent to what was not looked at"
    del other.store.objects[min(kept)]
    other.make()
    assert other.heads() == kept
    assert other.serving().keys() == kept.keys()
    other.close()


@pytest.mark.server
def test_heads_when_on_a_real_store_then_random_versions_are_read_as_one_object(s3: S3Store) -> None:
    rng = random.Random(5)
    world = HeadWorld("all", s3)
    for number in range(3):
        world.save(f"{number}.dat", [rng.randrange(5) for _piece in range(rng.randrange(1, 9))])
    large = rng.randbytes(2 * PART_BYTES + rng.randrange(1, 10**6))
    written = write_file(s3, world.id, name="预热 片.mov", stream=io.BytesIO(large), size_bytes=len(large))
    with world.as_member() as work:
        save_upload(work, world.id, folder_id=world.root, name="预热 片.mov", manifest=written.manifest, packs=written.packs)
    world.make()
    heads = world.heads()
    assert sorted(heads.values()) == sorted([large, *(data for data, _at in world.contents.values())])
    (key,) = (key for key in heads if key.endswith("/预热_片.mov"))
    assert fault_of(s3, key, written.manifest) == ""
    assert s3.get_range(key, PART_BYTES - 5, 10) == large[PART_BYTES - 5 : PART_BYTES + 5]
    for found in [found for kind in ("packs", "heads", "log") for found in s3.list(f"{kind}/{world.id}/")]:
        s3.remove(found.key)  # Every world's library has the same id, and other tests have this store.
    world.close()


def test_head_when_its_version_unfolds_too_far_then_none(world: HeadWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """One chunk of zeros, named again and again, is a bomb for whoever writes it out."""
    monkeypatch.setattr("sync.library.heads.rules.COPIED_FREELY_BYTES", 1000)
    contents = {"bomb.dat": bytes(3_000_000), "honest.dat": random.Random(1).randbytes(3_000_000)}
    for name, data in contents.items():
        written = write_file(world.store, world.id, name=name, stream=io.BytesIO(data), size_bytes=len(data))
        with world.as_member() as work:
            save_upload(work, world.id, folder_id=world.root, name=name, manifest=written.manifest, packs=written.packs)
    world.make()
    assert list(world.heads().values()) == [contents["honest.dat"]]


def test_head_when_the_worker_ends_meanwhile_then_not_there_and_made_by_the_next(world: HeadWorld) -> None:
    world.save("a.dat", [0, 1])
    world.stopping.set()
    with pytest.raises(Again):
        world.make()
    assert world.heads() == {}
    world.stopping.clear()
    world.make()
    assert len(world.serving()) == len(world.heads()) == 1


def test_head_when_its_library_has_no_room_then_none_and_saving_goes_on(world: HeadWorld) -> None:
    world.save("a.dat", [0, 1, 2, 3, 4])
    with open_work(world.database, writes=False) as work:
        room_for_less = stored_bytes(work, world.id) + sum(map(len, PIECES)) - 1
    with world.database.session(writes=True) as session:
        session.execute(update(Library).values(quota_bytes=room_for_less))
        session.commit()
    world.make()
    assert world.heads() == {}
    world.save("b.dat", [0])

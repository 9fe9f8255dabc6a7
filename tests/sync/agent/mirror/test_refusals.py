"""What the library would refuse: others have it checked out, or the member may only look. The rest goes on, and nothing is lost."""

from __future__ import annotations

import pytest

from sync.agent.mirror.words import reason
from sync.core import protocol as p
from sync.core.paths import NameProblem
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.mirror.conftest import Device, contents


@pytest.fixture
def held(lin: Device, fake: FakeLibrary, library: str) -> Device:
    """A mirror with `a.psd`, which somebody else has checked out."""
    lin.sync()
    (lin.library / "a.psd").write_bytes(b"a")
    lin.sync()
    node = fake.live(library)["a.psd"].id
    fake.leases[node] = p.Lease(node, "member-陈帆", "陈帆", 300_000)
    lin.engine.leases.look([library])
    return lin


def test_file_when_deleted_here_while_checked_out_then_it_comes_back_and_the_rest_goes_on(
    held: Device, fake: FakeLibrary, library: str
) -> None:
    (held.library / "a.psd").unlink()
    (held.library / "b.psd").write_bytes(b"b")
    held.sync()
    assert contents(fake, library) == held.files() == {"a.psd": b"a", "b.psd": b"b"}
    fake.leases.clear()
    held.engine.leases.look([library])
    (held.library / "a.psd").unlink()
    held.sync()
    assert contents(fake, library) == held.files() == {"b.psd": b"b"}


def test_file_when_renamed_here_while_checked_out_then_it_stays_and_the_other_name_is_a_file_of_its_own(
    held: Device, fake: FakeLibrary, library: str
) -> None:
    node = held.node("a.psd")
    (held.library / "a.psd").rename(held.library / "c.psd")
    held.sync()
    assert contents(fake, library) == held.files() == {"a.psd": b"a", "c.psd": b"a"}
    assert held.node("a.psd") == node


def test_file_when_respelled_here_while_checked_out_then_told_and_the_librarys_spelling_stands(
    held: Device, fake: FakeLibrary, library: str
) -> None:
    (held.library / "a.psd").rename(held.library / "A.psd")
    held.engine.mirror.looker.paths([f"{held.name}/A.psd"])
    assert held.troubles() == {"A.psd": "checked_out"}
    held.sync()
    assert contents(fake, library) == held.files() == {"a.psd": b"a"}
    assert held.troubles() == {}


def test_folder_when_only_to_be_looked_at_then_what_is_deleted_here_comes_back_and_what_is_new_is_listed(
    lin: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    (lin.library / "d/f").write_bytes(b"f")
    lin.sync()
    fake.grant(fake.live(library)["d"].id, "林悦", p.Right.SEE)
    lin.sync()
    (lin.library / "d/f").unlink()
    (lin.library / "d/new").write_bytes(b"new")
    (lin.library / "b").write_bytes(b"b")
    lin.sync()
    assert contents(fake, library) == {"d/f": b"f", "b": b"b"}
    assert lin.files() == {"d/f": b"f", "d/new": b"new", "b": b"b"}
    assert lin.troubles() == {"d/new": "folder_read_only"}


@pytest.mark.parametrize("problem", NameProblem)
def test_name_when_refused_for_any_reason_then_there_are_words_for_it(problem: NameProblem) -> None:
    assert reason(problem) != problem

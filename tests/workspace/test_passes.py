"""Passes: what a page has just shown to a session, for a few seconds and for nobody else."""

import pytest

from workspace.passes import PASS_S, Passes
from workspace.work import Actor

READER = Actor("member-1", "林悦")


@pytest.mark.parametrize(
    ("session", "path", "after_s", "found"),
    [("s", "/a", 0, True), ("s", "/a", PASS_S - 1, True), ("s", "/a", PASS_S, False), ("other", "/a", 0, False), ("s", "/b", 0, False)],
    ids=["at once", "soon", "late", "another session", "another address"],
)
def test_pass_when_asked_for_then_only_as_it_was_given(session: str, path: str, after_s: float, found: bool) -> None:
    now = [100.0]
    passes = Passes(lambda: now[0])
    passes.let("s", READER, {"/a": "digest"})
    now[0] += after_s
    given = passes.find(session, path)
    assert (given is not None) is found
    assert given is None or (given.actor, given.what) == (READER, "digest")


def test_passes_when_the_session_ends_then_its_own_are_gone() -> None:
    passes = Passes()
    passes.let("s", READER, {"/a": "1"})
    passes.let("t", READER, {"/a": "1"})
    passes.forget("s")
    assert passes.find("s", "/a") is None
    assert passes.find("t", "/a") is not None


def test_passes_when_very_many_then_the_oldest_are_forgotten() -> None:
    passes = Passes()
    passes.let("s", READER, {"/first": "1"})
    passes.let("s", READER, {f"/{number}": "1" for number in range(20_000)})
    assert passes.find("s", "/first") is None
    assert passes.find("s", "/19999") is not None

"""Names: comparison, refusal, what stays local, conflict names."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.paths import NAME_BYTES_MAX, NameProblem, conflict_name, name_key, normal_name, refuse_name, stays_local

WHEN = datetime(2026, 11, 21, 14, 3, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", NameProblem.EMPTY),
        (".", NameProblem.DOTS),
        ("..", NameProblem.DOTS),
        ("a/b", NameProblem.SLASH),
        ("a\\b", NameProblem.SLASH),
        ("a\x00b", NameProblem.CONTROL),
        ("a\nb", NameProblem.CONTROL),
        ("a\x85b", NameProblem.CONTROL),
        ("photo\u202egpj.exe", NameProblem.CONTROL),
        ("what?.psd", NameProblem.FORBIDDEN),
        ("a:b", NameProblem.FORBIDDEN),
        ("end.", NameProblem.TRAILING),
        ("end ", NameProblem.TRAILING),
        ("CON", NameProblem.RESERVED),
        ("con.txt", NameProblem.RESERVED),
        ("Lpt1.tar.gz", NameProblem.RESERVED),
        ("COM¹", NameProblem.RESERVED),
        ("主" * 86, NameProblem.TOO_LONG),
        ("bad\udc80", NameProblem.NOT_UNICODE),
        ("主视觉_v3 (终稿).psd", None),
        ("主" * 85, None),
        ("console.txt", None),
        (".gitignore", None),
        ("...x", None),
        ("👩‍🎨.png", None),
    ],
)
def test_refuse_name_when_given_then_says_why(name: str, problem: NameProblem | None) -> None:
    assert refuse_name(name) is problem


@given(st.text(max_size=40))
def test_name_key_when_any_spelling_then_one_key(name: str) -> None:
    key = name_key(name)
    assert name_key(key) == key
    assert name_key(unicodedata.normalize("NFD", name)) == key
    assert name_key(normal_name(name)) == key


def test_name_key_when_case_or_form_differs_then_equal() -> None:
    assert name_key("Café.PSD") == name_key("cafe\u0301.psd")
    assert name_key("Straße") == name_key("STRASSE")
    assert name_key("a") != name_key("b")


@pytest.mark.parametrize(
    "name",
    [
        "~$方案.docx",
        ".~lock.表.ods#",
        "x.swp",
        "doc~",
        ".goutputstream-ABC",
        "lu1234.tmp",
        "~WRL0001.tmp",
        "4913",
        "a.idlk",
        "Thumbs.db",
    ],
)
def test_stays_local_when_temporary_then_true(name: str) -> None:
    assert stays_local(name)


@pytest.mark.parametrize("name", ["方案.docx", "template.psd", "tmp", "lock.svg", ".hidden", "a~b.txt", "temp.png"])
def test_stays_local_when_ordinary_then_false(name: str) -> None:
    assert not stays_local(name)


def test_conflict_name_when_simple_then_tells_who_and_when() -> None:
    assert conflict_name("海报.psd", "王芳", WHEN) == "海报 (王芳, 2026-11-21 14.03.22).psd"


@given(st.text(max_size=300), st.text(max_size=80), st.integers(0, 4))
def test_conflict_name_when_anything_then_storable_and_free(name: str, member: str, count: int) -> None:
    if refuse_name(name) is not None:
        return
    taken: set[str] = set()
    for _ in range(count + 1):
        result = conflict_name(name, member, WHEN, taken=taken)
        assert refuse_name(result) is None
        assert len(result.encode()) <= NAME_BYTES_MAX
        assert name_key(result) not in taken
        taken.add(name_key(result))

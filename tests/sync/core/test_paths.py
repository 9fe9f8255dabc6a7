"""Names: comparison, refusal, what stays local, conflict names."""

from __future__ import annotations

import sys
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
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
        ("nul .txt", NameProblem.RESERVED),
        *(
            (name, NameProblem.RESERVED)
            for name in ("prn", "AUX", "Nul", *(f"{port}{n}" for port in ("com", "LPT") for n in "123456789¹²³"))
        ),
        *((f"a{character}b", NameProblem.FORBIDDEN) for character in '<>:"|?*'),
        ("com0", None),
        ("com10", None),
        ("lpt", None),
        ("a" * 255, None),
        ("a" * 256, NameProblem.TOO_LONG),
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


def test_refuse_name_when_any_character_then_what_no_system_or_list_can_show_is_refused() -> None:
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") or character in f'{turning}<>:"/\\|?*':
            assert refuse_name(f"a{character}b") is not None, hex(code)
        elif code % 101 == 0:
            assert refuse_name(f"a{character}b") is None, hex(code)


@given(st.text(max_size=40))
@example("\u1fb3\u0308")  # after one folding it can be composed, and then folded once more
@example("\u0390")
def test_name_key_when_any_spelling_then_one_key(name: str) -> None:
    key = name_key(name)
    assert name_key(key) == key
    assert name_key(unicodedata.normalize("NFD", name)) == key
    assert name_key(normal_name(name)) == key


def test_name_key_when_case_or_form_differs_then_equal() -> None:
    assert name_key("Café.PSD") == name_key("cafe\u0301.psd")
    assert name_key("Straße") == name_key("STRASSE")
    assert name_key("a") != name_key("b")
    assert name_key("\u1fb3\u0308") == name_key("\u03b1\u03ca")
    assert name_key("\u0390") == name_key("\u0390".upper())
    assert name_key("主视觉") == "主视觉"
    assert name_key("ﬁ.psd") == name_key("FI.psd")


LOCAL = (
    "~$方案.docx", "~wrd0000", "~WRL0001.tmp", "~WRL0001", "9F8E7D60.tmp", "ppt5E1.TMP",  # Microsoft Office
    ".~方案.docx", "~FF1A2B.tmp", ".~lock.表.ods#", "lu1234.tmp", "陈帆.lck",  # WPS, LibreOffice
    "psA1B2.psdtmp", "~ai-5c2e.tmp", "a.idlk", "~海报~x1.idlk", "x.gimp-tmp",  # Adobe, GIMP
    ".goutputstream-ABC", "x.swp", "x.swo", ".x.txt.swx", "doc~", "4913", ".#doc", "#doc#",  # GNOME, vim, Emacs
    "报告.rtf.sb-b78ef837-dLht38", "._方案.docx", ".DS_Store",  # macOS
    "Thumbs.db", "Desktop.ini", ".directory", ".xdg-volume-info", ".Trash-1000", ".nfs0001", ".fuse_hidden0001",  # systems
    "片.mov.part", "片.mov.crdownload", "a.temp", "a.lock", ".sync-12",  # downloads, locks, and our own
)  # fmt: skip
ORDINARY = (
    "方案.docx", "template.psd", "tmp", "lock.svg", ".hidden", "a~b.txt", "temp.png", "tmp.psd", "a.tmp.psd", "a.temps", "part", "a.parts",
    "swp", "a.swpx", "$方案.docx", "~方案.docx", "#doc", "doc#", "49130", "14913", "lock", "a.locks", "idlk.indd", "nfs0001",
    "goutputstream-ABC",
    "wrl0001", "DS_Store", "thumbs.dbx", "a-thumbs.db", "desktop.ini.txt", "sync-12", "directory", "Trash-1000", "psdtmp", "a.sb-1-2",
    "报告.rtf.sb-b78ef837-dLht3", "gimp-tmp", "fuse_hidden0001", "xdg-volume-info", "crdownload.mov", "lck.psd", "_方案.docx",
)  # fmt: skip


@pytest.mark.parametrize("name", LOCAL)
def test_stays_local_when_temporary_then_true(name: str) -> None:
    assert stays_local(name)


@pytest.mark.parametrize("name", ORDINARY)
def test_stays_local_when_ordinary_then_false(name: str) -> None:
    assert not stays_local(name)


def test_conflict_name_when_simple_then_tells_who_and_when() -> None:
    first = conflict_name("海报.psd", "王芳", WHEN)
    assert first == "海报 (王芳, 2026-11-21 14.03.22).psd"
    assert conflict_name("海报.psd", "王芳", WHEN, taken={name_key(first)}) == "海报 (王芳, 2026-11-21 14.03.22 2).psd"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("README", "README (王芳, 2026-11-21 14.03.22)"),
        (".gitignore", ".gitignore (王芳, 2026-11-21 14.03.22)"),
        ("海报.最终.psd", "海报.最终 (王芳, 2026-11-21 14.03.22).psd"),
        ("a." + "b" * 32, "a (王芳, 2026-11-21 14.03.22)." + "b" * 32),
        ("a." + "b" * 33, "a." + "b" * 33 + " (王芳, 2026-11-21 14.03.22)"),
        ("第 1.这一句其实是说明而不是后缀", "第 1.这一句其实是说明而不是后缀 (王芳, 2026-11-21 14.03.22)"),
    ],
)
def test_conflict_name_when_no_suffix_or_one_that_is_none_then_at_the_end(name: str, told: str) -> None:
    assert conflict_name(name, "王芳", WHEN) == told


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

"""What systems and programs put beside the files of a network folder: files of their own, properties, times."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import event, select

from sync.library.assets.models import Node
from tests.sync.library.webdav import TOP, Opens, Program, lock_body
from workspace.db import Database


def test_times_when_explorer_sets_them_then_accepted(su: Program) -> None:
    su.send("PUT", f"{TOP}/a.txt", b"x")
    body = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>'
        "<Z:Win32LastModifiedTime>Sat, 21 Nov 2026 10:00:00 GMT</Z:Win32LastModifiedTime></D:prop></D:set></D:propertyupdate>"
    )
    answer = su.send("PROPPATCH", f"{TOP}/a.txt", body, Content_Type="text/xml", User_Agent="Microsoft-WebDAV-MiniRedir/10.0.19045")
    assert answer.status_code == 207
    assert "200 OK" in answer.get_data(as_text=True)


@pytest.mark.parametrize("name", ["._海报.psd", ".DS_Store", "Thumbs.db", "desktop.ini", "~$方案.docx", ".~lock.方案.odt#"])
def test_file_of_a_system_when_written_then_kept_apart_for_who_wrote_it(
    su: Program, opened: Callable[[str], Program], work_as: Opens, name: str
) -> None:
    """As Finder does it: ask, lock, write, unlock, look."""
    path = f"{TOP}/{quote(name)}"
    su.send("PUT", f"{TOP}/海报.psd", b"psd")
    assert su.send("PROPFIND", path, Depth="0").status_code == 404
    locked = su.send("LOCK", path, lock_body(), Depth="0", Content_Type="application/xml")
    assert locked.status_code == 201
    assert su.send("PUT", path, b"attributes", If=f"({locked.headers['Lock-Token']})").status_code == 204
    assert su.send("PROPPATCH", path, "<x/>").status_code == 207
    assert su.send("UNLOCK", path, Lock_Token=locked.headers["Lock-Token"]).status_code == 204
    assert (su.send("GET", path).data, su.send("HEAD", path).status_code) == (b"attributes", 200)
    assert "<ns0:getcontentlength>10<" in su.send("PROPFIND", path, Depth="0").get_data(as_text=True).replace("D:", "ns0:")
    assert su.names(TOP) == ["海报.psd"]
    assert opened("陈墨").send("GET", path).status_code == 404
    with work_as("苏航") as work:
        assert {node.name for node in work.session.scalars(select(Node))} == {"", "海报.psd"}
    assert su.send("DELETE", path).status_code == 204
    assert su.send("GET", path).status_code == 404


def test_file_of_a_system_when_its_companion_is_renamed_or_copied_then_it_goes_along(su: Program) -> None:
    su.send("MKCOL", f"{TOP}/d")
    su.send("PUT", f"{TOP}/._a.psd", b"of a")
    assert su.send("MOVE", f"{TOP}/._a.psd", Destination=f"http://localhost{TOP}/d/._b.psd").status_code == 201
    assert su.send("COPY", f"{TOP}/d/._b.psd", Destination=f"http://localhost{TOP}/._c.psd").status_code == 201
    assert [su.send("GET", f"{TOP}/{name}").status_code for name in ("._a.psd", "d/._b.psd", "._c.psd")] == [404, 200, 200]
    assert su.send("MOVE", f"{TOP}/._c.psd", Destination=f"http://localhost{TOP}/real.psd").status_code == 403
    assert su.send("MKCOL", f"{TOP}/._folder").status_code == 403


def test_file_of_a_system_when_there_are_too_many_or_where_nobody_may_look_then_bounded(
    su: Program, opened: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.library.webdav.aside.MOST", 3)
    for number in range(5):
        assert su.send("PUT", f"{TOP}/._{number}", b"x").status_code == 201
    assert [su.send("GET", f"{TOP}/._{number}").status_code for number in (0, 4)] == [404, 200]
    assert opened("赵宁").send("PUT", f"{TOP}/._x", b"x").status_code == 409
    assert su.send("PUT", f"{TOP}/none/._x", b"x").status_code == 409


def test_file_of_a_system_when_it_holds_content_then_a_file_like_any_other(su: Program) -> None:
    """An old font is all in its resource fork, which Finder sends as ``._name``."""
    font = b"f" * (256 * 1024 + 1)
    assert su.send("PUT", f"{TOP}/._Garamond", font).status_code == 201
    assert su.names(TOP) == ["._Garamond"]
    assert su.send("GET", f"{TOP}/._Garamond").data == font
    assert su.send("PUT", f"{TOP}/._Garamond", b"short").status_code == 204
    assert su.send("DELETE", f"{TOP}/._Garamond").status_code == 204
    assert su.names(TOP) == []


def set_property(program: Program, path: str, value: str | None, name: str = "colour") -> str:
    """Set it, or remove it without a value; the status of that."""
    inner = f'<D:set><D:prop><x:{name} xmlns:x="urn:x">{value}</x:{name}></D:prop></D:set>'
    if value is None:
        inner = f'<D:remove><D:prop><x:{name} xmlns:x="urn:x"/></D:prop></D:remove>'
    body = f'<D:propertyupdate xmlns:D="DAV:">{inner}</D:propertyupdate>'
    answer = program.send("PROPPATCH", path, body, Content_Type="text/xml")
    assert answer.status_code == 207
    found = re.search(r"HTTP/1.1 (\d+)", answer.get_data(as_text=True))
    assert found
    return found[1]


def colours(program: Program, path: str, depth: str = "0") -> list[str]:
    body = '<D:propfind xmlns:D="DAV:"><D:prop><x:colour xmlns:x="urn:x"/></D:prop></D:propfind>'
    answer = program.send("PROPFIND", path, body, Depth=depth, Content_Type="text/xml").get_data(as_text=True)
    return re.findall(r":colour[^>]*>([^<]+)</", answer)


def test_property_when_set_then_it_stays_with_the_file_where_it_goes(su: Program, opened: Callable[[str], Program]) -> None:
    su.send("PUT", f"{TOP}/a.txt", b"x")
    su.send("PUT", f"{TOP}/other.txt", b"x")
    su.send("MKCOL", f"{TOP}/d")
    assert set_property(su, f"{TOP}/a.txt", "红 &amp; blue") == "200"
    assert colours(su, f"{TOP}/a.txt") == ["红 &amp; blue"]
    assert colours(su, TOP, "1") == ["红 &amp; blue"]
    su.send("COPY", f"{TOP}/a.txt", Destination=f"http://localhost{TOP}/copy.txt")
    su.send("MOVE", f"{TOP}/a.txt", Destination=f"http://localhost{TOP}/d/b.txt")
    su.send("PUT", f"{TOP}/d/b.txt", b"next version")
    assert colours(su, f"{TOP}/d/b.txt") == colours(su, f"{TOP}/copy.txt") == ["红 &amp; blue"]
    assert set_property(su, f"{TOP}/d/b.txt", None) == "200"
    assert set_property(su, f"{TOP}/d/b.txt", None) == "200"  # Of one that is not there no error is made.
    assert colours(su, f"{TOP}/d/b.txt") == []
    su.send("COPY", f"{TOP}/d/b.txt", Destination=f"http://localhost{TOP}/copy.txt")
    assert colours(su, f"{TOP}/copy.txt") == []
    assert set_property(opened("林悦"), f"{TOP}/other.txt", "x") == "403"
    assert set_property(su, TOP, "x") == "403"
    assert opened("赵宁").send("PROPPATCH", f"{TOP}/other.txt", "<x/>").status_code == 404


def test_property_when_too_many_or_too_long_then_refused(su: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.library.webdav.properties.MOST", 2)
    su.send("PUT", f"{TOP}/a.txt", b"x")
    assert [set_property(su, f"{TOP}/a.txt", "v", name=f"p{number}") for number in range(3)] == ["200", "200", "507"]
    assert set_property(su, f"{TOP}/a.txt", "w", name="p0") == "200"
    assert set_property(su, f"{TOP}/a.txt", "x" * 5000, name="p0") == "507"


def test_properties_when_a_folder_is_listed_then_asked_for_once(su: Program, counted: Callable[[], list[str]]) -> None:
    for number in range(6):
        su.send("PUT", f"{TOP}/{number}.txt", b"x")
    set_property(su, f"{TOP}/3.txt", "red")
    statements = counted()
    assert colours(su, TOP, "1") == ["red"]
    assert sum("FROM webdav_property" in statement for statement in statements) == 1
    assert sum("FROM webdav_lock" in statement for statement in statements) <= 1


@pytest.fixture
def counted(company: Database) -> Iterator[Callable[[], list[str]]]:
    """Statements from the call on."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(company.engine, "before_cursor_execute", note)
    yield lambda: (seen.clear(), seen)[1]
    event.remove(company.engine, "before_cursor_execute", note)

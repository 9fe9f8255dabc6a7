"""Static files from memory: compressed once, kept for ever where the address names the content."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
from flask import Flask

from workspace.statics import StaticFiles, install_statics

STYLE = ".a { color: red }\n" * 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "static" / "vendor").mkdir(parents=True)
    (tmp_path / "static" / "a.css").write_text(STYLE)
    (tmp_path / "static" / "vendor" / "b-1.js").write_text("1")
    (tmp_path / "secret.txt").write_text("no")
    return tmp_path / "static"


@pytest.fixture
def get(folder: Path) -> Callable[..., Any]:
    app = Flask("statics", static_folder=None)
    install_statics(app, folder)
    client = app.test_client()
    return lambda path, **headers: client.get(f"/static/{path}", headers=headers)


@pytest.mark.parametrize(
    ("accepts", "encoding", "opens"),
    [("gzip, br", "br", brotli.decompress), ("gzip", "gzip", gzip.decompress), ("br;q=0, gzip;q=0", None, bytes), ("", None, bytes)],
)
def test_text_when_asked_for_then_in_the_best_encoding_that_is_understood(
    get: Callable[..., Any], accepts: str, encoding: str | None, opens: Callable[[bytes], bytes]
) -> None:
    answer = get("a.css", **{"Accept-Encoding": accepts})
    assert answer.headers.get("Content-Encoding") == encoding
    assert opens(answer.data) == STYLE.encode()
    assert (answer.content_type, answer.headers["Vary"]) == ("text/css; charset=utf-8", "Accept-Encoding")


@pytest.mark.parametrize(
    ("path", "kept"), [("a.css?v=1", "public, max-age=31536000, immutable"), ("vendor/b-1.js", "public, max-age=31536000, immutable"),
                       ("a.css", "public, max-age=3600")],
)  # fmt: skip
def test_file_when_its_address_names_its_content_then_kept_for_ever(get: Callable[..., Any], path: str, kept: str) -> None:
    assert get(path).headers["Cache-Control"] == kept


def test_file_when_the_browser_has_it_then_not_sent_again(get: Callable[..., Any]) -> None:
    first = get("a.css", **{"Accept-Encoding": "br"})
    again = get("a.css", **{"Accept-Encoding": "br", "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert get("a.css", **{"If-None-Match": first.headers["ETag"]}).status_code == 200, "another encoding is another body"


@pytest.mark.parametrize("path", ["absent.css", "../secret.txt", "%2e%2e/secret.txt", "vendor", ""])
def test_file_when_absent_or_outside_then_not_found(get: Callable[..., Any], path: str) -> None:
    assert get(path).status_code == 404


def test_file_when_it_changed_then_read_again_and_otherwise_not(folder: Path) -> None:
    files = StaticFiles(folder)
    first = files.find("a.css")
    assert first is not None
    assert files.find("a.css") is first
    (folder / "a.css").write_text(STYLE + "/* newer */")
    newer = files.find("a.css")
    assert newer is not None
    assert newer.bodies[""].endswith(b"newer */")

"""Choosing the package sources of the image from those of this machine."""

from desktops.images.apt_sources import sources_of_suite

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://old.example/debian
Suites: bookworm
Components: main
"""
FOREIGN = "Types: deb\nURIs: https://tools.example/deb\nSuites: nodistro\nComponents: main\n"
ONE_LINE = """\
deb [arch=amd64 signed-by=/etc/apt/keyrings/m.gpg] http://mirror.example/debian bookworm main contrib # why
deb-src http://mirror.example/debian bookworm main
deb http://tools.example/apt tools-bookworm main
"""


def test_sources_when_deb822_then_the_suite_and_its_pockets_only() -> None:
    text = sources_of_suite({"debian.sources": DEB822, "tools.sources": FOREIGN}, "bookworm")
    assert text.count("Types: deb\n") == 2
    assert "Suites: bookworm bookworm-updates\n" in text
    assert "Suites: bookworm-security\n" in text
    assert "contrib" not in text
    assert "old.example" not in text
    assert "tools.example" not in text
    assert text.count("Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg") == 2


def test_sources_when_one_line_then_options_are_understood() -> None:
    assert sources_of_suite({"sources.list": ONE_LINE}, "bookworm") == (
        "Types: deb\nUris: http://mirror.example/debian\nSuites: bookworm\nComponents: main\nSigned-By: /etc/apt/keyrings/m.gpg\n"
    )


def test_sources_when_another_release_runs_here_then_empty() -> None:
    assert sources_of_suite({"debian.sources": DEB822}, "trixie") == ""


def test_sources_when_a_key_is_inline_then_kept() -> None:
    text = "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN\n .\n abc\n"
    assert "Signed-By: \n -----BEGIN\n .\n abc\n" in sources_of_suite({"a.sources": text}, "bookworm")

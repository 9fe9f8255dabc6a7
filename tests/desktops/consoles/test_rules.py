"""Origin and token of a console connection."""

import pytest

from desktops.consoles.rules import origin_is_ours, token_of

ORIGINS = [
    # origin, Host of the socket, public URL, ours
    ("http://127.0.0.1:8800", "127.0.0.1:8802", "", True),
    ("http://desk.example:8800", "desk.example:8802", "", True),
    ("http://[::1]:8800", "[::1]:8802", "", True),
    ("http://127.0.0.1:9000", "127.0.0.1:8802", "", False),
    ("http://evil.example:8800", "127.0.0.1:8802", "", False),
    ("null", "127.0.0.1:8802", "", False),
    (None, "127.0.0.1:8802", "", False),
    ("file://127.0.0.1:8800", "127.0.0.1:8802", "", False),
    ("https://desk.example", "gateway.example", "https://desk.example", True),
    ("https://desk.example:443", "gateway.example", "https://desk.example/", True),
    ("http://desk.example", "gateway.example", "https://desk.example", False),
    ("https://desk.example.evil.example", "gateway.example", "https://desk.example", False),
]


@pytest.mark.parametrize(("origin", "host", "public_url", "ours"), ORIGINS)
def test_origin_when_given_then_only_our_own_page(origin: str | None, host: str, public_url: str, ours: bool) -> None:
    assert origin_is_ours(origin, host_header=host, public_url=public_url, web_port=8800) is ours


@pytest.mark.parametrize(
    ("offered", "token"),
    [
        (["binary", "mainline.abc"], "abc"),
        (["mainline.abc", "binary"], "abc"),
        (["binary"], None),
        (["mainline.abc"], None),
        (["binary", "mainline.a", "mainline.b"], None),
        ([], None),
    ],
)
def test_token_when_offered_as_subprotocol_then_exactly_one_beside_binary(offered: list[str], token: str | None) -> None:
    assert token_of(offered) == token

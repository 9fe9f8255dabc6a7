"""Who may stand in front of a screen, as pure decisions."""

from urllib.parse import urlsplit

PROTOCOL = "binary"
TOKEN_PREFIX = "mainline."
TOKEN_MAX_S = 60
GATEWAY_ALONE_S = 60
"""A gateway that could not ask the database for so long closes its consoles: nobody knows who may still look."""
GATEWAY_GONE_S = 300
"""After so long without a word from a gateway its consoles are closed, since it closed them itself before."""


def token_of(offered: list[str]) -> str | None:
    """The token among the offered WebSocket subprotocols: there it stays out of URLs and therefore out of logs."""
    tokens = [name.removeprefix(TOKEN_PREFIX) for name in offered if name.startswith(TOKEN_PREFIX)]
    return tokens[0] if len(tokens) == 1 and PROTOCOL in offered else None


def origin_is_ours(origin: str | None, *, host_header: str, public_url: str, web_port: int) -> bool:
    """Whether the page that opens the socket is the product's own.

    public_url set: exactly its origin. Else the embedded default: the same host name as the socket's, at the web's port.
    """
    if not origin:
        return False
    given = urlsplit(origin)
    if public_url:
        wanted = urlsplit(public_url)
        return (given.scheme, given.hostname, _port(given.scheme, given.port)) == (
            wanted.scheme,
            wanted.hostname,
            _port(wanted.scheme, wanted.port),
        )
    return (
        given.scheme in ("http", "https")
        and given.hostname == urlsplit(f"//{host_header}").hostname
        and _port(given.scheme, given.port) == web_port
    )


def _port(scheme: str, port: int | None) -> int:
    return port or (443 if scheme == "https" else 80)

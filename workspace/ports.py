"""Questions about TCP ports and HTTP answers on this machine, used for readiness. No settings, no state."""

import http.client
import random
import socket

_SERVER_PORTS = (20000, 32000)


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now. A connection in TIME_WAIT does not count as taken."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on, taken from below the range that the kernel hands out to clients.

    One from the kernel's own range could be occupied by an outgoing connection before the server starts.
    """
    generator = random.SystemRandom()
    for _attempt in range(1000):
        port = generator.randrange(*_SERVER_PORTS)
        if port_is_free(host, port):
            return port
    raise OSError(f"no free port on {host}")


def tcp_answers(host: str, port: int) -> bool:
    """Whether somebody accepts connections there, within one second."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def http_answers(host: str, port: int, path: str = "/") -> bool:
    """Whether an HTTP server answers ``path`` with anything below 500, within two seconds. No proxy is used."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

"""The scaled-out shape as it is shipped: two web and two realtime processes and two workers on PostgreSQL and Redis, behind nginx with
the configuration of deploy/nginx. Only ports, the certificate and the folder of static files differ.
"""

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.product import Product, free_port_block, running_product, wait_until
from tests.servers import PostgresServer, running, short_folder
from workspace.ports import free_port, http_answers, tcp_answers
from workspace.settings import ROOT, Settings

__all__ = ["scaled_site"]

WEB_PROCESSES = 2
SHIPPED = ROOT / "deploy" / "nginx" / "mainline.conf"


@dataclass(frozen=True)
class Site:
    """url: nginx, over TLS with the certificate in ca. realtime_ports: of both processes."""

    product: Product
    url: str
    ca: Path
    settings: Settings
    realtime_ports: Sequence[int]


@pytest.fixture(scope="module")
def scaled_site(postgres: PostgresServer, redis_server: str) -> Iterator[Site]:
    """Shared by the tests of a module, since it is a dozen processes."""
    name = f"scaled_{uuid.uuid4().hex}"
    postgres.execute(f"CREATE DATABASE {name}")
    with short_folder("scaled") as folder, running_site(folder, postgres.url(name), redis_server) as site:
        yield site
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def running_site(folder: Path, database_url: str, redis_url: str) -> Iterator[Site]:
    front, second = free_port(), free_port_block()
    url = f"https://127.0.0.1:{front}"
    environment = {
        "MAINLINE_DATABASE_URL": database_url, "MAINLINE_REDIS_URL": redis_url, "MAINLINE_WEB_PROCESSES": str(WEB_PROCESSES),
        "MAINLINE_LIBVIRT_URI": "test:///default", "MAINLINE_PUBLIC_URL": url,
        "MAINLINE_REALTIME_URL": url, "MAINLINE_GATEWAY_URL": url, "MAINLINE_TRUSTED_PROXIES": "1",
    }  # fmt: skip
    certificate = make_certificate(folder)
    with running_product(folder / "product", **environment) as product, contextlib.ExitStack() as more:
        ports = (product.port + 1, second + 1)
        for command in ("realtime", "worker"):
            more.enter_context(another(command, product, second, log=folder / f"{command}.log"))
        more.enter_context(running_nginx(folder, certificate, web=[product.port], realtime=ports, gateway=product.port + 2, front=front))
        wait_until(lambda: len(product.web_workers()) == WEB_PROCESSES, what="both web processes run")
        settings = Settings(data_dir=product.data_dir, port=product.port, database_url=database_url, redis_url=redis_url)
        yield Site(product, url, certificate, settings, ports)


@contextlib.contextmanager
def another(command: str, product: Product, port: int, *, log: Path) -> Iterator[None]:
    """One more process of the product, as on a second machine."""
    own = {"MAINLINE_DATA_DIR": str(product.data_dir), "MAINLINE_PORT": str(port)}
    argv = [str(Path(sys.executable).parent / "mainline"), command]
    listens = {"realtime": lambda: http_answers("127.0.0.1", port + 1, "/health")}
    with running(argv, log=log, ready=listens.get(command, lambda: True), cwd=ROOT, env={**os.environ, **product.environment, **own}):
        yield


@contextlib.contextmanager
def running_nginx(
    folder: Path, certificate: Path, *, web: Sequence[int], realtime: Sequence[int], gateway: int, front: int
) -> Iterator[None]:
    """nginx with the shipped configuration. One process, so that nothing is left when it is killed."""
    conf = folder / "nginx.conf"
    temporary = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    shipped = adapted(SHIPPED.read_text("utf-8"), certificate, web=web, realtime=realtime, gateway=gateway, front=front)
    conf.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{ worker_connections 8192; }}\n"
        f"http {{ include /etc/nginx/mime.types; access_log off; {temporary}\n{shipped}\n}}\n"
    )
    argv = ["/usr/sbin/nginx", "-c", str(conf), "-e", f"{folder}/nginx.log"]
    with running(argv, log=folder / "nginx.out", ready=lambda: tcp_answers("127.0.0.1", front)):
        yield


def adapted(shipped: str, certificate: Path, *, web: Sequence[int], realtime: Sequence[int], gateway: int, front: int) -> str:
    """The shipped file on our ports. Each place must be there once: a change of the file is noticed here."""
    for what, ours in (
        ("    server 127.0.0.1:8800;", servers(web)),
        ("    server 127.0.0.1:8801;", servers(realtime)),
        ("    server 127.0.0.1:8802;", servers([gateway])),
        ("    listen 80;", f"    listen 127.0.0.1:{free_port()};"),
        ("    listen [::]:80;", ""),
        ("    listen 443 ssl http2;", f"    listen 127.0.0.1:{front} ssl http2;"),
        ("    listen [::]:443 ssl http2;", ""),
        ("/etc/mainline/tls/fullchain.pem", str(certificate)),
        ("/etc/mainline/tls/privkey.pem", str(certificate)),
        ("/opt/mainline/static/", f"{ROOT}/static/"),
    ):
        active = "\n".join(line for line in shipped.splitlines() if not line.startswith("#"))
        assert active.count(what) == 1, f"{what} is not there once"
        shipped = active.replace(what, ours)
    return shipped


def servers(ports: Sequence[int]) -> str:
    return "\n".join(f"    server 127.0.0.1:{port};" for port in ports)


def make_certificate(folder: Path) -> Path:
    """A certificate for loopback with its key, in one file, good for a day."""
    path = folder / "tls.pem"
    argv = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=loopback",
    ]
    argv += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(folder / "certificate.pem")]
    subprocess.run(argv, check=True, capture_output=True)
    path.write_text(path.read_text() + (folder / "certificate.pem").read_text())
    return path

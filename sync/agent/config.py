"""Where the agent keeps its things, how it reaches the product, and who it is.

The enrolment code comes in the seed: JSON such as `{"api": "http://mainline", "code": "…", "device_name": "…"}`, from QEMU's
firmware configuration in a desktop or from a file anywhere else. The device token replaces it and is readable only by us.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from sync.agent.errors import BadSetting, NotEnrolled

FWCFG_SEEDS = (
    Path("/sys/firmware/qemu_fw_cfg/by_name/opt/com.mainline/seed/raw"),
    Path("/sys/firmware/qemu_fw_cfg/by_name/opt/com.mainline.seed/raw"),
)
DESKTOP_STATUS = Path("/run/mainline-agent.json")
"""Where the agent of a desktop, which runs as root, lets the member read how it is."""
VIRTIO_PORT = Path("/dev/virtio-ports/com.mainline.gateway.0")


@dataclass(frozen=True)
class Config:
    """state_dir: index, journal, bytes of saves and cache. channel: the virtio port, or None for plain TCP.

    cache_bytes: bounds the chunks that were read, and as much again of whole copies of saves that are safe. status_file: where to tell how
    it is, else in state_dir.
    """

    state_dir: Path
    channel: Path | None = None
    cache_bytes: int = 2 * 1024**3
    status_file: Path | None = None

    @property
    def identity_path(self) -> Path:
        """The device token; mode 0600."""
        return self.state_dir / "identity.json"

    @property
    def nonce_path(self) -> Path:
        """The secret of an enrolment under way; it lets a lost answer be asked for again."""
        return self.state_dir / "enrolment.json"

    @property
    def status_path(self) -> Path:
        """Where saves stand, as JSON, for the person and for the panel of the desktop."""
        return self.status_file or self.state_dir / "status.json"


@dataclass(frozen=True)
class Seed:
    """What is needed to enrol. api: base URL of the product."""

    api: str
    code: str
    device_name: str


@dataclass(frozen=True)
class Identity:
    """Who this device is. token: a secret."""

    api: str
    token: str
    device: str
    member: str
    member_name: str
    desktop: str | None = None


def default_state_dir() -> Path:
    """`/var/lib/mainline-agent` for root, otherwise where the system keeps the state of a user's programs."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home() / "AppData/Local"))) / "Mainline" / "agent"
    if os.geteuid() == 0:
        return Path("/var/lib/mainline-agent")
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/mainline-agent"
    return Path(os.environ.get("XDG_STATE_HOME", str(Path.home() / ".local/state"))) / "mainline-agent"


def default_channel() -> Path | None:
    """The virtio port where there is one."""
    return VIRTIO_PORT if VIRTIO_PORT.exists() else None


def find_seed(path: Path | None) -> Path:
    """The seed to read: the given one, or what the desktop was started with."""
    if path is not None:
        return path
    for candidate in FWCFG_SEEDS:
        if candidate.exists():
            return candidate
    raise BadSetting("没有找到注册种子", "give one with --seed, or start the desktop with a seed in fwcfg")


def read_seed(path: Path) -> Seed:
    """Read a seed; unknown keys are for others."""
    try:
        text = path.read_bytes().rstrip(b"\0 \r\n")
    except OSError as error:
        raise BadSetting("注册种子无法读取", f"{path}: {error}") from error
    return parse_seed(text, str(path))


def parse_seed(text: str | bytes, source: str) -> Seed:
    """The seed in a text; raises BadSetting. source: where it came from, for the message."""
    try:
        data = json.loads(text)
        seed = Seed(str(data["api"]).rstrip("/"), str(data["code"]), str(data.get("device_name") or platform.node()))
    except (ValueError, KeyError, TypeError) as error:
        raise BadSetting("注册种子无法读取", f"{source}: {error!r}") from error
    if not seed.api.startswith("http://") and not seed.api.startswith("https://"):
        raise BadSetting("注册种子无法读取", f"{source}: api must be an http address")
    return seed


def enrolment_nonce(config: Config, code: str) -> str:
    """The nonce for this code: made once and kept, so that asking again after a lost answer is the same question."""
    try:
        data = json.loads(config.nonce_path.read_bytes())
        if data["code"] == code:
            return str(data["nonce"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none kept, or for another code: a new one is made
    import secrets  # once in the life of a machine, and it loads much

    nonce = secrets.token_urlsafe(32)
    write_private(config.nonce_path, json.dumps({"code": code, "nonce": nonce}))
    return nonce


def save_identity(config: Config, identity: Identity) -> None:
    """Keep the identity and forget the enrolment."""
    write_private(config.identity_path, json.dumps(asdict(identity), ensure_ascii=False))
    config.nonce_path.unlink(missing_ok=True)


def load_identity(config: Config) -> Identity:
    """The identity of this device; raises NotEnrolled."""
    try:
        return Identity(**json.loads(config.identity_path.read_bytes()))
    except FileNotFoundError:
        raise NotEnrolled("此设备尚未注册", "run: mainline-agent enrol") from None
    except (OSError, ValueError, TypeError) as error:
        raise NotEnrolled("此设备的注册信息已损坏", f"enrol again: {config.identity_path}: {error}") from error


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically and durably, readable by its owner only from the first byte."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    if os.name == "nt":
        return  # folders cannot be synced there
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)

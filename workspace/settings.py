"""Every setting of the product, read once at start from a TOML file and ``MAINLINE_*`` environment variables.

The environment wins over the file, the file over the default. ``docs/reference/settings.md`` documents each
field and a test fails when one is missing there. Nothing else in the product reads the environment.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from workspace.errors import InvalidInput

ROOT = Path(__file__).resolve().parent.parent


def _setting(default: Any, help: str, like: str = "") -> Any:
    """like: a regular expression that a text must match; "" for any."""
    return field(default=default, metadata={"help": help, "like": like})


@dataclass(frozen=True)
class Settings:
    """One installation. Empty strings mean "not set: use the embedded default"."""

    data_dir: Path = _setting(ROOT / "var", "Folder for the database, the embedded store, images, logs and keys.")
    company_name: str = _setting("星河电商", "Name of the company, shown at sign-in and in the page title.")
    default_locale: str = _setting("zh", "Language of a visitor who has not chosen one: zh or en.")
    time_zone: str = _setting("Asia/Shanghai", "Time zone in which dates are shown and days are counted.")

    host: str = _setting("127.0.0.1", "Address that web, realtime and gateway listen on.")
    port: int = _setting(8800, "TCP port of the web process. Realtime, gateway and store follow at +1, +2, +3.")
    web_processes: int = _setting(1, "Number of web processes (each with web_threads threads); more than one needs PostgreSQL.")
    web_threads: int = _setting(16, "Threads of one web process that answer requests.")
    feed_places: int = _setting(64, "Agents that may wait for news at one web process, a thread each; more ask every few seconds.")
    public_url: str = _setting("", "Address people use, when a reverse proxy stands in front; else http://host:port.")
    realtime_url: str = _setting("", "Address browsers use for Socket.IO; else the page's host with port + 1.")
    gateway_url: str = _setting("", "Address browsers use for desktop consoles; else the page's host with port + 2.")
    secure_cookies: bool = _setting(False, "Send cookies over HTTPS only. Set to true behind TLS.")
    trusted_proxies: int = _setting(0, "Number of reverse proxies in front whose X-Forwarded-* headers are believed.")

    database_url: str = _setting("", "SQLAlchemy URL of PostgreSQL; empty = SQLite file in data_dir.")
    redis_url: str = _setting("", "Redis for realtime fan-out and rate limits across processes; empty = local channel.")

    s3_endpoint: str = _setting("", "host:port of an external S3 server (MinIO, Ceph …); empty = embedded SeaweedFS.")
    s3_access_key: str = _setting("", "Access key for s3_endpoint.")
    s3_secret_key: str = _setting("", "Secret key for s3_endpoint.")
    s3_secure: bool = _setting(False, "Speak HTTPS to s3_endpoint.")
    s3_bucket: str = _setting("mainline", "Bucket that holds all content.")
    s3_region: str = _setting("us-east-1", "Region named in signatures.")
    s3_public_url: str = _setting(
        "", "Address at which browsers reach the store, https://host[:port]; empty = all content passes through the web process.",
        like=r"(https?://[A-Za-z0-9.\-_\[\]:]+/?)?",
    )  # fmt: skip
    library_heads: str = _setting(
        "approved", "Versions kept as plain objects too: none, approved (and kept by hand), or all (every current one as well).",
        like="none|approved|all",
    )  # fmt: skip

    libvirt_uri: str = _setting("", "libvirt connection; empty = qemu:///system, else qemu:///session, else simulated.")
    image_dir: str = _setting("", "Folder of golden images; empty = images/ in data_dir, the only place where superseded ones are deleted.")
    chunk_cache_mib: int = _setting(8192, "MiB of content that this machine keeps for its desktops, so that it comes once; 0 = none.")
    console_token_s: int = _setting(60, "Seconds that a console token may wait before it is used; at most 60.")
    idle_minutes: int = _setting(30, "Minutes without key or pointer before a desktop hibernates, unless its template says otherwise.")

    secret_key: str = _setting("", "Key that signs tickets and forms; empty = generated once into data_dir/secret.key.")
    session_hours: int = _setting(12, "Hours after which a signed-in browser must sign in again.")
    sign_in_attempts: int = _setting(8, "Failed sign-ins per account and address in 15 minutes before both must wait.")
    rate_limit: str = _setting("600 per minute", "Requests that one signed-in member or one address may send.")
    log_level: str = _setting("INFO", "Least level that is logged: DEBUG, INFO, WARNING, ERROR.")

    @property
    def run_dir(self) -> Path:
        """Sockets and lock files; survives nothing, may be emptied while stopped."""
        return self.data_dir / "run"

    @property
    def realtime_port(self) -> int:
        return self.port + 1

    @property
    def gateway_port(self) -> int:
        return self.port + 2

    @property
    def store_port(self) -> int:
        """S3 port of the embedded store."""
        return self.port + 3

    @property
    def effective_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'mainline.db'}"

    @property
    def effective_image_dir(self) -> Path:
        return Path(self.image_dir) if self.image_dir else self.data_dir / "images"


def load_settings(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Read the settings; ``overrides`` (from command-line flags) win over everything, None is ignored.

    Raises InvalidInput that names the setting when a value does not fit or a name is unknown.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    config = overrides.pop("config", None) or environ.get("MAINLINE_CONFIG")
    if config:
        values.update(_read_toml(Path(config)))
    known = {f.name: f for f in fields(Settings)}
    for name, text in environ.items():
        if name.startswith("MAINLINE_") and name != "MAINLINE_CONFIG":
            values[name.removeprefix("MAINLINE_").lower()] = text
    values.update({name: value for name, value in overrides.items() if value is not None})
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InvalidInput(f"Unknown setting: {', '.join(unknown)}", "See docs/reference/settings.md for all names.")
    converted = {name: _convert(name, known[name].type, value) for name, value in values.items()}
    for name, value in converted.items():
        like = known[name].metadata["like"]
        if like and not re.fullmatch(like, value):
            raise InvalidInput(f"Setting {name} cannot be {value!r}", str(known[name].metadata["help"]))
    return Settings(**converted)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidInput(f"The settings file {path} cannot be read", str(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"The settings file {path} is not valid TOML", str(error)) from error


def _convert(name: str, kind: Any, value: Any) -> Any:
    try:
        if kind is bool:
            return value if isinstance(value, bool) else _BOOLEANS[str(value).strip().lower()]
        if kind is Path:
            return Path(value).expanduser().absolute()
        return kind(value)
    except (ValueError, KeyError) as error:
        raise InvalidInput(f"Setting {name} cannot be {value!r}", f"It takes a value of type {kind.__name__}.") from error


_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}

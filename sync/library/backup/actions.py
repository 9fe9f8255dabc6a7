"""Backup and restore of the whole product. The database first, then the bucket: what the snapshot needs stays in the bucket for a day at
least, because collection removes no object sooner (collection/rules.GRACE), and the end of a backup checks that all of it is there.
"""

import getpass
import json
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from blake3 import blake3
from sqlalchemy import inspect, select

from sync.core.hashing import address_of
from sync.library.backup.databases import require_empty, restore_database, snapshot_database
from sync.library.backup.folder import FORMAT, BackupFolder, Contents
from sync.library.backup.models import BackupEvent
from sync.library.content.actions import pack_key
from sync.library.content.models import Pack
from sync.library.heads.actions import make_all_again
from sync.library.heads.models import Head
from sync.library.storage import ObjectStore
from workspace.db import Database
from workspace.errors import NotFound, Unavailable
from workspace.events.models import RESTORED_ROOM
from workspace.parts import Parts
from workspace.secrets import load_signing_key
from workspace.settings import Settings
from workspace.work import Actor, open_work

LEFT_OUT = ("lent/", "uploads/", "heads/")
"""What ends by itself, and copies of versions that can be written again."""
TOLD_EVERY = 200
_OF_THE_MACHINE = {
    "data_dir", "host", "database_url", "redis_url", "s3_endpoint", "s3_access_key", "s3_secret_key", "s3_public_url", "secret_key",
    "libvirt_uri", "image_dir",
}  # fmt: skip

Tell = Callable[[str], None]


def back_up(parts: Parts, path: Path, tell: Tell) -> Contents:
    """Bring the backup in ``path`` up to date; only what is new is copied. Until the end the former backup stands."""
    database, store, settings = parts.get(Database), parts.get(ObjectStore), parts.get(Settings)  # type: ignore[type-abstract]
    folder, now = BackupFolder(path), datetime.now(UTC)
    folder.prepare()
    name = f"mainline-{now:%Y%m%dT%H%M%S%fZ}.{'db' if database.is_sqlite else 'dump'}"
    needed = _packs(database)
    snapshot_database(database, folder.database_path(name))
    tell(f"database: {folder.database_path(name).stat().st_size / 2**20:,.1f} MiB")
    there, copied = _copy_objects(store, folder, needed, tell)
    if lost := sorted(key for key in needed if key not in there):
        raise Unavailable(f"{len(lost)} packs that versions may need are not in the bucket", f"{lost[0]} …; run `mainline verify`.")
    folder.put(folder.path / "settings.toml", _settings_text(settings).encode())
    folder.put(folder.path / "secret.key", _secret(settings).encode())
    contents = Contents(
        FORMAT, now.isoformat(), "sqlite" if database.is_sqlite else "postgresql", name, _address_of(folder.database_path(name)),
        len(there), sum(there.values()),
    )  # fmt: skip
    folder.complete(contents)
    for stored in list(folder.objects()):
        if stored.key not in there:
            folder.object_path(stored.key).unlink()
    with open_work(database, parts=parts, actor=operator()) as work:
        work.record(
            BackupEvent.MADE, subject="backup:made", rooms=["audit"], objects=len(there), new=copied, size_bytes=contents.size_bytes
        )
    return contents


def restore(parts: Parts, path: Path, tell: Tell) -> Contents:
    """The product as it was, into an empty database and a bucket that may hold a part of it already. The database comes last."""
    database, store, settings = parts.get(Database), parts.get(ObjectStore), parts.get(Settings)  # type: ignore[type-abstract]
    folder = BackupFolder(path)
    contents = folder.read()
    snapshot = folder.database_path(contents.database)
    if _address_of(snapshot) != contents.address:
        raise Unavailable("The snapshot of the database is damaged", str(snapshot))
    require_empty(database)
    there = {stored.key: stored.size_bytes for stored in store.list("")}
    for number, stored in enumerate(folder.objects(), start=1):
        if there.get(stored.key) != stored.size_bytes:
            store.put(stored.key, folder.object_path(stored.key).read_bytes())
        if number % TOLD_EVERY == 0:
            tell(f"  {number:,} of {contents.objects:,} objects")
    key = settings.data_dir / "secret.key"
    if not settings.secret_key and not key.exists():
        folder.put(key, (folder.path / "secret.key").read_bytes())
    restore_database(database, snapshot, contents.dialect)
    with open_work(database, parts=parts, actor=operator()) as work:
        if inspect(work.session.connection()).has_table(Head.__tablename__):  # The snapshot may be older than this release's tables.
            make_all_again(work)
        work.record(
            BackupEvent.RESTORED, subject="backup:restored", rooms=["audit", RESTORED_ROOM], made_at=contents.made_at,
            objects=contents.objects,
        )  # fmt: skip
    return contents


def operator() -> Actor:
    """Whoever sits at this machine's command line."""
    try:
        return Actor(None, f"mainline ({getpass.getuser()})")
    except (KeyError, OSError):
        return Actor(None, "mainline")


def _packs(database: Database) -> dict[str, Pack]:
    with open_work(database, writes=False) as work:
        packs = work.session.scalars(select(Pack).where(Pack.state == "verified"))
        return {pack_key(pack.library_id, pack.id): pack for pack in packs}


def _copy_objects(store: ObjectStore, folder: BackupFolder, packs: dict[str, Pack], tell: Tell) -> tuple[dict[str, int], int]:
    """What the bucket holds, all of it in the folder now, and how many objects were new. Packs are checked against their address."""
    there = {stored.key: stored.size_bytes for stored in folder.objects()}
    found = {stored.key: stored.size_bytes for stored in store.list("") if not stored.key.startswith(LEFT_OUT)}
    fresh = sorted(key for key, size in found.items() if there.get(key) != size)
    for number, key in enumerate(fresh, start=1):
        try:
            data = store.get(key)
        except NotFound:  # Gathered or collected meanwhile; what the snapshot needs is asked for at the end.
            del found[key]
            continue
        if key in packs and address_of(data) != packs[key].address:
            raise Unavailable(f"{key} does not hold the bytes that were verified", "Run `mainline verify --content all`, then this again.")
        folder.put(folder.object_path(key), data)
        if number % TOLD_EVERY == 0:
            tell(f"  {number:,} of {len(fresh):,} new objects")
    tell(f"bucket: {len(found):,} objects, {len(fresh):,} of them new")
    return found, len(fresh)


def _address_of(path: Path) -> str:
    hasher = blake3()
    with open(path, "rb") as file:
        while piece := file.read(2**20):
            hasher.update(piece)
    return f"b3:{hasher.hexdigest()}"


def _settings_text(settings: Settings) -> str:
    lines = ["# Settings that differ from their defaults; addresses and passwords of the machine are left out."]
    for field in fields(Settings):
        value = getattr(settings, field.name)
        if field.name not in _OF_THE_MACHINE and value != field.default:
            shown = str(value).lower() if isinstance(value, bool) else value if isinstance(value, int) else json.dumps(str(value))
            lines.append(f"{field.name} = {shown}")
    return "\n".join(lines) + "\n"


def _secret(settings: Settings) -> str:
    if settings.secret_key:
        return settings.secret_key
    load_signing_key(settings)  # Makes the file where nothing has asked for it yet.
    return (settings.data_dir / "secret.key").read_text("ascii")

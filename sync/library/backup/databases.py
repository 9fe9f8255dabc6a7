"""A consistent snapshot of the database in one file, and back: SQLite by its online backup, PostgreSQL by its own programs."""

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy import inspect, text

from workspace.db import Database
from workspace.errors import Conflict, Unavailable

SERVERS = Path("/usr/lib/postgresql")


def snapshot_database(database: Database, target: Path) -> None:
    """Others go on writing meanwhile; the file holds one instant."""
    draft = target.with_name(f"{target.name}.part")
    draft.unlink(missing_ok=True)
    if database.is_sqlite:
        _copy_sqlite(Path(str(database.url.database)), draft)
    else:
        _run(database, "pg_dump", "--format=custom", "--no-owner", f"--file={draft}")
    draft.chmod(0o600)
    with open(draft, "rb") as file:
        os.fsync(file.fileno())
    draft.replace(target)


def restore_database(database: Database, source: Path, dialect: str) -> None:
    """Into a database without people. Conflict when it has some, or is of another kind than the snapshot."""
    ours = "sqlite" if database.is_sqlite else "postgresql"
    if ours != dialect:
        raise Conflict(
            f"The backup is of {dialect}, the database is {ours}", "Name a database of the same kind with MAINLINE_DATABASE_URL."
        )
    require_empty(database)
    database.dispose()
    if database.is_sqlite:
        path = Path(str(database.url.database))
        draft = path.with_name(f"{path.name}.restoring")
        shutil.copyfile(source, draft)
        draft.chmod(0o600)
        for beside in ("-wal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        draft.replace(path)
    else:
        _run(database, "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", "--clean", "--if-exists",
             f"--dbname={database.url.database}", str(source))  # fmt: skip


def require_empty(database: Database) -> None:
    with database.engine.connect() as connection:
        if inspect(connection).has_table("member") and connection.execute(text("SELECT 1 FROM member LIMIT 1")).first():
            raise Conflict("The database holds a company already", "Restore into an empty database; nothing was changed.")


def _copy_sqlite(source: Path, target: Path) -> None:
    ours, copy = sqlite3.connect(source, timeout=60), sqlite3.connect(target)
    try:
        ours.backup(copy, pages=4096)
    finally:
        copy.close()
        ours.close()


def _run(database: Database, program: str, *arguments: str) -> None:
    """The password goes through the environment: everybody on the machine may read arguments."""
    found = shutil.which(program) or _of_debian(program)
    if found is None:
        raise Unavailable(
            f"{program} is not installed", "Install PostgreSQL's client programs (Debian: postgresql-client), then run this again."
        )
    url = database.url
    told = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password, "PGDATABASE": url.database}
    environment = {**os.environ, **{name: str(value) for name, value in told.items() if value is not None}}
    done = subprocess.run([found, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{program} failed", done.stderr.strip()[-1000:])


def _of_debian(program: str) -> str | None:
    """The newest that is installed beside a server, where Debian puts it off the path."""
    found = sorted(SERVERS.glob(f"*/bin/{program}"), key=lambda path: float(path.parts[-3]))
    return str(found[-1]) if found else None

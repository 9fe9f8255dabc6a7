"""A backup as a folder: what lies where, written so that a crash leaves the former backup or the new one.

backup.json     what the folder holds; written last, in one step: without it there is no backup
database/       one snapshot of the database, by the name that backup.json says
objects/        every object of the bucket under its key
settings.toml   settings that differ from their defaults, without addresses and passwords of this machine
secret.key      what signs sessions and tickets; the folder is readable by its owner alone
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from sync.library.storage import Stored
from workspace.errors import Conflict, InvalidInput

FORMAT = 1


@dataclass(frozen=True)
class Contents:
    """backup.json. database: name of the snapshot. dialect: sqlite or postgresql. address: of the snapshot's bytes (b3:…)."""

    format: int
    made_at: str
    dialect: str
    database: str
    address: str
    objects: int
    size_bytes: int


class BackupFolder:
    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def prepare(self) -> None:
        """Make it, for its owner alone. Conflict when something else is in there."""
        if self.path.exists() and any(self.path.iterdir()) and not (self.path / "objects").is_dir():
            raise Conflict(f"{self.path} holds something else", "Name an empty folder, or one that holds a backup.")
        for folder in (self.path, self.path / "objects", self.path / "database"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)

    def read(self) -> Contents:
        try:
            contents = Contents(**json.loads((self.path / "backup.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise InvalidInput(f"{self.path} holds no complete backup", str(error)) from error
        if contents.format != FORMAT:
            raise InvalidInput(f"The backup has format {contents.format}", f"This release reads format {FORMAT}.")
        return contents

    def database_path(self, name: str) -> Path:
        return self.path / "database" / name

    def object_path(self, key: str) -> Path:
        """Keys are made by the product; one that would leave the folder is none of them."""
        path = (self.path / "objects" / key).resolve()
        if not path.is_relative_to((self.path / "objects").resolve()):
            raise InvalidInput(f"The key {key} leaves the backup's folder")
        return path

    def objects(self) -> Iterator[Stored]:
        """What is there, whole; a file that a crash left half written has another suffix."""
        base = self.path / "objects"
        for folder, _folders, names in os.walk(base):
            for name in sorted(names):
                path = Path(folder) / name
                if path.suffix != ".part":
                    yield Stored(path.relative_to(base).as_posix(), path.stat().st_size)

    def put(self, path: Path, data: bytes) -> None:
        """Whole or not at all, also when the machine stops."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.part")
        with open(draft, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def complete(self, contents: Contents) -> None:
        """From here on this is the backup; what only the former one needed goes."""
        self.put(self.path / "backup.json", json.dumps(asdict(contents), indent=1).encode())
        for snapshot in (self.path / "database").iterdir():
            if snapshot.name != contents.database:
                snapshot.unlink()

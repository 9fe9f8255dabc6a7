"""What the member decided about the mirror: where it is, what it holds, how fast, and whether it pauses.

One small JSON file that the command line writes and the running agent reads again when it changes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from sync.agent.config import Config, write_private
from sync.agent.errors import BadSetting
from sync.agent.mirror.choice import Chosen


@dataclass(frozen=True)
class MirrorSettings:
    """root: the member's folder. folders: path -> chosen or left out. *_kib_s: 0 for as fast as it goes."""

    root: str = ""
    everything: bool = False
    folders: dict[str, bool] = field(default_factory=dict)
    paused: bool = False
    up_kib_s: int = 0
    down_kib_s: int = 0

    @property
    def chosen(self) -> Chosen:
        """The choice of folders."""
        return Chosen(self.folders, self.everything)

    def choose(self, path: str, chosen: bool) -> MirrorSettings:
        """The settings with another decision about a folder; decisions inside it that now say nothing new are gone."""
        inside = Chosen({path: True}).covers
        folders = {known: decision for known, decision in self.folders.items() if not inside(known)}
        rest = replace(self, folders=folders)
        if rest.chosen.covers(path) != chosen:
            folders[path] = chosen
        return replace(self, folders=folders)


def settings_path(config: Config) -> Path:
    """Where they are kept."""
    return config.state_dir / "mirror.json"


def default_root() -> Path:
    """Where the libraries are put if the member says nothing else."""
    return Path.home() / "主线素材库"


def load_settings(config: Config) -> MirrorSettings:
    """The settings, those of a new mirror if there are none; raises BadSetting."""
    path = settings_path(config)
    try:
        return MirrorSettings(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return MirrorSettings(root=str(default_root()))
    except (OSError, ValueError, TypeError) as error:
        raise BadSetting("镜像设置无法读取", f"{path}: {error}") from error


def save_settings(config: Config, settings: MirrorSettings) -> None:
    """Keep them; the running agent notices within a second."""
    write_private(settings_path(config), json.dumps(asdict(settings), ensure_ascii=False, indent=1))

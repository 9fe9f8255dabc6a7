"""The mirror as a whole: the agent's engine with a folder of the member's in front, and the thread between the two.

    events -> look (disk -> index, journal) -> the sender sends
    feed -> index -> settle (index -> disk) -> fetch -> land

One thread looks, settles and lands, so nothing on the disk is judged by two at once; only fetching is parallel.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path

from sync.agent.config import Config, Identity
from sync.agent.disk_errors import disk_reason
from sync.agent.engine import Engine
from sync.agent.errors import BadSetting
from sync.agent.mirror.choice import Choice
from sync.agent.mirror.disk import Disk
from sync.agent.mirror.fetch import Fetcher
from sync.agent.mirror.look import Looker
from sync.agent.mirror.records import Records
from sync.agent.mirror.report import Report
from sync.agent.mirror.settings import MirrorSettings, load_settings, save_settings, settings_path
from sync.agent.mirror.settle import Settler, Wanted
from sync.agent.mirror.tree import MirrorContent, MirrorTree
from sync.agent.mirror.watch import Watch
from sync.agent.transport import Transport

log = logging.getLogger("mainline.agent")

_TICK_S = 1.0
_TRASH_S = 600.0
_CACHE_BYTES = 256 * 1024 * 1024
"""The member's files are the cache; this is for what is being fetched."""
_FETCH_AHEAD = 64


class MirrorEngine(Engine):
    """`start` with the mirror itself as the kernel that is told of changes."""

    def __init__(self, config: Config, identity: Identity, transport: Transport, *, disk: Disk | None = None) -> None:
        self.settings = load_settings(config)
        self.member_name = identity.member_name
        self._config = config
        self._limits = transport.limits
        self.disk = disk or Disk(Path(self.settings.root))
        super().__init__(config, identity, transport)
        self.mirror = Mirror(self)
        self._apply_limits()

    def make_tree(self, config: Config) -> MirrorTree:
        """The member's files stand where the mount has its working copies."""
        self.records = Records(self.index)
        content = MirrorContent(config.state_dir, self.index, self.remote, self.disk, self.records, cache_bytes=_CACHE_BYTES)
        self.mirror_tree = MirrorTree(self.index, self.journal, content, self.disk, self.records)
        return self.mirror_tree

    def recover(self) -> None:
        """Everything here is what the member left; the first look tells what happened since. Nothing is a draft."""
        with self.tree.lock, self.index.transaction():
            for file in self.index.matching("dirty>0 AND local=1 AND node IS NOT NULL"):
                self.journal.save(file)

    def begin(self) -> None:
        """Start the agent's threads and the mirror's own. Raises BadSetting if the folder cannot be used."""
        self.mirror.prepare()
        self.start(self.mirror)
        thread = threading.Thread(target=self._loop, args=("mirror", self.mirror.turn), name="mirror", daemon=True)
        self._threads.append(thread)
        thread.start()
        self.mounted(self.disk.root)

    def stop(self) -> None:
        """End the threads, the watcher's and the fetcher's too."""
        self._stop.set()
        self.mirror.wake()
        self._transport.close()
        self.mirror.close()
        super().stop()

    def send(self) -> None:
        """As always, unless the member wants nothing to move."""
        if self.settings.paused:
            self._show_backlog()
            self._stop.wait(0.2)
        else:
            super().send()

    def read_settings(self) -> bool:
        """Take over what the member decided; returns whether the choice of folders is another one."""
        before, self.settings = self.settings, load_settings(self._config)
        self._apply_limits()
        return (before.folders, before.everything) != (self.settings.folders, self.settings.everything)

    def keep_settings(self, settings: MirrorSettings) -> None:
        """Write down what the agent itself learnt: a chosen folder has another name now."""
        self.settings = settings
        save_settings(self._config, settings)

    def settings_stamp(self) -> int:
        """Changes with the settings' file."""
        try:
            return settings_path(self._config).stat().st_mtime_ns
        except OSError:
            return 0

    def _apply_limits(self) -> None:
        for bucket, kib_s in ((self._limits.up, self.settings.up_kib_s), (self._limits.down, self.settings.down_kib_s)):
            if bucket.rate != kib_s * 1024:
                bucket.limit(kib_s * 1024)


class Mirror:
    """The work between disk and index. `turn` is called again and again by one thread."""

    def __init__(self, engine: MirrorEngine) -> None:
        self._engine = engine
        self._tree = engine.mirror_tree
        self._records = engine.records
        self._disk = engine.disk
        self._choice = Choice(self._disk.root, engine.settings.chosen)
        self.looker = Looker(self._tree, self._choice, engine.member_name)
        self.looker.ready = self._feed_was_read
        self.looker.told = engine.saved
        self.settler = Settler(self._tree, self._choice, self._look_soon)
        self.fetcher = Fetcher(self._tree, self.wake, self._progress)
        self.watch = Watch(self._disk.root, self.wake)
        self.looker.marks.again = self.watch.look_at
        self.report = Report(engine.index, self._records, engine.status)
        self._woken = threading.Event()
        self._soon: set[str] = set()
        self._stamps: tuple[object, ...] = ()
        self._trash_s = 0.0
        self._choice_changed = False

    def prepare(self, *, listen: bool = True) -> None:
        """Have a folder and listen to it; whoever does not listen looks at everything."""
        try:
            if not self._disk.root.exists():
                self._disk.root.mkdir(parents=True)
            if not self._disk.is_ours() and not self._records.inside(1):
                self._disk.prepare(str(self._engine.status.get("device")))
            if self._disk.is_ours():
                self._disk.prepare("")
                self._disk.clear_parts()
        except OSError as error:
            raise BadSetting("镜像文件夹无法使用", f"{self._disk.root}: {error}") from error
        with self._engine.index.transaction():
            self._records.unsettle()
        self._choose_anew()
        self._stamps = self._stamp()
        if listen:
            self.watch.start()

    def close(self) -> None:
        """End what runs beside."""
        self.watch.stop()
        self.fetcher.close()

    # --- told by others -----------------------------------------------------------------------------------------------

    def entry_changed(self, parent: int, name: str) -> None:
        """See `arrivals.Kernel`."""
        self.wake()

    def content_changed(self, ino: int) -> None:
        """See `arrivals.Kernel`."""
        self.wake()

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    def _look_soon(self, paths: list[str]) -> None:
        self._soon.update(path for path in paths if path)

    def _feed_was_read(self, ino: int) -> bool:
        """What the library has must be known before the first look, or everything here would look new."""
        file = self._engine.index.file(ino)
        known = self._engine.index.library(file.library) if file is not None else None
        return known is not None and (known.cursor > 0 or self._engine.caught_up)

    # --- one turn -----------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Wait until there may be something to do, then do it."""
        self._woken.wait(min(_TICK_S, max(0.02, self.watch.next_s())))
        self._woken.clear()
        self.step()

    def step(self) -> None:
        """Look at what is due, settle what arrived, land what was fetched."""
        self._take_settings()
        if not self._disk.is_ours():
            self._engine.status.set(folder="missing", error="镜像文件夹不见了", error_of="mirror folder")
            return
        if self._engine.status.get("error_of") == "mirror folder":
            self._engine.status.set(error=None, error_of=None)
            self.watch.start_again()  # What it listened to is not this folder any more.
        self._engine.status.set(folder="watched" if self.watch.limited is None else self.watch.limited)
        self._land()
        self._look()
        self._engine.released()
        self._settle()
        if self._soon:
            self._look()
            self._settle()
        self._engine.saved()
        self._empty_trash()
        self.report.write(fetching=self.fetcher.under_way, paused=self._engine.settings.paused)

    def _stamp(self) -> tuple[object, ...]:
        return self._engine.settings_stamp(), *self._choice.stamp()

    def _take_settings(self) -> None:
        stamps = self._stamp()
        others = self._engine.read_settings() if stamps[0] != self._stamps[0] else False  # Before they are written again below.
        renamed = self._renamed_choice()
        if stamps == self._stamps and not renamed:
            return
        others = others or renamed
        if others or stamps[1:] != self._stamps[1:]:
            self._choice.chosen = self._engine.settings.chosen
            self._choice.forget_rules()
            self._choose_anew()
            self.watch.look_at_everything()
        self.fetcher.hurry()
        self._stamps = self._stamp()

    def _choose_anew(self) -> None:
        """Ask of everything whether it belongs here, unless that was asked, and settled, with this choice and these rules."""
        if self._engine.index.fact("asked choice") != self._asked():
            self._choice_changed = True
            with self._engine.index.transaction():
                self._records.unsettle()

    def _asked(self) -> str:
        chosen = self._choice.chosen
        return json.dumps([chosen.everything, sorted(chosen.folders.items()), self._choice.stamp()])

    def _renamed_choice(self) -> bool:
        """Follow chosen folders that were renamed or moved; returns whether any was."""
        index, settings, folders = self._engine.index, self._engine.settings, {}
        for path, chosen in settings.folders.items():
            fact = f"chosen {path}"
            node = index.fact(fact)
            file = index.by_node(node) if node is not None else None
            now = index.path_of(file.ino).strip("/") if file is not None and file.parent is not None else path
            if file is None and (found := index.at_path(path)) is not None and found.node is not None:
                with index.transaction():
                    index.put_fact(fact, found.node)
            elif now != path and node is not None:
                with index.transaction():
                    index.put_fact(f"chosen {now}", node)
            folders[now] = chosen
        if folders == settings.folders:
            return False
        self._engine.keep_settings(MirrorSettings(**{**vars(settings), "folders": folders}))
        return True

    def _look(self) -> None:
        due = self.watch.due()
        soon, self._soon = self._soon, set()
        try:
            if due is None or self.looker.is_overdue():
                self.looker.everything()
            elif due or soon:
                self.looker.paths({*due, *soon})
        except OSError:
            self.watch.look_at_everything()  # what was due, and not looked at, is known to nobody else
            raise

    def _settle(self) -> None:
        room = 0 if self._engine.settings.paused else _FETCH_AHEAD - self.fetcher.under_way
        wanted = self.settler.settle(room=room, choice_changed=self._choice_changed)
        if self._choice_changed and not self._records.unsettled(1):
            self._choice_changed = False
            with self._engine.index.transaction():
                self._engine.index.put_fact("asked choice", self._asked())
        if self._engine.settings.paused:
            return
        for each in wanted:
            if self.fetcher.under_way >= _FETCH_AHEAD:
                return  # the rest is asked for again when these have landed
            self.fetcher.begin(each)

    def _land(self) -> None:
        for fetched in self.fetcher.take():
            path = self._engine.index.path_of(fetched.wanted.ino)
            if fetched.part is None:
                self._records.trouble(path.strip("/"), fetched.reason, fetched.error or "")
                continue
            landed = False
            try:
                landed = self.settler.land(fetched.wanted, fetched.part, fetched.mark)
            except OSError as error:  # a program has the old one open, or the disk is full: later
                self._records.trouble(path.strip("/"), disk_reason(error, "file_busy"), str(error))
            finally:
                fetched.part.unlink(missing_ok=True)
            if landed:
                self.report.landed(fetched.wanted.file, path)

    def _progress(self, wanted: Wanted, percent: int) -> None:
        self.report.fetching(wanted.file, percent)

    def _empty_trash(self) -> None:
        if time.monotonic() < self._trash_s:
            return
        self._trash_s = time.monotonic() + 60
        for written in self.settler.empty_trash(older_than_s=_TRASH_S):
            self._records.trouble(f".mainline/trash/{written.name}", "left_by_programs" if written.is_dir() else "written_after_replaced")

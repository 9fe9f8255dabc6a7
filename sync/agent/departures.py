"""What we tell the library: operations of the journal, in order, a batch at a time.

    read and cut -> ask which chunks are missing -> PUT packs, write down "sent" -> commit -> apply the answer

A small save does not ask: it goes into a slot that was fetched when nothing waited, and is one round trip earlier. A few
packs travel at once, and "sent" is written while the last one does. While the library answers, what comes next is read and
stored (`ahead.py`). A long file leaves while it is being read (`courier.py`).

Anything may stop in between. Before "sent" nothing has happened that matters; after it the same request is repeated until
an answer comes; if its packs never arrived, that answer says so, and the save is taken again. Bytes are read twice, once to
address them and once to send them, so that memory stays flat; if they changed in between, this is not the version that was
saved, and the save is taken again.

Over 400 lines because a batch, from the reading of its bytes to the last of its answers, is one piece of state.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from sync.agent.ahead import Ahead, Changed
from sync.agent.arrivals import Arrivals
from sync.agent.courier import Courier
from sync.agent.disk_errors import disk_errno, disk_words
from sync.agent.errors import Refused, Unreachable
from sync.agent.index import File, version_columns
from sync.agent.journal import Entry, Journal, Kind, State
from sync.agent.remote import Remote
from sync.agent.status import SHOWN, Status
from sync.agent.tree import Tree
from sync.core import protocol as p
from sync.core.chunking import Chunk, choose_cutter, chunk_stream
from sync.core.codec import decode, to_text
from sync.core.hashing import Address, address_of
from sync.core.manifest import EMPTY, Manifest, manifest_digest, manifest_of
from sync.core.packs import PackWriter

log = logging.getLogger("mainline.agent")

BATCH_OPS = 400
BATCH_BYTES = 64 * 1024 * 1024
_LATER_MS = 2000
_REFUSED_MS = 15_000
_TRIES = 3
"""How often a save is sent again at once when its bytes have not arrived."""
_UNASKED_BYTES = 1024 * 1024
"""What may be sent although the library may have it already: a round trip costs more than these bytes."""
_ANSWERS_AT_ONCE = 16
"""So many share a transaction: enough to share its cost, few enough that no program waits for it."""
_SMALL_BYTES = 64 * 1024
_HELD_BYTES = 8 * 1024 * 1024
"""Small files are kept in memory between their reading and their packing, as long as a batch has not more of them than a pack."""
_COPY_CHUNKS = 16
"""From so many chunks on it is worth to ask whether a new file is a copy of one that the member sees."""
_SPARE_SLOTS = 8
"""Slots fetched at once; asked for again when the last but one is used, not after each save."""
_SLOT_LEFT_MS = 60_000
_PUTS_AT_ONCE = 2
_THREADS = _PUTS_AT_ONCE + 1
"""One more waits for the answer to a batch."""
_PACK_BYTES = 8 * 1024 * 1024
"""Half of what a pack may be: with two on their way, what is sent again after a crash and what is held in memory stay the same."""
_LONG_PACKS = 2
"""A file of so many packs leaves while it is being read."""

_PUT_BACK = {
    (p.ErrorCode.NOT_ALLOWED, Kind.RENAME), (p.ErrorCode.NOT_ALLOWED, Kind.DELETE), (p.ErrorCode.NAME_REFUSED, Kind.RENAME),
}  # fmt: skip
"""What the library will not have, and what then is here as it is there."""


@dataclass
class _Job:
    """An operation on its way. ino: whose bytes were read. file: as it was when they were. held: all of them, of a small file."""

    entry: Entry
    op: p.Op
    ino: int | None
    file: File | None = None
    manifest: Manifest | None = None
    dirty: int = 0
    writes: int = 0
    reads_local: bool = False
    held: bytes | None = None


@dataclass
class _Batch:
    """Jobs of one library, and the packs that their request will register. stored: chunks that need not be sent any more.

    first: the places of saves of which the library has no version yet, and their nodes.
    """

    library: str
    jobs: list[_Job] = field(default_factory=list)
    packs: list[p.StoredPack] = field(default_factory=list)
    stored: set[Address] = field(default_factory=set)
    size_bytes: int = 0
    held_bytes: int = 0
    flying: set[Future[None]] = field(default_factory=set)
    first: dict[tuple[int | None, str], str] = field(default_factory=dict)

    def add(self, job: _Job) -> None:
        """One more, the last."""
        self.jobs.append(job)
        self.size_bytes += job.manifest.size_bytes if job.manifest else 0
        if isinstance(job.op, p.Commit) and not job.op.base_version:
            self.first[job.entry.place] = job.entry.node

    def must_be_answered_before(self, entry: Entry) -> bool:
        """Whether an operation takes the name that a first save had, or its folder, or the asset whose bytes a save has, away.

        Should that save be refused, because its bytes did not arrive, it is made once more at the place that it had then.
        """
        taken = self.first.get(entry.place, entry.node) != entry.node
        if entry.kind is not Kind.DELETE or entry.ino is None:
            return taken
        saved = any(job.entry.kind is Kind.COMMIT and job.ino == entry.ino for job in self.jobs)
        return taken or saved or any(parent == entry.ino for parent, _ in self.first)

    def land(self, *, all_but: int = 0) -> None:
        """Wait until at most so many packs are on their way; raises what one of them failed with."""
        while len(self.flying) > all_but:
            landed, self.flying = wait(self.flying, return_when=FIRST_COMPLETED)
            for each in landed:
                each.result()


class Departures:
    """Sends what waits in the journal. One thread calls `send_batch` again and again."""

    def __init__(self, tree: Tree, remote: Remote, arrivals: Arrivals, status: Status, *, member: str) -> None:
        self._tree = tree
        self._index = tree.index
        self._journal: Journal = tree.journal
        self._remote = remote
        self._arrivals = arrivals
        self._status = status
        self._member = member
        self.sent_bytes = 0
        """Of saves that were answered, since the caller set it to 0."""
        self._spare: dict[str, list[p.Upload]] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._ahead = Ahead(tree, remote, self._read)

    def send_packs_at_once(self) -> None:
        """Have packs and batches travel in threads of their own, until `close`. Without it everything happens in the caller's."""
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="put")

    def close(self) -> None:
        """After the transport and the sender, so that nobody waits for an answer and nothing more is sent."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def stock(self) -> None:
        """Fetch slots for the next small saves, until something waits to be sent."""
        for known in self._index.libraries():
            if self._journal.has_ready(int(time.time() * 1000)):
                return
            library, slots = known.id, self._spare.setdefault(known.id, [])
            if known.editable and len(slots) < 2:
                try:
                    slots[:] = self._remote.missing(library, p.MissingRequest((), _SPARE_SLOTS)).uploads
                except (Refused, Unreachable) as error:
                    log.info("no slots ahead: %s", error)  # the next save asks, and says so if it is refused

    def send_batch(self) -> bool:
        """Send the next operations; returns whether there were any. Raises AgentError when the library is out of reach."""
        entries = self._journal.ready(int(time.time() * 1000), BATCH_OPS)
        if not entries:
            return False
        try:
            self._send(entries)
        except Refused as error:
            if error.retryable:
                raise
            # The member may only look at this library now, or not even that. What waits for others must not wait behind it.
            self._journal.put_off(entries[0].library, error=error.title, delay_ms=_REFUSED_MS)
            for entry in entries:
                self._status.progress(entry.ino or 0, state="refused", message=error.title)
        return True

    def _send(self, entries: Sequence[Entry]) -> None:
        try:
            batch = self._collect(entries)
            if batch.jobs:
                try:
                    self._upload(batch)
                    self._commit(batch)
                finally:
                    wait(batch.flying)
            self._arrivals.released()
        except BaseException:
            self._ahead.clear()
            raise

    # --- reading ------------------------------------------------------------------------------------------------

    def _collect(self, entries: Sequence[Entry]) -> _Batch:
        batch = _Batch(entries[0].library)
        saved: set[str] = set()
        for position, entry in enumerate(entries):
            if entry.library != batch.library or batch.size_bytes >= BATCH_BYTES:
                break
            if entry.state is State.SENT:
                if batch.jobs and batch.jobs[-1].entry.state is not State.SENT:
                    break
                batch.jobs.append(self._repeat(entry))
                continue
            if batch.jobs and batch.jobs[-1].entry.state is State.SENT:
                break  # what was sent before is settled first
            if entry.kind is Kind.COMMIT and entry.node in saved:
                break  # the answer to the save before it says which version this one is based on
            if batch.must_be_answered_before(entry):
                break
            try:
                job = self._prepare(entry, batch, shown=position < SHOWN or position >= len(entries) - SHOWN)
            except Changed:
                self._postpone(entry)
                break
            except OSError as error:
                self._cannot_read(entry, error)
                break
            if job is None:
                self._journal.drop(entry.n)
                continue
            batch.add(job)
            saved.add(entry.node if entry.kind is Kind.COMMIT else "")
        return batch

    def _postpone(self, entry: Entry) -> None:
        """It is being written to: its next release comes; look again after a moment in case there is none."""
        with self._index.transaction() as db:
            db.execute("UPDATE ops SET not_before_ms=? WHERE n=?", (int(time.time() * 1000) + 200, entry.n))

    def _cannot_read(self, entry: Entry, error: OSError) -> None:
        """The disk does not give the bytes of one save: that is told, and holds up nothing else."""
        code = disk_errno(error)
        title = disk_words(code) if code is not None else "本机文件无法读取：请检查文件的权限，之后自动继续"
        log.warning("%s cannot be read: %s", entry.name, error)
        self._journal.take_back(entry, error=f"“{entry.name}”：{title}", delay_ms=_LATER_MS * (1 + min(entry.tries, 30)))
        self._status.progress(entry.ino or 0, state="refused", message=title)

    @staticmethod
    def _repeat(entry: Entry) -> _Job:
        """A request that may have arrived already, word for word."""
        (op,) = decode(p.OpsRequest, {"ops": [json.loads(entry.sent or "null")], "packs": []}).ops
        return _Job(entry, op, entry.ino, manifest=op.manifest if isinstance(op, p.Commit) else None, dirty=entry.dirty)

    def _prepare(self, entry: Entry, batch: _Batch, *, shown: bool) -> _Job | None:
        """The request for an operation as things are now; None if there is nothing left to say. shown: whether the status tells of it."""
        if entry.kind is Kind.DELETE:
            return self._prepare_delete(entry)
        into = self._folder_of(entry.parent)
        file = self._index.by_node(entry.node)  # whichever has the node by now
        if into is None and entry.kind in (Kind.COMMIT, Kind.MAKE_FOLDER) and file is not None and file.parent is not None:
            # It has left that folder since, and the folder is gone: nothing but this operation makes the library know it.
            into, entry = self._folder_of(file.parent), replace(entry, parent=file.parent, name=file.name)
        if into is None:
            return None  # the folder is gone here, and with it what was inside
        if entry.kind is Kind.RENAME:
            return _Job(entry, p.Rename(entry.op_id, entry.node, into, entry.name or ""), entry.ino, file)
        if entry.kind is Kind.MAKE_FOLDER:
            if file is None and not self._journal.passes_through(entry.ino):
                return None
            return _Job(entry, p.MakeFolder(entry.op_id, entry.node, into, entry.name or ""), entry.ino, file)
        return None if file is None else self._prepare_commit(entry, file.ino, into, batch, shown=shown)

    def _folder_of(self, ino: int | None) -> str | None:
        """The node of a folder, also of one that was removed here since: what passes through it gives up names that others take."""
        folder = self._index.file(ino or 0)
        return folder.node if folder is not None else self._journal.removed_folder(ino)

    def _prepare_delete(self, entry: Entry) -> _Job | None:
        ghost = self._index.ghost(entry.node)
        if ghost is not None and ghost.version == 0:
            with self._index.transaction() as db:
                db.execute("DELETE FROM ghosts WHERE node=?", (entry.node,))
            return None  # it was never committed
        return _Job(entry, p.Delete(entry.op_id, entry.node, ghost.version if ghost else 0), entry.ino)

    def _prepare_commit(self, entry: Entry, ino: int, parent: str, batch: _Batch, *, shown: bool) -> _Job | None:
        self._journal.take(entry)
        file, writes = self._tree.snapshot(ino)
        if file is None or file.node != entry.node or not file.dirty:
            return None
        if file.unsaved:
            raise Changed  # a program is at it again: half of what it writes is nobody's version
        if shown:
            self._status.saved(file.ino, self._index.path_of(file.ino))
        held = None
        if file.local:
            manifest, held = self._ahead.take(entry, file, writes) or self._read_for(batch, file, writes)
            batch.held_bytes += len(held or b"")
        else:
            manifest = self._tree.content.manifest(file.library, file.manifest or manifest_digest(EMPTY))
        op = p.Commit(
            entry.op_id, entry.node, parent, entry.name or file.name, file.version, manifest, file.modified_ms
        )  # fmt: skip
        return _Job(entry, op, ino, file, manifest, file.dirty, writes, file.local, held)

    def _read_for(self, batch: _Batch, file: File, writes: int) -> tuple[Manifest, bytes | None]:
        if self._threads is None or file.size < _LONG_PACKS * _PACK_BYTES or (file.head is None and self._index.has_grants(file.library)):
            return self._read(file, writes, _SMALL_BYTES if batch.held_bytes < _HELD_BYTES else 0)
        # Who sees a part of a library may bring a copy without its bytes, but only by its whole manifest.
        bases = (file.head,) if file.head is not None else ()
        courier = Courier(
            self._remote, self._threads, self._tree.content.work_path(file.ino), (file.library, bases),
            pack_bytes=_PACK_BYTES, puts_at_once=_PUTS_AT_ONCE, bring=self._bring,
        )  # fmt: skip
        try:
            manifest, _ = self._read(file, writes, 0, courier)
            courier.finish()
        except BaseException:
            courier.give_up()
            raise
        batch.stored |= courier.stored
        batch.flying |= courier.flying
        return manifest, None

    def _read(self, file: File, writes: int, hold_bytes: int, courier: Courier | None = None) -> tuple[Manifest, bytes | None]:
        path = self._tree.content.work_path(file.ino)
        if self._tree.writes(file.ino) != writes:
            raise Changed  # before a long read that would be for nothing
        try:
            held = None
            with open(path, "rb", buffering=0) as stream:
                size_bytes = os.fstat(stream.fileno()).st_size
                cutter = choose_cutter(file.name, size_bytes)
                if size_bytes <= hold_bytes:
                    held = stream.read()
                    if len(held) > hold_bytes:
                        raise Changed
                    manifest = manifest_of([Chunk(address_of(held), len(held))] if held else [], cutter)
                else:
                    chunks = chunk_stream(stream, cutter)
                    manifest = manifest_of(chunks if courier is None else courier.watching(chunks), cutter)
        except ValueError as error:
            raise Changed from error  # it grew beyond what its cutter takes
        except FileNotFoundError as error:
            raise Changed from error  # removed, or another file now
        if self._tree.writes(file.ino) != writes:
            raise Changed
        return (manifest, held) if manifest.size_bytes else (EMPTY, None)

    # --- content ------------------------------------------------------------------------------------------------

    def _upload(self, batch: _Batch) -> None:
        """Put every chunk into the store that the library does not have."""
        self._use_stored(batch)
        if self._put_unasked(batch):
            return
        left = None
        while wanted := self._wanted(batch):
            slots = min(p.MAX_UPLOADS, 1 + sum(size for size, _ in wanted.values()) // _PACK_BYTES)
            missing: set[Address] = set()
            uploads: list[p.Upload] = []
            listed = list(wanted)
            for start in range(0, len(listed), p.MAX_MISSING):
                part = tuple(listed[start : start + p.MAX_MISSING])
                answer = self._remote.missing(batch.library, p.MissingRequest(part, slots, self._bases(batch)))
                missing.update(answer.missing)
                uploads += answer.uploads
            if not missing:
                return
            if left is not None and len(missing) >= left:
                raise Unreachable("上传没有完成", f"the library still misses {len(missing)} chunks")
            left = len(missing)
            if self._put_packs(batch, [address for address in listed if address in missing], wanted, uploads):
                return
            batch.land()

    def _use_stored(self, batch: _Batch) -> None:
        stored = self._ahead.stored(batch.library)
        chunks = [chunk.address for job in batch.jobs if job.reads_local and job.manifest is not None for chunk in job.manifest.chunks]
        found = {address for address in chunks if address in stored}
        batch.packs += {pack.pack: pack for address in found if (pack := stored[address]) is not None}.values()
        batch.stored |= found

    @staticmethod
    def _bases(batch: _Batch) -> tuple[Address, ...]:
        """The versions that these saves go on from, and large ones that may be copies: who does not see all of a library says so."""
        heads = [job.file.head for job in batch.jobs if job.file is not None and job.file.head is not None]
        large = [
            manifest_digest(job.manifest) for job in batch.jobs if job.manifest is not None and len(job.manifest.chunks) >= _COPY_CHUNKS
        ]
        return tuple(dict.fromkeys(heads + large))[: p.MAX_OPS]

    def _put_unasked(self, batch: _Batch) -> bool:
        wanted, now = self._wanted(batch), int(time.time() * 1000)
        # Taken out first: slots that fail, because the clock here is wrong, must not fail the next save again.
        spare = [slot for slot in self._spare.pop(batch.library, []) if slot.expires_ms > now + _SLOT_LEFT_MS]
        small = 0 < sum(size for size, _ in wanted.values()) <= _UNASKED_BYTES
        done = bool(small and spare) and self._put_packs(batch, list(wanted), wanted, spare)
        self._spare[batch.library] = spare
        return done

    @staticmethod
    def _wanted(batch: _Batch) -> dict[Address, tuple[int, tuple[_Job, int]]]:
        """Chunks to be sent whose bytes are here: size, and the job and offset at which to read them."""
        wanted: dict[Address, tuple[int, tuple[_Job, int]]] = {}
        for job in batch.jobs:
            if not job.reads_local or job.manifest is None:
                continue
            offset = 0
            for chunk in job.manifest.chunks:
                if chunk.address not in batch.stored:
                    wanted.setdefault(chunk.address, (chunk.size_bytes, (job, offset)))
                offset += chunk.size_bytes
        return wanted

    def _put_packs(
        self,
        batch: _Batch,
        missing: Sequence[Address],
        wanted: dict[Address, tuple[int, tuple[_Job, int]]],
        uploads: list[p.Upload],
    ) -> bool:
        """Pack and store; returns whether all of it found a slot. The last pack is registered with the commit."""
        writer, done, total = PackWriter(_PACK_BYTES), 0, sum(wanted[address][0] for address in missing) or 1
        changed: set[int] = set()
        for position, address in enumerate(missing):
            size, (job, offset) = wanted[address]
            assert job.file is not None
            data = job.held
            if data is None:
                data = b"" if job.file.ino in changed else self._chunk(job, offset, size)
                if address_of(data) != address:
                    changed.add(job.file.ino)
                    continue
            writer.add(address, data)
            done += size
            last = position == len(missing) - 1
            if writer.full or last:
                if not uploads:
                    return False
                self._store(batch, uploads.pop(0), writer, last=last)
                writer = PackWriter(_PACK_BYTES)
                self._show(batch, done * 100 // total)
        if len(writer):
            if not uploads:
                return False
            self._store(batch, uploads.pop(0), writer, last=True)
        torn = next((n for n, job in enumerate(batch.jobs) if job.file is not None and job.file.ino in changed), None)
        if torn is not None:
            self._postpone(batch.jobs[torn].entry)
            del batch.jobs[torn:]  # what comes after it may need what it does; the journal knows
        return True

    def _chunk(self, job: _Job, offset: int, size: int) -> bytes:
        assert job.file is not None
        try:
            with open(self._tree.content.work_path(job.file.ino), "rb", buffering=0) as stream:
                stream.seek(offset)
                return stream.read(size)
        except FileNotFoundError:
            return b""  # removed meanwhile

    def _store(self, batch: _Batch, upload: p.Upload, writer: PackWriter, *, last: bool) -> None:
        pack = writer.finish()
        stored = p.StoredPack(upload.pack, address_of(pack), len(pack))
        if last:
            batch.packs.append(stored)
        if self._threads is None:
            self._bring(batch.library, upload, stored, pack, registers=not last)
            return
        batch.land(all_but=_PUTS_AT_ONCE - 1)
        batch.flying.add(self._threads.submit(self._bring, batch.library, upload, stored, pack, registers=not last))

    def _bring(self, library: str, upload: p.Upload, stored: p.StoredPack, pack: bytes, registers: bool = True) -> None:
        self._remote.put_pack(upload, pack)
        if not registers:
            return
        # Known to the library from here on: a crash does not send these bytes again.
        (report,) = self._remote.register_packs(library, (stored,))
        if report.state in (p.PackState.ABSENT, p.PackState.CORRUPT):
            raise Unreachable("上传没有完成", f"pack {upload.pack} is {report.state}")

    def _show(self, batch: _Batch, percent: int) -> None:
        for job in batch.jobs:
            if job.reads_local and job.file is not None:
                self._status.progress(job.file.ino, state="uploading", percent=percent)

    # --- operations ---------------------------------------------------------------------------------------------

    def _commit(self, batch: _Batch) -> None:
        if not batch.jobs:
            return
        texts = [job.entry.sent or to_text(job.op) for job in batch.jobs]
        fresh = [(job, text) for job, text in zip(batch.jobs, texts, strict=True) if job.entry.state is not State.SENT]
        with self._index.transaction(durable=True):
            self._index.put_manifests([job.manifest for job, _ in fresh if job.manifest is not None])
            for job, sent in fresh:
                digest = job.manifest.digest if job.manifest else None
                self._journal.mark_sent(job.entry, ino=job.ino, dirty=job.dirty, manifest=digest, sent=sent)
        try:
            batch.land()
        except BaseException:
            self._spare.pop(batch.library, None)  # slots of the same time: what is wrong with one is wrong with them
            with self._index.transaction():
                for job in batch.jobs:
                    if job.entry.state is not State.SENT:
                        self._journal.unsend(job.entry)
            raise
        answers = self._ask(batch, texts)
        told = list(zip(batch.jobs, answers, strict=True))
        for start in range(0, len(told), _ANSWERS_AT_ONCE):
            with self._tree.lock, self._index.transaction():
                for job, answer in told[start : start + _ANSWERS_AT_ONCE]:
                    self._apply(job, answer)

    def _ask(self, batch: _Batch, texts: Sequence[str]) -> tuple[p.OpAnswer, ...]:
        request = p.OpsRequest(tuple(job.op for job in batch.jobs), tuple(batch.packs))
        if self._threads is None:
            self._look_ahead(batch)
            return self._remote.ops(batch.library, request, texts)
        asked = self._threads.submit(self._remote.ops, batch.library, request, texts)
        self._look_ahead(batch)
        return asked.result()

    def _look_ahead(self, batch: _Batch) -> None:
        brought = {chunk.address for job in batch.jobs if job.manifest is not None for chunk in job.manifest.chunks}
        self._ahead.look(batch.library, batch.jobs[-1].entry.n, brought, lambda files: tuple(
            dict.fromkeys(file.head for file in files if file.head is not None))[: p.MAX_OPS])  # fmt: skip

    def _apply(self, job: _Job, answer: p.OpAnswer) -> None:
        if answer.outcome is p.Outcome.REFUSED:
            self._refused(job, answer.error or p.Problem("unknown", "未说明原因"))
            return
        match job.op:
            case p.Commit():
                self._committed(job, job.op, answer)
            case p.MakeFolder():
                self._made_folder(job, answer)
            case p.Delete():
                self._deleted(job, answer)
            case p.Rename():
                self._journal.drop(job.entry.n)
                self._arrivals.nodes((answer.node,))

    def _committed(self, job: _Job, op: p.Commit, answer: p.OpAnswer) -> None:
        node = answer.node
        if node is None:
            raise Unreachable("服务的回答不完整", "a commit was answered without its node")
        with self._tree.lock, self._index.transaction():
            job.ino = self._journal.bytes_of(job.entry)
            self._journal.drop(job.entry.n)
            file = self._index.by_node(op.node)  # a later save may have given the node to another inode
            if answer.outcome is p.Outcome.CONFLICT and answer.second is not None:
                if file is None and answer.second.id == op.node and self._index.ghost(op.node) is not None:
                    self._arrivals.nodes((node,))
                    self._gone_since(op.node, answer.second)
                elif file is None or not file.dirty:
                    self._arrivals.nodes((node, answer.second))
                else:
                    self._arrivals.become_second(file, node, answer.second, sent=self._holds(file, job))
                    self._status.progress(file.ino, state="conflict", percent=100, version=answer.second.version)
                return
            if node.id != op.node and file is not None and not self._arrivals.adopt_node(file, node):
                return
            self._settled(job, op, node, file)

    def _settled(self, job: _Job, op: p.Commit, node: p.Node, file: File | None) -> None:
        if file is None and self._index.ghost(op.node) is not None:
            self._gone_since(op.node, node)
            self._moved_on(job, op)
            return
        if file is None or not file.dirty:
            self._arrivals.nodes((node,))  # after a crash the bytes became a draft, and this save is as if from elsewhere
            return
        same = node.manifest == op.manifest.digest
        self.sent_bytes += node.size_bytes
        values = version_columns(node)
        if same and self._holds(file, job):
            values |= {"dirty": 0, "manifest": node.manifest, "size": node.size_bytes}
        self._index.change(file.ino, **values)
        if not same:
            self._journal.save(self._index.file(file.ino) or file)
        self._status.progress(job.ino or 0, state="safe", percent=100, version=node.version)

    def _gone_since(self, ghost: str, node: p.Node) -> None:
        """Its name was given up here while it travelled: what is to be deleted is what has just arrived."""
        with self._index.transaction() as db:
            row = (node.version, node.manifest, node.size_bytes, ghost)
            db.execute("UPDATE ghosts SET version=?, head=?, head_size=? WHERE node=?", row)

    def _moved_on(self, job: _Job, op: p.Commit) -> None:
        """What was sent is still what the file holds under another node's name; see `recovery.py`."""
        file = self._index.file(job.ino or 0)
        if file is not None and file.node is not None and not file.unsaved and file.dirty == job.dirty + 1:  # counted up by the move alone
            self._index.change(file.ino, manifest=op.manifest.digest)

    @staticmethod
    def _holds(file: File, job: _Job) -> bool:
        """Whether what was sent is what the file holds: nothing was saved since, and no other file was moved onto its name."""
        return file.ino == job.ino and file.dirty == job.dirty

    def _made_folder(self, job: _Job, answer: p.OpAnswer) -> None:
        self._journal.drop(job.entry.n)
        file = self._index.by_node(job.entry.node)
        if file is not None and answer.node is not None and answer.node.id != job.entry.node:
            self._arrivals.adopt_node(file, answer.node)

    def _deleted(self, job: _Job, answer: p.OpAnswer) -> None:
        with self._index.transaction() as db:
            self._journal.drop(job.entry.n)
            db.execute("DELETE FROM ghosts WHERE node=?", (job.entry.node,))
        if answer.outcome is p.Outcome.KEPT:
            self._arrivals.nodes((answer.node,))
        elif answer.node is not None:
            self._arrivals.note_answer(answer.node)
            file = self._index.by_node(job.entry.node)
            if file is not None and not file.is_folder:  # it became this node while its deletion travelled
                self._arrivals.is_told_again(answer.node)  # to wait for what is written here, which may come to nothing
                if not file.dirty:
                    self._index.change(file.ino, dirty=1)
                    self._journal.save(file)

    def _refused(self, job: _Job, problem: p.Problem) -> None:
        """Certainly not applied. What can be put right is put right; the rest waits and says why."""
        entry, code = job.entry, problem.code
        file = self._index.by_node(entry.node)
        if code == p.ErrorCode.CHUNKS_MISSING:
            self._ahead.clear()
            if file is not None and not file.local and entry.tries >= _TRIES:
                self._journal.drop(entry.n)
                self._arrivals.lost(file)  # sent from bytes that the machine lost with its power
                return
            # Sent before, perhaps from bytes that are gone: what the file holds now is read and sent.
            self._journal.take_back(entry, error=problem.title, delay_ms=0 if entry.tries < _TRIES else _LATER_MS)
            return
        if code == p.ErrorCode.NODE_GONE and self._journal.waits_for_earlier(entry):
            self._journal.take_back(entry, error="")  # it went with the save that makes the node, and that was taken back
            return
        if entry.kind is Kind.RENAME and self._journal.moves_again(entry):
            self._journal.drop(entry.n)  # the last move says where it is, and must stay the last
            return
        if code == p.ErrorCode.NODE_GONE and self._journal.awaits(entry.node, Kind.MAKE_FOLDER):
            self._after(entry, problem.title)
            return
        if code == p.ErrorCode.NODE_GONE and self._journal.awaits(entry.node, Kind.COMMIT):
            self._journal.drop(entry.n)  # a save that comes later brings it back to the place that it has here
            return
        if code == p.ErrorCode.NODE_GONE or (entry.kind is Kind.DELETE and code == p.ErrorCode.NOT_FOUND):
            self._journal.drop(entry.n)
            if entry.kind is Kind.RENAME:
                self._arrivals.node_gone(entry.node)
            return
        if code in (p.ErrorCode.NOT_EMPTY, p.ErrorCode.WOULD_LOOP):
            self._arrivals.look_again(entry)  # somebody put something into it, or moved the other folder into this one
            return
        if code == p.ErrorCode.NOT_ALLOWED and entry.kind is Kind.COMMIT and file is not None and self._arrivals.move_back(file, entry):
            return
        if (code, entry.kind) in _PUT_BACK:
            log.warning("%s of %s is taken back: %s %s", entry.kind, entry.name or entry.node, problem.title, problem.message)
            self._arrivals.look_again(entry)  # no bytes wait for it, and the right may never be given back
            return
        if code == p.ErrorCode.PARENT_GONE and entry.parent is not None and file is not None:
            folder, known_as = self._index.file(entry.parent), getattr(job.op, "parent", "")
            if folder is None:
                self._journal.drop_delete(known_as)  # removed here and there: nothing passes through it
            elif folder.node == known_as:
                self._arrivals.revive_folder(entry.parent)
            # else the library had a folder of that name, and this was sent with it under the id that we had chosen
            self._after(entry, problem.title)
            return
        if code == p.ErrorCode.NAME_TAKEN and file is not None:
            self._arrivals.step_aside(file, entry, self._member, int(time.time() * 1000))
            return
        self._journal.take_back(entry, error=f"{problem.title} {problem.message}".strip(), delay_ms=_LATER_MS * (1 + min(entry.tries, 30)))
        self._status.progress(entry.ino or 0, state="refused", message=problem.title)

    def _after(self, entry: Entry, error: str) -> None:
        """Put an operation behind the folder that it needs."""
        with self._index.transaction() as db:
            self._journal.take_back(entry, error=error)
            db.execute("UPDATE ops SET n=(SELECT MAX(n)+1 FROM ops) WHERE n=?", (entry.n,))

"""The transactions of heads, each short. No store is spoken to here: jobs.py writes and removes the objects between them.

Every object has its row before it is written, so that a crash leaves nothing unknown. Rows change by compare-and-swap on their state.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from sync.core.manifest import Manifest
from sync.library.assets.models import Version
from sync.library.content.access import find_chunks, load_manifest, stored_bytes
from sync.library.heads.access import mode_of, wanted_versions
from sync.library.heads.models import Head
from sync.library.heads.rules import GRACE, Mode, head_key, unfolds_too_far, version_of
from sync.library.libraries.models import Library
from sync.library.retention.access import Held, plan_of
from sync.library.retention.rules import Mode as Retention
from workspace.jobs.models import Job
from workspace.work import Work

SETTLED = timedelta(minutes=5)
"""Under ``all``: what is saved over within this time gets no head."""


@dataclass(frozen=True)
class Claim:
    """A head that is to be written now."""

    key: str
    name: str
    digest: str
    manifest: Manifest


def want_heads(work: Work, library_id: str) -> None:
    """Something in the library was approved or kept: what lacks a head gets one."""
    if mode_of(work) is not Mode.NONE:
        work.after_commit("library.make_heads", key=library_id, library_id=library_id)


def want_heads_of_current(work: Work, library_id: str) -> None:
    """Something in the library was saved; nothing unless every current version is to have a head."""
    if mode_of(work) is Mode.ALL:
        work.after_commit("library.make_heads", key=library_id, run_at=work.now + SETTLED, library_id=library_id)


def want_heads_again(work: Work, library_ids: Iterable[str]) -> None:
    """Heal: whatever happened to the jobs that were to make them. Of a library one failure is enough to see."""
    for library_id in library_ids:
        former = delete(Job).where(Job.name == "library.make_heads", Job.key == library_id, Job.state == "failed")
        work.session.execute(former)
        want_heads(work, library_id)


def claim_head(work: Work, node_id: str, number: int) -> Claim | None:
    """None when there is nothing to write: it is there, it is about to go, its version is gone, unfolds too far, or has no room."""
    version = work.session.get(Version, (node_id, number))
    if version is None or not version.size_bytes:
        return None
    key = head_key(version.library_id, node_id, number, version.name)
    row = work.session.get(Head, key, with_for_update=True)
    if row is not None and row.state == "removing":
        return None
    if row is not None and row.state == "made" and row.digest == version.digest:
        row.doomed_at = None  # Wanted again before it went.
        return None
    if row is None and not _has_room(work, version):
        return None
    manifest = load_manifest(work, version.digest)
    if unfolds_too_far(manifest.size_bytes, 0) and unfolds_too_far(manifest.size_bytes, _stored_bytes(work, version, manifest)):
        return None
    if row is None:
        row = Head(key=key, library_id=version.library_id, node_id=node_id, number=number)
    row.digest, row.size_bytes, row.state, row.at, row.doomed_at = version.digest, version.size_bytes, "making", work.now, None
    work.session.add(row)
    return Claim(key, version.name, version.digest, manifest)


def note_made(work: Work, claim: Claim) -> None:
    """Its object is there, whole. Nothing happens when the row went meanwhile: collection finds the object by listing."""
    making = update(Head).where(Head.key == claim.key, Head.state == "making", Head.digest == claim.digest)
    work.session.execute(making.values(state="made", at=work.now))


def make_again(work: Work, keys: Sequence[str]) -> None:
    """Their objects are not to be relied on: they serve nobody until they have been written again."""
    work.session.execute(update(Head).where(Head.key.in_(keys), Head.state == "made").values(state="making", at=work.now))
    for library_id in work.session.scalars(select(Head.library_id).where(Head.key.in_(keys)).distinct()).all():
        want_heads(work, library_id)


def make_all_again(work: Work) -> None:
    """Of no head is it known whether its object is there: the database comes from elsewhere than the bucket."""
    work.session.execute(update(Head).values(state="making", at=work.now, doomed_at=None))


def doom_heads(work: Work, library_id: str, wanted: Mapping[Held, str], found: Mapping[str, int], listed_at: datetime) -> None:
    """Compare rows with what was wanted (digest by version) and with the objects that were there at ``listed_at`` (size by key).

    What is wanted only since then may be doomed here; it is not taken. A library whose retention is paused loses none: after a
    recovery it is not known what had been approved.
    """
    rows = list(work.session.scalars(select(Head).where(Head.library_id == library_id)))
    lost = [row.key for row in rows if row.state == "made" and row.at < listed_at and found.get(row.key) != row.size_bytes]
    if lost:
        make_again(work, lost)
    if plan_of(work, library_id).mode is Retention.PAUSED:
        return
    for row in rows:
        is_wanted = wanted.get((row.node_id, row.number)) == row.digest
        if row.state != "removing" and is_wanted != (row.doomed_at is None):
            row.doomed_at = None if is_wanted else work.now
    known = {row.key for row in rows}
    for key, size_bytes in found.items():
        named = version_of(key)
        if key not in known and named is not None:
            work.session.add(
                Head(
                    key=key, library_id=library_id, node_id=named[0], number=named[1], digest="", size_bytes=size_bytes, state="making",
                    at=work.now, doomed_at=work.now,
                )
            )  # fmt: skip


def take_heads(work: Work, library_id: str) -> list[str]:
    """Keys of objects that are to be removed now: nobody has wanted them for GRACE, nor does now. From here on they are not made."""
    before, is_paused = work.now - GRACE, plan_of(work, library_id).mode is Retention.PAUSED
    due = select(Head).where(Head.library_id == library_id, Head.doomed_at < before)
    doomed = [] if is_paused else list(work.session.scalars(due))
    wanted = wanted_versions(work, library_id) if doomed else set()
    going = [row.key for row in doomed if row.state != "removing" and not _is_wanted(work, row, wanted)]
    taken = update(Head).where(Head.key.in_(going), Head.doomed_at < before)
    work.session.execute(taken.values(state="removing", at=work.now).execution_options(synchronize_session=False))
    return list(work.session.scalars(select(Head.key).where(Head.library_id == library_id, Head.state == "removing").order_by(Head.key)))


def forget_heads(work: Work, keys: Sequence[str]) -> None:
    """Their objects are gone."""
    work.session.execute(delete(Head).where(Head.key.in_(keys), Head.state == "removing"))


def _is_wanted(work: Work, row: Head, wanted: set[Held]) -> bool:
    version = work.session.get(Version, (row.node_id, row.number)) if (row.node_id, row.number) in wanted else None
    return version is not None and version.digest == row.digest


def _stored_bytes(work: Work, version: Version, manifest: Manifest) -> int:
    """What the store keeps of a version, each chunk once."""
    chunks = find_chunks(work, version.library_id, (chunk.address for chunk in manifest.chunks))
    return sum(chunk.stored_bytes for chunk in chunks.values())


def _has_room(work: Work, version: Version) -> bool:
    """A copy never fills a library: what people save needs the room."""
    quota = work.session.get_one(Library, version.library_id).quota_bytes
    return quota is None or stored_bytes(work, version.library_id) + version.size_bytes <= quota

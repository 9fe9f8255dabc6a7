"""Uploads that nobody went on with are let go of, once an hour."""

from sync.library.storage import ObjectStore
from sync.library.uploads.actions import expire_uploads
from workspace.jobs.registry import periodic
from workspace.jobs.worker import JobRun

AT_ONCE = 200


@periodic("library.expire_uploads", every_s=3600)
def expire_old_uploads(run: JobRun) -> None:
    """Their packs stay, as any that no version names, until they are collected."""
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    while True:
        with run.open_work() as work:
            ids = expire_uploads(work, AT_ONCE)
        for upload_id in ids:
            remove_tails(store, upload_id)
        if len(ids) < AT_ONCE:
            return


def remove_tails(store: ObjectStore, upload_id: str) -> None:
    for found in list(store.list(f"uploads/{upload_id}/")):
        store.remove(found.key)

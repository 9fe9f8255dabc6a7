"""Deleting the files of images that are no longer in use. Which those are is decided in actions, and noted, before."""

import fcntl
import shutil
from collections.abc import Iterable, Set
from pathlib import Path

from desktops.hypervisor.disks import backing_file
from desktops.images.build import LOCK, list_images

_GONE = ".gone-"


def folders_in_use(desktops: Path) -> set[Path]:
    """The image folders that a system disk below ``desktops`` is backed by, known to the database or not.

    Raises HypervisorError when one disk cannot be read: then nothing may be deleted.
    """
    disks = sorted(desktops.glob("*/system-*.qcow2"))
    return {image.resolve().parent for image in map(backing_file, disks) if image is not None}


def delete_images(images: Path, digests: Set[str], *, keep: Iterable[Path]) -> list[str]:
    """Delete the images of these digests, but none of the folders to ``keep``; returns their names.

    Does nothing while an image is being built there. An image goes under another name first, so that one killed half-way
    is no image any more and its rest goes with the next call.
    """
    if not images.is_dir():
        return []
    kept = {folder.resolve() for folder in keep}
    with (images / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return []
        chosen = [image.folder for image in list_images(images) if image.digest in digests and image.folder.resolve() not in kept]
        for folder in chosen:
            folder.rename(images / f"{_GONE}{folder.name}")
        for rest in images.glob(f"{_GONE}*"):
            shutil.rmtree(rest)
    return [folder.name for folder in chosen]

"""Making built images known, and letting unreferenced ones go. Files are deleted by a job, after the refusal rule was asked here."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from desktops.images.access import count_desktops, get_image, present_images
from desktops.images.models import ImageEvent, ImageVersion
from workspace.db import new_id
from workspace.errors import Conflict
from workspace.i18n import _
from workspace.work import Work

KEPT = 2
"""Versions of each name that stay without a desktop: the newest, and the one that a desktop placed this moment may name."""


def add_image(work: Work, *, name: str, title: str, digest: str, path: str, facts: dict[str, Any]) -> ImageVersion:
    """Make a built image known as the next number of its name; the same digest again changes nothing."""
    known = work.session.scalar(select(ImageVersion).where(ImageVersion.digest == digest))
    if known is not None:
        return known
    number = (work.session.scalar(select(func.max(ImageVersion.number)).where(ImageVersion.name == name)) or 0) + 1
    image = ImageVersion(id=new_id(), name=name, title=title, number=number, digest=digest, path=path, facts=facts, added_at=work.now)
    work.session.add(image)
    work.record(ImageEvent.ADDED, subject=f"image:{image.id}", rooms=["desktops"], title=title, number=number)
    return image


def remove_image(work: Work, image_id: str) -> ImageVersion:
    """Take a version out of use. Conflict while a desktop is backed by it: its disk would be lost with it."""
    image = get_image(work, image_id)
    used = count_desktops(work, image_id)
    if used:
        raise Conflict(_("还有 %(n)s 台云桌面使用这个镜像", n=used), _("请先回收这些桌面，或让它们换用新版本。"), desktops=used)
    image.gone_at = work.now
    work.record(ImageEvent.REMOVED, subject=f"image:{image.id}", rooms=["desktops"], title=image.title, number=image.number)
    return image


def remove_superseded(work: Work, *, in_use: Iterable[Path]) -> None:
    """Take the versions out of use that have KEPT newer ones and no desktop. in_use: folders that a disk is backed by."""
    used, newer = {str(folder) for folder in in_use}, Counter[str]()
    for image in present_images(work):
        newer[image.name] += 1
        superseded = newer[image.name] > KEPT
        if superseded and not count_desktops(work, image.id) and str(Path(image.path).resolve()) not in used:
            remove_image(work, image.id)

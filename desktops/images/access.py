"""Finding image versions."""

from sqlalchemy import func, select

from desktops.images.models import ImageVersion
from desktops.machines.models import Desktop
from desktops.machines.rules import State
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.work import Work


def get_image(work: Work, image_id: str) -> ImageVersion:
    image = work.session.get(ImageVersion, image_id)
    if image is None:
        raise NotFound(_("没有找到这个镜像"), _("它可能已被移除。"))
    return image


def newest_image(work: Work, name: str) -> ImageVersion | None:
    """The version that new desktops are cloned from; None while none was built."""
    query = select(ImageVersion).where(ImageVersion.name == name, ImageVersion.gone_at.is_(None))
    return work.session.scalar(query.order_by(ImageVersion.number.desc()).limit(1))


def present_images(work: Work) -> list[ImageVersion]:
    query = select(ImageVersion).where(ImageVersion.gone_at.is_(None)).order_by(ImageVersion.name, ImageVersion.number.desc())
    return list(work.session.scalars(query))


def gone_digests(work: Work) -> set[str]:
    """Of versions that were taken out of use; their files may still be there."""
    return set(work.session.scalars(select(ImageVersion.digest).where(ImageVersion.gone_at.is_not(None))))


def known_digests(work: Work) -> set[str]:
    return set(work.session.scalars(select(ImageVersion.digest)))


def count_desktops(work: Work, image_id: str) -> int:
    """Living desktops whose system disk is backed by the image."""
    query = select(func.count()).select_from(Desktop).where(Desktop.image_id == image_id, Desktop.state != State.GONE)
    return int(work.session.scalar(query) or 0)

"""Image versions: numbered, and kept while a desktop is backed by them."""

import pytest

from desktops.images.access import newest_image
from desktops.images.actions import add_image, remove_image
from desktops.machines.actions import open_desktop
from desktops.machines.models import DesktopEvent
from tests.house import member_named
from workspace.db import Database
from workspace.errors import Conflict
from workspace.parts import Parts
from workspace.work import Work, open_work


def add(work: Work, digest: str) -> str:
    image = add_image(work, name="desktop", title="设计桌面", digest=digest, path=f"/images/{digest}", facts={})
    work.session.flush()
    return image.id


def test_add_when_the_same_digest_comes_again_then_nothing_is_written(company: Database, parts: Parts) -> None:
    with open_work(company, parts=parts) as work:
        first = add(work, "a")
    with open_work(company, parts=parts) as work:
        assert add(work, "a") == first
        assert work.recorded == []


def test_newest_when_versions_come_and_go_then_the_highest_present(company: Database, parts: Parts) -> None:
    with open_work(company, parts=parts) as work:
        assert newest_image(work, "desktop") is None
        first, second = add(work, "a"), add(work, "b")
        assert newest_image(work, "desktop").id == second
        remove_image(work, second)
        assert newest_image(work, "desktop").id == first
        third = add(work, "c")
        assert newest_image(work, "desktop").number == 3, "a number is never given twice"
        assert newest_image(work, "desktop").id == third


def test_remove_when_a_desktop_is_backed_by_it_then_conflict(company: Database, parts: Parts) -> None:
    with open_work(company, parts=parts) as work:
        image_id = add(work, "a")
        desktop = open_desktop(work, member_id=member_named(work, "苏航").id)
        desktop.image_id = image_id
        work.session.flush()
        with pytest.raises(Conflict):
            remove_image(work, image_id)
        desktop.state = "gone"
        work.record(DesktopEvent.RECLAIMED, subject=f"desktop:{desktop.id}", rooms=["desktops"])
        work.session.flush()
        remove_image(work, image_id)

"""What acts for a member without a browser, in their own hands: computers, network folders, and taking them back."""

import json
from typing import Any

from flask import flash, redirect, render_template, request

from workspace.devices.actions import add_folder_access, issue_code, revoke_own_device
from workspace.devices.queries import own_devices
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.people.models import Member
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("devices", __name__)

NAME_LENGTH = 60


@pages.get("/devices", needs=SIGNED_IN)
def show_devices(work: Work) -> str:
    """One's own computers, desktops and network folders."""
    return _page(work)


@pages.post("/devices/computers", needs=SIGNED_IN)
def add_computer(work: Work) -> str:
    """A one-time code by which a computer enrols; it is shown this once."""
    name = _name()
    member_id = str(work.actor.member_id)
    code = issue_code(work, member_id=member_id, kind="pc", name=name)
    seed = json.dumps({"api": request.host_url.rstrip("/"), "code": code, "device_name": name}, ensure_ascii=False, indent=2)
    return _page(work, computer={"name": name, "seed": seed})


@pages.post("/devices/folders", needs=SIGNED_IN)
def add_folder(work: Work) -> str:
    """A password with which programs open the libraries as a network folder; it is shown this once."""
    name = _name()
    password = add_folder_access(work, name=name)
    member = work.session.get_one(Member, work.actor.member_id)
    folder = {"name": name, "address": f"{request.host_url}dav/", "login": member.login, "password": password}
    return _page(work, folder=folder)


@pages.post("/devices/<device_id>/revocation", needs=SIGNED_IN)
def revoke(work: Work, device_id: str) -> Any:
    """Stop one of one's own devices at once."""
    name = revoke_own_device(work, device_id)
    flash(_("已停用“%(name)s”", name=name), "success")
    return redirect("/devices", 303)


def _page(work: Work, **shown: Any) -> str:
    return render_template("devices/devices.html", devices=own_devices(work), **shown)


def _name() -> str:
    name = " ".join(request.form.get("name", "").split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise InvalidInput(_("请给它起个名字"), fields={"name": _("请填写 1 到 %(n)s 个字", n=NAME_LENGTH)})
    return name

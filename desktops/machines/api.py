"""Desktops over JSON."""

from flask import request
from pydantic import BaseModel, ConfigDict, Field

from desktops.consoles.actions import issue_console
from desktops.machines import actions, queries
from desktops.machines.models import DesktopPermission
from desktops.machines.queries import DesktopRow
from workspace.secrets import token_hash
from workspace.security import SESSION_COOKIE, service_urls
from workspace.settings import Settings
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("desktops_api", __name__, api=True)


class DesktopList(BaseModel):
    desktops: list[DesktopRow]


class OpenBody(BaseModel):
    """template_id: None = the default template. member_id: None = oneself; another member needs the right to manage."""

    model_config = ConfigDict(extra="forbid")
    template_id: str | None = Field(default=None, max_length=26)
    member_id: str | None = Field(default=None, max_length=26)


class ConsoleOut(BaseModel):
    """token: once, within expires_s, as WebSocket subprotocol ``mainline.TOKEN`` beside ``binary`` at url."""

    token: str
    url: str
    expires_s: int


@api.get("/desktops", needs=SIGNED_IN, returns=DesktopList)
def list_desktops(work: Work) -> DesktopList:
    """The member's own desktops; for those who manage desktops, all of them."""
    return DesktopList(desktops=queries.list_desktops(work))


@api.get("/desktops/<desktop_id>", needs=SIGNED_IN, returns=DesktopRow)
def show_desktop(work: Work, desktop_id: str) -> DesktopRow:
    """One desktop."""
    return _shown(work, desktop_id)


@api.post("/desktops/open", needs=SIGNED_IN, body=OpenBody, returns=DesktopRow)
def open_desktop(work: Work, body: OpenBody) -> DesktopRow:
    """Ask for a desktop; a member who has one of this template gets that one."""
    return _shown(work, actions.open_desktop(work, member_id=body.member_id or work.actor.member_id or "", template_id=body.template_id).id)


@api.post("/desktops/<desktop_id>/connect", needs=DesktopPermission.OWN, returns=DesktopRow)
def connect_desktop(work: Work, desktop_id: str) -> DesktopRow:
    """Start or wake it if it is not up; ask for a console token when it is."""
    return _shown(work, actions.connect_desktop(work, desktop_id).id)


@api.post("/desktops/<desktop_id>/wake", needs=SIGNED_IN, returns=DesktopRow)
def wake_desktop(work: Work, desktop_id: str) -> DesktopRow:
    """Start or wake it; a manager may do this for others."""
    return _shown(work, actions.connect_desktop(work, desktop_id).id)


@api.post("/desktops/<desktop_id>/hibernate", needs=SIGNED_IN, returns=DesktopRow)
def hibernate_desktop(work: Work, desktop_id: str) -> DesktopRow:
    """Save its memory and switch it off."""
    return _shown(work, actions.hibernate_desktop(work, desktop_id).id)


@api.post("/desktops/<desktop_id>/restart", needs=SIGNED_IN, returns=DesktopRow)
def restart_desktop(work: Work, desktop_id: str) -> DesktopRow:
    """Switch it off and on; a saved memory is dropped."""
    return _shown(work, actions.restart_desktop(work, desktop_id).id)


@api.post("/desktops/<desktop_id>/retry", needs=SIGNED_IN, returns=DesktopRow)
def retry_desktop(work: Work, desktop_id: str) -> DesktopRow:
    """Try again at once after a failure."""
    return _shown(work, actions.retry_desktop(work, desktop_id).id)


@api.post("/desktops/<desktop_id>/reclaim", needs=DesktopPermission.MANAGE, returns=DesktopRow)
def reclaim_desktop(work: Work, desktop_id: str) -> DesktopRow:
    """Take it away; the home disk is kept."""
    return _shown(work, actions.reclaim_desktop(work, desktop_id).id)


@api.post("/desktops/<desktop_id>/console", needs=DesktopPermission.OWN, returns=ConsoleOut)
def open_console(work: Work, desktop_id: str) -> ConsoleOut:
    """A token that opens the screen of one's own desktop, once."""
    settings = work.parts.get(Settings)
    token = issue_console(work, desktop_id, sign_in_hash=token_hash(request.cookies.get(SESSION_COOKIE, "")))
    url = service_urls(settings)["gateway"].replace("http", "ws", 1)
    return ConsoleOut(token=token, url=f"{url}/console", expires_s=min(60, settings.console_token_s))


def _shown(work: Work, desktop_id: str) -> DesktopRow:
    work.session.flush()
    return queries.show_desktop(work, desktop_id)

"""Downloads of a folder, or of what was chosen in it, as one zip."""

from zoneinfo import ZoneInfo

from flask import Response, request

from sync.library.assets.selection_pages import CHOSEN_MOST
from sync.library.content.places import Places
from sync.library.content.sending import disposition
from sync.library.storage import ObjectStore
from sync.library.zips.queries import ZipPlan, plan_zip
from sync.library.zips.rules import BYTES_MOST, DEPTH_MOST, FILES_MOST, too_much
from sync.library.zips.streaming import Held, Words, stream_zip
from workspace.db import Database
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.settings import Settings
from workspace.web import SIGNED_IN, Routes, request_work, web

pages = Routes("zips", __name__)

SENDING = Places(most=4, each=2)
GIB = 1024**3


@pages.get("/library/folders/<folder_id>/zip", needs=SIGNED_IN, opens_work=False)
def download_folder(folder_id: str) -> Response:
    """Everything in a folder and below it."""
    with request_work(writes=False) as work:
        plan = plan_zip(work, folder_id)
    return send_zip(plan)


@pages.post("/library/folders/<folder_id>/zip", needs=SIGNED_IN, opens_work=False)
def download_chosen(folder_id: str) -> Response:
    """What was chosen in a folder; folders with all that is below them."""
    chosen = [each.partition(":")[0] for each in request.form.getlist("ids")]
    if not chosen or len(chosen) > CHOSEN_MOST:
        raise InvalidInput(_("请先选择文件"), _("一次最多选择 %(n)s 项。", n=CHOSEN_MOST))
    with request_work(writes=False) as work:
        plan = plan_zip(work, folder_id, chosen)
    return send_zip(plan)


def send_zip(plan: ZipPlan, *, reader: str = "") -> Response:
    """Answer with the zip. reader: who takes a place among those under way, the member when not given.

    InvalidInput when it is empty or too large, TooManyRequests when enough are under way.
    """
    if not plan.entries:
        raise InvalidInput(_("没有可以下载的文件"), _("这个文件夹是空的。"))
    if too_much(plan.entries):
        bounds = {"files": FILES_MOST, "gib": BYTES_MOST // GIB, "depth": DEPTH_MOST}
        detail = _("一次最多 %(files)s 个文件、%(gib)s GB、%(depth)s 层文件夹，请分几次下载。", **bounds)
        raise InvalidInput(_("下载的内容太多"), detail)
    if not reader:
        with request_work(writes=False) as work:
            reader = str(work.actor.member_id)
    parts = web().parts
    words = Words(
        _("{name}.没有读到.txt"), _("“{name}”现在读不出来，没有放进这个压缩包。请稍后重新下载，或联系管理员。"),
        _("{name}.不完整.txt"), _("“{name}”只读出了一部分，压缩包里的这一份不完整，请不要使用。请稍后重新下载。"),
    )  # fmt: skip
    zone = ZoneInfo(parts.get(Settings).time_zone)
    SENDING.take(reader)
    body = stream_zip(parts.get(Database), parts.get(ObjectStore), plan.entries, words, zone)  # type: ignore[type-abstract]
    response = Response(Held(body, lambda: SENDING.leave(reader)), content_type="application/zip")
    response.headers["Content-Disposition"] = disposition("attachment", f"{plan.name}.zip")
    response.headers["Cache-Control"] = "no-store"
    return response

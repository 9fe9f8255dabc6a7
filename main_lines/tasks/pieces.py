"""What lies with an order before and when it is handed in: each expected deliverable under its name, and whatever else there is."""

from dataclasses import dataclass
from typing import Any

from main_lines.tasks.access import get_task, pieces_of, standing_of, take_up
from main_lines.tasks.models import TaskDeliverable, TaskEvent, TaskOrder
from main_lines.tasks.record import deliverable_kept, record, refusal
from main_lines.tasks.rules import State, decide_filing, still_missing
from sync.library.assets.access import pin_of
from workspace.db import new_id
from workspace.errors import InvalidInput, NotFound
from workspace.i18n import _
from workspace.phrases import Phrase, facts_of, phrase
from workspace.work import Work

PINNED = ("asset_id", "version", "digest", "name")
PIECES_MOST = 100


@dataclass(frozen=True)
class AssetDelivery:
    """A version of an asset; pinned by its digest when delivered."""

    asset_id: str
    version: int


def content_of(work: Work, delivery: AssetDelivery | str) -> dict[str, Any]:
    """An asset pinned to its version, a link, or a text. InvalidInput for nothing at all."""
    if isinstance(delivery, AssetDelivery):
        pin = pin_of(work, delivery.asset_id, delivery.version)
        return {"kind": "asset", **{name: getattr(pin, name) for name in PINNED}}
    text = delivery.strip()
    if not text:
        raise InvalidInput(_("请填写交付物"), fields={"text": _("请填写链接或文字说明")})
    return {"kind": "link" if text.startswith(("https://", "http://")) and " " not in text else "text", "text": text}


def missing_of(work: Work, order: TaskOrder) -> list[str]:
    """Names of the expected deliverables that nothing lies under."""
    return still_missing(order.expected, [piece.name for piece in pieces_of(work, order.id)])


def put_piece(
    work: Work, order: TaskOrder, content: dict[str, Any], *, name: str = "", instead_of: dict[str, Any] | None = None,
    by_id: str | None = None,
) -> TaskDeliverable:  # fmt: skip
    """Lay it with the order. Under a name it takes the place of what lay there; unnamed, that of another version of the same asset,
    or of ``instead_of``. A correction is thus one act, and what an order delivers is never in doubt; the history tells what was there.
    """
    if name and name not in order.expected:
        raise InvalidInput(_("没有这一项交付物"), fields={"name": _("请从列表中选择")})
    pieces = pieces_of(work, order.id)
    if len(pieces) >= PIECES_MOST:
        raise InvalidInput(_("交付物太多"), _("最多 %(n)s 件，请合并后再放入。", n=PIECES_MOST))
    for piece in pieces:
        same_asset = content["kind"] == "asset" and piece.asset_id == content["asset_id"]
        if piece.name == name and (name or same_asset or piece.content in (content, instead_of)):
            work.session.delete(piece)
    piece = TaskDeliverable(
        id=new_id(), task_id=order.id, line_id=order.line_id, name=name, content=content, asset_id=content.get("asset_id"),
        by_id=by_id or work.actor.member_id or order.owner_id or order.written_by_id, at=work.now,
    )  # fmt: skip
    work.session.add(piece)
    work.session.flush()
    return piece


def file_piece(work: Work, task_id: str, delivery: AssetDelivery | str, *, name: str = "") -> TaskOrder:
    """Lay one deliverable with the order and go on working; it is handed in later, together with the others."""
    order = get_task(work, task_id, lock=True)
    _check_filing(work, order)
    content = content_of(work, delivery)
    put_piece(work, order, content, name=name)
    take_up(work, order)
    _record_filed(work, order, content, name, by=work.actor.name)
    return order


def file_for_approval(work: Work, order: TaskOrder, content: dict[str, Any], *, by: str, by_id: str | None) -> str | None:
    """Where what an approval carries belongs: under the name where this asset lies, else the first that misses something.

    Returns that name when the order is complete with it and can be handed in; None when others are missing still: it was laid there.
    """
    lies = {piece.asset_id: piece.name for piece in pieces_of(work, order.id) if piece.asset_id}
    missing = missing_of(work, order)
    name = lies.get(content.get("asset_id", ""), missing[0] if missing else "")
    if not set(missing) - {name}:
        return name
    put_piece(work, order, content, name=name, by_id=by_id)
    _record_filed(work, order, content, name, by=by)
    return None


def drop_piece(work: Work, task_id: str, piece_id: str) -> TaskOrder:
    """Take one out again, before it is handed in."""
    order = get_task(work, task_id, lock=True)
    piece = work.session.get(TaskDeliverable, piece_id)
    if piece is None or piece.task_id != order.id:
        raise NotFound(_("没有找到这件交付物"), _("请刷新后查看最新状态。"))
    _check_filing(work, order)
    work.session.delete(piece)
    record(work, TaskEvent.UNFILED, order, **facts_of(what=_named(piece.name, piece.content)))
    return order


def _record_filed(work: Work, order: TaskOrder, content: dict[str, Any], name: str, *, by: str) -> None:
    missing = missing_of(work, order)
    record(
        work, TaskEvent.FILED, order, by=by, deliverable=content, missing=missing, plan=order.plan, **facts_of(what=_named(name, content))
    )


def _check_filing(work: Work, order: TaskOrder) -> None:
    refused = decide_filing(State(order.state), standing_of(work, order))
    if refused is not None:
        raise refusal(refused.why, order)


def _named(name: str, content: dict[str, Any]) -> Phrase | str:
    words = deliverable_kept(content)
    return phrase("%(name)s · %(what)s", name=name, what=words) if name else words

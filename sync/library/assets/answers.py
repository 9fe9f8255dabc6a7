"""Answers to operations: those given before, the states they tell of, and what they wait for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import bindparam, select

from sync.core.codec import from_bytes, to_bytes
from sync.core.protocol import ErrorCode, Op, OpAnswer, is_id
from sync.core.protocol import Node as NodeMessage
from sync.library.assets.log import Receipt
from sync.library.assets.models import OpAnswer as OpAnswerRow
from sync.library.assets.wire import refused
from workspace.db import insert_into
from workspace.i18n import _
from workspace.work import Work

_EARLIER = select(OpAnswerRow.op_id, OpAnswerRow.body).where(
    OpAnswerRow.device_id == bindparam("device"),
    OpAnswerRow.library_id == bindparam("library"),
    OpAnswerRow.op_id.in_(bindparam("ops", expanding=True)),
)
_KEEP = insert_into(OpAnswerRow)


def earlier_answers(work: Work, library_id: str, ops: Sequence[Op]) -> dict[str, bytes]:
    if work.actor.device_id is None:
        return {}
    asked = {"device": work.actor.device_id, "library": library_id, "ops": [op.op_id for op in ops]}
    return {op_id: bytes(body) for op_id, body in work.read(_EARLIER, asked)}


class Answers:
    """The answers to one request, some of which were given before. ``keep`` once at the end."""

    def __init__(self, work: Work, library_id: str, earlier: Mapping[str, bytes]) -> None:
        self._work, self._library_id = work, library_id
        self._known, self._fresh = dict(earlier), dict[str, bytes]()

    def to(self, op: Op, apply: Callable[[Op], OpAnswer]) -> bytes:
        """The answer to an operation as JSON: the first one there was; ``apply`` carries the operation out where there is none."""
        if (known := self._known.get(op.op_id)) is not None:
            return known
        answer = apply(op)
        body = to_bytes(answer)
        if is_id(answer.op_id):
            self._known[answer.op_id] = self._fresh[answer.op_id] = _kept(answer, body)
        return body

    def keep(self) -> None:
        """Write the new ones down, for an agent that asks again."""
        device_id = self._work.actor.device_id
        if device_id is None:
            return
        common = {"device_id": device_id, "library_id": self._library_id, "at": self._work.now}
        self._work.write(_KEEP, [{**common, "op_id": op_id, "body": body} for op_id, body in self._fresh.items()])


def _kept(answer: OpAnswer, body: bytes) -> bytes:
    """An answer as it is written down. body: as it is sent.

    A refusal as well: its device starts over under another op_id, or has changed its mind, and what still travels under this one
    must not be carried out when the reason is gone. Kept without the missing chunks, which may be as many as the file has.
    """
    if answer.error is not None and answer.error.missing:
        return to_bytes(replace(answer, error=replace(answer.error, missing=())))
    return body


def shown_in(body: bytes) -> list[NodeMessage]:
    answer = from_bytes(OpAnswer, body)
    return [node for node in (answer.node, answer.second) if node is not None]


def own_receipt(work: Work, library_id: str) -> Receipt:
    """For an answer that one transaction gives: settled as soon as it is over."""
    receipt = Receipt(library_id)
    work.after.append(partial(receipt.settle, work.parts))
    return receipt


def not_allowed(op: Op, *, in_folder: bool = False) -> OpAnswer:
    """in_folder: the actor may edit elsewhere in the library. The same whether the folder is seen or hidden."""
    if in_folder:
        return refused(op.op_id, ErrorCode.NOT_ALLOWED, _("您不能在这个文件夹里修改"), _("请联系文件夹的管理者取得编辑权限。"))
    return refused(op.op_id, ErrorCode.NOT_ALLOWED, _("您在这个素材库里只能查看"), _("请联系素材库的管理者取得编辑权限。"))

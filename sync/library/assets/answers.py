"""Answers to operations: those given before, the states they tell of, and what they wait for."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import select

from sync.core.codec import from_bytes, to_bytes
from sync.core.protocol import ErrorCode, Op, OpAnswer, is_id
from sync.core.protocol import Node as NodeMessage
from sync.library.assets.log import Receipt
from sync.library.assets.models import OpAnswer as OpAnswerRow
from sync.library.assets.wire import refused
from workspace.i18n import _
from workspace.work import Work


def earlier_answers(work: Work, library_id: str, ops: Sequence[Op]) -> dict[str, bytes]:
    if work.actor.device_id is None:
        return {}
    query = select(OpAnswerRow.op_id, OpAnswerRow.body).where(
        OpAnswerRow.device_id == work.actor.device_id, OpAnswerRow.library_id == library_id, OpAnswerRow.op_id.in_([op.op_id for op in ops])
    )
    return {op_id: bytes(body) for op_id, body in work.session.execute(query)}


def first_answer(work: Work, library_id: str, answer: OpAnswer, earlier: dict[str, bytes]) -> bytes:
    """Write an answer down among the earlier ones; returns it as JSON.

    A refusal as well: its device starts over under another op_id, or has changed its mind, and what still travels under this one
    must not be carried out when the reason is gone. Kept without the missing chunks, which may be as many as the file has.
    """
    body = to_bytes(answer)
    if work.actor.device_id is not None and is_id(answer.op_id):
        kept = body
        if answer.error is not None and answer.error.missing:
            kept = to_bytes(replace(answer, error=replace(answer.error, missing=())))
        earlier[answer.op_id] = kept
        row = OpAnswerRow(device_id=work.actor.device_id, library_id=library_id, op_id=answer.op_id, body=kept, at=work.now)
        work.session.add(row)
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

"""Catalogue rows as messages of the protocol, and refusals in words."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row

from sync.core.hashing import Address
from sync.core.paths import NameProblem
from sync.core.protocol import ErrorCode, NodeKind, OpAnswer, Outcome, Problem
from sync.core.protocol import Lease as LeaseMessage
from sync.core.protocol import Node as NodeMessage
from sync.core.protocol import Right as RightMessage
from sync.library.assets.models import Node
from sync.library.leases.models import Lease
from sync.library.libraries.rules import Right
from workspace.i18n import _

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OLDEST, _NEWEST = datetime(1601, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Times that every file system, zone and format can say; at the very ends of the calendar no zip and no page could."""


NODE_COLUMNS = (
    Node.id, Node.library_id, Node.parent_id, Node.name, Node.kind, Node.version, Node.size_bytes, Node.digest, Node.modified_at,
    Node.author_name, Node.deleted_at, Node.seq, Node.head_of,
)  # fmt: skip
"""What agents are told of a node."""
_KINDS = {kind.value: kind for kind in NodeKind}
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND


def from_ms(value_ms: int) -> datetime:
    """The instant; one that cannot be is taken as the epoch, because a broken clock must not lose a save."""
    try:
        at = _EPOCH + timedelta(milliseconds=value_ms)
    except OverflowError:
        return _EPOCH
    return at if _OLDEST <= at <= _NEWEST else _EPOCH


def node_message(node: Node | Row[Any], library_name: str) -> NodeMessage:
    """node: also a row of NODE_COLUMNS."""
    # A frozen class would set each field by a call of its own, and a page of the feed has thousands of rows.
    message = object.__new__(NodeMessage)
    message.__dict__.update(
        id=node.id, library=node.library_id, parent=node.parent_id, name=node.name if node.parent_id else library_name,
        kind=_KINDS[node.kind], version=node.version, size_bytes=node.size_bytes, manifest=node.digest, modified_ms=to_ms(node.modified_at),
        author=node.author_name, deleted=node.deleted_at is not None, seq=node.seq, head_of=node.head_of, right=None,
    )  # fmt: skip
    return message


def lease_message(lease: Lease, now: datetime) -> LeaseMessage:
    return LeaseMessage(lease.node_id, lease.member_id, lease.member_name, max(0, (lease.until - now) // timedelta(milliseconds=1)))


def hidden_message(node: Node | Row[Any]) -> NodeMessage:
    """A node that the member may not see, or not any more: gone, and nothing else is said of it."""
    return NodeMessage(
        id=node.id, library=node.library_id, parent=None, name="", kind=NodeKind.FILE, version=0, size_bytes=0, manifest=None,
        modified_ms=0, author="", deleted=True, seq=node.seq, right=RightMessage.NONE,
    )  # fmt: skip


def right_message(right: Right) -> RightMessage:
    """What an agent must know of a right."""
    if right >= Right.EDIT:
        return RightMessage.EDIT
    return RightMessage.SEE if right >= Right.SEE else RightMessage.NONE


def refused(op_id: str, code: ErrorCode, title: str, message: str = "", *, missing: Sequence[Address] = ()) -> OpAnswer:
    retryable = code is ErrorCode.CHUNKS_MISSING
    return OpAnswer(op_id, Outcome.REFUSED, error=Problem(code, title, message, retryable, tuple(missing)))


def name_problem_in_words(problem: NameProblem) -> str:
    """The reason why a name cannot be stored, for the person who typed it."""
    return {
        NameProblem.EMPTY: _("名称不能为空。"),
        NameProblem.DOTS: _("名称不能只由点组成。"),
        NameProblem.SLASH: _("名称里不能有斜杠。"),
        NameProblem.CONTROL: _("名称里有看不见的控制字符。"),
        NameProblem.FORBIDDEN: _('名称里不能有 < > : " | ? * 这些字符。'),
        NameProblem.TRAILING: _("名称不能以点或空格结尾。"),
        NameProblem.RESERVED: _("这个名称被 Windows 保留，请换一个。"),
        NameProblem.TOO_LONG: _("名称太长，请缩短。"),
        NameProblem.NOT_UNICODE: _("名称里有无法识别的字符。"),
    }[problem]

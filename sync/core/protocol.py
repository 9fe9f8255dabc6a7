"""What the agent and the library say to each other: every HTTP request and answer, protocol 1.

Both ends import these dataclasses and turn them into JSON with `sync.core.codec`; nobody writes JSON by hand. Paths are
in `Endpoint`. `docs/reference/sync-protocol.md` says in words what each request means. Times are milliseconds since the
epoch, UTC. Ids of nodes and of operations are made by the agent, so that work offline and resending need no answer.

Over 400 lines because it is the whole wire format, and two halves would be read side by side anyway.
"""

from __future__ import annotations

import re
from dataclasses import field
from enum import StrEnum
from typing import ClassVar

from sync.core.hashing import Address
from sync.core.manifest import Manifest
from sync.core.messages import message

VERSION = "1"
VERSION_HEADER = "Mainline-Protocol"

MAX_OPS = 1000
MAX_MISSING = 10_000
MAX_UPLOADS = 32
MAX_PLACES = 1024
MAX_LEASES = 200
MAX_NODES = 5000
MAX_WAIT_S = 30
MAX_ASKS = 50
MAX_TOLD = 8

_ID = re.compile(r"[0-9A-Za-z-]{20,40}\Z")


def is_id(text: str) -> bool:
    """Whether a node or operation id chosen by an agent is acceptable."""
    return _ID.match(text) is not None


class Endpoint(StrEnum):
    """Paths, all POST but `LIBRARIES`; `{library}` is replaced by the library's id."""

    ENROL = "/api/agent/enrol"
    HEARTBEAT = "/api/agent/heartbeat"
    LIBRARIES = "/api/agent/libraries"
    FEED = "/api/agent/feed"
    CHILDREN = "/api/agent/libraries/{library}/children"
    MISSING = "/api/agent/libraries/{library}/missing"
    PACKS = "/api/agent/libraries/{library}/packs"
    OPS = "/api/agent/libraries/{library}/ops"
    CONTENT = "/api/agent/libraries/{library}/content"
    LEASES = "/api/agent/libraries/{library}/leases"

    def path(self, library: str = "") -> str:
        """The path for a library."""
        return self.value.replace("{library}", library)


class ErrorCode(StrEnum):
    """Codes that an agent acts on. Others are shown as they come."""

    UNAUTHENTICATED = "unauthenticated"
    CODE_USED = "code_used"
    CODE_UNKNOWN = "code_unknown"
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    BAD_MESSAGE = "bad_message"
    PROTOCOL_UNSUPPORTED = "protocol_unsupported"
    UNAVAILABLE = "unavailable"
    NAME_REFUSED = "name_refused"
    NAME_TAKEN = "name_taken"
    WOULD_LOOP = "would_loop"
    PARENT_GONE = "parent_gone"
    NODE_GONE = "node_gone"
    NOT_EMPTY = "not_empty"
    CHUNKS_MISSING = "chunks_missing"
    QUOTA = "quota"
    CHECKED_OUT = "checked_out"


@message(frozen=True)
class Problem:
    """The one error shape. title: for the person; message: with the next step. missing: with CHUNKS_MISSING only."""

    code: str
    title: str
    message: str = ""
    retryable: bool = False
    missing: tuple[Address, ...] = ()


@message(frozen=True)
class ErrorAnswer:
    """Body of every answer whose status is 400 or above."""

    error: Problem


# --- identity -------------------------------------------------------------------------------------------------------


@message(frozen=True)
class EnrolRequest:
    """code: once only. nonce: the agent's own secret; the same code with the same nonce may ask again."""

    code: str
    nonce: str
    device_name: str
    platform: str
    agent_version: str


@message(frozen=True)
class Member:
    """The author of everything this device saves."""

    id: str
    name: str


@message(frozen=True)
class EnrolAnswer:
    """token: the Bearer token of this device. desktop: None on a PC."""

    token: str
    device: str
    member: Member
    desktop: str | None = None


class AgentState(StrEnum):
    """What the agent says of itself. MOUNTED makes a desktop ready."""

    STARTING = "starting"
    MOUNTED = "mounted"
    STOPPING = "stopping"


@message(frozen=True)
class HeartbeatRequest:
    """pending_*: acknowledged to programs but not yet safe in the library.

    cursors: library -> seq up to which this device knows everything. asks: nodes whose `seen` is wanted, at most MAX_ASKS.
    """

    state: AgentState
    mount_point: str
    pending_ops: int
    pending_bytes: int
    agent_version: str
    error: str | None = None
    cursors: dict[str, int] | None = None
    asks: tuple[str, ...] = ()


@message(frozen=True)
class HeartbeatAnswer:
    """heartbeat_s: when to send the next one. seen: node -> how many other devices know its newest change; of those asked for."""

    server_ms: int
    heartbeat_s: int
    libraries_tag: str
    seen: dict[str, int] | None = None


# --- the catalogue --------------------------------------------------------------------------------------------------


class Right(StrEnum):
    """What a member may do in a library or folder. NONE, of a folder: only its name, because it leads to one that they may see."""

    NONE = "none"
    SEE = "see"
    EDIT = "edit"


@message(frozen=True)
class Library:
    """root: node id of its top folder. seq: its latest change. quota_bytes: None without a limit."""

    id: str
    name: str
    root: str
    rights: tuple[Right, ...]
    seq: int
    quota_bytes: int | None = None
    used_bytes: int = 0


@message(frozen=True)
class LibrariesAnswer:
    """tag: changes whenever the set of libraries, a name or a right does."""

    tag: str
    libraries: tuple[Library, ...]


class NodeKind(StrEnum):
    """What a node is."""

    FILE = "file"
    FOLDER = "folder"


@message(frozen=True)
class Node:
    """A row of the catalogue. parent: None for the root. version: 0 for folders. seq: last change of this row.

    head_of: the node of which this one is a second head (conflict copy), or None. right: of a folder where the member's right is
    not the library's; None where it is. With ``deleted``, NONE means that the member may not see it, whatever became of it.
    """

    id: str
    library: str
    parent: str | None
    name: str
    kind: NodeKind
    version: int
    size_bytes: int
    manifest: Address | None
    modified_ms: int
    author: str
    deleted: bool
    seq: int
    head_of: str | None = None
    right: Right | None = None


@message(frozen=True)
class FeedRequest:
    """cursors: library -> seq up to which the agent knows everything; 0 asks for the whole tree. contents: see FeedPage."""

    cursors: dict[str, int]
    libraries_tag: str
    wait_s: int
    limit: int = MAX_NODES
    contents: bool = False


@message(frozen=True)
class Lease:
    """A check-out: only this member may change the node, for left_ms more unless it is renewed."""

    node: str
    member: str
    name: str
    left_ms: int


@message(frozen=True)
class FeedPage:
    """Rows after the cursor in order of seq. more: ask again at once. leases: all that are in force in the library now.

    contents: for whoever asked for them, what CONTENT would say of small versions that others have just saved, MAX_TOLD at most.
    """

    library: str
    nodes: tuple[Node, ...]
    cursor: int
    more: bool
    leases: tuple[Lease, ...] = ()
    contents: tuple[ContentAnswer, ...] = ()


@message(frozen=True)
class LeasesRequest:
    """take: check these nodes out, or renew; give_back: return what this device has open."""

    take: tuple[str, ...]
    give_back: tuple[str, ...] = ()


@message(frozen=True)
class LeasesAnswer:
    """The check-outs in force of the nodes that were to be taken, whoever has them. One that is not there could not be taken."""

    leases: tuple[Lease, ...]


@message(frozen=True)
class FeedAnswer:
    """Answers at once if something is newer than a cursor or the tag differs, otherwise after wait_s, without pages."""

    libraries_tag: str
    pages: tuple[FeedPage, ...]


@message(frozen=True)
class ChildrenRequest:
    """What is in a folder now, for whoever looks into it before the feed has come that far. folder: node id."""

    folder: str


@message(frozen=True)
class ChildrenAnswer:
    """Live nodes by name, MAX_NODES at most; none where the folder is not there for the member. The feed brings each of them too."""

    nodes: tuple[Node, ...]


# --- content up -----------------------------------------------------------------------------------------------------


@message(frozen=True)
class MissingRequest:
    """uploads: how many upload slots are wanted if anything is missing, or ahead of the next save if no chunk is asked for.

    bases: manifests of versions that the saves go on from. Who sees only a part of a library need not bring their chunks again.
    """

    chunks: tuple[Address, ...]
    uploads: int
    bases: tuple[Address, ...] = ()


@message(frozen=True)
class Upload:
    """A slot for one pack: a presigned PUT, good until expires_ms. headers must be sent as they are."""

    pack: str
    url: str
    headers: dict[str, str]
    expires_ms: int
    max_bytes: int


@message(frozen=True)
class MissingAnswer:
    """missing: the chunks that are not verified in this library."""

    missing: tuple[Address, ...]
    uploads: tuple[Upload, ...]


@message(frozen=True)
class StoredPack:
    """A pack that was PUT. address: of the whole pack."""

    pack: str
    address: Address
    size_bytes: int


class PackState(StrEnum):
    """VERIFIED: its chunks serve from now on. PENDING: ask again. ABSENT, CORRUPT: send again in a new slot."""

    VERIFIED = "verified"
    PENDING = "pending"
    ABSENT = "absent"
    CORRUPT = "corrupt"


@message(frozen=True)
class PacksRequest:
    """Packs that were PUT, to be verified and recorded."""

    packs: tuple[StoredPack, ...]


@message(frozen=True)
class PackReport:
    """State of one pack."""

    pack: str
    state: PackState


@message(frozen=True)
class PacksAnswer:
    """One report a pack, in order."""

    packs: tuple[PackReport, ...]


# --- operations -----------------------------------------------------------------------------------------------------


@message(frozen=True)
class Commit:
    """A save. base_version: the version it was made from, 0 for a new file; parent and name count for a new file."""

    KIND: ClassVar[str] = "commit"
    op_id: str
    node: str
    parent: str
    name: str
    base_version: int
    manifest: Manifest
    modified_ms: int
    kind: str = field(default="commit")


@message(frozen=True)
class MakeFolder:
    """A new folder."""

    KIND: ClassVar[str] = "make_folder"
    op_id: str
    node: str
    parent: str
    name: str
    kind: str = field(default="make_folder")


@message(frozen=True)
class Rename:
    """A new name, a new folder, or both; whatever is inside comes along."""

    KIND: ClassVar[str] = "rename"
    op_id: str
    node: str
    parent: str
    name: str
    kind: str = field(default="rename")


@message(frozen=True)
class Delete:
    """To the trash. base_version: the version that was seen; a later one keeps the node."""

    KIND: ClassVar[str] = "delete"
    op_id: str
    node: str
    base_version: int
    recursive: bool = False
    kind: str = field(default="delete")


Op = Commit | MakeFolder | Rename | Delete


class Outcome(StrEnum):
    """What became of an operation; see docs/reference/sync-protocol.md."""

    APPLIED = "applied"
    EXISTS = "exists"
    CONFLICT = "conflict"
    KEPT = "kept"
    REFUSED = "refused"


@message(frozen=True)
class OpsRequest:
    """Operations in order. packs: to be registered first, which saves a small file a round trip."""

    ops: tuple[Op, ...]
    packs: tuple[StoredPack, ...] = ()


@message(frozen=True)
class OpAnswer:
    """node: the row after; with CONFLICT the winner, and second the new second head. error: with REFUSED."""

    op_id: str
    outcome: Outcome
    node: Node | None = None
    second: Node | None = None
    error: Problem | None = None


@message(frozen=True)
class OpsAnswer:
    """One answer an operation, in order. The same op_id gets its first answer again."""

    answers: tuple[OpAnswer, ...]


# --- content down ---------------------------------------------------------------------------------------------------


@message(frozen=True)
class ContentRequest:
    """Where the chunks [start, start + count) of a version are."""

    manifest: Address
    start: int
    count: int


class CodingName(StrEnum):
    """`sync.core.packs.Coding` in words."""

    RAW = "raw"
    ZSTD = "zstd"


@message(frozen=True)
class ChunkPlace:
    """A chunk's stored bytes: `Range: bytes=offset-(offset+stored-1)` of a pack. size: after decoding.

    voucher: opens the chunk in the cache of the desktop's host, see `host_cache`; empty for a device that is no desktop.
    """

    chunk: Address
    pack: str
    offset: int
    stored: int
    size: int
    coding: CodingName
    voucher: str = ""


@message(frozen=True)
class Download:
    """A presigned GET of a pack."""

    url: str
    headers: dict[str, str]
    expires_ms: int


@message(frozen=True)
class ContentAnswer:
    """manifest: given when start is 0. packs: by the pack ids in places."""

    manifest: Manifest | None
    places: tuple[ChunkPlace, ...]
    packs: dict[str, Download]

"""The library as the agent sees it: one method a request of the protocol, foreign errors turned into ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sync.agent.errors import DamagedContent, NotEnrolled, Refused, Unreachable
from sync.agent.host_cache import HostCache
from sync.agent.transport import API, STORE, Answer, Transport
from sync.core import protocol as p
from sync.core.codec import BadMessage, from_bytes, lists_to_bytes, to_bytes, to_text
from sync.core.hashing import Address
from sync.core.packs import BadPack, Coding, Place, read_chunk

T = TypeVar("T")

_API_S = 30.0
_STORE_S = 120.0
_CODINGS = {p.CodingName.RAW: Coding.RAW, p.CodingName.ZSTD: Coding.ZSTD}


class Remote:
    """Talks to one product as one device. token: None until enrolled."""

    def __init__(self, transport: Transport, api: str, token: str | None) -> None:
        self._transport = transport
        self._api = api.rstrip("/")
        self._token = token
        self._cache = HostCache(transport) if transport.in_desktop else None

    # --- identity and catalogue -----------------------------------------------------------------------------------

    def enrol(self, request: p.EnrolRequest) -> p.EnrolAnswer:
        """Trade the one-time code for a device token."""
        return self._post(p.Endpoint.ENROL.path(), request, p.EnrolAnswer)

    def heartbeat(self, request: p.HeartbeatRequest) -> p.HeartbeatAnswer:
        """Say that we are alive, and what waits here."""
        return self._post(p.Endpoint.HEARTBEAT.path(), request, p.HeartbeatAnswer)

    def libraries(self) -> p.LibrariesAnswer:
        """The libraries that the member may see."""
        return self._decode(p.LibrariesAnswer, self._call("GET", p.Endpoint.LIBRARIES.path(), None, _API_S))

    def feed(self, request: p.FeedRequest) -> p.FeedAnswer:
        """What changed; waits up to `wait_s` for something to."""
        return self._post(p.Endpoint.FEED.path(), request, p.FeedAnswer, timeout_s=request.wait_s + _API_S)

    def children(self, library: str, folder: str) -> tuple[p.Node, ...]:
        """What is in one folder now."""
        return self._post(p.Endpoint.CHILDREN.path(library), p.ChildrenRequest(folder), p.ChildrenAnswer).nodes

    def leases(self, library: str, request: p.LeasesRequest, *, timeout_s: float = _API_S) -> p.LeasesAnswer:
        """Check nodes out, renew and give back; with nothing asked, all that are in force."""
        return self._post(p.Endpoint.LEASES.path(library), request, p.LeasesAnswer, timeout_s=timeout_s)

    # --- content up -----------------------------------------------------------------------------------------------

    def missing(self, library: str, request: p.MissingRequest) -> p.MissingAnswer:
        """Which chunks the library does not have, and where to put them."""
        return self._post(p.Endpoint.MISSING.path(library), request, p.MissingAnswer)

    def put_pack(self, upload: p.Upload, pack: bytes) -> None:
        """Store a pack. That it is there already is fine: it is ours, from before the answer was lost."""
        headers = {**upload.headers, "Content-Length": str(len(pack))}
        answer = self._transport.request(STORE, "PUT", upload.url, headers=headers, body=pack, timeout_s=_STORE_S)
        if answer.status not in (200, 201, 204, 412):
            raise Unreachable("素材存储暂时不可用", f"PUT of a pack: HTTP {answer.status} {answer.body[:300]!r}")

    def register_packs(self, library: str, packs: Sequence[p.StoredPack]) -> tuple[p.PackReport, ...]:
        """Have stored packs verified and recorded."""
        return self._post(p.Endpoint.PACKS.path(library), p.PacksRequest(tuple(packs)), p.PacksAnswer).packs

    def ops(self, library: str, request: p.OpsRequest, texts: Sequence[str] | None = None) -> tuple[p.OpAnswer, ...]:
        """Carry out operations in order; the same op_id gets the same answer. texts: the operations as JSON, of whoever has it."""
        body = to_bytes(request) if texts is None else lists_to_bytes(ops=texts, packs=map(to_text, request.packs))
        answers = self._decode(p.OpsAnswer, self._call("POST", p.Endpoint.OPS.path(library), body, 120.0)).answers
        if [answer.op_id for answer in answers] != [op.op_id for op in request.ops]:
            raise Unreachable("服务的回答不完整", "answers do not match the operations sent")
        return answers

    # --- content down ---------------------------------------------------------------------------------------------

    def content(self, library: str, request: p.ContentRequest) -> p.ContentAnswer:
        """Manifest and places of a version."""
        return self._post(p.Endpoint.CONTENT.path(library), request, p.ContentAnswer)

    def get_chunks(self, download: p.Download, places: Sequence[p.ChunkPlace]) -> list[tuple[Address, bytes]]:
        """Neighbouring chunks of one pack, decoded and verified; raises DamagedContent.

        From the cache of the host where there is one that has them or gets them, otherwise in one ranged GET.
        """
        if self._cache is not None and (stored := self._cache.stored(download, places)) is not None:
            try:
                return _verified(places, stored)
            except DamagedContent as error:
                self._cache.distrust(error)
        start, stop = places[0].offset, places[-1].offset + places[-1].stored
        headers = {**download.headers, "Range": f"bytes={start}-{stop - 1}"}
        answer = self._transport.request(STORE, "GET", download.url, headers=headers, timeout_s=_STORE_S)
        if answer.status not in (200, 206):
            raise Unreachable("素材存储暂时不可用", f"GET of a pack: HTTP {answer.status} {answer.body[:300]!r}")
        body = memoryview(answer.body) if answer.status == 206 else memoryview(answer.body)[start:stop]
        return _verified(places, [body[place.offset - start : place.offset - start + place.stored] for place in places])

    # --- HTTP -----------------------------------------------------------------------------------------------------

    def _post(self, path: str, message: object, kind: type[T], *, timeout_s: float = _API_S) -> T:
        return self._decode(kind, self._call("POST", path, to_bytes(message), timeout_s))

    def _call(self, method: str, path: str, body: bytes | None, timeout_s: float) -> Answer:
        headers = {p.VERSION_HEADER: p.VERSION, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        answer = self._transport.request(API, method, self._api + path, headers=headers, body=body, timeout_s=timeout_s)
        if answer.status >= 400:
            raise self._refusal(answer, path)
        return answer

    def _refusal(self, answer: Answer, path: str) -> Refused | NotEnrolled | Unreachable:
        try:
            problem = from_bytes(p.ErrorAnswer, answer.body).error
        except BadMessage:
            # A proxy's page, or a product that is just starting.
            return Unreachable("服务暂时不可用", f"{path}: HTTP {answer.status} {answer.body[:200]!r}")
        if answer.status == 401 and self._token is not None:
            return NotEnrolled(problem.title, problem.message)
        return Refused(problem, answer.status)

    @staticmethod
    def _decode(kind: type[T], answer: Answer) -> T:
        try:
            return from_bytes(kind, answer.body)
        except BadMessage as error:
            raise Unreachable("服务的回答无法理解", str(error)) from error


def _verified(places: Sequence[p.ChunkPlace], stored: Sequence[memoryview]) -> list[tuple[Address, bytes]]:
    chunks = []
    for place, body in zip(places, stored, strict=True):
        where = Place(place.chunk, place.offset, place.stored, place.size, _CODINGS[place.coding])
        try:
            chunks.append((place.chunk, read_chunk(where, body)))
        except BadPack as error:
            raise DamagedContent("内容校验失败", str(error)) from error
    return chunks

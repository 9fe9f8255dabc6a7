"""The object store: S3 behind ten verbs. The only module that imports minio; foreign errors end here.

Keys are made by the features; a component has at most 255 bytes, and is ASCII but for file names under ``heads/``. Clients never get
S3 keys, only presigned URLs. A presigned PUT signs ``If-None-Match: *``, so whoever holds it can create the object once and never
replace it; the SDK signs the host alone, therefore that signature is computed here (AWS Signature Version 4), and so are those of
what each save asks of the store: the SDK took longer to make such a request than it took to send it.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

import urllib3

from workspace.errors import NotFound, Unavailable
from workspace.i18n import _
from workspace.settings import Settings

if TYPE_CHECKING:
    from minio import Minio

EMBEDDED_HOST = "127.0.0.1"
CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 30.0
WRITE_ONCE = {"If-None-Match": "*"}
PART_BYTES = 8 * 1024 * 1024
PARTS_MOST = 10_000
STEADY = timedelta(minutes=5)
"""How long a browser is given the same address for the same object, so that it finds it in its cache."""
_CODE = re.compile(rb"<Code>(\w+)</Code>")
_ABSENT = {"NoSuchKey", "NoSuchObject", "ResourceNotFound"}


@dataclass(frozen=True)
class Stored:
    """An object as a listing shows it."""

    key: str
    size_bytes: int


@dataclass(frozen=True)
class Presigned:
    """A URL that admits one kind of request until ``expires_at``; the headers must be sent as they are."""

    url: str
    headers: dict[str, str]
    expires_at: datetime


@dataclass(frozen=True)
class Shown:
    """What an address says of an object, whatever the object says of itself. Signed: the holder cannot change it."""

    content_type: str
    disposition: str
    cache_control: str = "private, max-age=0, must-revalidate"

    @property
    def parameters(self) -> dict[str, str]:
        """In the words of S3's GetObject."""
        return {
            "response-cache-control": self.cache_control,
            "response-content-disposition": self.disposition,
            "response-content-type": self.content_type,
        }


class ObjectStore(Protocol):
    """What the library needs of a store. Every verb raises Unavailable when the store does not answer."""

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Store whole; readers see the old or the new object, never a part."""

    def put_pieces(self, key: str, pieces: Iterable[bytes], size_bytes: int, content_type: str = "application/octet-stream") -> None:
        """Store whole what comes piece by piece, holding one part (PART_BYTES, of a huge object more) in memory.

        size_bytes: of all pieces, more than 0. When they end early, or getting one raises, nothing is stored.
        """

    def put_once(self, key: str, data: bytes) -> bool:
        """Store unless something is there; False when it was."""

    def get(self, key: str) -> bytes:
        """The whole object; NotFound when absent."""

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``, fewer at the end, none beyond it; NotFound when absent."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """Objects whose key starts with ``prefix``, in order of their keys."""

    def remove(self, key: str) -> None:
        """Remove; nothing happens when absent."""

    def presign_put(self, key: str, valid_for: timedelta) -> Presigned:
        """A PUT that creates the object and never replaces it."""

    def presign_get(self, key: str, valid_for: timedelta) -> Presigned:
        """A GET, with or without Range."""

    def presign_view(self, key: str, valid_for: timedelta, shown: Shown) -> str | None:
        """The address of a GET, with or without Range, for a browser; None where browsers do not reach the store.

        It is valid for up to STEADY longer.
        """


class S3Store:
    """An ObjectStore on any S3 server, addressed by path."""

    def __init__(
        self, *, endpoint: str, access_key: str, secret_key: str, bucket: str, region: str, secure: bool, public_url: str = ""
    ) -> None:
        self._bucket, self._endpoint, self._public = bucket, endpoint, origin_of(public_url)
        self._scheme = "https" if secure else "http"
        self._keys, self._region = (access_key, secret_key), region
        self._signer = _Signer(access_key, secret_key, region)
        self._http = urllib3.PoolManager(
            maxsize=32,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
            retries=urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504), raise_on_status=False),
        )

    @cached_property
    def _minio(self) -> "Minio":
        """For what is rare and complicated. Loaded when it is needed: most processes never touch it."""
        from minio import Minio

        access_key, secret_key = self._keys
        return Minio(
            self._endpoint, access_key=access_key, secret_key=secret_key, secure=self._scheme == "https", region=self._region,
            http_client=self._http,
        )  # fmt: skip

    def ensure_bucket(self) -> None:
        """Create the bucket unless it is there."""
        with _border(self._endpoint):
            if not self._minio.bucket_exists(bucket_name=self._bucket):
                self._minio.make_bucket(bucket_name=self._bucket)

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        self._ask("PUT", key, data, {"Content-Type": content_type})

    def put_pieces(self, key: str, pieces: Iterable[bytes], size_bytes: int, content_type: str = "application/octet-stream") -> None:
        part_bytes = max(PART_BYTES, -(-size_bytes // PARTS_MOST))
        with _border(key):
            if size_bytes > part_bytes:
                self._abandon_parts(key)
            self._minio.put_object(
                bucket_name=self._bucket, object_name=key, data=_Pieces(pieces), length=size_bytes, content_type=content_type,  # type: ignore[arg-type]
                part_size=part_bytes, num_parallel_uploads=1,
            )  # fmt: skip

    def _abandon_parts(self, key: str) -> None:
        """Of an upload of this object that was killed: they show in no listing, and occupy the store. The SDK has no public verb for it."""
        for upload in self._minio._list_multipart_uploads(bucket_name=self._bucket, prefix=key).uploads:
            if upload.object_name == key and upload.upload_id:
                self._minio._abort_multipart_upload(self._bucket, key, upload.upload_id)

    def put_once(self, key: str, data: bytes) -> bool:
        return self._ask("PUT", key, data, WRITE_ONCE, also=(412,)).status != 412

    def get(self, key: str) -> bytes:
        return self._ask("GET", key).data

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        if length <= 0:
            return b""
        answer = self._ask("GET", key, headers={"Range": f"bytes={offset}-{offset + length - 1}"}, also=(416,))
        if answer.status == 416:
            return b""  # No byte of the object is in the range; a server says so with an error, also for an empty object.
        return answer.data if answer.status == 206 else answer.data[offset : offset + length]

    def _ask(
        self, method: str, key: str, body: bytes = b"", headers: Mapping[str, str] | None = None, *, also: tuple[int, ...] = ()
    ) -> urllib3.BaseHTTPResponse:
        """One request, signed here. also: statuses that are answers too."""
        path = self._path(key)
        signed = self._signer.headers(method, self._endpoint, path, body, now=datetime.now(UTC))
        try:
            url = f"{self._scheme}://{self._endpoint}{path}"
            answer = self._http.request(method, url, body=body or None, headers={**signed, **(headers or {})})
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(_("对象存储没有应答"), f"{key}: {error}") from error
        if answer.status not in (200, 201, 204, 206, *also):
            raise _refusal(method, key, answer)
        return answer

    def list(self, prefix: str) -> Iterator[Stored]:
        with _border(prefix):
            for found in self._minio.list_objects(bucket_name=self._bucket, prefix=prefix, recursive=True):
                yield Stored(str(found.object_name), int(found.size or 0))

    def remove(self, key: str) -> None:
        self._ask("DELETE", key, also=(404,))

    def presign_put(self, key: str, valid_for: timedelta) -> Presigned:
        return self._presign("PUT", key, valid_for, WRITE_ONCE)

    def presign_get(self, key: str, valid_for: timedelta) -> Presigned:
        return self._presign("GET", key, valid_for, {})

    def presign_view(self, key: str, valid_for: timedelta, shown: Shown) -> str | None:
        if not self._public:
            return None
        now = datetime.now(UTC)
        since = now - (now - datetime.min.replace(tzinfo=UTC)) % STEADY
        path, host = self._path(key), urlsplit(self._public).netloc
        query = self._signer.query("GET", host, path, {}, now=since, valid_for=valid_for + STEADY, more=shown.parameters)
        return f"{self._public}{path}?{query}"

    def _path(self, key: str) -> str:
        return quote(f"/{self._bucket}/{key}", safe="/-_.~")

    def _presign(self, method: str, key: str, valid_for: timedelta, headers: dict[str, str]) -> Presigned:
        now = datetime.now(UTC)
        path = self._path(key)
        query = self._signer.query(method, self._endpoint, path, headers, now=now, valid_for=valid_for)
        return Presigned(f"{self._scheme}://{self._endpoint}{path}?{query}", dict(headers), now + valid_for)


class _Signer:
    """AWS Signature Version 4: in the query string with headers signed beside the host, or in headers with the hash of the body.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html and …/sig-v4-header-based-auth.html
    """

    def __init__(self, access_key: str, secret_key: str, region: str) -> None:
        self._access_key, self._secret_key, self._region = access_key, secret_key, region
        self._day_key = lru_cache(maxsize=2)(self._make_day_key)

    def query(
        self, method: str, host: str, path: str, headers: dict[str, str], *, now: datetime, valid_for: timedelta,
        more: Mapping[str, str] | None = None,
    ) -> str:  # fmt: skip
        """more: further parameters of the request, signed like those of the signature itself."""
        signed = {"host": host, **{name.lower(): value for name, value in headers.items()}}
        names = ";".join(sorted(signed))
        day, instant = f"{now:%Y%m%d}", f"{now:%Y%m%dT%H%M%SZ}"
        scope = f"{day}/{self._region}/s3/aws4_request"
        parameters = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self._access_key}/{scope}",
            "X-Amz-Date": instant,
            "X-Amz-Expires": str(int(valid_for.total_seconds())),
            "X-Amz-SignedHeaders": names,
            **(more or {}),
        }
        query = "&".join(f"{name}={quote(parameters[name], safe='-_.~')}" for name in sorted(parameters))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        signature = self._signature(f"{method}\n{path}\n{query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD", day, instant)
        return f"{query}&X-Amz-Signature={signature}"

    def headers(self, method: str, host: str, path: str, body: bytes, *, now: datetime) -> dict[str, str]:
        """For a request without parameters."""
        day, instant = f"{now:%Y%m%d}", f"{now:%Y%m%dT%H%M%SZ}"
        digest, names = hashlib.sha256(body).hexdigest(), "host;x-amz-content-sha256;x-amz-date"
        lines = f"host:{host}\nx-amz-content-sha256:{digest}\nx-amz-date:{instant}\n"
        signature = self._signature(f"{method}\n{path}\n\n{lines}\n{names}\n{digest}", day, instant)
        credential = f"{self._access_key}/{day}/{self._region}/s3/aws4_request"
        return {
            "Host": host, "X-Amz-Content-Sha256": digest, "X-Amz-Date": instant,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}",
        }  # fmt: skip

    def _signature(self, request: str, day: str, instant: str) -> str:
        scope = f"{day}/{self._region}/s3/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{instant}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        return hmac.new(self._day_key(day), to_sign.encode(), hashlib.sha256).hexdigest()

    def _make_day_key(self, day: str) -> bytes:
        key = f"AWS4{self._secret_key}".encode()
        for part in (day, self._region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key


class _Pieces:
    """Pieces as a file to read from; what the SDK asks for is given in the portions that are at hand."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._left = iter(pieces), memoryview(b"")

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = memoryview(piece)
        given, self._left = self._left[:size], self._left[size:]
        return bytes(given)


def origin_of(url: str) -> str:
    """The address of a server as browsers compare it: without the port that its scheme implies; "" for ""."""
    parts = urlsplit(url.rstrip("/").lower())
    implied = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(implied) if implied else parts.netloc}" if url else ""


def _refusal(method: str, key: str, answer: urllib3.BaseHTTPResponse) -> NotFound | Unavailable:
    """An answer that is an error, in our words. A missing bucket is no missing object."""
    found = _CODE.search(answer.data)
    code = found.group(1).decode() if found else ""
    if code in _ABSENT or (answer.status == 404 and not code):
        return NotFound(_("对象存储里没有这份内容"), key)
    title = _("对象存储没有收下内容") if method == "PUT" else _("对象存储拒绝了请求")
    return Unavailable(title, f"{key}: HTTP {answer.status} {code}")


@contextmanager
def _border(what: str) -> Iterator[None]:
    """Foreign errors of the SDK become ours, with the key or endpoint they were about."""
    from minio.error import InvalidResponseError, S3Error, ServerError

    try:
        yield
    except S3Error as error:
        raise Unavailable(_("对象存储拒绝了请求"), f"{what}: {error.code} {error.message}") from error
    except (InvalidResponseError, ServerError, urllib3.exceptions.HTTPError, OSError) as error:
        raise Unavailable(_("对象存储没有应答"), f"{what}: {error}") from error


def open_store(settings: Settings) -> S3Store:
    """The store that the settings name: an external S3 server, else the embedded one of this machine.

    Unavailable when the embedded store was never prepared or the external one does not answer.
    """
    if settings.s3_endpoint:
        store = S3Store(
            endpoint=settings.s3_endpoint, access_key=settings.s3_access_key, secret_key=settings.s3_secret_key,
            bucket=settings.s3_bucket, region=settings.s3_region, secure=settings.s3_secure, public_url=settings.s3_public_url,
        )  # fmt: skip
        store.ensure_bucket()
        return store
    keys = _embedded_keys(settings)
    return S3Store(
        endpoint=f"{EMBEDDED_HOST}:{settings.store_port}", access_key=keys["access_key"], secret_key=keys["secret_key"],
        bucket=settings.s3_bucket, region=settings.s3_region, secure=False, public_url=settings.s3_public_url,
    )  # fmt: skip


def _embedded_keys(settings: Settings) -> dict[str, str]:
    path = settings.data_dir / "store" / "store.json"
    try:
        keys: dict[str, str] = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Unavailable(_("内置对象存储尚未启动"), f"{path}: {error.strerror}") from error
    return keys


def store_factory(settings: Settings) -> Callable[[], ObjectStore]:
    """For ``parts.provide(ObjectStore, …)``."""
    return lambda: open_store(settings)

"""Objects in a bucket of an S3 store, through the `minio` client.

It works in threads. What ingest asks of every audio goes past it: `asking.py`, by a URL that is signed as a
grant's is.
"""

import asyncio
import re
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import aiohttp
import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from minio.versioningconfig import ENABLED as VERSIONS_KEPT
from minio.versioningconfig import VersioningConfig
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

from escolta.errors import Misconfigured, ObjectMissing, Rejected, Transient, is_transient
from escolta.objects.asking import Asking
from escolta.objects.port import GRANTED_S, SETTING, Grant, Stored, check_key, check_note
from escolta.objects.signing import Signer
from escolta.url import split_url

T = TypeVar("T")
SHAPE = "s3://key:secret@host:port/bucket"

NOTE = "x-amz-meta-escolta-event"
PAGE, THREADS = 1000, 8
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
RETRIES = 2
"""Quick ones, for a restarted proxy or a dropped connection. Longer trouble is the caller's: `Transient`."""
RETRIED_STATUSES = (500, 502, 503, 504)
REFUSED_STATUSES = (400, 401, 404, 405, 411, 501)
"""Trying the same again brings the same; what else there is, time may mend (conflict, too many requests)."""
AGAIN_S = 0.3
ASKED_S = 900
"""How long a question is good for: S3 lets clocks differ by so much."""
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True)
class _Location:
    """The store's address, and who signs for its region."""

    address: str
    signer: Signer


class S3Objects:
    """`Objects` in a bucket, which is made at the first verb if it is absent and the credentials allow it.

    The credentials need the right to list the bucket: without it a store answers "denied" instead of
    "missing" for a key that is not there.
    """

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        access_key: str,
        secret_key: str,
        *,
        secure: bool,
        upload_url: str = "",
        setting: str = SETTING,
    ) -> None:
        self._where, self._setting = f"{endpoint}/{bucket}", setting
        self._bucket = bucket
        self._access_key, self._secret_key = access_key, secret_key
        self._upload_url = upload_url
        http = urllib3.PoolManager(
            maxsize=THREADS,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
            retries=urllib3.Retry(
                RETRIES,
                backoff_factor=0.2,
                status_forcelist=RETRIED_STATUSES,
                respect_retry_after_header=False,  # it may name minutes, in which a thread would sleep
            ),
            cert_reqs="CERT_REQUIRED",
        )
        self._client = Minio(
            endpoint, access_key=access_key, secret_key=secret_key, secure=secure, http_client=http
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="objects")
        self._asking = Asking()
        self._location: _Location | None = None
        self._made = False

    @classmethod
    def from_url(cls, url: str, upload_url: str = "", setting: str = SETTING) -> "S3Objects":
        """From `s3://key:secret@host:port/bucket?secure=true`. No message shows it: it has the secret.

        `upload_url`: `https://host:port` under which who has a grant reaches the store; empty: this host.
        """
        parts = split_url(url, setting, SHAPE)
        secure = {"": False, "secure=false": False, "secure=true": True}.get(parts.query)
        endpoint, bucket = parts.netloc.rpartition("@")[2], parts.path.strip("/")
        whole = parts.username and parts.password and parts.hostname and "," not in endpoint
        if not whole or secure is None or not BUCKET.fullmatch(bucket):
            raise Misconfigured(
                f"{setting} lacks a part, or has one too many: write {SHAPE}, and ?secure=true for TLS"
            )
        return cls(
            endpoint,
            bucket,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            secure=secure,
            upload_url=upload_url,
            setting=setting,
        )

    async def put(self, key: str, data: bytes, note: str = "") -> None:
        check_key(key)
        headers = {"If-None-Match": "*"} | ({NOTE: check_note(note)} if note else {})
        written = await self._in_thread(key, lambda: self._put(key, data, headers))
        if not written and await self.get(key) != data:
            raise Rejected(f"{key} cannot be stored: there are other bytes, and an object is never changed")

    async def get(self, key: str) -> bytes:
        check_key(key)
        return await self._in_thread(key, lambda: self._read(key))

    async def head(self, key: str) -> Stored | None:
        check_key(key)
        url = self._signed("HEAD", await self._located(), key, {}, ASKED_S)
        with self._heard():
            status, headers = await self._asking.head(url)
        if status == 404:
            return None
        if status != 200:
            raise self._refusal(key, status, f"status {status}")
        return Stored(int(headers.get("content-length", 0)), headers.get(NOTE, ""))

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        found = self._client.list_objects(self._bucket, prefix=prefix, recursive=True)
        while page := await self._in_thread(prefix, lambda: list(islice(found, PAGE))):
            for listed in page:
                yield str(listed.object_name)

    async def grant(self, key: str, size_bytes: int, sha256: str, note: str) -> Grant:
        """The store itself holds the bearer to it: to the key, the length, the digest, the note, and to once.

        Other bytes, a second PUT, a GET or a DELETE with the same URL are refused. The store is not asked.
        """
        check_key(key), check_note(note)
        headers = {
            "content-length": str(size_bytes),
            "if-none-match": "*",
            "x-amz-checksum-sha256": b64encode(bytes.fromhex(sha256)).decode(),
            NOTE: note,
        }
        where = await self._located()
        if self._upload_url:
            where = replace(where, address=self._upload_url)
        return Grant(self._signed("PUT", where, key, headers, GRANTED_S), headers)

    def _signed(
        self, method: str, where: _Location, key: str, headers: dict[str, str], good_for_s: int
    ) -> str:
        now = datetime.now(UTC)  # the store looks at its own clock, whatever ours is in a test
        url = f"{where.address}/{self._bucket}/{key}"
        return where.signer.signed(method, url, headers, now, good_for_s)

    async def _located(self) -> _Location:
        """Where the store is and in which region, as the client finds it once."""
        if self._location is None:
            plain = await self._in_thread("", lambda: self._client.presigned_put_object(self._bucket, "any"))
            parts = urlsplit(plain)
            region = dict(parse_qsl(parts.query))["X-Amz-Credential"].split("/")[2]
            signer = Signer(self._access_key, self._secret_key, region)
            self._location = _Location(f"{parts.scheme}://{parts.netloc}", signer)
        return self._location

    async def delete(self, key: str) -> None:
        check_key(key)
        await self._in_thread(key, lambda: self._remove(key))

    def _remove(self, key: str) -> None:
        """Every version: a bucket that keeps what is deleted (`make_bucket`) would keep the sound."""
        listed = self._client.list_objects(self._bucket, prefix=key, recursive=True, include_version=True)
        for version in takewhile(lambda version: version.object_name == key, listed):  # the first in order
            self._client.remove_object(self._bucket, key, version_id=version.version_id)

    async def aclose(self) -> None:
        await self._asking.close()

    def _put(self, key: str, data: bytes, headers: dict[str, str]) -> bool:
        try:  # the client's own put has no way to say "only if there is none"
            self._client._execute("PUT", self._bucket, key, body=data, headers={**headers})
        except S3Error as error:
            if error.code != "PreconditionFailed":
                raise
            return False
        return True

    def _read(self, key: str) -> bytes:
        response = self._client.get_object(self._bucket, key)
        try:
            return response.read()
        finally:
            response.close()
            response.release_conn()

    async def make_bucket(self) -> None:
        """Make the bucket, and have it keep what is written over or deleted; for the store's operator."""
        keeps = VersioningConfig(VERSIONS_KEPT)
        await self._in_thread("", lambda: self._client.set_bucket_versioning(self._bucket, keeps))

    def _make_bucket(self) -> None:
        if self._made:
            return
        if not self._client.bucket_exists(self._bucket):
            try:
                self._client.make_bucket(self._bucket)
            except S3Error as error:  # another thread or process was faster
                if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                    raise
        self._made = True

    async def _in_thread(self, key: str, work: Callable[[], T]) -> T:
        def with_bucket() -> T:
            try:
                self._make_bucket()
                return work()
            except S3Error as error:
                if error.code != "NoSuchBucket":
                    raise
            # Somebody has removed it, or not every part of the store knows yet that it is made.
            self._made = False
            time.sleep(AGAIN_S)
            self._make_bucket()
            return work()

        with self._heard():
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, with_bucket)
            except S3Error as error:
                raise self._meaning(key, error) from error

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """Raises what it means where the store does not answer, or breaks off."""
        try:
            yield
        except MaxRetryError as error:
            if isinstance(error.reason, SSLError):
                raise Misconfigured(
                    f"{self._setting}: no trusted TLS connection to {self._where}: {error.reason}"
                ) from error
            raise Transient(f"The object store {self._where} cannot be reached: {error.reason}") from error
        except aiohttp.ClientSSLError as error:
            raise Misconfigured(
                f"{self._setting}: no trusted TLS connection to {self._where}: {error}"
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise Transient(f"The object store {self._where} cannot be reached: {error}") from error
        except (HTTPError, MinioException, aiohttp.ClientError, TimeoutError) as error:
            why = error or type(error).__name__
            raise Transient(f"The object store {self._where} has trouble: {why}") from error
        except OSError as error:
            if not is_transient(error):
                raise
            raise Transient(f"The object store {self._where} has trouble: {error}") from error

    def _meaning(self, key: str, error: S3Error) -> Exception:
        if error.code == "NoSuchKey":
            return ObjectMissing(f"The object {key} is not in {self._where}")
        if error.code == "NoSuchBucket":
            return self._trouble(key, error.code)
        return self._refusal(key, error.response.status, str(error.code))

    def _refusal(self, key: str, status: int, why: str) -> Exception:
        if status == 403:
            return Misconfigured(
                f"{self._setting}: {self._where} refuses the credentials ({why}): each "
                "service needs its rights of docs/deploy.md, and `escolta store` makes the bucket"
            )
        if status in REFUSED_STATUSES:
            return Misconfigured(
                f"{self._setting}: {self._where} does not take a request as we make it "
                f"({why}, for {key}): is it an S3 store, and the bucket's name and region right?"
            )
        return self._trouble(key, why)

    def _trouble(self, key: str, why: str) -> Transient:
        return Transient(f"The object store {self._where} has trouble with {key}: {why}")

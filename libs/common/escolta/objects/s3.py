"""Objects in a bucket of an S3 store, through the `minio` client."""

import asyncio
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TypeVar
from urllib.parse import unquote

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

from escolta.errors import Misconfigured, ObjectMissing, Transient, is_transient
from escolta.objects.port import check_key
from escolta.url import split_url

T = TypeVar("T")
SHAPE = "s3://key:secret@host:port/bucket"

THREADS = 8
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
RETRIES = 2
"""Quick ones, for a restarted proxy or a dropped connection. Longer trouble is the caller's: `Transient`."""
RETRIED_STATUSES = (500, 502, 503, 504)
REFUSED_STATUSES = (400, 401, 404, 405, 411, 501)
"""Trying the same again brings the same; what else there is, time may mend (conflict, too many requests)."""
AGAIN_S = 0.3
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class S3Objects:
    """`Objects` in a bucket, which is made at the first verb if it is absent and the credentials allow it.

    The credentials need the right to list the bucket: without it a store answers "denied" instead of
    "missing" for a key that is not there.
    """

    def __init__(self, endpoint: str, bucket: str, access_key: str, secret_key: str, *, secure: bool) -> None:
        self._where = f"{endpoint}/{bucket}"
        self._bucket = bucket
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
        self._made = False

    @classmethod
    def from_url(cls, url: str) -> "S3Objects":
        """From `s3://key:secret@host:port/bucket?secure=true`. No message shows it: it has the secret."""
        parts = split_url(url, "ESCOLTA_OBJECTS_URL", SHAPE)
        secure = {"": False, "secure=false": False, "secure=true": True}.get(parts.query)
        endpoint, bucket = parts.netloc.rpartition("@")[2], parts.path.strip("/")
        whole = parts.username and parts.password and parts.hostname and "," not in endpoint
        if not whole or secure is None or not BUCKET.fullmatch(bucket):
            raise Misconfigured(
                f"ESCOLTA_OBJECTS_URL lacks a part, or has one too many: write {SHAPE}, and ?secure=true "
                "for TLS"
            )
        return cls(
            endpoint, bucket, unquote(parts.username or ""), unquote(parts.password or ""), secure=secure
        )

    async def put(self, key: str, data: bytes) -> None:
        check_key(key)
        await self._in_thread(
            key, lambda: self._client.put_object(self._bucket, key, BytesIO(data), len(data))
        )

    async def get(self, key: str) -> bytes:
        check_key(key)
        return await self._in_thread(key, lambda: self._read(key))

    async def size(self, key: str) -> int | None:
        check_key(key)
        try:
            found = await self._in_thread(key, lambda: self._client.stat_object(self._bucket, key))
        except ObjectMissing:
            return None
        return found.size

    async def delete(self, key: str) -> None:
        check_key(key)
        await self._in_thread(key, lambda: self._client.remove_object(self._bucket, key))

    def _read(self, key: str) -> bytes:
        response = self._client.get_object(self._bucket, key)
        try:
            return response.read()
        finally:
            response.close()
            response.release_conn()

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

        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, with_bucket)
        except S3Error as error:
            raise self._meaning(key, error) from error
        except MaxRetryError as error:
            if isinstance(error.reason, SSLError):
                raise Misconfigured(
                    f"ESCOLTA_OBJECTS_URL: no trusted TLS connection to {self._where}: {error.reason}"
                ) from error
            raise Transient(f"The object store {self._where} cannot be reached: {error.reason}") from error
        except (HTTPError, MinioException) as error:
            raise Transient(f"The object store {self._where} has trouble: {error}") from error
        except OSError as error:
            if not is_transient(error):
                raise
            raise Transient(f"The object store {self._where} has trouble: {error}") from error

    def _meaning(self, key: str, error: S3Error) -> Exception:
        if error.code == "NoSuchKey":
            return ObjectMissing(f"The object {key} is not in {self._where}")
        if error.response.status == 403:
            return Misconfigured(
                f"ESCOLTA_OBJECTS_URL: {self._where} refuses the credentials ({error.code}): they need the "
                "right to read, write, list and delete in this bucket, and to make it if it is absent"
            )
        if error.response.status in REFUSED_STATUSES and error.code != "NoSuchBucket":
            return Misconfigured(
                f"ESCOLTA_OBJECTS_URL: {self._where} does not take a request as we make it "
                f"({error.code}, for {key}): is it an S3 store, and the bucket's name and region right?"
            )
        return Transient(f"The object store {self._where} has trouble with {key}: {error.code}")

"""A URL that lets its bearer make one S3 request: AWS Signature Version 4 in the query.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, whose example the tests repeat.
The minio client signs the host alone; a grant signs headers, too, so that the store holds its bearer to them.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote, urlsplit

USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Signer:
    """Somebody with a pair of keys, in a region of the store."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str

    def signed(self, method: str, url: str, headers: Mapping[str, str], at: datetime, good_for_s: int) -> str:
        """`url`, which has no query, with the leave to send `method` there with these headers, from `at` on.

        Names of headers are small letters, their values have no two spaces in a row.
        """
        parts, moment = urlsplit(url), at.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{moment[:8]}/{self.region}/s3/aws4_request"
        host = parts.netloc.removesuffix(f":{USUAL_PORTS[parts.scheme]}")  # as every client sends it
        signed = {"host": host} | dict(headers)
        query = "&".join(
            f"{name}={quote(value, safe='')}"
            for name, value in (
                ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
                ("X-Amz-Credential", f"{self.access_key}/{scope}"),
                ("X-Amz-Date", moment),
                ("X-Amz-Expires", str(good_for_s)),
                ("X-Amz-SignedHeaders", ";".join(sorted(signed))),
            )
        )
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        request = "\n".join(
            (method, quote(parts.path), query, lines, ";".join(sorted(signed)), "UNSIGNED-PAYLOAD")
        )
        digest = hashlib.sha256(request.encode()).hexdigest()
        signature = self._signature(scope, "\n".join(("AWS4-HMAC-SHA256", moment, scope, digest)))
        return f"{url}?{query}&X-Amz-Signature={signature}"

    def _signature(self, scope: str, text: str) -> str:
        return hmac.digest(_key(self.secret_key, scope), text.encode(), "sha256").hex()


@lru_cache(maxsize=8)
def _key(secret_key: str, scope: str) -> bytes:
    """What signs for a day, in a region."""
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key

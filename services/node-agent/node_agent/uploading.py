"""One audio's bytes on their way to the store, with the leave that ingest has given."""

import ssl

import httpx

from escolta.errors import Transient
from escolta.events import UploadGranted

CONNECT_S, SILENT_S = 10.0, 60.0
STORED = (200, 201, 204)
THERE_ALREADY = 412
"""An earlier upload had got through, and its answer had not."""


class Uploads:
    """Speaks HTTP to the store. It follows no redirection: a leave is for one address."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def put(self, grant: UploadGranted, data: bytes) -> None:
        """Bring `data` there. Raises `Transient`, which does not show the URL: it is a key."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=ssl.create_default_context(),  # SSL_CERT_FILE names an authority of one's own
                timeout=httpx.Timeout(SILENT_S, connect=CONNECT_S),
                trust_env=False,
            )
        store = httpx.URL(grant.url)
        try:
            answer = await self._client.put(store, content=data, headers=grant.headers)
        except httpx.HTTPError as error:
            raise Transient(
                f"the object store at {store.host} cannot be reached: {error or type(error).__name__}"
            ) from error
        if answer.status_code not in (*STORED, THERE_ALREADY):
            raise Transient(f"the object store at {store.host} answered {answer.status_code} to an upload")

    async def close(self) -> None:
        """Close the connections."""
        if self._client:
            await self._client.aclose()
        self._client = None

"""Two places as one store: objects are written to the first, `escolta retain` moves old ones on."""

from collections.abc import AsyncIterator

from escolta.errors import ObjectMissing, Rejected
from escolta.objects.port import Grant, Objects, Stored

MARK = "cold"
"""An object that says of a store that it is the second place: a disk that is not mounted has none."""


class WithCold:
    """`Objects` of which some lie in `cold`, whoever reads them need not know which.

    What moves is in the second place before it leaves the first, so that it is found at any moment; `keys`
    may tell of it twice.
    """

    def __init__(self, hot: Objects, cold: Objects) -> None:
        self.hot, self.cold = hot, cold

    async def put(self, key: str, data: bytes, note: str = "") -> None:
        """An object that has moved is written already."""
        if await self.cold.head(key) is None:
            await self.hot.put(key, data, note)
        elif await self.cold.get(key) != data:
            raise Rejected(f"{key} cannot be stored: there are other bytes, and an object is never changed")

    async def get(self, key: str) -> bytes:
        try:
            return await self.hot.get(key)
        except ObjectMissing:
            return await self.cold.get(key)

    async def head(self, key: str) -> Stored | None:
        return await self.hot.head(key) or await self.cold.head(key)

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """The second place comes second: what moves meanwhile is not missed."""
        async for key in self.hot.keys(prefix):
            yield key
        async for key in self.cold.keys(prefix):
            if key != MARK:
                yield key

    async def grant(self, key: str, size_bytes: int, sha256: str, note: str) -> Grant:
        return await self.hot.grant(key, size_bytes, sha256, note)

    async def delete(self, key: str) -> None:
        await self.hot.delete(key)
        await self.cold.delete(key)

    async def aclose(self) -> None:
        await self.hot.aclose()
        await self.cold.aclose()

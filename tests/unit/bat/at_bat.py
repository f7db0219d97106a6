"""Who runs BAT: its pages by HTTP as a browser has them, and files to upload."""

import re
import struct

import httpx

from servers.bat.annotator import UNUSED
from servers.bat.process import PASSWORD, USER

TOOL = "/annotation_tool"
ADMIN = "/admin/annotation_tool"
RATE_HZ = 8_000


class Operator:
    """`browser` follows no redirect, and sends the token that BAT has given it."""

    def __init__(self, url: str, name: str = USER, password: str = PASSWORD) -> None:
        self._login = {"username": name, "password": password, "login": ""}
        self.browser = httpx.AsyncClient(
            base_url=url,
            trust_env=False,
            verify=UNUSED,
            timeout=120,
            event_hooks={"request": [self._with_token]},
        )

    async def _with_token(self, request: httpx.Request) -> None:
        if token := self.browser.cookies.get("csrftoken"):
            request.headers.setdefault("X-CSRFToken", token)

    async def login(self) -> httpx.Response:
        await self.browser.get(f"{TOOL}/")
        return await self.browser.post(f"{TOOL}/", data=self._login)

    async def get(self, path: str) -> httpx.Response:
        return await self.browser.get(path if path.startswith("/") else f"{TOOL}/{path}")

    async def post(self, path: str, **form: object) -> httpx.Response:
        return await self.browser.post(f"{TOOL}/{path}", data=form)

    async def delete(self, path: str) -> httpx.Response:
        return await self.browser.delete(f"{TOOL}/{path}")

    async def add_project(self, name: str, *classes: str, overlap: bool = False) -> int:
        """Its id, which is looked up by its name."""
        for one in classes:
            await self.post("classes/", name=one)
        form = {"project_name": name, "classes": classes} | ({"overlap": "true"} if overlap else {})
        assert (await self.post("projects/", **form)).status_code == 302
        rows = re.findall(r"<tr><td>(\d+)</td><td>([^<]*)</td>", (await self.get("projects/")).text)
        return next(int(number) for number, found in rows if found == name)

    async def upload(
        self, project: int, *files: tuple[str, bytes], length: object = -1, **form: object
    ) -> httpx.Response:
        parts = [("upload_file_field", (name, content, "audio/wav")) for name, content in files]
        fields = {"project": str(project), "segments_length": str(length), **form}
        return await self.browser.post(f"{TOOL}/upload_data/", data=fields, files=parts)


def wav_file(
    duration_s: float = 2.0,
    *,
    bits: int = 16,
    channels: int = 1,
    kind: int = 1,
    rate_hz: int = RATE_HZ,
    cut: int = 0,
    before: bytes = b"",
) -> bytes:
    """Silence in a file of that make: `cut` bytes of its end are missing, `before` is a chunk before data."""
    frame = channels * bits // 8
    data = bytes(round(duration_s * rate_hz) * frame)
    layout = struct.pack("<HHIIHH", kind, channels, rate_hz, rate_hz * frame, frame, bits)
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout + before
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return (b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)[: -cut or None]


def title(response: httpx.Response) -> str:
    """What a page calls itself."""
    found = re.search("<title>(.*?)</title>", response.text, re.DOTALL)
    return found[1] if found else ""

"""One user's session with BAT: signing in, the token of forms, and what its redirects and errors mean."""

import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpx

from escolta.errors import Misconfigured
from escolta.service import Settings
from label_gateway.bat.errors import BatFailed, BatUnreachable, HostRefused, NotLetIn, UnexpectedPage
from label_gateway.bat.parsing import described, is_login, refusal, title

TOOL = "annotation_tool/"
LONGEST_CONNECT_S = 10.0
LARGEST_PAGE_BYTES = 1 << 26
"""A list of a thousand annotations has one megabyte."""

_PANELS = (
    *("Templates", "SQL", "Settings", "Versions", "Timer", "Headers", "Request", "StaticFiles"),
    *("Cache", "Signals", "Logging", "Redirects"),
)
TOOLBAR_OFF = {f"djdt{panel}Panel": "off" for panel in _PANELS}
"""Where BAT's debug toolbar is on, a page takes minutes, and goes on burning after we have gone."""


class Session:
    """Signs in when it has to, once more where a session has ended, and asks for one thing at a time.

    Raises the errors of `label_gateway.bat.errors`; nothing is ever followed or guessed.
    """

    def __init__(self, http: httpx.AsyncClient, user: str, password: str) -> None:
        self._http, self._user, self._password = http, user, password
        self._signed_in = False
        self.requests = 0
        """How many were made, those to sign in with them."""

    async def get(self, path: str, **params: str | int) -> str:
        """The page at a path. Raises `UnexpectedPage` where there is none."""
        return str(await self.get_unless("", path, **params))

    async def get_unless(self, sent_to: str, path: str, **params: str | int) -> str | None:
        """The same, but None for a redirect whose query is `sent_to`."""
        response = await self.ask("GET", path, params=params)
        to = urlsplit(response.headers.get("location", ""))
        if sent_to and response.status_code == httpx.codes.FOUND and to.query == sent_to:
            return None
        if response.status_code != httpx.codes.OK:
            raise UnexpectedPage(f"a page at {path}", _answered(response))
        return response.text

    async def post(self, path: str, data: Mapping[str, Any], files: Any = None) -> str | None:
        """Send a form; None where BAT has taken it, else the page that it shows again, with its reason."""
        response = await self.ask("POST", path, data=data, files=files)
        if response.status_code == httpx.codes.OK:
            return response.text
        if response.status_code == httpx.codes.FOUND and response.headers.get("location") == "./":
            return None
        raise UnexpectedPage(f"that {path} takes a form", _answered(response))

    async def delete(self, path: str) -> bool:
        """Whether something was there to be deleted."""
        response = await self.ask("DELETE", path)
        if response.status_code in (httpx.codes.NO_CONTENT, httpx.codes.NOT_FOUND):
            return response.status_code == httpx.codes.NO_CONTENT
        raise UnexpectedPage(f"that {path} is deleted", _answered(response))

    async def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        """BAT's answer as somebody signed in. Only what BAT did not look at is sent a second time."""
        if not self._signed_in:
            await self.sign_in()
        response = await self.send(method, path, **how)
        if not _wants_sign_in(response):
            return response
        await self.sign_in()
        response = await self.send(method, path, **how)
        if _wants_sign_in(response):
            raise NotLetIn(
                f"BAT lets user {self._user!r} in, but not to /{path}: make that user staff and superuser"
            )
        return response

    async def sign_in(self) -> None:
        """Begin a session. Raises `NotLetIn`, and `UnexpectedPage` where the address is not BAT's."""
        self._signed_in = False
        for name in ("sessionid", "csrftoken"):
            self._http.cookies.delete(name)
        page = await self.send("GET", TOOL)
        if page.status_code != httpx.codes.OK or not is_login(page.text):
            raise UnexpectedPage("its page to sign in", _answered(page))
        form = {"username": self._user, "password": self._password, "login": "Log in"}
        answer = await self.send("POST", TOOL, data=form)
        if answer.status_code == httpx.codes.OK and is_login(answer.text):
            reason = refusal(answer.text) or "it does not say why"
            raise NotLetIn(
                f"BAT does not let user {self._user!r} in ({reason}): set ESCOLTA_BAT_PASSWORD anew"
            )
        if answer.status_code != httpx.codes.FOUND or "sessionid" not in self._http.cookies:
            raise UnexpectedPage("that it lets us in", _answered(answer))
        if not answer.headers.get("location", "").endswith("/projects/"):
            raise NotLetIn(
                f"user {self._user!r} is no superuser in BAT: `manage.py createsuperuser` makes one"
            )
        self._signed_in = True

    async def send(self, method: str, path: str, **how: Any) -> httpx.Response:
        """One request, whoever asks; the answer may be any but an error of BAT's own."""
        headers = {"Referer": str(self._http.base_url.join(path))}
        if token := self._http.cookies.get("csrftoken"):
            headers["X-CSRFToken"] = token
        self.requests += 1
        try:
            async with self._http.stream(method, path, headers=headers, **how) as stream:
                response = await _whole(stream)
        except httpx.HTTPError as error:
            address = self._http.base_url.netloc.decode()
            raise BatUnreachable(
                f"BAT at {address} does not answer ({error or type(error).__name__}): start it, or correct"
                " ESCOLTA_BAT_URL"
            ) from None
        _raise_for_errors(method, path, response)
        return response


def account(settings: Settings) -> tuple[str, str]:
    """Our user in BAT and its password. Raises `Misconfigured` for a setting that is missing."""
    if not settings.bat_url:
        raise Misconfigured("ESCOLTA_BAT_URL is not set: write the address under which BAT is reached")
    if not settings.bat_user or settings.bat_password is None:
        raise Misconfigured(
            "ESCOLTA_BAT_USER and ESCOLTA_BAT_PASSWORD are not both set: let BAT's operator make a superuser"
            " for this installation alone, by `manage.py createsuperuser`"
        )
    return settings.bat_user, settings.bat_password.get_secret_value()


@asynccontextmanager
async def open_session(settings: Settings) -> AsyncIterator[Session]:
    """A session as the user of the settings. Raises `Misconfigured` for one that is missing."""
    user, password = account(settings)
    headers = {"Host": settings.bat_host} if settings.bat_host else {}
    async with httpx.AsyncClient(
        base_url=f"{settings.bat_url}/",
        verify=_trusted(settings.bat_url),
        headers=headers,
        cookies=TOOLBAR_OFF,
        timeout=httpx.Timeout(settings.bat_timeout_s, connect=min(settings.bat_timeout_s, LONGEST_CONNECT_S)),
        follow_redirects=False,
        trust_env=False,
    ) as http:
        yield Session(http, user, password)


def _trusted(url: str) -> ssl.SSLContext:
    """Whom BAT's certificate may be from: the authority of the deployment, and those whom browsers trust."""
    if not url.startswith("https://"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # of no use, and made at once
    trusted = ssl.create_default_context()
    trusted.load_verify_locations(certifi.where())
    return trusted


async def _whole(stream: httpx.Response) -> httpx.Response:
    """The answer with its bytes. Raises `UnexpectedPage` for one without an end."""
    body = bytearray()
    async for chunk in stream.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_PAGE_BYTES:
            raise UnexpectedPage("a page", f"more than {LARGEST_PAGE_BYTES:,} bytes")
    headers = [(name, value) for name, value in stream.headers.multi_items() if name != "content-encoding"]
    return httpx.Response(stream.status_code, headers=headers, content=bytes(body), request=stream.request)


def _raise_for_errors(method: str, path: str, response: httpx.Response) -> None:
    if response.status_code < 400 or response.status_code == httpx.codes.NOT_FOUND:
        return
    named = title(response.text)
    if "DisallowedHost" in response.text[:20_000]:
        host = response.request.headers["host"]
        raise HostRefused(
            f"BAT does not answer to the name {host!r}: let its operator add it to ALLOWED_HOSTS, or set"
            " ESCOLTA_BAT_HOST=localhost"
        )
    if response.status_code >= 500:
        raise BatFailed(f"{method} /{path}", named or f"{response.status_code}")
    raise UnexpectedPage(f"an answer to {method} /{path}", _answered(response))


def _wants_sign_in(response: httpx.Response) -> bool:
    """A success is a redirect as well: only where it leads says which it is."""
    to = urlsplit(response.headers.get("location", ""))
    return response.status_code == httpx.codes.FOUND and re.search(r"(^|&)next=", to.query) is not None


def _answered(response: httpx.Response) -> str:
    if response.status_code == httpx.codes.FOUND:
        return f"a redirect to {response.headers.get('location', '')[:200]!r}"
    if response.status_code == httpx.codes.OK:
        return described(response.text)
    if response.headers.get("content-type", "").startswith("application/json"):
        return f"{response.status_code}: {response.text[:200]}"
    return f"{response.status_code}, {described(response.text)}"

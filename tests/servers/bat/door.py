"""Who comes in: the Host header, sessions, the token against forged requests."""

import secrets
import time
from urllib.parse import quote

from starlette.responses import Response

from servers.bat.answers import csrf_refused, sign_in_first
from servers.bat.call import Call

HOSTS = ("localhost", "127.0.0.1", "[::1]")
SESSION_S = 14 * 24 * 3600
SAFE = ("GET", "HEAD")


class DisallowedHost(Exception):
    """What is raised for a Host header that the operator has not allowed."""


def check_host(call: Call, hosts: tuple[str, ...]) -> None:
    """Any port will do."""
    host = call.headers.get("host", "")
    if (host.rpartition(":")[0] or host) not in hosts and host not in hosts:
        raise DisallowedHost(
            f"Invalid HTTP_HOST header: '{host}'. You may need to add '{host}' to ALLOWED_HOSTS."
        )


def recognize(call: Call) -> None:
    """Whose session it is. A cookie that has outlived its session is taken away."""
    key = call.cookies.get("sessionid", "")
    call.user = call.state.row(
        "SELECT users.* FROM sessions JOIN users ON users.id = user_id WHERE sessions.id = ? AND ends_at > ?",
        key,
        time.time(),
    )
    if key and call.user is None:
        call.new_cookies.append(("sessionid", ""))


def sign_in(call: Call, user_id: int) -> None:
    """A session of 14 days from now, however it is used; the token is a new one."""
    key = secrets.token_hex(16)
    call.state.db.execute("INSERT INTO sessions VALUES (?, ?, ?)", (key, user_id, time.time() + SESSION_S))
    call.new_cookies += [("sessionid", key), ("csrftoken", secrets.token_hex(32))]


def token(call: Call) -> str:
    """The token for a form on a page, which comes as a cookie besides."""
    value = call.cookies.get("csrftoken") or secrets.token_hex(32)
    call.new_cookies.append(("csrftoken", value))
    return value


def token_field(call: Call) -> str:
    return f"<input type='hidden' name='csrfmiddlewaretoken' value='{token(call)}' />"


def refusal(call: Call, kind: str, for_superusers: bool) -> Response | None:
    """Why this caller gets no farther; None where they may.

    `kind` is `open` (anybody), `page`, `api`, or `function` (anybody with a token, signed in or not).
    """
    if kind in ("page", "api") and (call.user is None or (for_superusers and not call.user["superuser"])):
        return sign_in_first(quote(_whole_path(call), safe="/"))
    if kind == "open" or call.method in SAFE or _has_token(call):
        return None
    return csrf_refused("api" if call.method == "DELETE" else kind)


def _has_token(call: Call) -> bool:
    cookie = call.cookies.get("csrftoken")
    in_form = "" if call.method == "DELETE" else call.form.get("csrfmiddlewaretoken", [""])[-1]
    return bool(cookie) and cookie in (call.headers.get("x-csrftoken"), in_form)


def _whole_path(call: Call) -> str:
    query = "&".join(f"{name}={value}" for name, values in call.query.items() for value in values)
    return f"{call.path}?{query}" if query else call.path

"""Addresses with a password in them: read here, and repeated by no message."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

from escolta.errors import Misconfigured

_LABEL = r"[^\[\]:.\s]{1,63}"
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(rf"(\[[0-9A-Fa-f:.]+\]|({_LABEL}(\.{_LABEL})*\.?)?)(:(?P<port>\d{{1,5}}))?")


def scheme_of(url: str) -> str:
    """What stands before `://`; nothing where that is no scheme, and may be anything."""
    found = re.match(r"([a-z][a-z0-9+-]{0,19})://", url)
    return found[1] if found else ""


def split_url(url: str, setting: str, shape: str) -> SplitResult:
    """The parts of `url`, the value of `setting`; `shape` is what it should look like.

    A `/`, `#`, `?` or `@` in a password must be percent-encoded: else the host would end or begin within the
    password, and an error that names the host would show a part of it. So must a `%`: a library would take it
    as it stands, or say where it stumbled.
    Raises `Misconfigured`, which shows nothing of the URL.
    """
    parts = parts_of(url)
    if parts is None:
        raise Misconfigured(
            f"{setting} is no address: write {shape}, and inside user and password %2F for /, %23 for #, "
            "%3F for ?, %40 for @, %3A for : and %25 for %"
        )
    return parts


def parts_of(url: str) -> SplitResult | None:
    """The parts of `url`; None where it is no address, or may be read in two ways."""
    try:
        parts = urlsplit(url)
        unquote(url, errors="strict")
    except ValueError:  # its message quotes a piece of the URL
        return None
    if _NO_ESCAPE.search(url):
        return None
    hosts = parts.netloc.rpartition("@")[2].split(",")
    named = [_HOST.fullmatch(host) for host in hosts]
    ports = [int(found["port"] or 1) for found in named if found]
    well_formed = all(named) and all(0 < port < 65536 for port in ports)
    return parts if well_formed and "#" not in url and "@" not in parts.path + parts.query else None

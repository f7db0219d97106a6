"""What can go wrong, split by what the bus does with it.

    EscoltaError
    ├── Transient       try again later, with a growing delay
    ├── Rejected        never try again: dead letter and quarantine list, with the reason
    │   └── ObjectMissing
    └── Misconfigured   stop, and say what to set

The message is one sentence for the person who will read it: what happened, to which thing, what to do.
"""

import errno
import re
import socket
import ssl


class EscoltaError(Exception):
    """The root of everything that Escolta raises on purpose."""


class Transient(EscoltaError):
    """Raised when the same work may succeed later: a broker, database or store that is away."""


class Rejected(EscoltaError):
    """Raised when the input itself is at fault, so that trying again cannot help."""


class ObjectMissing(Rejected):
    """Raised when an object key names nothing in the object store."""


class Misconfigured(EscoltaError):
    """Raised when a setting is missing or wrong; the message names the setting."""


def is_transient(error: Exception) -> bool:
    """Whether time alone, or whoever runs the servers, may mend it; what only we can mend is not transient.

    Our own `Transient`; the network; a disk or a process short of something; the database away.
    """
    if isinstance(error, Transient | TimeoutError | ConnectionError | socket.gaierror | ssl.SSLError):
        return True
    if type(error) is OSError and error.errno is None:
        return True  # asyncio's, where a host has several addresses and none of them answers
    if isinstance(error, OSError):
        return error.errno in _PASSING
    if type(error).__name__ == "InterfaceError":  # asyncpg's; its other ones say how we misused it
        return _IS_CLOSED.search(str(error)) is not None
    sqlstate = str(getattr(error, "sqlstate", ""))
    return sqlstate[:2] in _PASSING_CLASSES or sqlstate in _PASSING_STATES


_PASSING = {
    *(errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH),
    *(errno.EADDRNOTAVAIL, errno.ENOBUFS),  # no port or buffer is left for another connection
    *(errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EBUSY),
    errno.ESTALE,  # a network disk was mounted anew
}
_IS_CLOSED = re.compile(r"\b(connection|pool) is clos(ed|ing)\b")
_PASSING_CLASSES = {"08", "28", "40", "53", "57"}
"""SQLSTATE: connection, login (a password is changed on both sides in time), rollback (deadlock,
serialization), resources, operator."""
_PASSING_STATES = {
    "25006",  # read only: a standby that has not taken over yet
    "3D000",  # the database is being restored
    "55000",  # it takes no connections while somebody works on it
    "42501",  # a right is missing, which the operator grants
    "55P03",  # a lock was not to be had
}

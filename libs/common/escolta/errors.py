"""What can go wrong, split by what the bus does with it.

    EscoltaError
    ├── Transient       try again later, with a growing delay
    ├── Rejected        never try again: dead letter and quarantine list, with the reason
    │   └── ObjectMissing
    └── Misconfigured   stop, and say what to set

The message is one sentence for the person who will read it: what happened, to which thing, what to do.
"""


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
    """Whether the same work may succeed later: our own `Transient`, the network, the database away.

    SQLSTATE classes: 08 connection, 40 rollback (deadlock, serialization), 53 resources, 57 operator.
    """
    if isinstance(error, Transient | OSError | TimeoutError):
        return True
    if type(error).__name__ == "InterfaceError":  # asyncpg: the connection or its pool has closed
        return True
    return str(getattr(error, "sqlstate", ""))[:2] in ("08", "40", "53", "57")

"""The audit log: who did what, to which, by which service. It is only ever added to; the catalog holds that.

Call it with the connection of the transaction that does the thing, where there is one: then one is not kept
without the other.
"""

import getpass
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import asyncpg

What = Literal[
    "signed in",
    "signed out",
    "signed out everywhere",
    "ended a session",
    "made a link",
    "made a token",
    "added a person",
    "changed a person",
    "labeled",
    "asked for an iteration",
    "canceled an iteration",
    "closed a batch",
    "exported",
    "loaded classes",
    "enrolled a node",
    "revoked a node",
    "changed a speech policy",
    "changed how long sounds are kept",
    "deleted",
    "dropped",
]
LONGEST = 500
"""Characters of a name and of what was done to; the rest is cut off."""


class Who(Protocol):
    """Somebody who does something: a session, or a labeler."""

    @property
    def labeler_id(self) -> int | None: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Somebody:
    """Somebody without a session. `labeler_id` None: the catalog does not know them."""

    labeler_id: int | None
    name: str


INSTALLATION = Somebody(0, "Escolta")
"""What nobody asked for but the installation itself, as the first lead of an empty catalog."""


def at_the_terminal() -> Somebody:
    """Whoever runs a command on this machine, by the name that the system has for them."""
    try:
        return Somebody(None, f"{getpass.getuser()} at the terminal")
    except (KeyError, OSError):  # a container's user often has no name
        return Somebody(None, "somebody at the terminal")


async def note(
    db: "asyncpg.Connection | asyncpg.Pool", service: str, who: Who, what: What, which: str
) -> None:
    """Add to the audit log that `who` did `what` to `which`, by `service`."""
    await db.execute(
        "INSERT INTO audio.audit (service, labeler_id, name, what, which) VALUES ($1, $2, $3, $4, $5)",
        service,
        who.labeler_id,
        who.name[:LONGEST],
        what,
        which[:LONGEST],
    )

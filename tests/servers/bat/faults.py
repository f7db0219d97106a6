"""What a test makes go wrong: faults at a request of its choosing, and ways to run BAT badly."""

import re
from dataclasses import asdict, dataclass, field
from typing import Literal

from servers.bat.door import HOSTS

Kind = Literal[
    "silent before",
    "silent after",
    "cut before",
    "cut after",
    "failed",
    "session expired",
    "elsewhere",
    "wiped",
    "held before",
    "held after",
]
"""silent before, after   nothing is done, or all of it is; no answer comes until the client has gone away
cut before, after      the same, but the connection ends at once
failed                 a 500: the database is as it was, files that were written stay
session expired        whose session it is, is forgotten before
elsewhere              a page comes that is not BAT's, as from an entrance before it
wiped                  the folder of what is heard is empty before: somebody else has opened a page
held before, after     the request waits, before its work or after, until the test lets it go on"""


@dataclass
class Fault:
    """At requests of `method` whose path and query match `where`: `times` of them, after `skip` others."""

    kind: Kind
    method: str = ""
    where: str = ""
    skip: int = 0
    times: int = 1

    def strikes(self, method: str, path: str) -> bool:
        """Whether it does so now."""
        if not self.times or self.method not in ("", method) or not re.search(self.where, path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Running:
    """How BAT is run: as its start script does, on its own machine, unless told otherwise.

    `slow_s` is how long a page takes whose reader has not switched the debug toolbar's panels off.
    """

    debug: bool = True
    toolbar: bool = False
    slow_s: float = 0.0
    hosts: tuple[str, ...] = HOSTS


@dataclass
class Struck:
    """A fault that came to be."""

    kind: Kind
    method: str
    path: str


@dataclass
class Faults:
    """Those that wait for their request, and those that were."""

    waiting: list[Fault] = field(default_factory=list)
    struck: list[Struck] = field(default_factory=list)

    def at(self, method: str, path: str) -> Kind | None:
        """What goes wrong at this request."""
        for fault in self.waiting:
            if fault.strikes(method, path):
                self.struck.append(Struck(fault.kind, method, path))
                return fault.kind
        return None

    def told(self) -> list[dict]:
        return [asdict(one) for one in self.struck]

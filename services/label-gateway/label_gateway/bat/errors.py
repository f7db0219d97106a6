"""What can go wrong with BAT. Time, or BAT's operator, mends it: a later round tries again.

Transient
└── BatError
    ├── BatUnreachable    nothing answers, or not in time: what was asked for may have been done or not
    ├── BatFailed         BAT had trouble of its own, and did nothing of what was asked for
    ├── NotLetIn          the user, the password, or what that user may do
    ├── HostRefused       BAT takes this Host header for somebody else's
    ├── UnexpectedPage    what came is not what BAT shows there: nothing is guessed from it
    ├── Differs           something of that name is there, and it is not as we make it
    └── NothingToChoose   there is no class yet that a labeler could choose
"""

from escolta.errors import Transient


class BatError(Transient):
    """The root of everything that goes wrong with BAT."""


class BatUnreachable(BatError):
    """Raised where no answer came. Whoever wanted a change has to look whether it was made."""


class BatFailed(BatError):
    """Raised for a 5xx: BAT's transaction was rolled back. `title` names its exception, where it tells."""

    def __init__(self, what: str, title: str) -> None:
        super().__init__(f"BAT had trouble with {what}: {title or 'it does not say which'}")
        self.title = title


class NotLetIn(BatError):
    """Raised where BAT does not let us in, or not to where we have to be."""


class HostRefused(BatError):
    """Raised where BAT knows no such host as it was addressed by."""


class UnexpectedPage(BatError):
    """Raised where something else came than what was expected; the message says both."""

    def __init__(self, expected: str, came: str) -> None:
        super().__init__(f"BAT should have shown {expected}, and what came was {came}")


class Differs(BatError):
    """Raised where BAT has something of our name that we have not made so."""


class NothingToChoose(BatError):
    """Raised where a project would be made in which nothing could be labeled, ever."""


OF_ALL_PROJECTS = (BatUnreachable, NotLetIn, HostRefused)
"""After one of these the next project would fare no better."""

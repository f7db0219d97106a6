"""Audios that a truth does not know: simulated labelers say that nothing is to be heard in them."""

from escolta.errors import Misconfigured
from escolta.truth import Truth

MOST = 20
"""So many strangers without one audio that is known are no chance: it is the wrong truth."""


class Strangers:
    """Their names, in the order in which they came."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self._somebody_is_known = False

    def meet(self, file_name: str, truth: Truth) -> None:
        """Raises `Misconfigured` where one after the other is a stranger."""
        if truth.knows(file_name):
            self._somebody_is_known = True
            return
        self.names[file_name] = None
        if len(self.names) >= MOST and not self._somebody_is_known:
            raise Misconfigured(
                f"the truth knows none of {len(self.names)} audios, such as {min(self.names)}; it has"
                f" {', '.join(sorted(truth.categories)[:5])}: give the truth of these recordings"
            )

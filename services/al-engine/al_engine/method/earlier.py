"""What earlier batches have left besides medoids: audios that no class stands for, or none yet."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Earlier:
    """Embeddings `[audios, dim]` each, of any length, by the model of the medoids; there may be none.

    `unresolved`: people heard them, and agreed on no class or heard nothing. `open_proposals`: people have
    not answered yet, and will.
    """

    unresolved: NDArray[np.floating]
    open_proposals: NDArray[np.floating]

    @classmethod
    def nothing(cls, dim: int) -> "Earlier":
        """Neither of both, as before the first batch."""
        return cls(np.empty((0, dim), np.float32), np.empty((0, dim), np.float32))

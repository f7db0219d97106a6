"""A file that is cut: its audios, and what cannot be had of it."""

import io
from pathlib import Path

import numpy as np
import soundfile

from node_agent.recording.cut import Damaged, Gap, Piece, cut, plan


def pieces(path: Path) -> list[Piece]:
    made = plan(path)
    return [cut(path, made, index) for index in range(made.audios)]


def parts(path: Path) -> tuple[list[Piece], list[Gap]]:
    """What can be had of a file, and what cannot."""
    made, had, gaps = plan(path), [], []
    for index in range(made.audios):
        try:
            piece = cut(path, made, index)
        except Damaged as damaged:
            gaps.append(damaged.gap)
        else:
            had.append(piece)
            gaps += [piece.gap] if piece.gap else []
    return had, gaps


def together(cuts: list[Piece], dtype: str = "float64") -> np.ndarray:
    return np.concatenate([soundfile.read(io.BytesIO(part.data), dtype=dtype)[0] for part in cuts])

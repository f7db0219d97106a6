"""Embeddings to test with: few directions, so that ties are the rule, and clusters, as sounds make them."""

from uuid import UUID

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray


@st.composite
def tying_embeddings(draw: st.DrawFn, least: int = 1, most: int = 25) -> NDArray[np.float32]:
    """float32 `[n, dim]` of small whole numbers: equal rows, equal distances and zero rows abound."""
    dim = draw(st.integers(1, 4))
    n = draw(st.integers(least, most))
    row = st.lists(st.integers(-2, 2), min_size=dim, max_size=dim)
    return np.array(draw(st.lists(row, min_size=n, max_size=n)), np.float32).reshape(n, dim)


def clustered(
    n: int, dim: int, clusters: int, seed: int, noise: float = 0.5
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Embeddings `[n, dim]`, not negative as a network's are, and the cluster of each."""
    rng = np.random.default_rng(seed)
    centers = np.maximum(rng.standard_normal((clusters, dim)), 0)
    cluster = rng.integers(0, clusters, n)
    rows = centers[cluster] + noise * rng.standard_normal((n, dim))
    return np.maximum(rows, 0).astype(np.float32), cluster


def ids(n: int) -> list[UUID]:
    """Ascending audio ids."""
    return [UUID(int=number) for number in range(1, n + 1)]

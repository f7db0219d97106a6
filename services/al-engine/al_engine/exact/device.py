"""Large float32 matrix products on a GPU, where torch finds one; else, and the small ones, in NumPy.

`distances.py` allows for the error of float32 products summed in any order, fused or not, and those of
`pairwise.py` have no error: whatever computes them, the answers are the same to the bit. That holds for
float32 alone. So TF32, which shortens the factors, is switched off, and a GPU that still gets products of
whole numbers wrong is not used.

A product costs the way there and back, 4 bytes a coordinate and a result, and the first one costs the
import of torch, some seconds. So torch is imported when the first large product comes, and only where the
driver of a GPU is to be seen.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger("escolta.al-engine")

GPU_DRIVERS = Path("/dev/nvidiactl"), Path("/dev/dxg")
"""NVIDIA's on Linux and in containers; that of WSL 2."""
LARGE = 2**34
"""Multiplications for which the GPU is asked (ours): some tenths of a second on a few cores."""
EVERY_ROW = slice(None)


class Factor:
    """A float32 matrix `[rows, dim]` to multiply with, in memory and perhaps on a GPU too."""

    def __init__(self, matrix: NDArray[np.float32], device: Any = None) -> None:
        self._matrix = matrix
        self._there: Any = None  # the torch tensor
        if device is not None:
            try:
                self._there = _tensor(matrix, device)
            except RuntimeError as error:
                self._come_back(error)

    def products(
        self,
        x: NDArray[np.float32] | slice,
        columns: slice = EVERY_ROW,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Of vectors `x [any, dim]`, or of the rows at a slice, with the rows at `columns`: float32.

        They are written to `out`, if given, which may be part of a larger matrix. Where the GPU fails,
        for want of memory above all, this and what follows is computed in NumPy.
        """
        there = self._there
        if there is not None:
            try:
                left = there[x] if isinstance(x, slice) else _tensor(x, there.device)
                found = np.asarray((left @ there[columns].T).cpu().numpy())
                if out is None:
                    return found
                out[...] = found
                return out
            except RuntimeError as error:
                self._come_back(error)
        rows = self._matrix[x] if isinstance(x, slice) else x
        return np.matmul(rows, self._matrix[columns].T, out=out)

    def release(self) -> None:
        """Leave the GPU."""
        self._there = None

    def _come_back(self, error: RuntimeError) -> None:
        self._there = None
        log.warning("the GPU failed (%s): the processor computes this set's distances", error)


@contextmanager
def factor(matrix: NDArray[np.float32], against: int) -> Iterator[Factor]:
    """The matrix, ready for products with so many vectors; on the GPU until the end, if that is worth it."""
    device = gpu() if matrix.size * against >= LARGE else None
    ready = Factor(matrix, device)
    try:
        yield ready
    finally:
        ready.release()
        if device is not None:
            import torch

            torch.cuda.empty_cache()  # others need the memory before the next iteration does


@cache
def gpu() -> Any:
    """The torch device of a GPU that multiplies exactly, or None. Asked once a process."""
    if find_spec("torch") is None or not any(driver.exists() for driver in GPU_DRIVERS):
        return None
    try:
        import torch

        if not torch.cuda.is_available():
            return None
        torch.set_float32_matmul_precision("highest")
        device, name = torch.device("cuda"), torch.cuda.get_device_name()
        exact = multiplies_exactly(device)
    except (ImportError, OSError, RuntimeError) as error:
        log.warning("no GPU is used until the next start: torch cannot use it (%s)", error)
        return None
    if not exact:
        log.warning("%s is not used: its float32 products are not exact where they have to be", name)
        return None
    log.info("%s computes large matrix products", name)
    return device


def multiplies_exactly(device: Any) -> bool:
    """Whether products of 12-bit whole numbers, which float32 holds and TF32 does not, come out right."""
    rng = np.random.default_rng(0)
    long, short = rng.integers(-4095, 4096, (256, 256)), rng.integers(-3, 4, (256, 256))
    exact = long @ short.T
    a, b = _tensor(long.astype(np.float32), device), _tensor(short.astype(np.float32), device)
    product, turned = (a @ b.T).cpu().numpy(), (b @ a.T).cpu().numpy()
    return np.array_equal(product, exact) and np.array_equal(turned, exact.T)


def _tensor(matrix: NDArray[np.float32], device: Any) -> Any:
    import torch

    return torch.from_numpy(matrix).to(device)

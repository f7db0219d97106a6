"""Blocks of work on every core: each core its own block, with everything that the block needs.

A BLAS that splits one product over the cores leaves them idle while the rest of a block is prepared and
looked through. Our answers depend on no order of summation, so nobody can tell which thread did what.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

from threadpoolctl import ThreadpoolController, threadpool_limits

T = TypeVar("T")

_ONE_AT_A_TIME = Lock()  # the number of BLAS threads belongs to the process


def for_each(work: Callable[[T], None], parts: Iterable[T]) -> None:
    """Do the work for every part, several at a time: as many as the BLAS would take threads.

    `work` must write only what belongs to its part. Raises what it raises.
    """
    parts = list(parts)
    if len(parts) < 2:
        for part in parts:
            work(part)
        return
    with _ONE_AT_A_TIME:
        threads = _blas_threads()
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(work, parts):
                pass


@contextmanager
def one_thread() -> Iterator[None]:
    """Let what is done inside use one thread, whichever library does it."""
    with _ONE_AT_A_TIME, threadpool_limits(1):
        yield


def _blas_threads() -> int:
    blas = ThreadpoolController().select(user_api="blas").info()
    return max((library["num_threads"] for library in blas), default=1)

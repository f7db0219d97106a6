"""Work for every part, several at a time; what goes wrong is told."""

import threading

import pytest
from threadpoolctl import ThreadpoolController

from al_engine.exact.parallel import for_each


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in ThreadpoolController().select(user_api="blas").info()]


@pytest.mark.parametrize("parts", [0, 1, 2, 100])
def test_every_part_is_worked_on_once(parts):
    done: list[int] = []
    for_each(done.append, range(parts))
    assert sorted(done) == list(range(parts))


def test_an_error_is_told_and_the_blas_has_its_threads_again():
    before = blas_threads()

    def fail(part: int) -> None:
        if part == 3:
            raise ValueError("the third part is bad")

    with pytest.raises(ValueError, match="third part"):
        for_each(fail, range(10))
    assert blas_threads() == before


def test_calls_from_several_threads_leave_the_blas_its_threads():
    before = blas_threads()
    callers = [threading.Thread(target=for_each, args=(lambda part: None, range(20))) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert blas_threads() == before

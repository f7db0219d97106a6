"""Products on torch's device give the bits that NumPy gives; without a GPU or its memory NumPy computes.

No GPU is needed: torch's own processor device goes the same way.
"""

import logging
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.al_engine.vectors import clustered, tying_embeddings

from al_engine.exact import device
from al_engine.exact.distances import nearest
from al_engine.exact.pairwise import pairwise
from al_engine.exact.vectors import unit_vectors


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch, an extra of the al-engine, is not installed")


@pytest.fixture(autouse=True)
def _asked_anew():
    device.gpu.cache_clear()
    yield
    device.gpu.cache_clear()


def assert_same_bits(left, right):
    assert [array.tobytes() for array in left] == [array.tobytes() for array in right]


def all_distances(vectors):
    return pairwise(vectors).rows(slice(0, len(vectors)))


def on_torch(torch, answer):
    """What is answered with torch's device in the place of a GPU; it must have been used."""
    used = []

    class Seen(device.Factor):
        def release(self):
            used.append(self._there is not None)
            super().release()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(device, "gpu", lambda: torch.device("cpu"))
        patched.setattr(device, "LARGE", 0)
        patched.setattr(device, "Factor", Seen)
        answered = answer()
    assert used
    assert all(used)
    return answered


@given(
    embeddings=tying_embeddings() | st.builds(lambda seed: clustered(40, 300, 3, seed)[0], st.integers(0, 99))
)
def test_nearest_medoids_and_all_distances_are_the_same_to_the_bit(torch, embeddings):
    vectors = unit_vectors(embeddings)
    medoids = vectors.take(slice(0, None, 2))
    assert_same_bits(on_torch(torch, lambda: nearest(vectors, medoids)), nearest(vectors, medoids))
    assert_same_bits(on_torch(torch, lambda: all_distances(vectors)), all_distances(vectors))


@pytest.mark.parametrize("offset", [0, 10])
def test_several_blocks_in_several_threads_are_the_same_to_the_bit(torch, offset):
    vectors = unit_vectors(clustered(1500, 512, 30, seed=1)[0] + offset)
    medoids = vectors.take(slice(200))
    assert_same_bits(on_torch(torch, lambda: nearest(vectors, medoids)), nearest(vectors, medoids))
    assert_same_bits(on_torch(torch, lambda: all_distances(vectors)), all_distances(vectors))


@pytest.mark.parametrize("fails_at", [1, 2, 3], ids=["at first", "at a block", "later"])
def test_a_device_without_memory_is_left_with_a_word(torch, fails_at, monkeypatch, caplog):
    calls = count(1)

    def tensor(matrix, where):
        if next(calls) >= fails_at:
            raise torch.OutOfMemoryError("no 16 MB are free")
        return torch.from_numpy(matrix)

    monkeypatch.setattr(device, "_tensor", tensor)
    monkeypatch.setattr(device, "gpu", lambda: torch.device("cpu"))
    monkeypatch.setattr(device, "LARGE", 0)
    vectors = unit_vectors(clustered(1100, 16, 5, seed=2)[0])
    medoids = vectors.take(slice(40))
    with caplog.at_level(logging.WARNING):
        found = nearest(vectors, medoids)
    assert "no 16 MB are free" in caplog.text
    monkeypatch.undo()
    assert_same_bits(found, nearest(vectors, medoids))


def test_products_in_fewer_digits_are_noticed(torch, monkeypatch):
    assert device.multiplies_exactly(torch.device("cpu"))
    plain = device._tensor

    def ten_digits(matrix, where):  # as TF32 rounds them
        return plain((matrix.view(np.uint32) + 0x1000 & 0xFFFFE000).view(np.float32), where)

    monkeypatch.setattr(device, "_tensor", ten_digits)
    assert not device.multiplies_exactly(torch.device("cpu"))


@pytest.mark.parametrize(("drivers", "finds_cuda"), [((), True), ((Path("/dev/null"),), False)])
def test_no_gpu_is_found_without_a_driver_or_where_torch_sees_none(torch, drivers, finds_cuda, monkeypatch):
    monkeypatch.setattr(device, "GPU_DRIVERS", drivers)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: finds_cuda)
    assert device.gpu() is None


@pytest.mark.parametrize(
    ("exact", "word"), [(True, "Some GPU computes large matrix products"), (False, "Some GPU is not used")]
)
def test_a_gpu_is_used_if_it_multiplies_exactly(torch, exact, word, monkeypatch, caplog):
    monkeypatch.setattr(device, "GPU_DRIVERS", (Path("/dev/null"),))
    monkeypatch.setattr(device, "multiplies_exactly", lambda where: exact)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    with caplog.at_level(logging.INFO):
        assert device.gpu() == (torch.device("cuda") if exact else None)
    assert word in caplog.text


def test_a_torch_that_cannot_be_imported_is_told_and_not_needed(monkeypatch, caplog):
    monkeypatch.setattr(device, "GPU_DRIVERS", (Path("/dev/null"),))
    monkeypatch.setattr(device, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "torch", None)
    assert device.gpu() is None
    assert "torch cannot use it" in caplog.text


def test_few_products_ask_for_no_gpu(monkeypatch):
    monkeypatch.setattr(device, "gpu", lambda: pytest.fail("torch would be imported"))
    vectors = unit_vectors(clustered(200, 64, 5, seed=3)[0])
    nearest(vectors, vectors.take(slice(20)))
    pairwise(vectors)

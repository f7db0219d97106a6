"""The model at work on parts: too little memory, files that break it, and a model that is broken."""

import logging
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from unit.embedder.parts import tone

from embedder.computing import PARTS_BEFORE_GROWING, Computing, EmbeddedAudio
from embedder.metrics import Metrics
from embedder.models.model import Embedded, FloatArray
from embedder.models.placeholder import Placeholder
from escolta.errors import Rejected, Transient

OutOfMemoryError = type("OutOfMemoryError", (RuntimeError,), {"__module__": "torch"})
"""As PyTorch names its own, which is the same class as torch.cuda.OutOfMemoryError."""

Before = Callable[[Sequence[FloatArray]], None]
SOUNDS = [tone(16_000, hz=100.0 * number) for number in range(1, 9)]


class Double(Placeholder):
    """A model that does something before it computes, and keeps the sizes of what it was given."""

    def __init__(self, before: Before) -> None:
        super().__init__()
        self._before = before
        self.sizes: list[int] = []

    def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
        self.sizes.append(len(waveforms))
        self._before(waveforms)
        return super().embed(waveforms)


def computing(model: Placeholder) -> Computing:
    return Computing(model, Metrics(CollectorRegistry()), logging.getLogger("test"))


def room_for(audios: int) -> Before:
    def before(waveforms: Sequence[FloatArray]) -> None:
        if len(waveforms) > audios:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")

    return before


def vectors(outcomes: Sequence[object]) -> FloatArray:
    assert all(isinstance(outcome, EmbeddedAudio) for outcome in outcomes)
    return np.stack([outcome.vector for outcome in outcomes if isinstance(outcome, EmbeddedAudio)])


def test_what_is_too_much_for_the_device_goes_in_halves():
    model = Double(room_for(3))
    outcomes = computing(model).embed(SOUNDS)
    assert model.sizes == [8, 4, 2, 2, 2, 2]
    np.testing.assert_allclose(vectors(outcomes), Placeholder().embed(SOUNDS).vectors, rtol=1e-4, atol=1e-5)


def test_a_size_that_went_is_kept_and_later_doubled():
    model = Double(room_for(4))
    work = computing(model)
    work.embed(SOUNDS)
    assert model.sizes == [8, 4, 4]
    for _ in range(PARTS_BEFORE_GROWING // 2):
        work.embed(SOUNDS)
    assert model.sizes.count(8) == 2
    assert set(model.sizes) == {4, 8}


def test_one_audio_that_is_too_much_is_tried_later():
    outcomes = computing(Double(room_for(0))).embed(SOUNDS[:2])
    assert [isinstance(outcome, Transient) for outcome in outcomes] == [True, True]


def test_the_error_that_pytorch_raises_is_recognized():
    torch = pytest.importorskip("torch")
    assert torch.cuda.OutOfMemoryError.__name__ == "OutOfMemoryError"

    def before(waveforms: Sequence[FloatArray]) -> None:
        if len(waveforms) > 4:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    model = Double(before)
    vectors(computing(model).embed(SOUNDS))
    assert model.sizes == [8, 4, 4]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 3.00 GiB for an array"),
        RuntimeError("alloc_cpu.cpp:127 DefaultCPUAllocator: can't allocate memory: you tried to allocate 1"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA out of memory."),
        Exception("BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 1"),
        Exception("Non-zero status code returned while running Conv node: std::bad_alloc"),
    ],
    ids=str,
)
def test_an_error_that_tells_of_a_failed_allocation_blames_no_file(error):
    def before(waveforms: Sequence[FloatArray]) -> None:
        if any(waveform is SOUNDS[2] for waveform in waveforms):
            raise error

    outcomes = computing(Double(before)).embed(SOUNDS[:4])
    assert isinstance(outcomes[2], Transient)
    vectors([outcomes[0], outcomes[1], outcomes[3]])


def test_the_processor_without_memory_is_recognized():
    torch = pytest.importorskip("torch")

    def before(waveforms: Sequence[FloatArray]) -> None:
        if len(waveforms) > 4:
            torch.empty(1 << 50)  # a petabyte

    model = Double(before)
    vectors(computing(model).embed(SOUNDS))
    assert model.sizes == [8, 4, 4]


def test_an_audio_that_breaks_the_model_harms_no_other():
    def before(waveforms: Sequence[FloatArray]) -> None:
        if any(waveform is SOUNDS[2] for waveform in waveforms):
            raise ValueError("no such sound")

    outcomes = computing(Double(before)).embed(SOUNDS)
    assert isinstance(outcomes[2], Rejected)
    assert "no such sound" in str(outcomes[2])
    good = [number for number in range(8) if number != 2]
    np.testing.assert_allclose(
        vectors([outcomes[number] for number in good]),
        Placeholder().embed([SOUNDS[number] for number in good]).vectors,
        rtol=1e-4,
        atol=1e-5,
    )


def test_a_model_that_is_broken_blames_no_file():
    def before(waveforms: Sequence[FloatArray]) -> None:
        raise RuntimeError("device-side assert triggered")

    with pytest.raises(Transient, match=r"even on silence .device-side assert"):
        computing(Double(before)).embed(SOUNDS)


def test_a_model_that_makes_nan_of_everything_blames_no_file():
    class Damaged(Placeholder):
        def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
            embedded = super().embed(waveforms)
            embedded.vectors[:] = np.nan
            return embedded

    with pytest.raises(Transient, match=r"even on silence .*not finite.*: start the embedder again"):
        computing(Damaged()).embed(SOUNDS)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e6])
def test_numbers_that_no_row_can_hold_are_refused(number):
    class Diverging(Placeholder):
        def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
            embedded = super().embed(waveforms)
            if len(waveforms) > 1:  # or else it is the silence that the model is tried with
                embedded.vectors[1, 5] = number
            return embedded

    first, second, third = computing(Diverging()).embed(SOUNDS[:3])
    assert isinstance(second, Rejected)
    assert "not finite" in str(second)
    vectors([first, third])

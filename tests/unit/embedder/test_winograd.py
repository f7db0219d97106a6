"""Winograd's convolution against PyTorch's own, in double precision."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=30)
@given(
    tile=st.sampled_from([2, 4]),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 13), st.integers(1, 9)),
    outputs=st.integers(1, 6),
    channels_last=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_images_of_every_shape_are_convolved(
    torch: Any, tile: int, shape: tuple[int, ...], outputs: int, channels_last: bool, seed: int
) -> None:
    from embedder.models.winograd import Winograd

    torch.manual_seed(seed)
    convolution = torch.nn.Conv2d(shape[1], outputs, 3, padding=1)
    images = torch.randn(shape)
    if channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        got = Winograd(convolution, tile)(images)
        expected = convolution.double()(images.double())
    torch.testing.assert_close(got.double(), expected, rtol=1e-4, atol=1e-4)

"""CNN14 for inference: near the plain network to a cosine of 0.9999, in a fraction of its time. (ours)

What differs from `panns_inference.models.Cnn14`, each for a measured gain (`make bench`):

- The spectrogram comes from an FFT. The plain one multiplies every frame by the whole matrix of the discrete
  Fourier transform, as a convolution: a twentieth of all arithmetic, and far more of the time.
- Batch normalization is a part of the convolution before it; the first one, which stands behind the
  logarithm, is a product and a sum with the logarithm's factor in it.
- Images lie in memory with their channels last, in which the convolutions of oneDNN and cuDNN are faster.
- Convolutions compute in 16 bits where the device has instructions for it: float16 on a GPU, bfloat16 on a
  processor. What the first layers lose by that the later ones amplify, more or less as the weights are:
  with bfloat16 throughout, the cosine may fall to 0.998. So the first blocks stay float32, as many as keep
  the sounds of `_probes` above `NEAR`. The spectrogram, its logarithm and the two last layers are float32
  everywhere.

- On a processor, the float32 convolutions of the last three blocks go by Winograd's algorithm, which takes a
  quarter to four ninths of the multiplications. Their images are small and have many channels; in the first
  three blocks its transforms cost what its products save. In the last two it is faster than bfloat16, too,
  where that has twice the rate of float32 (AVX-512) and not eight times (AMX): these stay float32 there.

Left out, because it did not pay: weights in oneDNN's own order (nothing at a batch of 8), running one audio
after the other through all layers (nothing), bfloat16 without instructions (slower than float32).
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.fusion import fuse_conv_bn_eval

from embedder.models.model import FloatArray
from embedder.models.winograd import Winograd

BLOCKS = 6
RATE_HZ = 32_000
FFT = 1024
HOP = 320
AMIN = 1e-10
TILES = {4: 4, 5: 4, 6: 2}
"""The side of a tile by block: an image of the sixth is two mel bins wide."""

LAST_OF_AVX512 = 4
"""The last block that is faster in bfloat16 by AVX-512 than in float32 by Winograd's algorithm."""

NEAR = 0.99995
"""The least cosine to float32 that computing in 16 bits may leave. Half of what is promised for every sound
(0.9999) is kept for sounds that are farther off than the probes."""


class FastCnn14:
    """A copy of the plain network's weights, laid out for speed.

    `dtype` is what convolutions compute in from the block `first` to the block `last`, counted from 1; in the
    others they do in float32. By default `best_dtype` chooses the type; where no block may compute in it, all
    are float32.
    """

    def __init__(self, plain: Any, device: str, dtype: torch.dtype | None = None) -> None:
        self.device = device
        self.front_end_s = 0.0
        """Seconds in the front end so far; on a GPU, which computes later, those of giving the order."""
        self.dtype, self.first, self.last = torch.float32, 1, BLOCKS
        self._window = torch.hann_window(FFT, device=device)
        self._mel = plain.logmel_extractor.melW.detach().to(device)  # [FFT bins, mel bins]
        self._scale, self._shift = (factor.to(device) for factor in _as_product_and_sum(plain.bn0))
        self._blocks = [_fused(getattr(plain, f"conv_block{number + 1}"), device) for number in range(BLOCKS)]
        self._embedding = plain.fc1.to(device)
        self._classes = plain.fc_audioset.to(device)
        self._shorten(dtype or best_dtype(device))
        if device == "cpu":
            self._blocks = [_by_winograd(block, number) for number, block in enumerate(self._blocks, 1)]

    @property
    def front_end(self) -> str:
        """The last part of the model id: another one wherever the numbers can be others.

        `1` is the network as panns_inference runs it. `2` has the spectrogram by FFT and fused convolutions
        in float32, `2-bf16.3-4` and `2-fp16.1` the same in 16 bits, from one block to another or the end.
        Vectors of one audio by any two of them have a cosine of 0.9999 or more; replicas on unlike processors
        write under two ids.
        """
        short = {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(self.dtype)
        last = "" if self.last == BLOCKS else f"-{self.last}"
        return f"2-{short}.{self.first}{last}" if short else "2"

    @torch.inference_mode()
    def _shorten(self, dtype: torch.dtype) -> None:
        """Have as many blocks compute in 16 bits as the probes allow."""
        if dtype == torch.float32:
            return
        probes = _probes().to(self.device)
        expected = self.forward(probes)
        last = _last_short_block(self.device, dtype)
        exact, short = self._blocks, [_in_type(block, dtype) for block in self._blocks[:last]]
        for before in range(last):
            self._blocks = exact[:before] + short[before:] + exact[last:]
            if _least_cosine(self.forward(probes), expected) >= NEAR:
                self.dtype, self.first, self.last = dtype, before + 1, last
                return
        self._blocks = exact

    @torch.inference_mode()
    def __call__(self, batches: Iterable[FloatArray]) -> list[tuple[FloatArray, FloatArray]]:
        """Vectors, float32 `[segments, 2048]`, and probabilities, float32 `[segments, 527]`, batch by batch.

        A batch is float32 `[segments, samples]`. On a GPU all are under way before the first result is waited
        for, so that the copy of one goes beside the computation of the one before it.
        """
        outputs = [self.forward(batch) for batch in self._on_device(batches)]
        return [(vectors.cpu().numpy(), probabilities.cpu().numpy()) for vectors, probabilities in outputs]

    def _on_device(self, batches: Iterable[FloatArray]) -> Iterator[Tensor]:
        """The batches as tensors on the device, one after the other."""
        if not self.device.startswith("cuda"):
            yield from (torch.from_numpy(batch) for batch in batches)
            return
        computing, copying = torch.cuda.current_stream(), torch.cuda.Stream()
        for batch in batches:
            with torch.cuda.stream(copying):
                tensor = torch.from_numpy(batch).pin_memory().to(self.device, non_blocking=True)
            computing.wait_stream(copying)
            tensor.record_stream(computing)  # its memory is not given away before it has been read
            yield tensor

    def forward(self, waveforms: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors and probabilities, as float32, of waveforms, float32 `[segments, samples]`."""
        begun = perf_counter()
        spectrogram = self.log_mel(waveforms)
        self.front_end_s += perf_counter() - begun
        x = spectrogram[:, None].contiguous(memory_format=torch.channels_last)
        for number, block in enumerate(self._blocks):
            if number:
                x = F.avg_pool2d(x, 2)
            x = x.to(block.dtype)
            for convolution in block.convolutions:
                x = convolution(x).relu_()
        x = x.float().mean(dim=3)  # over what is left of the frequencies
        vectors = F.relu(self._embedding(x.amax(dim=2) + x.mean(dim=2)))
        return vectors, torch.sigmoid(self._classes(vectors))

    def log_mel(self, waveforms: Tensor) -> Tensor:
        """The normalized log-mel spectrogram, float32 `[segments, frames, mel bins]`."""
        spectrum = torch.stft(
            waveforms, FFT, HOP, window=self._window, center=True, pad_mode="reflect", return_complex=True
        ).transpose(1, 2)
        power = spectrum.real.square() + spectrum.imag.square()
        return (power @ self._mel).clamp_(min=AMIN).log10_().mul_(self._scale).add_(self._shift)


@dataclass(frozen=True)
class _Block:
    dtype: torch.dtype
    convolutions: Sequence[Any]


def _fused(block: Any, device: str) -> _Block:
    """Both convolutions of a block, each with the normalization behind it."""
    pairs = ((block.conv1, block.bn1), (block.conv2, block.bn2))
    fused = [
        fuse_conv_bn_eval(convolution.cpu(), normalization.cpu()) for convolution, normalization in pairs
    ]
    return _Block(torch.float32, [layer.to(device, memory_format=torch.channels_last) for layer in fused])


def _in_type(block: _Block, dtype: torch.dtype) -> _Block:
    return _Block(dtype, [copy.deepcopy(convolution).to(dtype) for convolution in block.convolutions])


def _by_winograd(block: _Block, number: int) -> _Block:
    if number not in TILES or block.dtype != torch.float32:
        return block
    return _Block(block.dtype, [Winograd(convolution, TILES[number]) for convolution in block.convolutions])


def _probes() -> Tensor:
    """Silence, noise and a clipped tone, float32 `[3, samples]` of 1 s each.

    In 10 s errors are up to a third larger, and in half a second, with few frames in the last blocks, far
    smaller.
    """
    silence = torch.zeros(RATE_HZ)
    noise = 0.1 * torch.randn(RATE_HZ, generator=torch.Generator().manual_seed(1))
    tone = torch.sin(2 * torch.pi * 440 / RATE_HZ * torch.arange(RATE_HZ))
    return torch.stack([silence, noise, (50 * tone).clamp(-1, 1)])


def _least_cosine(got: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Over vectors and probabilities; not a number where one of them is not."""
    cosines = [F.cosine_similarity(here, there) for here, there in zip(got, expected, strict=True)]
    return torch.cat(cosines).min().item()


def best_dtype(device: str) -> torch.dtype:
    """The type of 16 bits that the device has matrix instructions for, else float32."""
    if device.startswith("cuda"):
        tensor_cores = torch.cuda.get_device_capability() >= (7, 0)
        return torch.float16 if tensor_cores else torch.float32
    capabilities = torch.cpu.get_capabilities()
    has = any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    return torch.bfloat16 if has else torch.float32


def _last_short_block(device: str, dtype: torch.dtype) -> int:
    if device.startswith("cuda") or dtype != torch.bfloat16:
        return BLOCKS
    return BLOCKS if torch.cpu.get_capabilities().get("amx_bf16", False) else LAST_OF_AVX512


def _as_product_and_sum(normalization: Any) -> tuple[Tensor, Tensor]:
    """Factor and summand that take log10 of power to normalized decibels, by mel bin."""
    deviation = torch.sqrt(normalization.running_var + normalization.eps)
    scale = (normalization.weight / deviation).detach()
    shift = (normalization.bias - normalization.running_mean * scale).detach()
    return 10 * scale, shift

"""CNN14 for inference: near the plain network to a cosine of 0.9999, in a fraction of its time. (ours)

What differs from `panns_inference.models.Cnn14`, each for a measured gain (`make bench`):

- The spectrogram comes from an FFT. The plain one multiplies every frame by the whole matrix of the discrete
  Fourier transform, as a convolution: a twentieth of all arithmetic, and far more of the time.
- Batch normalization is a part of the convolution before it; the first one, which stands behind the
  logarithm, is a product and a sum with the logarithm's factor in it.
- Images lie in memory with their channels last, in which the convolutions of oneDNN and cuDNN are faster.
- Convolutions compute in bfloat16 where the device has instructions for it, and in float32 elsewhere.
  The spectrogram, its logarithm and the two last layers are float32 everywhere.

Left out, because it did not pay: weights in oneDNN's own order (nothing at a batch of 8), running one audio
after the other through all layers (nothing), bfloat16 without instructions (slower than float32).
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.fusion import fuse_conv_bn_eval

from embedder.model import FloatArray

FFT = 1024
HOP = 320
AMIN = 1e-10


class FastCnn14:
    """A copy of the plain network's weights, laid out for speed.

    `dtype` is what the convolutions compute in; by default `best_dtype` chooses.
    """

    def __init__(self, plain: Any, device: str, dtype: torch.dtype | None = None) -> None:
        self.device = device
        self.dtype = dtype or best_dtype(device)
        self._window = torch.hann_window(FFT, device=device)
        self._mel = plain.logmel_extractor.melW.detach().to(device)  # [FFT bins, mel bins]
        self._scale, self._shift = (factor.to(device) for factor in _as_product_and_sum(plain.bn0))
        self._blocks = [
            [self._fused(block.conv1, block.bn1), self._fused(block.conv2, block.bn2)]
            for block in (getattr(plain, f"conv_block{number}") for number in range(1, 7))
        ]
        self._embedding = plain.fc1.to(device)
        self._classes = plain.fc_audioset.to(device)

    def _fused(self, convolution: Any, normalization: Any) -> Any:
        fused = fuse_conv_bn_eval(convolution.cpu(), normalization.cpu())
        return fused.to(self.device, self.dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, batches: Iterable[FloatArray]) -> list[tuple[FloatArray, FloatArray]]:
        """Vectors, float32 `[windows, 2048]`, and probabilities, float32 `[windows, 527]`, batch by batch.

        A batch is float32 `[windows, samples]`. On a GPU all are under way before the first result is waited
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
        """Vectors and probabilities, as float32, of waveforms, float32 `[windows, samples]`."""
        x = self.log_mel(waveforms)[:, None].to(self.dtype)
        x = x.contiguous(memory_format=torch.channels_last)
        for number, block in enumerate(self._blocks):
            if number:
                x = F.avg_pool2d(x, 2)
            for convolution in block:
                x = convolution(x).relu_()
        x = x.float().mean(dim=3)  # over what is left of the frequencies
        vectors = F.relu(self._embedding(x.amax(dim=2) + x.mean(dim=2)))
        return vectors, torch.sigmoid(self._classes(vectors))

    def log_mel(self, waveforms: Tensor) -> Tensor:
        """The normalized log-mel spectrogram, float32 `[windows, frames, mel bins]`."""
        spectrum = torch.stft(
            waveforms, FFT, HOP, window=self._window, center=True, pad_mode="reflect", return_complex=True
        ).transpose(1, 2)
        power = spectrum.real.square() + spectrum.imag.square()
        return (power @ self._mel).clamp_(min=AMIN).log10_().mul_(self._scale).add_(self._shift)


def best_dtype(device: str) -> torch.dtype:
    """bfloat16 where the device has matrix instructions for it, else float32."""
    if device.startswith("cuda"):
        has = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has = any(torch.cpu.get_capabilities().get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    return torch.bfloat16 if has else torch.float32


def _as_product_and_sum(normalization: Any) -> tuple[Tensor, Tensor]:
    """Factor and summand that take log10 of power to normalized decibels, by mel bin."""
    deviation = torch.sqrt(normalization.running_var + normalization.eps)
    scale = (normalization.weight / deviation).detach()
    shift = (normalization.bias - normalization.running_mean * scale).detach()
    return 10 * scale, shift

"""What a measurement asks of the machine: its name, its peak, and how much memory something took."""

import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def seconds_of(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def peak_gflops(device: str) -> dict[str, float]:
    """GFLOP/s of a large matrix product, by type."""
    import torch

    from embedder.models.cnn14_fast import best_dtype

    has_bf16 = device == "cuda" or best_dtype(device) == torch.bfloat16
    dtypes: Sequence[torch.dtype] = [torch.bfloat16] if has_bf16 else [torch.float32]
    size = 8192 if device == "cuda" else 2048
    peaks = {}
    for dtype in dtypes:
        a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))

        def product(a: Any = a, b: Any = b) -> None:
            torch.mm(a, b)
            if device == "cuda":
                torch.cuda.synchronize()

        product()
        best = min(seconds_of(product) for _ in range(5))
        peaks[str(dtype).removeprefix("torch.")] = 2 * size**3 / best / 1e9
    return peaks


def device_name(device: str) -> str:
    if device == "cuda":
        import torch

        return str(torch.cuda.get_device_name())
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        has = next(line for line in lines if line.startswith("flags")).split()
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
    kinds = [kind for kind in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if kind in has]
    return f"{name} ({' '.join(kinds)})"


def forget_peak(device: str) -> None:
    if device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # proc(5): resets VmHWM


def peak_mb(device: str) -> float:
    """The most memory that the last run held: resident on a CPU, PyTorch's on a GPU."""
    if device == "cuda":
        import torch

        return float(torch.cuda.max_memory_allocated()) / 1e6
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6

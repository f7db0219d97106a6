"""Networks without first values, because those of 80 million weights take seconds and are overwritten."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_FILLING = {torch.nn.init.kaiming_uniform_, torch.nn.init.uniform_, torch.Tensor.uniform_}
"""What the constructors of layers, and Xavier's initialization, call in the end."""


class Unfilled(TorchFunctionMode):
    """Layers made in this context, in this thread, hold what their memory held: load all weights."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in _FILLING:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))

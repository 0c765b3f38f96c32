"""How a processor trains fastest without failing: bfloat16 and channels last, where it has wide vectors."""

from __future__ import annotations

import torch
from torch import nn


def has_wide_vectors() -> bool:
    """Whether the processor has AVX-512 or the like. Without, bfloat16 is ten times slower than float32, and with
    PyTorch 2.13 the backward pass of small convolutions in channels last corrupts memory.
    """
    return torch.backends.cpu.get_cpu_capability() not in {"DEFAULT", "AVX2"}


def laid_out(part: nn.Module) -> None:
    """Lay the parameters of ``part`` out channels last where that is faster."""
    if torch.cuda.is_available() or has_wide_vectors():
        part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack it

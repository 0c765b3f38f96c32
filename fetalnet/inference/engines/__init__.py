"""What runs the network: PyTorch or OpenVINO behind one face."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

import torch

from fetalnet.core.errors import InputError
from fetalnet.inference.engines.base import Engine, Floats, Raw
from fetalnet.inference.engines.openvino import OpenVinoEngine, Precision, Ranges, kept_file
from fetalnet.network.architectures import Network
from fetalnet.network.weights import LoadedNetwork


class Device(StrEnum):
    """Where the network runs; ``auto`` takes a CUDA device when there is one, else OpenVINO on the CPU."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    OPENVINO = "openvino"
    OPENVINO_BF16 = "openvino:bf16"
    """In bfloat16 where the processor has it: faster, and its answers differ a little; never chosen unasked."""
    OPENVINO_INT8 = "openvino:int8"
    """In 8-bit integers: twice as fast on processors made for it, for weights that were calibrated."""


NAMES = ("auto", "cpu", "openvino", "openvino:int8", "openvino:bf16", "torch", "cuda")
"""What a person can choose from."""
_PRECISIONS: dict[str, Precision] = {
    Device.CPU: Precision.FLOAT32,
    Device.OPENVINO: Precision.FLOAT32,
    Device.OPENVINO_BF16: Precision.BFLOAT16,
    Device.OPENVINO_INT8: Precision.INT8,
}
UNTRIED = ("mps", "xpu", "openvino:gpu", "openvino:npu")


class TorchEngine:
    """PyTorch on ``device`` ("cpu", "cuda", "cuda:1" ...); ``half`` computes in 16 bits where that is safe."""

    notice: str | None = None

    def __init__(self, network: Network, device: str = "cpu", *, half: bool = False) -> None:
        try:
            self.network = network.eval().to(device)
            self._state = network.initial_state(1)
        except (RuntimeError, AssertionError) as error:
            raise InputError(f"The device {device} cannot be used here; choose --device auto or cpu.") from error
        self._half = half
        self.name = f"torch {device}{' half' if half else ''}"

    @torch.inference_mode()
    def run(self, grid: Floats) -> Raw:
        frame = torch.from_numpy(grid)[None, None].to(self._state.device)
        kind = self._state.device.type
        # Processors have no arithmetic in float16.
        with torch.autocast(kind, torch.bfloat16 if kind == "cpu" else torch.float16, enabled=self._half):
            planes, standardness, masks, state, structures = self.network.step(frame, self._state)
        self._state = state.float()
        known = None if structures is None else _floats(structures)
        return Raw(_floats(planes), _floats(standardness), _floats(masks), known)

    def reset(self) -> None:
        self._state = torch.zeros_like(self._state)

    @property
    def state(self) -> Floats:
        known: Floats = self._state.float().cpu().numpy().copy()
        return known

    @state.setter
    def state(self, state: Floats) -> None:
        self._state = torch.from_numpy(state.copy()).to(self._state.device)


def _floats(answers: torch.Tensor) -> Floats:
    """The first of a batch."""
    first: Floats = answers[0].float().cpu().numpy()
    return first


class SteppingDown:
    """Runs the first engine that can; where its device runs out of memory or is lost, the next goes on.

    ``steps`` makes them, best first, and is asked only when one is needed.
    """

    def __init__(self, steps: Sequence[Callable[[], Engine]]) -> None:
        self._steps = list(steps)
        self.notice: str | None = None
        self._engine = self._next()

    @property
    def name(self) -> str:
        return self._engine.name

    def run(self, grid: Floats) -> Raw:
        while True:
            try:
                return self._engine.run(grid)
            except RuntimeError:
                # Whatever the device said: an error of the program's own comes again on the last engine.
                if not self._steps:
                    raise
                before = self._engine.name
                self._engine = self._next()
                self.notice = f"The network could not go on with {before}; it goes on with {self._engine.name}, slower."

    def reset(self) -> None:
        self._engine.reset()

    @property
    def state(self) -> Floats:
        return self._engine.state

    @state.setter
    def state(self, state: Floats) -> None:
        self._engine.state = state

    def _next(self) -> Engine:
        while True:
            step = self._steps.pop(0)
            try:
                return step()
            except (RuntimeError, InputError):
                if not self._steps:
                    raise


def _on_gpu(network: Network, device: str, threads: int) -> SteppingDown:
    """A GPU, the same in half precision, the CPU. Each gets a copy: from a lost device nothing can be fetched."""
    return SteppingDown(
        (
            lambda: TorchEngine(copy.deepcopy(network), device),
            lambda: TorchEngine(copy.deepcopy(network), device, half=True),
            lambda: OpenVinoEngine(network, threads),
        )
    )


def engine_for(loaded: LoadedNetwork, device: str = Device.AUTO, threads: int = 0, cache: Path | None = None) -> Engine:
    """The engine for a device's name: auto, cpu (OpenVINO), openvino, openvino:bf16, openvino:int8, torch, cuda or
    cuda:N. ``cache`` is a folder where what OpenVINO compiles is kept for the next time. Raises ``InputError``.

    Not tried by anybody yet: mps (Apple), xpu (Intel), openvino:gpu, openvino:npu.
    """
    name = device.lower()
    network = loaded.network
    if name == Device.AUTO:
        name = Device.CUDA if torch.cuda.is_available() else Device.OPENVINO
    if name in _PRECISIONS:
        precision = _PRECISIONS[name]
        ranges = loaded.int8_ranges if precision is Precision.INT8 else None
        what = f"{precision} {network.config.height}x{network.config.width}"
        kept = None if cache is None else kept_file(cache, loaded.sha256, what, ranges)
        return OpenVinoEngine(network, threads, precision=precision, ranges=ranges, kept=kept)
    if name == "torch":
        return TorchEngine(network, "cpu")
    if name == "cuda" or name.startswith("cuda:"):
        if not torch.cuda.is_available():
            raise InputError("No CUDA device was found on this computer; choose --device auto or cpu.")
        return _on_gpu(network, name, threads)
    if name in UNTRIED:
        return _untried(network, name, threads)
    raise InputError(f"There is no device {device!r}; choose {', '.join(NAMES)}.")


def in_float32(device: str) -> str:
    """The name of the same device where nothing is computed more coarsely."""
    coarse = device.lower() in (Device.OPENVINO_BF16, Device.OPENVINO_INT8)
    return Device.OPENVINO if coarse else device


def available_devices(ranges: Ranges | None = None) -> tuple[str, ...]:
    """What can be chosen from here without a risk, in the order of a guess."""
    return (
        *((Device.CUDA,) if torch.cuda.is_available() else ()),
        Device.OPENVINO,
        *((Device.OPENVINO_INT8,) if ranges else ()),
        "torch",
    )


def _untried(network: Network, name: str, threads: int) -> Engine:
    if name.startswith("openvino:"):
        return OpenVinoEngine(network, threads, name.partition(":")[2].upper())
    backend = getattr(torch, name, None) or getattr(torch.backends, name, None)
    if backend is None or not backend.is_available():
        raise InputError(f"There is no device {name} on this computer; choose --device auto or cpu.")
    return TorchEngine(network, name)

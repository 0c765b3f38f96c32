"""What runs the network: PyTorch or OpenVINO behind one face."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from fetalnet.errors import InputError
from fetalnet.network.architectures import Network, SingleStep

Floats = NDArray[np.float32]


class Raw(NamedTuple):
    """One frame's answer: ``planes`` (4,) probabilities, ``standardness`` (3,) 0 to 1, ``masks`` (3, height, width);
    ``structures`` (11,) probabilities in the order of ``Structure``, None where the network knows none.
    """

    planes: Floats
    standardness: Floats
    masks: Floats
    structures: Floats | None = None


class Engine(Protocol):
    """Runs a stream frame by frame and keeps its temporal state.

    ``notice`` is a sentence where it had to change on the way; None where all is as it was asked for.
    """

    notice: str | None

    @property
    def name(self) -> str: ...

    def run(self, grid: Floats) -> Raw:
        """One frame ``grid`` (height, width), grey 0 to 1."""
        ...

    def reset(self) -> None:
        """Forget the frames before."""
        ...

    @property
    def state(self) -> Floats:
        """A copy of what the network remembers of the frames before."""
        ...

    @state.setter
    def state(self, state: Floats) -> None: ...


class Device(StrEnum):
    """Where the network runs; ``auto`` takes a CUDA device when there is one, else OpenVINO on the CPU."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    OPENVINO = "openvino"
    OPENVINO_BF16 = "openvino:bf16"
    """In bfloat16 where the processor has it: faster, and its answers differ a little; never chosen unasked."""


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


class OpenVinoEngine:
    """OpenVINO, converted in memory; ``threads`` 0 leaves their number to OpenVINO, ``half`` computes in bfloat16.

    ``device`` may be GPU or NPU where OpenVINO knows one: neither has been tried.
    """

    notice: str | None = None

    def __init__(self, network: Network, threads: int = 0, device: str = "CPU", *, half: bool = False) -> None:
        core = _quiet_openvino().Core()
        if device not in (each.partition(".")[0] for each in core.available_devices):
            raise InputError(f"OpenVINO has no {device} here; choose --device auto or cpu.")
        if half and not has_bf16():
            raise InputError("This processor has no arithmetic in bfloat16; choose --device auto or cpu.")
        model = _converted(network)
        options: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            # Half precision is taken unasked on CPUs that have it; same answers on every machine come first.
            "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
        }
        if threads and device == "CPU":
            options["INFERENCE_NUM_THREADS"] = threads
        self._request = core.compile_model(model, device, options).create_infer_request()
        self._zeros: Floats = network.initial_state(1).cpu().numpy()
        self._state = self._zeros
        self.name = f"openvino {device.lower()}{' bf16' if half else ''}"

    def run(self, grid: Floats) -> Raw:
        outputs = self._request.infer([grid[None, None], self._state], share_inputs=True)
        planes, standardness, masks, state, *more = (outputs[port] for port in range(len(outputs)))
        self._state = state
        return Raw(planes[0], standardness[0], masks[0], more[0][0] if more else None)

    def reset(self) -> None:
        self._state = self._zeros

    @property
    def state(self) -> Floats:
        # The engine uses the memory of its answers again.
        return self._state.copy()

    @state.setter
    def state(self, state: Floats) -> None:
        self._state = state


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


def _quiet_openvino() -> Any:
    """OpenVINO without its converter, which tells its maker about each use; the package loads all the same."""
    sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def _converted(network: Network) -> Any:
    """``SingleStep`` as an ``openvino.Model`` of fixed shapes."""
    openvino = _quiet_openvino()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    config = network.config
    example = torch.zeros(1, 1, config.height, config.width), network.initial_state(1).cpu()
    with torch.inference_mode(), warnings.catch_warnings():
        # Its front end traces, which PyTorch is leaving behind; the way through torch.export takes three times as long.
        warnings.simplefilter("ignore", DeprecationWarning)
        decoder = TorchScriptPythonDecoder(SingleStep(network.cpu().eval()), example_input=example)
        front_end = FrontEndManager().load_by_framework("pytorch")
        model = front_end.convert(front_end.load(decoder))
    model.reshape({index: openvino.PartialShape(list(part.shape)) for index, part in enumerate(example)})
    return model


def engine_for(network: Network, device: str = Device.AUTO, threads: int = 0) -> Engine:
    """The engine for a device's name: auto, cpu (OpenVINO), openvino, openvino:bf16, torch, cuda or cuda:N.

    Raises ``InputError``.

    Not tried by anybody yet: mps (Apple), xpu (Intel), openvino:gpu, openvino:npu.
    """
    name = device.lower()
    if name == Device.AUTO:
        name = Device.CUDA if torch.cuda.is_available() else Device.OPENVINO
    if name in (Device.CPU, Device.OPENVINO):
        return OpenVinoEngine(network, threads)
    if name == Device.OPENVINO_BF16:
        return OpenVinoEngine(network, threads, half=True)
    if name == "torch":
        return TorchEngine(network, "cpu")
    if name == "cuda" or name.startswith("cuda:"):
        if not torch.cuda.is_available():
            raise InputError("No CUDA device was found on this computer; choose --device auto or cpu.")
        return _on_gpu(network, name, threads)
    if name in UNTRIED:
        return _untried(network, name, threads)
    raise InputError(f"There is no device {device!r}; choose auto, cpu, openvino, openvino:bf16, torch or cuda.")


def available_devices() -> tuple[str, ...]:
    """What can be chosen from here without a risk, in the order of a guess."""
    return (*((Device.CUDA,) if torch.cuda.is_available() else ()), Device.OPENVINO, "torch")


def has_bf16() -> bool:
    """Whether ``Device.OPENVINO_BF16`` can be chosen here."""
    return "BF16" in _quiet_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _untried(network: Network, name: str, threads: int) -> Engine:
    if name.startswith("openvino:"):
        return OpenVinoEngine(network, threads, name.partition(":")[2].upper())
    backend = getattr(torch, name, None) or getattr(torch.backends, name, None)
    if backend is None or not backend.is_available():
        raise InputError(f"There is no device {name} on this computer; choose --device auto or cpu.")
    return TorchEngine(network, name)

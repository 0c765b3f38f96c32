"""What runs the network: PyTorch or OpenVINO behind one face."""

from __future__ import annotations

import sys
import warnings
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
    """Runs a stream frame by frame and keeps its temporal state."""

    name: str

    def run(self, grid: Floats) -> Raw:
        """One frame ``grid`` (height, width), grey 0 to 1."""
        ...

    def reset(self) -> None:
        """Forget the frames before."""
        ...


class Device(StrEnum):
    """Where the network runs; ``auto`` takes a CUDA device when there is one, else OpenVINO on the CPU."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    OPENVINO = "openvino"


class TorchEngine:
    """PyTorch on ``device`` ("cpu", "cuda", "cuda:1" ...)."""

    def __init__(self, network: Network, device: str = "cpu") -> None:
        try:
            self.network = network.eval().to(device)
            self._state = network.initial_state(1)
        except (RuntimeError, AssertionError) as error:
            raise InputError(f"The device {device} cannot be used here; choose --device auto or cpu.") from error
        self.name = f"torch {device}"

    @torch.inference_mode()
    def run(self, grid: Floats) -> Raw:
        frame = torch.from_numpy(grid)[None, None].to(self._state.device)
        planes, standardness, masks, self._state, structures = self.network.step(frame, self._state)
        known = None if structures is None else structures[0].cpu().numpy()
        return Raw(planes[0].cpu().numpy(), standardness[0].cpu().numpy(), masks[0].cpu().numpy(), known)

    def reset(self) -> None:
        self._state = torch.zeros_like(self._state)


class OpenVinoEngine:
    """OpenVINO on the CPU, converted in memory; ``threads`` 0 leaves their number to OpenVINO."""

    def __init__(self, network: Network, threads: int = 0) -> None:
        openvino = _quiet_openvino()
        model = _converted(network)
        options: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            # Half precision is taken unasked on CPUs that have it; same answers on every machine come first.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        self._request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()
        self._zeros = network.initial_state(1).cpu().numpy()
        self._state = self._zeros
        self.name = "openvino cpu"

    def run(self, grid: Floats) -> Raw:
        outputs = self._request.infer([grid[None, None], self._state], share_inputs=True)
        planes, standardness, masks, state, *more = (outputs[port] for port in range(len(outputs)))
        self._state = state
        return Raw(planes[0], standardness[0], masks[0], more[0][0] if more else None)

    def reset(self) -> None:
        self._state = self._zeros


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
    """The engine for a device's name: auto, cpu (OpenVINO), openvino, torch, cuda or cuda:N. Raises ``InputError``."""
    name = device.lower()
    if name == Device.AUTO:
        name = Device.CUDA if torch.cuda.is_available() else Device.OPENVINO
    if name in (Device.CPU, Device.OPENVINO):
        return OpenVinoEngine(network, threads)
    if name == "torch":
        return TorchEngine(network, "cpu")
    if name == "cuda" or name.startswith("cuda:"):
        if not torch.cuda.is_available():
            raise InputError("No CUDA device was found on this computer; choose --device auto or cpu.")
        return TorchEngine(network, name)
    raise InputError(f"There is no device {device!r}; choose auto, cpu, openvino, torch or cuda.")

"""OpenVINO: the network in float32, bfloat16 or 8-bit integers, compiled once and kept."""

from __future__ import annotations

import hashlib
import logging
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from fetalnet.core.errors import InputError
from fetalnet.core.system.files import write_file
from fetalnet.core.system.machine import processor_name
from fetalnet.inference.engines.base import Floats, Raw
from fetalnet.network.architectures import Network, SingleStep

log = logging.getLogger(__name__)

_SHA_BYTES = 32
Ranges = Mapping[str, tuple[float, float]]
"""The least and the greatest input of each convolution that may be computed in 8 bits, by the name of its module."""


class Precision(StrEnum):
    """In what the network is computed."""

    FLOAT32 = "f32"
    BFLOAT16 = "bf16"
    INT8 = "int8"


class OpenVinoEngine:
    """OpenVINO; ``threads`` 0 leaves their number to OpenVINO.

    ``precision`` INT8 needs ``ranges``; what is not in them stays in float32. ``kept`` is a file that the compiled
    network is taken from, or written into: compiling takes seconds. ``device`` may be GPU or NPU where OpenVINO knows
    one: neither has been tried. Raises ``InputError``.
    """

    notice: str | None = None

    def __init__(
        self,
        network: Network,
        threads: int = 0,
        device: str = "CPU",
        *,
        precision: Precision = Precision.FLOAT32,
        ranges: Ranges | None = None,
        kept: Path | None = None,
    ) -> None:
        core = _quiet_openvino().Core()
        if device not in (each.partition(".")[0] for each in core.available_devices):
            raise InputError(f"OpenVINO has no {device} here; choose --device auto or cpu.")
        if precision is Precision.BFLOAT16 and not has_bf16():
            raise InputError("This processor has no arithmetic in bfloat16; choose --device auto or cpu.")
        if precision is Precision.INT8 and not ranges:
            raise InputError(
                "These weights were not calibrated for 8-bit integers; run fetalnet calibrate, or choose --device auto."
            )
        options: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            # Half precision is taken unasked on CPUs that have it; same answers on every machine come first.
            "INFERENCE_PRECISION_HINT": "bf16" if precision is Precision.BFLOAT16 else "f32",
        }
        if threads and device == "CPU":
            options["INFERENCE_NUM_THREADS"] = threads

        def model() -> Any:
            config = network.config
            example = torch.zeros(1, 1, config.height, config.width), network.initial_state(1).cpu()
            model = _converted(SingleStep(network.cpu().eval()), example)
            if precision is Precision.INT8 and ranges:
                _quantise(model, ranges)
            return model

        self._request = _compiled(core, model, device, options, kept).create_infer_request()
        self._zeros: Floats = network.initial_state(1).cpu().numpy()
        self._state = self._zeros
        self.name = f"openvino {device.lower()}{'' if precision is Precision.FLOAT32 else f' {precision}'}"

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


class OpenVinoPart:
    """A small part of a network by OpenVINO on the CPU, in float32; ``shapes`` are of one item's inputs."""

    def __init__(
        self, part: nn.Module, shapes: Sequence[tuple[int, ...]], threads: int = 0, kept: Path | None = None
    ) -> None:
        options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        example = tuple(torch.zeros(1, *shape) for shape in shapes)
        made = _compiled(_quiet_openvino().Core(), lambda: _converted(part.cpu().eval(), example), "CPU", options, kept)
        self._request = made.create_infer_request()

    def __call__(self, *inputs: Floats) -> tuple[Floats, ...]:
        outputs = self._request.infer([each[None] for each in inputs], share_inputs=True)
        return tuple(outputs[port][0].copy() for port in range(len(outputs)))


def kept_file(folder: Path, sha256: str, what: str, ranges: Ranges | None = None) -> Path:
    """Where the compiled network of these weights and ranges is kept: of this processor and this OpenVINO.

    ``what`` is its precision and grid, or the part of the network that it is.
    """
    made_with = f"{version('openvino')} {processor_name()} {sorted(ranges.items()) if ranges else ''}"
    return folder / f"{sha256[:16]}-{what}-{hashlib.sha256(made_with.encode()).hexdigest()[:16]}.openvino"


def _compiled(core: Any, model: Callable[[], Any], device: str, options: dict[str, Any], kept: Path | None) -> Any:
    """What was kept, or what ``model`` gives, compiled and kept."""
    compiled = None if kept is None else _taken(core, kept, device, options)
    if compiled is None:
        compiled = core.compile_model(model(), device, options)
        if kept is not None:
            _keep(compiled, kept)
    return compiled


def _taken(core: Any, kept: Path, device: str, options: dict[str, Any]) -> Any | None:
    """The compiled network that was kept; None where there is none that is whole."""
    try:
        content = kept.read_bytes()
        told, blob = content[:_SHA_BYTES], content[_SHA_BYTES:]
        return core.import_model(blob, device, options) if hashlib.sha256(blob).digest() == told else None
    except (OSError, RuntimeError):
        return None


def _keep(compiled: Any, kept: Path) -> None:
    """Write the compiled network with its checksum before it, in place of those of other weights or versions."""
    blob = compiled.export_model().getvalue()
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        for old in kept.parent.glob("*.openvino"):
            weights, precision, _ = kept.name.split("-")
            if not old.name.startswith(f"{weights}-") or old.name.startswith(f"{weights}-{precision}-"):
                old.unlink()
        write_file(kept, hashlib.sha256(blob).digest() + blob)
    except (InputError, OSError):
        log.warning("the compiled network cannot be kept; it is compiled again next time")


def has_bf16() -> bool:
    """Whether ``Device.OPENVINO_BF16`` can be chosen here."""
    return "BF16" in _quiet_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _quiet_openvino() -> Any:
    """OpenVINO without its converter, which tells its maker about each use; the package loads all the same."""
    sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]  # None: it is not there
    import openvino

    return openvino


def _converted(module: nn.Module, example: tuple[torch.Tensor, ...]) -> Any:
    """A module as an ``openvino.Model`` for inputs of the shapes of ``example``."""
    openvino = _quiet_openvino()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with torch.inference_mode(), warnings.catch_warnings():
        # Its front end traces, which PyTorch is leaving behind; the way through torch.export takes three times as long.
        warnings.simplefilter("ignore", DeprecationWarning)
        decoder = TorchScriptPythonDecoder(module, example_input=example)
        front_end = FrontEndManager().load_by_framework("pytorch")
        model = front_end.convert(front_end.load(decoder))
    model.reshape({index: openvino.PartialShape(list(part.shape)) for index, part in enumerate(example)})
    return model


def _quantise(model: Any, ranges: Ranges) -> None:
    """Mark the convolutions of an ``openvino.Model`` for 8-bit integers; OpenVINO's own passes do the rest.

    Inputs are quantised to 256 steps of their range, weights to 255 of each output channel's (Jacob et al. 2018,
    arXiv 1712.05877, with symmetric weights). Raises ``InputError`` where ranges are of another network.
    """
    from openvino import opset13

    found = {_module(each): each for each in model.get_ops() if each.get_type_name() == "Convolution"}
    unknown = sorted(ranges.keys() - found.keys())
    if unknown:
        raise InputError(f"The calibration is of another network (there is no {unknown[0]}); run fetalnet calibrate.")
    quantised: dict[tuple[str, int], Any] = {}
    for name, (low, high) in ranges.items():
        convolution = found[name]
        source = convolution.input_value(0)
        key = source.get_node().get_friendly_name(), source.get_index()
        if key not in quantised:  # what two convolutions read is quantised once
            limits = [np.float32(each) for each in _with_zero(low, high)]
            quantised[key] = opset13.fake_quantize(source, *limits, *limits, 256).output(0)
        convolution.input(0).replace_source_output(quantised[key])
        weights = convolution.input_value(1)
        largest = np.maximum(np.abs(weights.get_node().get_data()).max(axis=(1, 2, 3), keepdims=True), 1e-9)
        weights = opset13.fake_quantize(weights, -largest, largest, -largest, largest, 255)
        convolution.input(1).replace_source_output(weights.output(0))
    model.validate_nodes_and_infer_types()


def _module(convolution: Any) -> str:
    """The name in the network of the module that a convolution was converted from."""
    match = re.fullmatch(r"__module\.network\.(.+)/aten::_convolution/Convolution", convolution.get_friendly_name())
    return "" if match is None else match[1]


def _with_zero(low: float, high: float) -> tuple[float, float]:
    """The range moved a little, so that zero, which fills the borders, is one of its 256 steps."""
    low, high = min(low, 0.0), max(high, 1e-6)
    step = (high - low) / 255
    below = round(-low / step)
    return -below * step, (255 - below) * step

"""Which engine is the fastest here: measured once on each computer, and remembered."""

from __future__ import annotations

import json
import logging
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from fetalnet.core.errors import InputError
from fetalnet.core.letterbox import Letterbox
from fetalnet.core.system.files import write_file
from fetalnet.core.system.folders import Folders
from fetalnet.core.system.machine import processor_name
from fetalnet.core.system.resources import resource
from fetalnet.inference.engines import Device, available_devices, engine_for
from fetalnet.inference.engines.base import Engine, Floats
from fetalnet.network.weights import LoadedNetwork
from fetalnet.sources import VideoFile

log = logging.getLogger(__name__)

_WARM_UP_RUNS, _RUNS = 3, 9
_HOPELESS = 4.0
"""An engine that takes so many times as long as the fastest is not measured any further."""
_DEMO_FRAMES = (73, 270, 404)
"""An abdomen, a femur and a head of the recording that comes along: on these 8-bit integers have to agree."""
LEAST_OVERLAP = 0.97
"""Dice overlap of a mask in 8-bit integers with that in float32, below which they are not used: on some processors
sums may overflow. A femur is so thin that a few pixels of its border are 0.02; the other organs overlap by 0.999.
"""


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """``device`` as ``--device`` names it, and the median time of one frame in ms on each that could be tried."""

    device: str
    frame_ms: dict[str, float]

    def text(self) -> str:
        """One line for a person."""
        times = ", ".join(f"{name} {ms:.1f} ms" for name, ms in self.frame_ms.items())
        return f"{self.device} (measured a frame: {times})"


def own_memory() -> Path:
    """Where the command line keeps its choice for the person at this computer."""
    return Folders().data / "engine of the command line.json"


def choose_engine(network: LoadedNetwork, threads: int, memory: Path, cache: Path | None = None) -> EngineChoice:
    """The choice kept in ``memory``, where it is of these weights, this computer and these versions; else measured.

    The engines take turns, so that other programs meet all of them.
    """
    key = _key(network, threads)
    known = _remembered(memory, key)
    if known is not None:
        return known
    choice = measure_engines(network, threads, cache)
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_file(memory, json.dumps({"key": key, **asdict(choice)}, indent=1).encode())
    except (InputError, OSError):
        log.warning("the choice of the engine cannot be kept; it is measured again next time")
    return choice


def measure_engines(network: LoadedNetwork, threads: int, cache: Path | None = None) -> EngineChoice:
    """Try every engine that this computer has. One in 8-bit integers counts only where it says what float32 says."""
    grids = _demo_grids(network)
    engines: dict[str, Engine] = {}
    for name in available_devices(network.int8_ranges if grids else None):
        try:
            engines[name] = engine_for(network, name, threads, cache)
        except (InputError, RuntimeError):
            log.warning("engine %s cannot be used", name)
    coarse, exact = engines.get(Device.OPENVINO_INT8), engines.get(Device.OPENVINO)
    if coarse is not None and (exact is None or not agree(coarse, exact, grids)):
        log.warning("8-bit integers give other answers on this computer and are not used")
        del engines[Device.OPENVINO_INT8]
    grid = np.random.default_rng(0).random((network.network.config.height, network.network.config.width), np.float32)
    times_ms: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(_WARM_UP_RUNS + _RUNS):
        for name, engine in engines.items():
            begun_s = time.perf_counter()
            engine.run(grid)
            times_ms[name].append((time.perf_counter() - begun_s) * 1000.0)
        if number == _WARM_UP_RUNS:
            fastest_ms = min(times[-1] for times in times_ms.values())
            engines = {name: each for name, each in engines.items() if times_ms[name][-1] < _HOPELESS * fastest_ms}
    frame_ms = {name: float(np.median(times[_WARM_UP_RUNS:])) for name, times in times_ms.items()}
    return EngineChoice(min(frame_ms, key=frame_ms.__getitem__), frame_ms)


def agree(one: Engine, other: Engine, grids: list[Floats]) -> bool:
    """Whether two engines name the same planes and outline them alike, on pictures (height, width), grey 0 to 1, of
    standard planes.
    """
    for grid in grids:
        one.reset()
        other.reset()
        first, second = one.run(grid), other.run(grid)
        plane = int(first.planes.argmax())
        if plane != int(second.planes.argmax()):
            return False
        mask, same = first.masks[plane] > 0.5, second.masks[plane] > 0.5
        if 2 * np.count_nonzero(mask & same) < LEAST_OVERLAP * (np.count_nonzero(mask) + np.count_nonzero(same)):
            return False
    return True


def _demo_grids(network: LoadedNetwork) -> list[Floats]:
    config = network.network.config
    try:
        with closing(VideoFile(resource("demo/demo.mp4"))) as demo:
            frames = [demo[index].pixels for index in _DEMO_FRAMES]
    except InputError:
        return []  # left out of this installation
    letterbox = Letterbox.of(frames[0].shape, (config.height, config.width))
    return [letterbox.apply(pixels).astype(np.float32) * np.float32(1 / 255) for pixels in frames]


def _key(network: LoadedNetwork, threads: int) -> list[str]:
    devices = ",".join(available_devices(network.int8_ranges))
    return [network.sha256, processor_name(), devices, str(threads), version("torch"), version("openvino")]


def _remembered(memory: Path, key: list[str]) -> EngineChoice | None:
    try:
        held = json.loads(memory.read_text(encoding="utf-8"))
        if held["key"] != key or held["device"] not in held["frame_ms"]:
            return None
        return EngineChoice(str(held["device"]), {str(name): float(ms) for name, ms in held["frame_ms"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None

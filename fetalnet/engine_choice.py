"""Which engine is the fastest here: measured once on each computer, and remembered."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from fetalnet.atomic_file import write_file
from fetalnet.benchmark import processor_name
from fetalnet.engines import Engine, available_devices, engine_for
from fetalnet.errors import InputError
from fetalnet.network.weights import LoadedNetwork

log = logging.getLogger(__name__)

_WARM_UP_RUNS, _RUNS = 3, 9


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """``device`` as ``--device`` names it, and the median time of one frame in ms on each that could be tried."""

    device: str
    frame_ms: dict[str, float]

    def text(self) -> str:
        """One line for a person."""
        times = ", ".join(f"{name} {ms:.1f} ms" for name, ms in self.frame_ms.items())
        return f"{self.device} (measured a frame: {times})"


def choose_engine(network: LoadedNetwork, threads: int, memory: Path) -> EngineChoice:
    """The choice kept in ``memory``, where it is of these weights, this computer and these versions; else measured.

    The engines take turns, so that other programs meet all of them.
    """
    key = _key(network, threads)
    known = _remembered(memory, key)
    if known is not None:
        return known
    choice = measure_engines(network, threads)
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_file(memory, json.dumps({"key": key, **asdict(choice)}, indent=1).encode())
    except (InputError, OSError):
        log.warning("the choice of the engine cannot be kept; it is measured again next time")
    return choice


def measure_engines(network: LoadedNetwork, threads: int) -> EngineChoice:
    """Try every engine that this computer has."""
    config = network.network.config
    grid = np.random.default_rng(0).random((config.height, config.width), np.float32)
    engines: dict[str, Engine] = {}
    for name in available_devices():
        try:
            engines[name] = engine_for(network.network, name, threads)
        except (InputError, RuntimeError):
            log.warning("engine %s cannot be used", name)
    times_ms: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(_WARM_UP_RUNS + _RUNS):
        for name, engine in engines.items():
            begun_s = time.perf_counter()
            engine.run(grid)
            if number >= _WARM_UP_RUNS:
                times_ms[name].append((time.perf_counter() - begun_s) * 1000.0)
    frame_ms = {name: float(np.median(times)) for name, times in times_ms.items()}
    return EngineChoice(min(frame_ms, key=frame_ms.__getitem__), frame_ms)


def _key(network: LoadedNetwork, threads: int) -> list[str]:
    devices = ",".join(available_devices())
    return [network.sha256, processor_name(), devices, str(threads), version("torch"), version("openvino")]


def _remembered(memory: Path, key: list[str]) -> EngineChoice | None:
    try:
        held = json.loads(memory.read_text(encoding="utf-8"))
        if held["key"] != key or held["device"] not in held["frame_ms"]:
            return None
        return EngineChoice(str(held["device"]), {str(name): float(ms) for name, ms in held["frame_ms"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None

"""The network stage against the networks it is compared with, all in one run, each frame by each in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.table import Table

from fetalnet.inference.engines import Device, TorchEngine, engine_for
from fetalnet.inference.engines.base import Engine
from fetalnet.inference.engines.openvino import has_bf16
from fetalnet.network.architectures import architecture_of, build
from fetalnet.network.config import Config, MtlnConfig, MultiTaskUNetConfig, PublishedConfig
from fetalnet.network.streaming import STILLS
from fetalnet.network.weights import LoadedNetwork
from fetalnet.research.benchmark.steps import thread_limit, timed_ms
from fetalnet.research.plots import Interval, interval_plot

PEERS: tuple[Config, ...] = (PublishedConfig(), MultiTaskUNetConfig(), MtlnConfig())
ROUNDS = 10
_WARM_UP_ROUNDS = 2
OURS = "ours, openvino"


@dataclass(frozen=True, slots=True)
class NetworkTiming:
    """Milliseconds a frame of one network, in float32 unless named otherwise, and how many times ours on OpenVINO.

    The ratio is the median over the rounds, of which each ran all; ``low`` to ``high`` hold nine in ten of them.
    """

    name: str
    parameters: int
    width: int
    height: int
    threads: int
    rounds: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float


def compare_networks(
    loaded: LoadedNetwork, threads: int = 1, rounds: int = ROUNDS, peers: Sequence[Config] = PEERS
) -> tuple[NetworkTiming, ...]:
    """Time ours on both engines and each peer as it was published, eager in PyTorch, one frame at a time.

    Peers are built untrained: a network's time does not depend on its weights.
    """
    torch.manual_seed(0)
    with thread_limit(threads):
        engines: dict[str, Engine] = {
            OURS: engine_for(loaded, Device.OPENVINO, threads),
            "ours, torch": TorchEngine(loaded.network),
        }
        if has_bf16():
            engines["ours, openvino bf16"] = engine_for(loaded, Device.OPENVINO_BF16, threads)
        if loaded.int8_ranges:
            engines["ours, openvino int8"] = engine_for(loaded, Device.OPENVINO_INT8, threads)
        networks = dict.fromkeys(engines, loaded.network)
        for config in peers:
            network = build(config).eval()
            name = f"{architecture_of(network)}, torch"
            engines[name], networks[name] = TorchEngine(network), network
        grids = {
            name: np.random.default_rng(0).random((each.config.height, each.config.width), np.float32)
            for name, each in networks.items()
        }
        times_ms: dict[str, list[float]] = {name: [] for name in engines}
        names = list(engines)
        for number in range(_WARM_UP_ROUNDS + rounds):
            turn = number % len(names)
            for name in (*names[turn:], *names[:turn]):
                engines[name].reset()  # a clip of one frame, as the peers see it
                spent_ms = timed_ms(partial(engines[name].run, grids[name]))
                if number >= _WARM_UP_ROUNDS:
                    times_ms[name].append(spent_ms)
    return tuple(
        _timing(name, networks[name], threads, np.asarray(times_ms[name]), np.asarray(times_ms[OURS])) for name in names
    )


def networks_table(timings: Sequence[NetworkTiming]) -> Table:
    """One row a network."""
    first = timings[0]
    table = Table(
        title=f"Network stage, float32 where not said, {first.threads} thread(s), {first.rounds} rounds, all in turn"
    )
    for column in ("network", "parameters", "input", "p50 / p95 / p99 ms", "times ours", "nine in ten"):
        table.add_column(column, justify="left" if column == "network" else "right")
    for each in timings:
        table.add_row(
            each.name,
            f"{each.parameters:,}",
            f"{each.width} x {each.height}",
            f"{each.p50_ms:.1f} / {each.p95_ms:.1f} / {each.p99_ms:.1f}",
            f"{each.ratio:.1f}",
            f"{each.ratio_low:.1f} to {each.ratio_high:.1f}",
        )
    return table


def networks_json(timings: Sequence[NetworkTiming]) -> list[dict[str, Any]]:
    """The rows for a JSON file."""
    return [asdict(each) for each in timings]


def networks_plot(timings: Sequence[NetworkTiming]) -> bytes:
    """How many times as long as ours, as SVG."""
    rows = [Interval(each.name, each.ratio, each.ratio_low, each.ratio_high) for each in timings]
    return interval_plot("Time of one frame, ours on OpenVINO = 1", "times as long", rows, logarithmic=True)


def _timing(
    name: str, network: Any, threads: int, times_ms: np.ndarray[Any, Any], ours_ms: np.ndarray[Any, Any]
) -> NetworkTiming:
    p50, p95, p99 = np.percentile(times_ms, [50, 95, 99])
    low, ratio, high = np.percentile(times_ms / ours_ms, [5, 50, 95])
    parameters = sum(part.numel() for name, part in network.named_parameters() if not name.startswith(STILLS))
    size = network.config.width, network.config.height
    return NetworkTiming(
        name, parameters, *size, threads, len(times_ms), float(p50), float(p95), float(p99), float(ratio), float(low),
        float(high),
    )  # fmt: skip

"""How long each step of a frame takes, and how many frames a second the whole path sustains, all in one run."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from rich.table import Table

from fetalnet import __version__
from fetalnet.core.prediction import Prediction
from fetalnet.core.scale.scale import NO_SCALE
from fetalnet.core.system.machine import processor_name
from fetalnet.export.overlay import draw_overlay
from fetalnet.inference.engines import Device
from fetalnet.inference.predictor import Predictor
from fetalnet.inference.stream import predicted
from fetalnet.network.weights import DEFAULT_WEIGHTS, LoadedNetwork, load_weights
from fetalnet.screen.fan.sector_search import sector_of
from fetalnet.sources import VideoFile

ENGINES = (Device.OPENVINO, Device.OPENVINO_INT8, "torch")
"""Those that the weights can run on are measured."""
_SIZE, _FRAME_RATE_HZ, _SEED = (1920, 1080), 30.0, 7
_WARM_UP_FRAMES = 5
"""Not timed: first calls allocate memory and choose kernels."""
_PACKAGES = ("torch", "openvino", "numpy", "opencv-python-headless", "av", "scikit-image")


class Step(StrEnum):
    """A step on the path of one frame."""

    DECODE = "decode"
    PREPARATION = "preparation"
    NETWORK = "network"
    FITTING = "fitting"
    OVERLAY = "overlay"


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds a frame of one step; ``engine`` is None where the step does not depend on it."""

    step: Step
    engine: str | None
    threads: int
    frames: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Throughput:
    """Frames a second of the whole path, overlay included, while a thread of its own decodes."""

    engine: str
    threads: int
    frames: int
    frames_per_s: float


@dataclass(frozen=True, slots=True)
class BenchmarkReport:
    """What was measured, on what. ``measured_frames`` counts the frames in which a geometry was fitted.

    ``load_before`` is the computer's load average of the minute before (None where the system keeps none). Near or
    above the number of cores, the figures tell of the other programs too: PyTorch's threads wait spinning, and on
    contended cores two of them took 10 to 50 times as long.
    """

    video: str
    width: int
    height: int
    frame_rate_hz: float
    frames: int
    measured_frames: int
    model_name: str
    model_sha256: str
    timings: tuple[Timing, ...]
    throughputs: tuple[Throughput, ...]
    processor: str
    logical_cores: int
    load_before: float | None
    versions: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def table(self) -> Table:
        """Steps down, and for each number of threads the mean, the median and the 95th and 99th percentile in ms."""
        threads = sorted({timing.threads for timing in self.timings})
        table = Table(
            title=f"{self.width} x {self.height} at {self.frame_rate_hz:g} Hz, {self.frames} frames, ms per frame",
            caption=f"{self.processor}, {self.logical_cores} logical cores"
            + ("" if self.load_before is None else f", load {self.load_before:.1f} before")
            + f"; {self.model_name}; "
            + ", ".join(f"{name} {number}" for name, number in self.versions.items()),
        )
        table.add_column("step")
        for count in threads:
            table.add_column(f"{count} thread{'s' if count > 1 else ''}: mean / p50 / p95 / p99", justify="right")
        found = {(timing.step, timing.engine, timing.threads): timing for timing in self.timings}
        for step, engine in dict.fromkeys((timing.step, timing.engine) for timing in self.timings):
            cells = (found[step, engine, count] for count in threads)
            name = str(step) if engine is None else f"{step}, {engine}"
            table.add_row(
                name,
                *(f"{cell.mean_ms:.2f} / {cell.p50_ms:.2f} / {cell.p95_ms:.2f} / {cell.p99_ms:.2f}" for cell in cells),
            )
        table.add_section()
        rates = {(rate.engine, rate.threads): rate.frames_per_s for rate in self.throughputs}
        for engine in dict.fromkeys(rate.engine for rate in self.throughputs):
            cells_fps = (f"{rates[engine, count]:.1f} frames/s" for count in threads)
            table.add_row(f"whole path, {engine}", *cells_fps)
        return table


def run_benchmark(
    weights: Path | LoadedNetwork = DEFAULT_WEIGHTS,
    video: Path | None = None,
    seconds: float = 6.0,
    threads: Sequence[int] = (1, 2),
    on_progress: Callable[[str], None] = lambda what: None,
) -> BenchmarkReport:
    """Time every step on the first ``seconds`` of ``video``, or of a simulated 1920x1080 recording at 30 Hz.

    ``threads`` bounds each stage's own threads (decoder, OpenCV, network); on the whole path the decoder runs beside
    the rest. The engines take turns frame by frame, so that other programs meet both. Raises ``InputError``.
    """
    load_before = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    loaded = load_weights(weights) if isinstance(weights, Path) else weights
    engines = [each for each in ENGINES if each != Device.OPENVINO_INT8 or loaded.int8_ranges]
    timings: list[Timing] = []
    throughputs: list[Throughput] = []
    measured = frames = 0
    with _recording(video, seconds, on_progress) as path:
        with closing(VideoFile(path)) as source:
            size = source.width, source.height
            rate_hz = source.frame_rate_hz
            frames = min(len(source), max(round(seconds * rate_hz), 1))
        for count in threads:
            with thread_limit(count):
                predictors = {str(engine): Predictor(loaded, engine, count) for engine in engines}
                on_progress(f"steps, {count} thread(s)")
                steps, measured = _time_steps(path, predictors, frames, count)
                timings += steps
                for engine, predictor in predictors.items():
                    on_progress(f"whole path, {engine}, {count} thread(s)")
                    throughputs.append(_time_whole(path, engine, predictor, frames, count))
    return BenchmarkReport(
        video="simulated" if video is None else video.name,
        width=size[0],
        height=size[1],
        frame_rate_hz=rate_hz,
        frames=frames,
        measured_frames=measured,
        model_name=loaded.name,
        model_sha256=loaded.sha256,
        timings=tuple(timings),
        throughputs=tuple(throughputs),
        processor=processor_name(),
        logical_cores=os.cpu_count() or 1,
        load_before=load_before,
        versions={"fetalnet": __version__, "python": platform.python_version()}
        | {package: version(package) for package in _PACKAGES},
    )


def _time_steps(path: Path, predictors: dict[str, Predictor], frames: int, threads: int) -> tuple[list[Timing], int]:
    """Timings of each step, and in how many frames something was fitted."""
    spent: dict[tuple[Step, str | None], list[float]] = defaultdict(list)
    # A frame without a plane costs nothing to fit: it counts only where no frame has one.
    unfitted: dict[tuple[Step, str | None], list[float]] = defaultdict(list)
    measured = 0
    with closing(VideoFile(path, threads)) as source:
        sector = sector_of(source)
        mask = sector.mask((source.height, source.width))
        for predictor in predictors.values():
            predictor.look_at(sector.box, mask)
            predictor.warm_up()
        stream, engines = iter(source), list(predictors)
        for index in range(frames):
            clock = _Clock()
            frame = next(stream)
            clock.stop(spent[Step.DECODE, None])
            prediction: Prediction | None = None
            turn = index % len(engines)
            for engine in (*engines[turn:], *engines[:turn]):
                predictor = predictors[engine]
                clock = _Clock()
                prepared = predictor.prepare(frame)
                clock.stop(spent[Step.PREPARATION, None])
                raw = predictor.run(prepared)
                clock.stop(spent[Step.NETWORK, engine])
                prediction = predictor.fit(frame, prepared, raw)
                fitted = spent if prediction.geometry is not None else unfitted
                clock.stop(fitted[Step.FITTING, None])
                draw_overlay(frame.pixels, prediction, NO_SCALE)
                clock.stop(spent[Step.OVERLAY, None])
            measured += prediction is not None and prediction.geometry is not None
    timings = [_timing(step, engine, threads, times) for (step, engine), times in (unfitted | spent).items()]
    return sorted(timings, key=lambda timing: (list(Step).index(timing.step), timing.engine or "")), measured


def _time_whole(path: Path, engine: str, predictor: Predictor, frames: int, threads: int) -> Throughput:
    with (
        closing(VideoFile(path, threads)) as source,
        closing(predicted(source, predictor, on_change=lambda change: None)) as pairs,
    ):
        for _ in islice(pairs, min(_WARM_UP_FRAMES, frames - 1)):
            pass
        start, count = time.perf_counter(), 0
        for frame, prediction in islice(pairs, frames):
            draw_overlay(frame.pixels, prediction, NO_SCALE)
            count += 1
        return Throughput(engine, threads, count, count / (time.perf_counter() - start))


class _Clock:
    def __init__(self) -> None:
        self._start = time.perf_counter()

    def stop(self, times: list[float]) -> None:
        """Add the ms since the last stop, and start anew."""
        now = time.perf_counter()
        times.append((now - self._start) * 1000.0)
        self._start = time.perf_counter()


def _timing(step: Step, engine: str | None, threads: int, times: list[float]) -> Timing:
    used = times[_WARM_UP_FRAMES:] or times
    p50, p95, p99 = (float(each) for each in np.percentile(used, [50, 95, 99]))
    return Timing(step, engine, threads, len(used), float(np.mean(used)), p50, p95, p99)


@contextmanager
def _recording(video: Path | None, seconds: float, on_progress: Callable[[str], None]) -> Iterator[Path]:
    if video is not None:
        yield video
        return
    from fetalnet.research.phantom.recording import PhantomRecording
    from fetalnet.research.phantom.writing import write_recording

    on_progress("simulating a recording")
    with tempfile.TemporaryDirectory() as folder:
        recording = PhantomRecording(_SEED, duration_s=seconds, frame_rate_hz=_FRAME_RATE_HZ, size=_SIZE)
        yield write_recording(recording, Path(folder))


@contextmanager
def thread_limit(count: int) -> Iterator[None]:
    """Limit OpenCV's and PyTorch's threads of this process, and give them back."""
    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(count)
    torch.set_num_threads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])


def timed_ms(work: Callable[[], object]) -> float:
    """How long ``work`` took."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000.0

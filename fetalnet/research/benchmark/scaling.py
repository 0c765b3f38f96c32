"""What a frame costs as it grows, and what a recording's end costs as it grows longer, all in one run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from fetalnet.analysis.examination import Examination
from fetalnet.core.prediction import Prediction
from fetalnet.core.scale.scale import NO_SCALE
from fetalnet.export.overlay import draw_overlay
from fetalnet.inference.engines import Device
from fetalnet.inference.judges.recording import Judgement
from fetalnet.inference.judges.stream import StreamJudge
from fetalnet.inference.predictor import Predictor
from fetalnet.network.weights import LoadedNetwork
from fetalnet.research.benchmark.steps import thread_limit, timed_ms
from fetalnet.research.phantom.recording import PhantomRecording
from fetalnet.research.phantom.writing import write_recording
from fetalnet.research.plots import Interval, interval_plot
from fetalnet.screen.fan.sector_search import sector_of
from fetalnet.sources import VideoFile

SIZES = ((640, 480), (1280, 720), (1920, 1080))
MINUTES = (1.0, 10.0, 60.0)
_FRAME_RATE_HZ, _SEED, _WARM_UP_FRAMES = 30.0, 7, 5


@dataclass(frozen=True, slots=True)
class SizeTiming:
    """Milliseconds a frame from its packet to its drawn overlay, one after the other on one thread."""

    width: int
    height: int
    frames: int
    p50_ms: float
    p5_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class LengthTiming:
    """What follows the last frame of a recording, in seconds: frames named again, segments, best frames, estimates."""

    minutes: float
    frames: int
    end_s: float


def time_sizes(
    loaded: LoadedNetwork, seconds: float, sizes: Sequence[tuple[int, int]] = SIZES
) -> tuple[tuple[SizeTiming, ...], tuple[Prediction, ...]]:
    """The same simulated recording at several sizes, frame by frame in turn; and the answers for the last size."""
    device = Device.OPENVINO_INT8 if loaded.int8_ranges else Device.OPENVINO
    spent_ms: list[list[float]] = [[] for _ in sizes]
    predictions: list[Prediction] = []
    with thread_limit(1), tempfile.TemporaryDirectory() as folder, ExitStack() as open_files:
        paths = []
        for number, size in enumerate(sizes):
            recording = PhantomRecording(_SEED, duration_s=seconds, frame_rate_hz=_FRAME_RATE_HZ, size=size)
            place = Path(folder) / str(number)
            place.mkdir()
            paths.append(_delivered(write_recording(recording, place), loaded, device, open_files))
        for number, delivered in cycle(enumerate(paths)):
            start_s = time.perf_counter()
            prediction = next(delivered, None)
            if prediction is None:
                break
            spent_ms[number].append((time.perf_counter() - start_s) * 1000.0)
            if number == len(paths) - 1:
                predictions.append(prediction)
    timings = []
    for (width, height), times in zip(sizes, spent_ms, strict=True):
        used = times[_WARM_UP_FRAMES:] or times
        p5, p50, p95 = (float(each) for each in np.percentile(used, [5, 50, 95]))
        timings.append(SizeTiming(width, height, len(used), p50, p5, p95))
    return tuple(timings), tuple(predictions)


def time_lengths(predictions: Sequence[Prediction], minutes: Sequence[float] = MINUTES) -> tuple[LengthTiming, ...]:
    """What the end of a recording costs that repeats these predictions until it is so long."""
    timings = []
    for length in minutes:
        judgement = Judgement()
        for index, prediction in enumerate(islice(cycle(predictions), max(round(length * 60 * _FRAME_RATE_HZ), 1))):
            judgement.judged(replace(prediction, index=index, time_s=index / _FRAME_RATE_HZ))
        ms = timed_ms(partial(_end, judgement))
        timings.append(LengthTiming(length, len(judgement.seen), ms / 1000.0))
    return tuple(timings)


def scaling_table(sizes: Sequence[SizeTiming], lengths: Sequence[LengthTiming]) -> Table:
    """Sizes, then lengths."""
    table = Table(title="How cost grows, one thread")
    table.add_column("what")
    table.add_column("median", justify="right")
    table.add_column("nine in ten", justify="right")
    for size in sizes:
        between = f"{size.p5_ms:.1f} to {size.p95_ms:.1f}"
        table.add_row(f"a frame of {size.width} x {size.height}", f"{size.p50_ms:.1f} ms", between)
    table.add_section()
    for length in lengths:
        table.add_row(f"the end of {length.minutes:g} minutes ({length.frames:,} frames)", f"{length.end_s:.2f} s", "")
    return table


def scaling_json(sizes: Sequence[SizeTiming], lengths: Sequence[LengthTiming]) -> dict[str, list[dict[str, Any]]]:
    """The rows for a JSON file."""
    return {"sizes": [asdict(each) for each in sizes], "lengths": [asdict(each) for each in lengths]}


def scaling_plots(sizes: Sequence[SizeTiming], lengths: Sequence[LengthTiming]) -> dict[str, bytes]:
    """SVG by file name."""
    of_size = [Interval(f"{each.width} x {each.height}", each.p50_ms, each.p5_ms, each.p95_ms) for each in sizes]
    of_length = [Interval(f"{each.minutes:g} min", each.end_s, each.end_s, each.end_s) for each in lengths]
    return {
        "frame-size.svg": interval_plot("From packet to overlay, one thread", "ms a frame", of_size),
        "length.svg": interval_plot("What follows the last frame", "seconds", of_length, logarithmic=True),
    }


def _delivered(path: Path, loaded: LoadedNetwork, device: str, open_files: ExitStack) -> Iterator[Prediction]:
    """Each step takes one frame the whole way."""
    source = open_files.enter_context(closing(VideoFile(path, 1)))
    predictor = Predictor(loaded, device, 1)
    sector = sector_of(source)
    predictor.look_at(sector.box, sector.mask((source.height, source.width)))
    predictor.warm_up()
    judge = StreamJudge()
    for frame in source:
        prediction = predictor.predict(frame)
        draw_overlay(frame.pixels, judge.judged(prediction), NO_SCALE)
        yield prediction


def _end(judgement: Judgement) -> None:
    examination = Examination.of(judgement.again() or judgement.seen)
    looks: tuple[Callable[[], object], ...] = (examination.best, examination.estimates, examination.segments)
    for look in looks:
        look()

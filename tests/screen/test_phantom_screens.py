"""The fan and a turned knob on many of the phantom's screens: figures of docs/results.md. Run it with -m slow."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from fractions import Fraction
from multiprocessing import get_context

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fetalnet.core.frame import Frame
from fetalnet.research.phantom import PhantomRecording
from fetalnet.research.phantom.scanner.beam import Scanner, Settings
from fetalnet.research.phantom.scanner.screen import draw_screen, place_view
from fetalnet.research.phantom.scanner.view import View
from fetalnet.screen.change.detector import Change, DriftWatch
from fetalnet.screen.fan.sector_search import search_sector

pytestmark = pytest.mark.slow

FANS, KNOBS = range(200), range(200, 300)
BEFORE, AFTER = 40, 10
"""Frames around a change."""
SEEN_WITHIN = 5
DEPTHS = (0.62, 0.75, 0.85, 1.18, 1.35, 1.6)

Pixels = NDArray[np.uint8]


def in_processes(work: object, seeds: range) -> list[tuple[int, object]]:
    cv2.setNumThreads(1)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return list(zip(seeds, pool.map(work, seeds), strict=True))


def fan_of(view: View) -> NDArray[np.bool_]:
    x, y = np.meshgrid(np.arange(view.size[0]), np.arange(view.size[1]))
    return view.inside(x, y)


def overlap(seed: int) -> float:
    """Intersection over union of the fan that is found and the one that was drawn."""
    recording = PhantomRecording(seed, duration_s=4.0)
    pictures = [recording[round(part * (len(recording) - 1))][0].pixels for part in np.linspace(0, 1, 5)]
    fan, shape = search_sector(*pictures).fan, pictures[0].shape
    if fan is None:
        return 0.0
    found, drawn = fan.mask(shape[:2]) > 0, fan_of(recording.view)
    return float((found & drawn).sum() / (found | drawn).sum())


def test_that_the_fan_is_found_on_nearly_every_screen() -> None:
    found = in_processes(overlap, FANS)
    good = sum(1 for _, share in found if share >= 0.97)
    print(f"\nmean {np.mean([share for _, share in found]):.4f}, at least 0.97 on {good} of {len(found)}")
    print("below:", {seed: round(share, 3) for seed, share in found if share < 0.97})
    assert good >= 0.95 * len(found)


def turned(recording: PhantomRecording, factor: float) -> None:
    """The same scanner and hand, another depth."""
    seed, view = recording.seed, recording.view
    fan = replace(view.fan, depth_mm=view.fan.depth_mm * factor)
    wide_mm = (view.port.x1 - view.port.x0) * view.scale_mm_per_px * factor
    rng = np.random.default_rng((seed, 9))
    recording.view = place_view(rng, recording.layout, view.size, fan, (0.0, fan.depth_mm), wide_mm)
    rng = np.random.default_rng((seed, 3))
    recording._screen = draw_screen(rng, recording.layout, recording.view)
    recording._scanner = Scanner(Settings.drawn(rng, recording.view), recording.view)
    recording._truths = [recording._truth(index) for index in range(len(recording))]


def encoded(pictures: Iterator[Pixels], size: tuple[int, int]) -> list[Pixels]:
    """After H.264, as a grabber leaves a picture."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"crf": "28", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    memory.seek(0)
    with av.open(memory, "r") as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(container.streams.video[0])]


def seen(seed: int) -> tuple[int, list[tuple[int, Change]]]:
    """Frames before the knob was turned, and what was said at which frame."""
    recording = PhantomRecording(seed, duration_s=(BEFORE + AFTER) / 25.0)

    def pictures() -> Iterator[Pixels]:
        for index in range(BEFORE + AFTER):
            if index == BEFORE:
                turned(recording, DEPTHS[seed % len(DEPTHS)])
            yield np.array(recording[index][0].pixels)

    shown = encoded(pictures(), recording.size)
    watch = DriftWatch(search_sector(*shown[: BEFORE : BEFORE // 5]))
    said = [(index, watch.look(Frame(index, index / 25.0, pixels))) for index, pixels in enumerate(shown)]
    return BEFORE, [(index, change) for index, change in said if change is not None]


def test_that_a_turned_knob_is_seen_at_once_and_nothing_else_is() -> None:
    changes = in_processes(seen, KNOBS)
    right = [seed for seed, (at, said) in changes if any(at <= index < at + SEEN_WITHIN for index, _ in said)]
    early = {seed: said for seed, (at, said) in changes if any(index < at for index, _ in said)}
    missed = sorted(set(KNOBS) - set(right))
    print(f"\nseen within {SEEN_WITHIN} frames: {len(right)} of {len(changes)}; missed {missed}")
    print(f"false in {len(changes) * BEFORE / 25 / 60:.1f} minutes before: {early}")
    assert len(right) >= 0.98 * len(changes)
    assert not early

"""The truth about a live link: what arrives, what is shown, how old it is, and what to do about it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fetalnet.export.wording import software_text
from fetalnet.live.links.base import VideoForm

WINDOW_S = 10.0
"""Rates and ages are those of the last seconds."""
_SAMPLE_S = 0.5
"""How often a picture is looked at closely."""
_COARSE = 6
_COMBED = 1.6
"""How much more neighbouring lines differ than every other line, where the picture moves: combs of interlacing."""
_BARS = 0.2
"""Share of the width or height that black bars take before a person is told."""
_LATE_MS = 150.0
_KEPT_AGES = 36_000


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a link, and what to do, in one sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class LinkReport:
    """The link now: rates of the last seconds, ages from arrival to overlay painted, totals since the beginning."""

    source: str
    form: VideoForm | None
    seconds: float
    delivered_hz: float
    processed_hz: float
    dropped_hz: float
    repeated_share: float
    delivered: int
    processed: int
    dropped: int
    lost: int
    damaged: int
    breaks: int
    busy: bool
    """Whether this computer lately kept the program waiting, so that what is late or missing may be its own doing."""
    age_ms: tuple[float, float, float] | None
    """The 50th, 95th and 99th percentile."""
    whole_age_ms: tuple[float, float, float] | None
    """The same since the beginning."""
    connection: str
    troubles: tuple[Trouble, ...]

    def text(self) -> str:
        """The report to copy; it holds nothing of a patient."""
        form = self.form
        lines = [
            "Capture report",
            software_text(),
            f"source: {self.source}{f' ({self.connection})' if self.connection else ''}",
            "picture: none yet"
            if form is None
            else f"picture: {form.width} x {form.height}, {form.codec}, {form.pixel_format}"
            + (f", {form.frame_rate_hz:.4g} Hz by its own account" if form.frame_rate_hz else ""),
            f"watched for {self.seconds:.0f} s: {self.delivered} frames arrived, {self.processed} were analysed, "
            f"{self.dropped} were not, {self.lost} were lost before they were recorded, "
            f"{self.damaged} were damaged and left out, the link broke {self.breaks} times",
            f"last {WINDOW_S:.0f} s: {self.delivered_hz:.1f} arrived, {self.processed_hz:.1f} analysed, "
            f"{self.dropped_hz:.1f} left out a second; {self.repeated_share:.0%} repeat the frame before",
            f"from arrival to overlay painted, last {WINDOW_S:.0f} s: {_ages(self.age_ms)}",
            f"from arrival to overlay painted, since the beginning: {_ages(self.whole_age_ms)}",
        ]
        lines += [f"! {trouble.sentence}" for trouble in self.troubles] or ["nothing is wrong with the link"]
        return "\n".join(lines) + "\n"


class Doctor:
    """Counts along the path of the frames; every thread may tell it and ask it."""

    def __init__(self, source: str = "", connection: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._source, self._connection, self._clock = source, connection, clock
        self._form: VideoForm | None = None
        self._begun_s: float | None = None
        self._arrived: deque[float] = deque()
        self._processed: deque[float] = deque()
        self._painted: deque[tuple[float, float]] = deque()
        self._all_ages_ms: deque[float] = deque(maxlen=_KEPT_AGES)
        self._pictures: deque[tuple[float, bool]] = deque()
        self._delivered = self._analysed = self._lost = self._damaged = self._breaks = 0
        self._busy: deque[float] = deque()
        self._before: NDArray[np.uint8] | None = None
        self._sampled_s = 0.0
        self._combed: deque[float] = deque(maxlen=8)
        self._bars = (0.0, 0.0)

    # What happens to the frames.

    def begin(self, form: VideoForm) -> None:
        """The picture has this form from now on."""
        with self._lock:
            self._form, self._before = form, None

    def arrived(self, arrived_s: float) -> None:
        with self._lock:
            self._begun_s = arrived_s if self._begun_s is None else self._begun_s
            self._delivered += 1
            self._arrived.append(arrived_s)
            _forget(self._arrived, arrived_s - WINDOW_S)

    def lost(self) -> None:
        """One was lost before it could be recorded."""
        with self._lock:
            self._lost += 1

    def damaged(self) -> None:
        """One was damaged, or leans on one that was, and is not in the recording."""
        with self._lock:
            self._damaged += 1

    def computer_was_busy(self) -> None:
        """The program was kept waiting by its own computer."""
        with self._lock:
            self._busy.append(self._clock())

    def link_broke(self) -> None:
        with self._lock:
            self._breaks += 1

    def decoded(self, pixels: NDArray[np.uint8]) -> None:
        """A picture that is shown, (height, width) or (height, width, 3)."""
        now_s = self._clock()
        coarse = pixels[::_COARSE, ::_COARSE].copy()
        close = now_s - self._sampled_s >= _SAMPLE_S
        combed = bars = None
        if close:
            grey = pixels if pixels.ndim == 2 else pixels[..., 1]
            combed, bars = combing(grey), black_bars(grey)
        with self._lock:
            repeated = self._before is not None and np.array_equal(coarse, self._before)
            self._before = coarse
            self._pictures.append((now_s, repeated))
            while self._pictures[0][0] < now_s - WINDOW_S:
                self._pictures.popleft()
            if close:
                self._sampled_s = now_s
            if combed is not None:
                self._combed.append(combed)
            if bars is not None:
                self._bars = bars

    def processed(self) -> None:
        """One was predicted."""
        now_s = self._clock()
        with self._lock:
            self._analysed += 1
            self._processed.append(now_s)
            _forget(self._processed, now_s - WINDOW_S)

    def painted(self, arrived_s: float) -> None:
        """The overlay of the frame that came then is on the screen now."""
        now_s = self._clock()
        age_ms = (now_s - arrived_s) * 1000.0
        with self._lock:
            self._painted.append((now_s, age_ms))
            self._all_ages_ms.append(age_ms)
            while self._painted[0][0] < now_s - WINDOW_S:
                self._painted.popleft()

    # What is to be said.

    @property
    def computer_is_busy(self) -> bool:
        with self._lock:
            _forget(self._busy, self._clock() - WINDOW_S)
            return bool(self._busy)

    def report(self, problem: str = "") -> LinkReport:
        """The link now. ``problem`` is what is known to be wrong besides."""
        now_s = self._clock()
        with self._lock:
            begun_s = self._begun_s if self._begun_s is not None else now_s
            for times in (self._arrived, self._processed, self._busy):
                _forget(times, now_s - WINDOW_S)
            span_s = min(max(now_s - begun_s, 0.1), WINDOW_S)
            delivered_hz, processed_hz = len(self._arrived) / span_s, len(self._processed) / span_s
            repeats = [repeated for at_s, repeated in self._pictures if at_s >= now_s - WINDOW_S]
            report = LinkReport(
                source=self._source,
                form=self._form,
                seconds=now_s - begun_s,
                delivered_hz=delivered_hz,
                processed_hz=processed_hz,
                dropped_hz=max(delivered_hz - processed_hz, 0.0),
                repeated_share=sum(repeats) / len(repeats) if repeats else 0.0,
                delivered=self._delivered,
                processed=self._analysed,
                dropped=max(self._delivered - self._analysed, 0),
                lost=self._lost,
                damaged=self._damaged,
                breaks=self._breaks,
                busy=bool(self._busy),
                age_ms=_percentiles([age for at_s, age in self._painted if at_s >= now_s - WINDOW_S]),
                whole_age_ms=_percentiles(list(self._all_ages_ms)),
                connection=self._connection,
                troubles=(),
            )
            combed = float(np.median(self._combed)) if len(self._combed) >= 3 else 1.0
            troubles = _troubles(report, combed, self._bars)
        if problem:
            troubles = (Trouble(problem), *troubles)
        return replace(report, troubles=troubles)


def combing(grey: NDArray[np.uint8]) -> float | None:
    """How much more neighbouring lines differ than every other line, at the columns that differ most.

    About 0.6 for a whole picture, above 1.5 for two half pictures of something that moved. None where nothing is seen.
    """
    lines = grey[: grey.shape[0] // 2 * 2, ::4].astype(np.int16)
    neighbours = np.abs(lines[1:-1] - lines[2:])
    others = np.abs(lines[:-2] - lines[2:])
    busy = neighbours + others > 40
    if np.count_nonzero(busy) < 200:
        return None
    return float(neighbours[busy].mean() / max(float(others[busy].mean()), 1.0))


def black_bars(grey: NDArray[np.uint8]) -> tuple[float, float]:
    """The share of the height that is black above and below, and of the width at left and right."""
    lit = grey[::4, ::4] > 20
    if not lit.any():
        return 0.0, 0.0
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    height, width = lit.shape
    return min(rows[0], height - 1 - rows[-1]) * 2 / height, min(columns[0], width - 1 - columns[-1]) * 2 / width


def _troubles(report: LinkReport, combed: float, bars: tuple[float, float]) -> tuple[Trouble, ...]:
    found = []
    if report.lost:
        found.append(
            f"{report.lost} frames were lost because this computer is too busy; close other programs."
            if report.busy
            else f"{report.lost} frames were lost because the disk is too slow; record to an internal disk and close "
            "programs that write."
        )
    if report.damaged:
        found.append(
            f"{report.damaged} damaged frames are not in the recording; look at the sender, the cable and the network."
        )
    if report.breaks and report.busy:
        found.append(f"The link broke {report.breaks} times, and this computer is too busy; close other programs.")
    elif report.breaks:
        found.append(f"The link broke {report.breaks} times; look at the cable, the plug and the network.")
    if report.delivered_hz and report.dropped_hz > 0.5 * report.delivered_hz:
        found.append(
            f"Of {report.delivered_hz:.0f} frames a second only {report.processed_hz:.0f} are analysed; close other "
            "programs or send a smaller picture. The recording holds all of them."
        )
    if report.age_ms is not None and report.age_ms[1] > _LATE_MS:
        found.append(f"The overlay is {report.age_ms[1]:.0f} ms late; close other programs, or send a smaller picture.")
    expected_hz = report.form.frame_rate_hz if report.form is not None else None
    if expected_hz and report.seconds > WINDOW_S and 0 < report.delivered_hz < 0.8 * expected_hz:
        remedy = (
            "this computer is too busy: close other programs"
            if report.busy
            else "use a cable instead of wireless, another USB port, or a lower data rate at the sender"
        )
        found.append(f"Only {report.delivered_hz:.0f} of {expected_hz:.0f} frames a second arrive; {remedy}.")
    if report.repeated_share > 0.9:
        found.append(
            "The picture stands still: unfreeze the scanner, or plug the grabber in again where it is not frozen."
        )
    elif report.repeated_share > 0.4:
        found.append(
            f"{report.repeated_share:.0%} of the frames repeat the one before; the scanner sends fewer pictures than "
            "the link: a lower frame rate loses nothing."
        )
    if combed > _COMBED:
        found.append(
            "The picture is interlaced, which frays edges that move; set the scanner's output to progressive (p)."
        )
    for share, where in zip(bars, ("above and below", "at left and right"), strict=True):
        if share > _BARS:
            found.append(
                f"Black bars {where} take {share:.0%} of the picture; set scanner and grabber to the same resolution."
            )
    return tuple(Trouble(sentence) for sentence in found)


def _ages(ages_ms: tuple[float, float, float] | None) -> str:
    if ages_ms is None:
        return "nothing painted"
    return "p50 {:.0f} ms, p95 {:.0f} ms, p99 {:.0f} ms".format(*ages_ms)


def _percentiles(ages_ms: list[float]) -> tuple[float, float, float] | None:
    if not ages_ms:
        return None
    p50, p95, p99 = (float(each) for each in np.percentile(ages_ms, [50, 95, 99]))
    return p50, p95, p99


def _forget(times: deque[float], before_s: float) -> None:
    while times and times[0] < before_s:
        times.popleft()

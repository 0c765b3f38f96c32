"""What the network says while the probe moves: the newest frame, the exam so far, and the planes caught on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fetalnet.analysis.estimate import Estimate
from fetalnet.analysis.examination import BestFrame, Examination
from fetalnet.core.frame import Frame
from fetalnet.core.measurement import measure
from fetalnet.core.planes import STANDARD_PLANES, Kind, Plane
from fetalnet.core.scale.calibration import Calibration
from fetalnet.core.scale.scale import Scale
from fetalnet.core.scale.track import ScaleTrack
from fetalnet.inference.judges.stream import StreamJudge
from fetalnet.live.scales import LiveScales
from fetalnet.screen.change.watch import ScreenWatch, beside
from fetalnet.screen.device.layout import Layout
from fetalnet.screen.device.preset import Preset, best_match
from fetalnet.screen.fan.sector import Sector, find_sector
from fetalnet.screen.ruler.detect import find_ruler

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fetalnet.core.geometry import Geometry, MmPerPixel
    from fetalnet.core.measurement import Length
    from fetalnet.core.prediction import Prediction
    from fetalnet.inference.stream import FramePredictor
    from fetalnet.live.capture import LiveFrame
    from fetalnet.live.recorder import Segment

FAN_LOOKS = 8
"""Pictures from which the fan is found again, once they have come: the first alone may be dark."""
_FAN_LOOK_S = 0.25
_RULER_LOOKS = 3
"""Of these pictures the last ones are searched for a ruler: what moves is none."""
GAP_S = 0.35
"""Frames that lie further apart are no neighbours: between closer ones the machine may have skipped some."""
CATCH_STANDARDNESS = 0.65
"""What a frame must reach to be caught, as the best frame of a recording must."""


@dataclass(frozen=True, slots=True, eq=False)
class LivePrediction:
    """The answer for a live frame, with what is known of its scale."""

    live: LiveFrame
    prediction: Prediction
    calibration: Calibration
    fan: Sector
    preset: Preset | None = None
    """Of the device that shows this screen, if it is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Caught:
    """The best frame of a plane so far, its values, and the estimates over all frames where the plane was found."""

    plane: Plane
    live: LiveFrame
    prediction: Prediction
    values: dict[Kind, Length]
    estimates: dict[Kind, Estimate]
    score: float
    fan: Sector


@dataclass(slots=True)
class _Candidate:
    live: LiveFrame
    prediction: Prediction
    score: float
    fan: Sector


class LiveAnalysis:
    """Looks at the newest frames of one watch, in their order; ``close`` it when no more come.

    One thread shows frames to the network with ``look``; another may fit and judge beside it: it calls what ``look``
    returned, each once and in order, and asks for what was ``caught``. Any thread may ``set_scale``.
    """

    def __init__(
        self, predictor: FramePredictor, drawn_fan: Sector | None = None, presets: Sequence[Preset] = ()
    ) -> None:
        self._predictor, self._drawn_fan, self._presets = predictor, drawn_fan, presets
        self._preset: Preset | None = None
        self._scales = LiveScales()
        self._examination = Examination()
        self._judge = StreamJudge()
        self._fan = drawn_fan or Sector.whole((1, 1))
        self._watch = ScreenWatch(self._fan, self._scales.change)
        self._beside = ThreadPoolExecutor(1, "screen watch")
        self._segment = -1
        self._number = -1
        self._last_s = 0.0
        self._samples: deque[NDArray[np.uint8]] = deque(maxlen=FAN_LOOKS)
        self._sampled_s = 0.0
        self._candidates: dict[Plane, _Candidate] = {}

    @property
    def scales(self) -> ScaleTrack:
        """The scale by the number of the frames looked at."""
        return self._scales.track

    def set_scale(self, scale: Scale) -> None:
        """A person says how large a pixel is, from the last change of the screen on."""
        self._scales.give(scale)

    def close(self) -> None:
        """Let go of its thread; what was found can still be asked for."""
        self._beside.shutdown()

    def look(self, live: LiveFrame) -> Callable[[], LivePrediction]:
        """Show the network a frame that is newer than all before; what is returned says what was found."""
        near = live.segment == self._segment and live.arrived_s - self._last_s <= GAP_S
        self._number += 1 if near or self._number < 0 else 1 + len(STANDARD_PLANES) * 2
        if live.segment != self._segment:
            self._begin_segment(live)
        elif not near:
            self._judge = StreamJudge()
        self._last_s = live.arrived_s
        self._scales.look(self._number, live.segment, live.frame.index, live.mm_per_pixel)
        numbered = replace(live.frame, index=self._number)
        self._look_for_fan(numbered, live.arrived_s)
        # The screen is watched on another core while the network looks: each takes a good part of a frame's time.
        watched = self._beside.submit(self._watch.look, numbered)
        answer = self._predictor.submit(numbered)
        judge, fan, preset = self._judge, self._fan, self._preset

        def found() -> LivePrediction:
            prediction = judge.judged(answer())
            change = watched.result()
            if change is not None:
                self._scales.change(change)
            self._examination.add(replace(prediction, outline=None))
            self._catch(live, prediction, fan)
            return LivePrediction(live, prediction, self.scales.at(prediction.index), fan, preset)

        return found

    def caught(self) -> tuple[Caught, ...]:
        """The planes found so far, each with its best frame; costs time that grows with the watch."""
        scales = self.scales

        def mm_per_pixel_of(number: int, geometry: Geometry) -> MmPerPixel | None:
            return scales.scale_for(number, geometry).mm_per_pixel

        best: dict[Kind, BestFrame] = self._examination.best(mm_per_pixel_of)
        estimates = self._examination.estimates(mm_per_pixel_of)
        found = []
        for plane in STANDARD_PLANES:
            candidate = self._candidates.get(plane)
            if candidate is None or not any(kind.plane is plane for kind in best):
                continue
            geometry = candidate.prediction.geometry
            assert geometry is not None
            values = measure(geometry, plane, mm_per_pixel_of(candidate.prediction.index, geometry))
            of_plane = {kind: each for kind, each in estimates.items() if kind.plane is plane}
            found.append(
                Caught(plane, candidate.live, candidate.prediction, values, of_plane, candidate.score, candidate.fan)
            )
        return tuple(found)

    def scales_of(self, segment: Segment) -> ScaleTrack:
        """The scale along one file of the recording, by the frames of that file."""
        return self._scales.of_segment(segment)

    def _begin_segment(self, live: LiveFrame) -> None:
        self._segment = live.segment
        self._preset = None
        self._samples.clear()
        self._judge = StreamJudge()
        self._look_at(self._drawn_fan or find_sector(live.frame.pixels), live.frame)

    def _look_for_fan(self, frame: Frame, arrived_s: float) -> None:
        """The fan from several pictures, as soon as they have come, and with it the device."""
        if len(self._samples) == FAN_LOOKS or arrived_s - self._sampled_s < _FAN_LOOK_S:
            return
        self._sampled_s = arrived_s
        self._samples.append(frame.pixels)
        if len(self._samples) < FAN_LOOKS:
            return
        fan = find_sector(*self._samples)
        self._preset = preset = best_match(self._presets, Layout.of(frame.pixels, fan), fan)
        self._look_at(self._drawn_fan or (preset.sector if preset is not None else None) or fan, frame)
        if preset is not None and (preset.tick_spacing_mm is not None or preset.scale is not None):
            pictures = tuple(self._samples)[-_RULER_LOOKS:]
            beside(lambda: self._scales.offer(frame.index, preset.scale_of(find_ruler(*pictures), fan)))

    def _look_at(self, sector: Sector, frame: Frame) -> None:
        self._predictor.look_at(sector.box, sector.mask((frame.height, frame.width)))
        self._fan, self._watch = sector, ScreenWatch(sector, self._scales.change)

    def _catch(self, live: LiveFrame, prediction: Prediction, fan: Sector) -> None:
        if prediction.geometry is None or prediction.standardness < CATCH_STANDARDNESS:
            return
        score = prediction.probability * prediction.standardness
        best = self._candidates.get(prediction.plane)
        if best is None or score > best.score:
            self._candidates[prediction.plane] = _Candidate(live, prediction, score, fan)

import json
import math
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from fetalnet.analysis.batch import analyze, analyze_stills
from fetalnet.analysis.quality import QualityLimits
from fetalnet.analysis.schema import json_schema
from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, MmPerPixel
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.prediction import ModelRef, Prediction, Shape
from fetalnet.core.scale.calibration import NO_CALIBRATION, Calibration, Region
from fetalnet.core.scale.scale import ScaleOrigin, given_scale
from fetalnet.core.scale.track import ScaleTrack
from fetalnet.inference.stream import predicted
from fetalnet.sources import Frame

MODEL = ModelRef("test", "ab" * 32, "none")
SCHEMA = Path(__file__).parents[2] / "docs" / "analysis.schema.json"
PIXELS = np.zeros((60, 80), np.uint8)


class FakeSource:
    """Frames at 30 Hz; breaks off with a sentence at ``broken_at``."""

    path = Path("sweep.mp4")
    name = "sweep.mp4"
    width, height, frame_rate_hz = 80, 60, 30.0
    notice = None

    def __init__(self, n=30, broken_at=None, calibration=NO_CALIBRATION):
        self.n, self.broken_at, self.calibration = n, broken_at, calibration
        self.taken = 0

    def __len__(self):
        return self.n

    def __iter__(self):
        for index in range(self.n):
            if index == self.broken_at:
                raise InputError("The recording is damaged here.")
            self.taken += 1
            yield Frame(index, index / 30, PIXELS)

    def __getitem__(self, index):
        return Frame(index, index / 30, PIXELS)

    def time_s(self, index):
        return index / 30

    def close(self):
        pass


class FakePredictor:
    """Sees a head in every frame but the first five, with a probability a hair above one."""

    def __init__(self):
        self.looks = []

    def predict(self, frame):
        if frame.index < 5 and frame.time_s is not None:
            probabilities = dict(zip(Plane, (0.02, 0.01, 0.01, 0.96), strict=True))
            return Prediction(frame.index, frame.time_s, Plane.OTHER, probabilities, 0.0, None, None, None, frame.file)
        probabilities = dict(zip(Plane, (1.0000001, 0.0, 0.0, 0.0), strict=True))
        outline = np.zeros((100, 2), np.float32)
        geometry = Ellipse(40, 30, 25, 20, 170)
        return Prediction(
            frame.index, frame.time_s, Plane.HEAD, probabilities, 0.9, outline, geometry, None, frame.file
        )

    predict_still = predict

    def look_at(self, crop, fan):
        self.looks.append((crop, fan.shape))


def given(mm_per_pixel):
    return Calibration.of_whole(given_scale(mm_per_pixel))


def valid(analysis):
    value = json.loads(json.dumps(analysis.to_json(), allow_nan=False))
    jsonschema.validate(value, json.loads(SCHEMA.read_text(encoding="utf-8")))
    return value


def test_that_the_schema_in_docs_is_the_one_the_program_writes():
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema()


def test_that_the_schema_refuses_an_unknown_field():
    value = valid(analyze(FakeSource(3), FakePredictor(), MODEL))
    value["diagnosis"] = "none"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, json_schema())


def test_that_a_recording_without_a_scale_gives_pixels_only():
    value = valid(analyze(FakeSource(), FakePredictor(), MODEL))
    assert len(value["frames"]) == 30
    assert value["mm_per_pixel"] is None
    assert value["scale_origin"] == "none"
    assert value["frames"][0] | {"probabilities": None, "probability": None} == {
        "index": 0, "time_s": 0.0, "file": None, "plane": "other", "probabilities": None, "probability": None,
        "geometry": None, "mm_per_pixel": None, "measurements": {}, "quality": None, "refused": None, "error": None,
    }  # fmt: skip
    assert 0.95 < value["frames"][29]["probability"] == value["frames"][29]["probabilities"]["head"] <= 1.0
    assert value["frames"][9]["measurements"]["BPD"] == {"px": 40.0, "mm": None}
    assert set(value["best"]) == set(value["estimate"]) == {"HC", "BPD", "OFD"}
    assert value["best"]["BPD"]["value_mm"] is None
    estimate = value["estimate"]["BPD"]
    assert estimate["low"] < estimate["value_px"] == 40.0 < estimate["high"]
    assert estimate["unit"] == "px"
    before, head = value["segments"]
    assert (before["plane"], before["start"], head["plane"], head["end"]) == ("other", 0, "head", 29)
    assert before["end"] + 1 == head["start"] == pytest.approx(5, abs=1)
    assert value["frozen"] == []
    quality = value["frames"][9]["quality"]
    assessed = [state for state in quality["criteria"].values() if state != "not_assessed"]
    assert (quality["of"], len(quality["criteria"])) == (len(assessed), 6)


def test_that_a_scale_gives_mm_everywhere():
    value = valid(analyze(FakeSource(), FakePredictor(), MODEL, lambda frame, source: given(0.5)))
    assert value["mm_per_pixel"] == {"x": 0.5, "y": 0.5}
    assert value["scale_origin"] == "given"
    assert value["frames"][9]["measurements"]["OFD"] == pytest.approx({"px": 50.0, "mm": 25.0})
    assert value["best"]["OFD"]["value_mm"] == pytest.approx(25)
    estimate = value["estimate"]["OFD"]
    assert estimate["value_mm"] == pytest.approx(25)
    assert estimate["low"] < 25 < estimate["high"]
    assert estimate["unit"] == "mm"


def test_that_outlines_are_not_held():
    analysis = analyze(FakeSource(), FakePredictor(), MODEL)
    assert all(frame.prediction.outline is None for frame in analysis.frames)


def test_that_a_recording_that_breaks_off_keeps_what_was_read_and_says_so():
    analysis = analyze(FakeSource(30, broken_at=20), FakePredictor(), MODEL)
    assert len(analysis.frames) == 20
    assert analysis.failures == ("The recording is damaged here.",)
    assert Kind.HC in analysis.best


def test_that_broken_frames_are_marked_and_the_rest_is_analysed():
    class Scratched(FakeSource):
        notice = "sweep.mp4: 3 of 30 frames are damaged and left out."

        def __iter__(self):
            return (self[index] for index in range(self.n) if index not in (10, 11, 29))

    predictor = FakePredictor()
    value = valid(analyze(Scratched(), predictor, MODEL))
    assert [each["index"] for each in value["frames"]] == list(range(30))
    assert [each["index"] for each in value["frames"] if each["error"]] == [10, 11, 29]
    first, last = value["broken"]
    assert (first["start"], first["end"], last["start"], last["end"]) == (10, 11, 29, 29)
    assert (first["start_s"], first["end_s"]) == pytest.approx((10 / 30, 12 / 30), abs=0.01)
    # What the network saw before the damage is no longer what came just before.
    assert len(predictor.looks) == 2
    assert "HC" in value["best"]


def test_that_the_json_says_how_much_of_the_picture_a_plane_must_fill():
    class Sized(FakePredictor):
        def predict(self, frame):
            return replace(super().predict(frame), shape=Shape(1.0, 0.01, 0.9, 0.02, 0.4))

    for least, state in ((0.3, "green"), (0.5, "failed")):
        value = valid(analyze(FakeSource(), Sized(), MODEL, limits=QualityLimits(min_size=least)))
        assert value["min_plane_size"] == least
        assert value["frames"][10]["quality"]["criteria"]["size"] == state


def test_that_an_analysis_goes_on_from_where_it_was_stopped():
    class Carrying(FakePredictor):
        """Counts the frames since it last looked anew."""

        state = 0

        def look_at(self, crop, fan):
            self.state = 0

        def predict(self, frame):
            self.state += 1
            return replace(super().predict(frame), standardness=self.state / 1000)

    source, predictor = FakeSource(300), Carrying()
    whole = [prediction.standardness for _, prediction in predicted(source, predictor)]
    with closing(predicted(source, predictor)) as pairs:
        first = [next(pairs)[1].standardness for _ in range(150)]
        state = predictor.state
    rest = [each.standardness for _, each in predicted(source, Carrying(), start=150, state=state)]
    assert [*first, *rest] == whole


def test_that_a_recording_without_one_readable_frame_is_refused():
    with pytest.raises(InputError, match="damaged"):
        analyze(FakeSource(30, broken_at=0), FakePredictor(), MODEL)


def test_that_cancelling_stops_the_decoder_too():
    source = FakeSource(10_000)
    seen = []
    analysis = analyze(
        source, FakePredictor(), MODEL,
        on_progress=lambda done, total: seen.append((done, total)), cancelled=lambda: len(seen) == 12,
    )  # fmt: skip
    assert seen[-1] == (12, 10_000)
    assert len(analysis.frames) == 12
    assert source.taken < 30


def test_that_each_frame_comes_with_its_own_prediction():
    pairs = list(predicted(FakeSource(50), FakePredictor()))
    assert [frame.index for frame, _ in pairs] == [prediction.index for _, prediction in pairs] == list(range(50))


def test_that_a_programming_error_in_a_source_is_not_swallowed():
    class Broken(FakeSource):
        def __iter__(self):
            yield Frame(0, 0.0, PIXELS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        analyze(Broken(), FakePredictor(), MODEL)


def open_still(path):
    if path.name == "b.png":
        raise InputError("b.png is damaged; leave it out.")
    return FakeSource({"d.dcm": 40}.get(path.name, 1), calibration=given({"a.png": 0.2}.get(path.name, 0.4)))


def test_that_stills_are_cases_of_their_own():
    predictor = FakePredictor()
    files = [Path("in/a.png"), Path("in/b.png"), Path("in/c.png")]
    analysis = analyze_stills("in", files, open_still, predictor, MODEL)
    value = valid(analysis)
    assert [frame["file"] for frame in value["frames"]] == ["a.png", "b.png", "c.png"]
    assert [frame["index"] for frame in value["frames"]] == [0, 1, 2]
    assert value["frames"][0]["measurements"]["BPD"]["mm"] == pytest.approx(8)
    assert value["frames"][2]["measurements"]["BPD"]["mm"] == pytest.approx(16)
    assert value["frames"][1]["error"] == "b.png is damaged; leave it out."
    assert value["frames"][1]["geometry"] is None
    assert value["best"] == value["estimate"] == {}
    assert value["mm_per_pixel"] is None
    assert value["scale_origin"] == "given"
    assert predictor.looks == [((0, 0, 80, 60), (60, 80))] * 2
    assert analysis.failures == ("b.png is damaged; leave it out.",)


def test_that_a_recording_of_many_frames_is_no_still():
    files = [Path("in/a.png"), Path("in/d.dcm")]
    analysis = analyze_stills("in", files, open_still, FakePredictor(), MODEL)
    assert analysis.failures == ("d.dcm holds 40 frames; analyse it alone, without --stills.",)


def by_region(*regions, refused=None):
    return Calibration(ScaleOrigin.DICOM_REGION, regions=regions, refused=refused)


WHOLE = Region(0, 0, 79, 59, MmPerPixel(0.25, 0.5))
LEFT, RIGHT = Region(0, 0, 39, 59, MmPerPixel(0.25, 0.25)), Region(40, 0, 79, 59, MmPerPixel(0.5, 0.5))


def test_that_the_source_s_own_scale_is_taken():
    value = valid(analyze(FakeSource(calibration=by_region(WHOLE)), FakePredictor(), MODEL))
    assert (value["mm_per_pixel"], value["scale_origin"]) == ({"x": 0.25, "y": 0.5}, "dicom-region")
    assert "differs between the axes" in value["scale_note"]


def test_that_a_refused_scale_is_null_and_says_why():
    refused = by_region(WHOLE, refused="The region leaves the picture by 21 pixels.")
    value = valid(analyze(FakeSource(calibration=refused), FakePredictor(), MODEL))
    assert value["scale_note"] == "The region leaves the picture by 21 pixels."
    assert value["mm_per_pixel"] is None
    assert value["best"]["HC"]["value_mm"] is None
    assert {frame["mm_per_pixel"] for frame in value["frames"]} == {None}


def test_that_an_ellipse_across_two_regions_stays_in_pixels():
    value = valid(analyze(FakeSource(calibration=by_region(LEFT, RIGHT)), FakePredictor(), MODEL))
    assert value["mm_per_pixel"] is None
    assert value["best"]["HC"]["value_mm"] is None
    assert "25 of 30 frames" in value["scale_note"]


def test_that_an_ellipse_in_one_of_two_regions_has_its_scale():
    doppler = Region(0, 58, 79, 59, MmPerPixel(0.1, 0.1))
    head = Region(0, 0, 79, 57, MmPerPixel(0.3, 0.3))
    value = valid(analyze(FakeSource(calibration=by_region(head, doppler)), FakePredictor(), MODEL))
    assert value["mm_per_pixel"] is None
    assert value["scale_origin"] == "dicom-region"
    assert value["best"]["OFD"]["value_mm"] == value["estimate"]["OFD"]["value_mm"] == pytest.approx(15)
    assert value["frames"][9]["mm_per_pixel"] == {"x": 0.3, "y": 0.3}


def test_that_frames_after_a_change_of_depth_have_no_millimetres_and_the_estimate_knows_those_before():
    track = ScaleTrack.of(given(0.5)).parted(20, "The depth changed at frame 20.")
    value = valid(analyze(FakeSource(), FakePredictor(), MODEL, lambda frame, source: track.at(frame.index)))
    assert (value["mm_per_pixel"], value["scale_origin"]) == (None, "given")
    assert value["scale_note"] == "The depth changed at frame 20."
    assert value["frames"][19]["measurements"]["OFD"]["mm"] == pytest.approx(25)
    assert value["frames"][20]["measurements"]["OFD"]["mm"] is None
    assert value["estimate"]["OFD"]["value_mm"] == pytest.approx(25)
    assert value["estimate"]["OFD"]["n"] <= 15


def test_that_an_unusual_scale_is_warned_of_and_not_noted_as_refused():
    analysis = analyze(FakeSource(calibration=given(0.8)), FakePredictor(), MODEL)
    assert "0.8 mm per pixel is unusual" in analysis.scale_warnings[0]
    assert len(analysis.scale_warnings) == 1
    assert valid(analysis)["scale_note"] == analysis.scale_warnings[0]


def test_that_pixels_need_not_be_square():
    calibration = Calibration(ScaleOrigin.DICOM_REGION, whole=MmPerPixel(0.5, 1.0))
    value = valid(analyze(FakeSource(calibration=calibration), FakePredictor(), MODEL))
    lengths = value["best"]["HC"]
    assert lengths["value_mm"] != pytest.approx(lengths["value_px"] * 0.5)
    assert math.isclose(value["estimate"]["HC"]["value_mm"], lengths["value_mm"])


def test_that_a_frame_without_a_measure_says_why():
    class Doubting(FakePredictor):
        def predict(self, frame):
            seen = super().predict(frame)
            return replace(seen, geometry=None, outline=None, refused="the head outline is uncertain")

    value = valid(analyze(FakeSource(), Doubting(), MODEL))
    assert {frame["refused"] for frame in value["frames"] if frame["plane"] == "head"} == {
        "the head outline is uncertain"
    }

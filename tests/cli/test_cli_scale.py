"""Where the millimetres of ``fetalnet analyze`` come from: the options, else the source itself, else nowhere."""

import json
import sys

import cv2
import jsonschema
import numpy as np
import pytest
from pypdf import PdfReader

from fetalnet import sources
from fetalnet.analysis.schema import json_schema
from fetalnet.cli import main
from fetalnet.core.geometry import Ellipse, MmPerPixel
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.core.scale.calibration import Calibration, Region
from fetalnet.core.scale.scale import ScaleOrigin

HEAD = Ellipse(60, 45, 30, 24, 0)
"""From x 30 to 90 and y 21 to 69: BPD 48 pixels."""


class Headstrong:
    """Sees the same head everywhere."""

    model = ModelRef("headstrong", "0" * 64, "none")

    def look_at(self, crop, fan):
        pass

    def predict(self, frame):
        probabilities = dict(zip(Plane, (0.97, 0.01, 0.01, 0.01), strict=True))
        return Prediction(
            frame.index, frame.time_s, Plane.HEAD, probabilities, 0.9, None, HEAD, None, frame.file
        )  # fmt: skip

    predict_still = predict


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two stills of one size; nothing is known about their scale."""
    monkeypatch.setattr(sys.modules["fetalnet.cli.analyze"], "_predictor", lambda *_, **__: Headstrong())
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), np.random.default_rng(0).integers(0, 255, (90, 120), np.uint8))
    return folder


@pytest.fixture
def calibrated(monkeypatch):
    """Let some files know their own scale, as DICOM does."""

    def let(**calibrations):
        plain = sources.open_source

        def open_calibrated(path):
            source = plain(path)
            source.calibration = calibrations.get(path.stem, source.calibration)
            return source

        monkeypatch.setattr(sources, "open_source", open_calibrated)
        monkeypatch.setattr("fetalnet.cli.pictures.open_source", open_calibrated)

    return let


@pytest.fixture
def analyze(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main(["analyze", *map(str, arguments)])
        captured = capsys.readouterr()
        assert left.value.code == 0, captured.err
        value = json.loads(captured.out)
        jsonschema.validate(value, json_schema())
        return value, " ".join(captured.err.split())

    return run


def by_region(*regions, refused=None):
    return Calibration(ScaleOrigin.DICOM_REGION, regions=regions, refused=refused)


WHOLE = by_region(Region(0, 0, 119, 89, MmPerPixel(0.25, 0.25)))
REFUSED = by_region(Region(0, 0, 150, 89, MmPerPixel(0.25, 0.25)), refused="The region leaves the picture.")


def test_that_the_file_s_own_scale_is_taken(analyze, folder, calibrated):
    calibrated(a=WHOLE)
    value, errors = analyze(folder / "a.png")
    assert (value["mm_per_pixel"], value["scale_origin"]) == ({"x": 0.25, "y": 0.25}, "dicom-region")
    assert value["best"]["BPD"]["value_mm"] == pytest.approx(12)
    assert "fetalnet:" not in errors


def test_that_a_person_s_scale_wins_over_the_file_s_own(analyze, folder, calibrated):
    calibrated(a=WHOLE)
    value, _ = analyze(folder / "a.png", "--mm-per-pixel", "0.5")
    assert (value["mm_per_pixel"], value["scale_origin"]) == ({"x": 0.5, "y": 0.5}, "given")


def test_that_a_refused_scale_is_null_until_it_is_accepted(analyze, folder, calibrated):
    calibrated(a=REFUSED)
    value, errors = analyze(folder / "a.png")
    assert value["mm_per_pixel"] is None
    assert value["best"]["BPD"]["value_mm"] is None
    assert value["scale_note"] == "The region leaves the picture."
    assert "The region leaves the picture." in errors
    value, errors = analyze(folder / "a.png", "--accept-scale")
    assert value["mm_per_pixel"] == {"x": 0.25, "y": 0.25}
    assert value["best"]["BPD"]["value_mm"] == pytest.approx(12)
    assert value["scale_note"].startswith("Accepted by a person although")
    assert "Accepted by a person" in errors


def test_that_a_caliper_across_two_regions_stays_in_pixels(analyze, folder, calibrated):
    left, right = Region(0, 0, 59, 89, MmPerPixel(0.25, 0.25)), Region(60, 0, 119, 89, MmPerPixel(0.5, 0.5))
    calibrated(a=by_region(left, right))
    value, errors = analyze(folder / "a.png")
    assert value["frames"][0]["measurements"]["BPD"] == {"px": 48.0, "mm": None}
    assert value["best"]["BPD"]["value_mm"] is None
    assert "does not lie in one calibrated region" in value["scale_note"]
    assert "does not lie in one calibrated region" in errors


def test_that_each_still_has_its_own_scale_and_the_table_wins(analyze, folder, calibrated, tmp_path):
    calibrated(a=WHOLE)
    value, _ = analyze(folder, "--stills")
    assert [frame["mm_per_pixel"] for frame in value["frames"]] == [{"x": 0.25, "y": 0.25}, None]
    assert (value["mm_per_pixel"], value["scale_origin"]) == (None, "dicom-region")
    table, report = tmp_path / "sizes.csv", tmp_path / "r.pdf"
    table.write_text("filename,pixel_size_mm\nb.png,0.2\n", "utf-8")
    value, errors = analyze(folder, "--stills", "--scale-csv", table, "--report", report)
    assert [frame["mm_per_pixel"]["x"] for frame in value["frames"]] == [0.25, 0.2]
    assert "has no row" not in errors
    text = " ".join(" ".join(page.extract_text().split()) for page in PdfReader(report).pages)
    assert "12.0 mm 0.25 mm per pixel, from the DICOM region" in text
    assert "9.6 mm 0.2 mm per pixel, given by a person" in text
    assert "not one for all" in text


def test_that_an_unusual_scale_is_warned_of(analyze, folder, tmp_path):
    report = tmp_path / "r.pdf"
    value, errors = analyze(folder / "a.png", "--mm-per-pixel", "0.8", "--report", report)
    assert "0.8 mm per pixel is unusual" in value["scale_note"]
    assert "0.8 mm per pixel is unusual" in errors
    assert "is unusual" in " ".join(PdfReader(report).pages[0].extract_text().split())


def test_that_the_overlay_video_shows_where_the_scale_comes_from(analyze, folder, calibrated, tmp_path, monkeypatch):
    drawn = []
    write = cv2.putText
    monkeypatch.setattr(cv2, "putText", lambda picture, text, *more: (drawn.append(text), write(picture, text, *more)))
    calibrated(a=WHOLE)
    analyze(folder / "a.png", "--overlay", tmp_path / "o.mp4")
    assert "Scale: 0.25 mm per pixel, from the DICOM region" in drawn

"""DICOM files, folders and archives on the command line."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread, uid
from pydicom.dataset import Dataset, FileMetaDataset

from fetalnet.cli import main
from fetalnet.core.planes import Plane
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.research.phantom import render_clip
from fetalnet.sources import Frame, open_source


class Blank:
    """Finds nothing."""

    model = ModelRef("blank", "0" * 64, "none")

    def look_at(self, crop: object, fan: object) -> None:
        pass

    def predict(self, frame: Frame) -> Prediction:
        probabilities = {plane: 0.97 if plane is Plane.OTHER else 0.01 for plane in Plane}
        return Prediction(frame.index, frame.time_s, Plane.OTHER, probabilities, 0.0, None, None, file=frame.file)

    predict_still = predict


def write_cine(path: Path, **elements: object) -> Path:
    pixels = np.stack([frame.pixels for frame, _ in render_clip(3, 3, Plane.HEAD, size=(192, 144))])
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID, made.Modality = uid.UltrasoundMultiFrameImageStorage, "1.2.3", "US"
    made.PatientName = "SECRET^NAME"
    made.NumberOfFrames, made.Rows, made.Columns = pixels.shape
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.FrameTime = "40"
    made.add_new(0x7FE00010, "OB", pixels.tobytes())
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def analyze(monkeypatch, capsys):
    """Run ``fetalnet analyze``; gives the exit status, standard output and standard error in one line."""
    monkeypatch.setattr(sys.modules["fetalnet.cli.analyze"], "_predictor", lambda *_, **__: Blank())

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main(["analyze", *map(str, arguments)])
        captured = capsys.readouterr()
        assert "SECRET" not in captured.out + captured.err
        return left.value.code, captured.out, " ".join(captured.err.split())

    return run


def test_that_a_dicom_file_is_analysed_with_its_own_times(analyze, tmp_path):
    status, printed, _ = analyze(write_cine(tmp_path / "IM1"))
    assert status == 0
    assert [frame["time_s"] for frame in json.loads(printed)["frames"]] == [0.0, 0.04, 0.08]


def test_that_nominal_times_are_said_and_no_failure(analyze, tmp_path):
    status, _, errors = analyze(write_cine(tmp_path / "IM1", FrameTime=""))
    assert status == 0
    assert "nominal 25 frames a second" in errors


@pytest.mark.parametrize("as_zip", [False, True])
def test_that_one_of_several_clips_is_named(analyze, tmp_path, as_zip):
    source = tmp_path / "study"
    for name in ("IM1", "IM2"):
        write_cine(source / "SE1" / name)
    if as_zip:
        with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
            for file in sorted(source.rglob("IM*")):
                archive.write(file, file.relative_to(source).as_posix())
        source = tmp_path / "study.zip"
    status, printed, errors = analyze(source)
    assert (status, printed) == (2, "")
    assert f"{source.name} holds 2 recordings" in errors
    assert str(Path(source.name, "SE1", "IM2")) in errors
    status, printed, _ = analyze(source / "SE1" / "IM2")
    assert status == 0
    assert len(json.loads(printed)["frames"]) == 3
    if as_zip:
        with closing(open_source(source / "SE1" / "IM2")) as clip:
            assert clip.name == "IM2"


def test_that_a_folder_with_one_clip_is_analysed(analyze, tmp_path):
    write_cine(tmp_path / "study" / "SE1" / "IM1")
    status, printed, _ = analyze(tmp_path / "study")
    assert (status, len(json.loads(printed)["frames"])) == (0, 3)


@pytest.mark.parametrize(
    ("elements", "sentence"),
    [
        ({"Modality": "CT", "SOPClassUID": uid.CTImageStorage}, "not of ultrasound"),
        ({"Rows": 65535, "Columns": 65535}, "65535 x 65535"),
    ],
)
def test_that_what_cannot_be_used_is_one_sentence(analyze, tmp_path, elements, sentence):
    status, printed, errors = analyze(write_cine(tmp_path / "scan.dcm", **elements))
    assert (status, printed) == (2, "")
    assert sentence in errors
    assert "scan.dcm" in errors
    assert "Traceback" not in errors


def test_that_the_frames_that_are_there_are_analysed_and_how_many_lack_is_said(analyze, tmp_path):
    status, printed, errors = analyze(write_cine(tmp_path / "scan.dcm", NumberOfFrames=400))
    assert (status, len(json.loads(printed)["frames"])) == (1, 3)
    assert "scan.dcm says it has 400 frames but holds 3; these are used." in errors


def test_that_dicom_stills_are_cases_beside_images_each_with_its_own_scale(analyze, tmp_path):
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 191, 143
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.02
    still = write_cine(tmp_path / "stills" / "a.dcm", SequenceOfUltrasoundRegions=[region])
    one = dcmread(still)
    one.NumberOfFrames, one.PixelData = 1, one.PixelData[: 192 * 144]
    one.save_as(still)
    Image.fromarray(np.zeros((144, 192), np.uint8)).save(tmp_path / "stills" / "b.png")
    status, out, _ = analyze(tmp_path / "stills", "--stills")
    assert status == 0
    frames = json.loads(out)["frames"]
    assert [frame["file"] for frame in frames] == ["a.dcm", "b.png"]
    assert frames[0]["mm_per_pixel"] == {"x": pytest.approx(0.2), "y": pytest.approx(0.2)}
    assert frames[1]["mm_per_pixel"] is None


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text there")
def test_that_a_name_that_is_no_text_is_analysed_and_written(analyze, tmp_path):
    # Its times are nominal, which is said with its name.
    cine = write_cine(Path(os.fsdecode(os.fsencode(tmp_path) + b"/M\xfcller.dcm")), FrameTime=None)
    status, _, errors = analyze(cine, "--json", tmp_path / "out.json", "--report", tmp_path / "out.pdf")
    assert (status, "nominal" in errors) == (0, True)
    assert "M\N{REPLACEMENT CHARACTER}ller.dcm" in json.loads((tmp_path / "out.json").read_text("utf-8"))["notes"][0]
    assert (tmp_path / "out.pdf").stat().st_size > 0
    stills = tmp_path / "stills"
    stills.mkdir()
    Image.new("L", (192, 144), 90).save(Path(os.fsdecode(os.fsencode(stills) + b"/M\xfcller.png")))
    status, out, _ = analyze(stills, "--stills")
    assert (status, json.loads(out)["frames"][0]["file"]) == (0, "M\N{REPLACEMENT CHARACTER}ller.png")

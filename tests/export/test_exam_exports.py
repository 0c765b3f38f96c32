import csv
import errno
import io
import json
import os
from dataclasses import replace

import numpy as np
import pytest
from pypdf import PdfReader

from fetalnet.analysis.estimate import Estimate
from fetalnet.analysis.examination import BestFrame
from fetalnet.analysis.quality import Criterion, State
from fetalnet.analysis.result import Analysis, FrameResult
from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Line, MmPerPixel
from fetalnet.core.measurement import Length, measure
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.prediction import ModelRef, Prediction
from fetalnet.core.scale.calibration import Calibration, Region
from fetalnet.core.scale.scale import NO_SCALE, ScaleOrigin, given_scale
from fetalnet.core.scale.track import NO_SCALE_TRACK, ScaleTrack
from fetalnet.core.system import files as atomic_file
from fetalnet.exam import decisions, records
from fetalnet.exam.records import RecordingRef
from fetalnet.export.csv_table import COLUMNS, write_exam_csv
from fetalnet.export.exam_json import write_exam_json
from fetalnet.export.pdf_report import ReportPicture, write_analysis_pdf, write_exam_pdf
from fetalnet.export.wording import NOT_REVIEWED
from fetalnet.sources import Frame

MODEL = ModelRef("fetalnet-streaming", "cd" * 32, "openvino cpu")
HEAD = Ellipse(400, 300, 150, 120, 20)
PICTURE = ReportPicture(np.full((120, 200, 3), 90, np.uint8), "HC 174.2 mm, frame 12 – füße")


def track(mm_per_pixel):
    return ScaleTrack.of(Calibration.of_whole(given_scale(mm_per_pixel)))


@pytest.fixture
def exam():
    recording = RecordingRef("r1", "in/sweep.mp4", 1000, "ef" * 32, 300, track(0.2))
    exam = records.with_recording(records.new_exam("<b>Visit & 2</b> – Ärztin"), recording)
    best = [BestFrame(kind, 12, 0.4, None, HEAD, length, 0.9) for kind, length in measure(HEAD, Plane.HEAD).items()] + [
        BestFrame(Kind.FL, 2000, 66.66, None, Line(10, 20, 90, 20), Length(80), 0.9)
    ]
    exam = records.propose(exam, "r1", best, MODEL)
    hc, bpd, ofd, _ = exam.measurements
    exam = decisions.accept(exam, hc.id)
    exam = decisions.correct(exam, bpd.id, Ellipse(400, 300, 150, 121, 20))
    return decisions.reject(exam, ofd.id)


def pages(path):
    return [" ".join(page.extract_text().split()) for page in PdfReader(path).pages]


def test_that_the_report_shows_proposals_decisions_and_their_difference(exam, tmp_path):
    path = tmp_path / "exam.pdf"
    write_exam_pdf(path, exam, [PICTURE])
    text = " ".join(pages(path))
    for expected in (
        "<b>Visit & 2</b> – Ärztin", "sweep.mp4", "0.2 mm per pixel, given by a person", "fetalnet-streaming",
        "cdcdcdcdcdcd", "openvino cpu", "48.0 mm 48.4 mm 0.4 mm corrected 12 0:00.4", "accepted", "rejected",
        "60.0 mm – – rejected", "16.0 mm – – proposed 2000 1:06.7", "outer-outer", "füße", "numpy",
    ):  # fmt: skip
        assert expected in text.replace("+", "")
    assert NOT_REVIEWED not in text


def test_that_the_research_use_sentence_stands_on_each_page(exam, tmp_path):
    path = tmp_path / "exam.pdf"
    pictures = [ReportPicture(np.full((120, 200, 3), grey, np.uint8), "a frame") for grey in range(5)]
    write_exam_pdf(path, exam, pictures)
    texts = pages(path)
    assert len(texts) > 1
    assert all("Not a medical device" in text and f"page {i}" in text for i, text in enumerate(texts, 1))
    assert sum(len(page.images) for page in PdfReader(path).pages) == 5


def analysis(scale, failures=()):
    def lengths(kind, px):
        return Length(px, None if scale.mm_per_pixel is None else px * scale.mm_per_pixel.x)

    probabilities = dict(zip(Plane, (0.9, 0.1, 0.0, 0.0), strict=True))
    prediction = Prediction(12, 0.4, Plane.HEAD, probabilities, 0.9, None, HEAD)
    frame = FrameResult(12, 0.4, None, prediction, scale)
    best = {Kind.BPD: BestFrame(Kind.BPD, 12, 0.4, None, HEAD, lengths(Kind.BPD, 240), 0.9)}
    spread = [lengths(Kind.BPD, px) for px in (241, 235, 247)]
    estimate = Estimate(Kind.BPD, *spread, 31, np.arange(31), np.full(31, spread[0].px), {})
    return Analysis("in/sweep.mp4", MODEL, scale, (frame,), best, {Kind.BPD: estimate}, failures)


def test_that_the_command_line_s_report_says_on_each_page_that_nobody_reviewed_it(tmp_path):
    path = tmp_path / "report.pdf"
    write_analysis_pdf(path, analysis(given_scale(0.2)), [PICTURE] * 5)
    texts = pages(path)
    assert len(texts) > 1
    assert all(NOT_REVIEWED in text and "Not a medical device" in text for text in texts)
    assert "48.0 mm 48.2 mm 47.0 mm – 49.4 mm 31 12" in texts[0]


def test_that_without_a_scale_the_report_knows_pixels_only(tmp_path):
    path = tmp_path / "report.pdf"
    write_analysis_pdf(path, analysis(NO_SCALE, ("The end is damaged.",)), [])
    text = pages(path)[0]
    assert "240.0 px" in text
    assert " mm" not in text
    assert "The end is damaged." in text


def test_that_a_report_of_nothing_found_says_so(tmp_path):
    path = tmp_path / "report.pdf"
    write_analysis_pdf(path, Analysis("a.mp4", MODEL, NO_SCALE, (), {}, {}), [])
    assert "No standard plane was found" in pages(path)[0]


def test_that_the_table_has_units_in_its_columns_and_decimal_points(exam, tmp_path):
    path = tmp_path / "exam.csv"
    write_exam_csv(path, exam)
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    assert tuple(rows[0]) == COLUMNS
    by_measure = {row["measure"]: row for row in rows}
    bpd = by_measure["BPD"]
    assert (bpd["proposed_mm"], bpd["decided_mm"], bpd["difference_mm"]) == ("48.00", "48.40", "0.40")
    assert (bpd["status"], bpd["scale_origin"], bpd["bpd_convention"]) == ("corrected", "given", "outer-outer")
    assert by_measure["OFD"]["decided_mm"] == ""
    assert by_measure["FL"] | {"proposed_px": "80.00", "decided_at_utc": "", "time_s": "66.660"} == by_measure["FL"]


def test_that_the_table_has_no_mm_without_a_scale(exam, tmp_path):
    path = tmp_path / "exam.csv"
    recording = exam.recordings[0]
    bare = records.with_scale_track(exam, recording.id, NO_SCALE_TRACK)
    write_exam_csv(path, bare)
    rows = {row["measure"]: row for row in csv.DictReader(io.StringIO(path.read_text("utf-8")))}
    assert rows["FL"]["proposed_mm"] == rows["FL"]["mm_per_pixel_x"] == ""


def test_that_no_spreadsheet_takes_a_file_s_name_for_a_formula(tmp_path):
    recording = RecordingRef("r1", "=1+1.mp4", 1000, "ef" * 32, 300, track(0.2))
    exam = records.with_recording(records.new_exam(), recording)
    exam = records.propose(exam, "r1", [BestFrame(Kind.FL, 2, 0.1, None, Line(0, 0, 9, 9), Length(9), 0.9)], MODEL)
    write_exam_csv(tmp_path / "exam.csv", exam)
    assert ",'=1+1.mp4," in (tmp_path / "exam.csv").read_text("utf-8")


def test_that_json_holds_the_machine_s_and_the_person_s_geometry(exam, tmp_path):
    path = tmp_path / "exam.json"
    write_exam_json(path, exam)
    value = json.loads(path.read_text("utf-8"))
    bpd = next(each for each in value["measurements"] if each["measure"] == "BPD")
    assert bpd["proposed"]["geometry"] == HEAD.to_json()
    assert bpd["proposed"]["model"]["sha256"] == MODEL.sha256
    assert bpd["decisions"][0]["geometry"]["b"] == 121
    assert bpd["decisions"][0]["mm_per_pixel"] == {"x": 0.2, "y": 0.2}
    assert bpd["decided"]["mm"] == pytest.approx(48.4)
    assert "in/" not in path.read_text("utf-8")


@pytest.fixture
def accepted_by_a_person(exam):
    """The depth changes at frame 1000; the scale of the DICOM region was refused, and a person accepted it."""
    region = Region(100, 50, 700, 550, MmPerPixel(0.25, 0.25))
    refused = Calibration(ScaleOrigin.DICOM_REGION, regions=(region,), refused="The region leaves the picture.")
    scales = ScaleTrack.of(refused.accepted()).changed(1000, refused.accepted().withdrawn("The depth changed."))
    recording = records.with_scale_track(exam, "r1", scales)
    return decisions.accept(recording, recording.measurements[0].id)


def test_that_every_export_says_where_the_scale_comes_from_and_who_accepted_it(accepted_by_a_person, tmp_path):
    path = tmp_path / "out.file"
    write_exam_pdf(path, accepted_by_a_person, [])
    text = " ".join(pages(path))
    assert "0.25 mm per pixel, from the DICOM region. Accepted by a person although" in text
    assert "frame 1000: scale withdrawn from here: The depth changed." in text
    write_exam_csv(path, accepted_by_a_person)
    rows = {row["measure"]: row for row in csv.DictReader(io.StringIO(path.read_text("utf-8")))}
    assert rows["HC"]["scale_origin"] == "dicom-region"
    assert rows["HC"]["scale_note"].startswith("Accepted by a person although: The region leaves")
    assert rows["BPD"]["mm_per_pixel_x"] == "0.2"
    assert (rows["FL"]["proposed_mm"], rows["FL"]["scale_note"]) == ("", "The depth changed.")
    write_exam_json(path, accepted_by_a_person)
    value = json.loads(path.read_text("utf-8"))
    recording = value["recordings"][0]
    assert recording["mm_per_pixel"] is None
    assert [scale["from_frame"] for scale in recording["scales"]] == [0, 1000]
    assert recording["scales"][0]["regions"][0]["mm_per_pixel"] == {"x": 0.25, "y": 0.25}
    assert recording["scales"][1]["scale_note"] == "The depth changed."
    by_measure = {each["measure"]: each for each in value["measurements"]}
    assert by_measure["HC"]["mm_per_pixel"] == {"x": 0.25, "y": 0.25}
    assert by_measure["FL"]["mm_per_pixel"] is None


WRITERS = [
    write_exam_csv,
    write_exam_json,
    lambda path, exam: write_exam_pdf(path, exam, []),
    lambda path, exam: write_analysis_pdf(path, analysis(NO_SCALE), []),
]


@pytest.mark.parametrize("write", WRITERS)
def test_that_a_full_disk_is_one_sentence_and_leaves_nothing_half(exam, tmp_path, monkeypatch, write):
    path = tmp_path / "out.file"
    path.write_bytes(b"old")

    def refuse(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic_file.os, "fsync", refuse)
    with pytest.raises(InputError, match=r"Cannot write out\.file: the disk is full"):
        write(path, exam)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def judged(exam):
    """A person's words: of the head in frame 12, one of them taken back, and of a frame that was not measured."""
    for frame, criterion, state in (
        (12, Criterion.THALAMI, State.GREEN),
        (12, Criterion.CAVUM, State.FAILED),
        (12, Criterion.SIZE, State.OPEN),
        (12, Criterion.SIZE, None),
        (40, Criterion.STOMACH, State.OPEN),
    ):
        exam = decisions.set_criterion(exam, "r1", frame, criterion, state)
    return exam


def test_that_a_person_s_words_on_criteria_are_in_the_json(judged, tmp_path):
    path = tmp_path / "exam.json"
    write_exam_json(path, judged)
    said = json.loads(path.read_text("utf-8"))["criteria"]
    assert [(each["frame"], each["criterion"], each["state"]) for each in said] == [
        (12, "thalami", "green"), (12, "cavum", "failed"), (12, "size", "open"), (12, "size", None),
        (40, "stomach", "open"),
    ]  # fmt: skip
    assert {each["recording"] for each in said} == {"r1"}
    assert all(each["decided_at"] for each in said)


def test_that_a_person_s_words_on_criteria_are_in_the_table(judged, tmp_path):
    path = tmp_path / "exam.csv"
    write_exam_csv(path, judged)
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    told = {(row["measure"], row["frame_index"]): row["criteria_by_person"] for row in rows}
    assert told["HC", "12"] == told["BPD", "12"] == "thalami visible: met; cavum visible (CSP): not met"
    assert told["FL", "2000"] == ""
    assert told["", "40"] == "stomach bubble visible: cannot be judged"


def test_that_a_person_s_words_on_criteria_are_in_the_report(judged, tmp_path):
    path = tmp_path / "exam.pdf"
    write_exam_pdf(path, judged, [])
    text = " ".join(pages(path))
    assert "frame 12, as a person judged it: thalami visible: met; cavum visible (CSP): not met" in text
    assert "frame 40, as a person judged it: stomach bubble visible: cannot be judged" in text
    assert "fills enough" not in text


def test_that_a_caliper_nobody_has_placed_has_no_value_in_any_export(exam, tmp_path):
    frame = Frame(40, 1.6, np.zeros((10, 10), np.uint8))
    placed = decisions.placed_by_hand("r1", Plane.ABDOMEN, frame, Ellipse(400, 300, 100, 90, 0), moved=False)
    exam = replace(exam, measurements=(*exam.measurements, *placed))
    write_exam_json(tmp_path / "exam.json", exam)
    (abdomen,) = [
        each
        for each in json.loads((tmp_path / "exam.json").read_text("utf-8"))["measurements"]
        if each["measure"] == "AC"
    ]
    assert (abdomen["status"], abdomen["placed"]["value"], abdomen["decided"]) == ("placed", None, None)
    write_exam_pdf(tmp_path / "exam.pdf", exam, [])
    assert "Abdominal circumference – – – to be placed by hand 40" in " ".join(pages(tmp_path / "exam.pdf"))


def test_that_the_table_says_where_a_value_is_of_the_whole_exam(exam, tmp_path):
    whole = records.WholeExam(175.9, 171.0, 180.8, 12)
    exam = decisions.accept(exam, exam.measurements[0].id, whole)
    write_exam_csv(tmp_path / "exam.csv", exam)
    rows = {row["measure"]: row for row in csv.DictReader(io.StringIO((tmp_path / "exam.csv").read_text("utf-8")))}
    columns = "decided_mm", "whole_exam_frames", "whole_exam_low_mm", "whole_exam_high_mm"
    assert [rows["HC"][column] for column in columns] == ["175.90", "12", "171.00", "180.80"]
    assert [rows["BPD"][column] for column in columns[1:]] == ["", "", ""]

import errno
import json
import os
import re
import stat
from dataclasses import replace

import numpy as np
import pytest

from fetalnet.analysis.examination import BestFrame
from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Line, MmPerPixel
from fetalnet.core.measurement import Length
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.prediction import ModelRef
from fetalnet.core.scale.calibration import Calibration, Region
from fetalnet.core.scale.ruler_change import RulerChange
from fetalnet.core.scale.scale import ScaleOrigin, given_scale
from fetalnet.core.scale.track import NO_SCALE_TRACK, ScaleTrack
from fetalnet.core.system import files as atomic_file
from fetalnet.exam import decisions, records, store
from fetalnet.exam.records import RecordingRef
from fetalnet.exam.store import DamagedExamError, MissingExamError, load_exam, save_exam
from fetalnet.sources import Frame

MODEL = ModelRef("streaming", "cd" * 32, "openvino cpu")
HEAD = Ellipse(400.25, 300, 150, 120, 20)
FEMUR = Line(10, 20, 90.5, 30)


def track(mm_per_pixel):
    return ScaleTrack.of(Calibration.of_whole(given_scale(mm_per_pixel)))


@pytest.fixture
def exam():
    recording = RecordingRef("r1", "füße/sweep.mp4", 1000, "ef" * 32, 300, track(0.2))
    exam = records.with_recording(records.new_exam("zweite Untersuchung – 2. Trimenon"), recording)
    best = [
        BestFrame(Kind.BPD, 12, 0.4, None, HEAD, Length(240), 0.9),
        BestFrame(Kind.FL, 30, None, "30.png", FEMUR, Length(81), 0.9),
    ]
    exam = records.propose(exam, "r1", best, MODEL)
    bpd, fl = exam.measurements
    exam = decisions.correct(decisions.accept(exam, bpd.id), bpd.id, Ellipse(401, 300, 151, 121, 20))
    return decisions.reject(exam, fl.id)


def test_that_an_exam_comes_back_as_it_was(exam, tmp_path):
    path = tmp_path / "one.fnexam"
    save_exam(exam, path)
    assert load_exam(path) == exam


def test_that_what_was_placed_by_hand_comes_back(exam, tmp_path):
    placed = decisions.placed_by_hand("r1", Plane.FEMUR, Frame(3, 0.1, np.zeros((60, 80), np.uint8), None), FEMUR)
    exam = replace(exam, measurements=(*exam.measurements, *placed))
    exam = decisions.accept(exam, placed[0].id)
    save_exam(exam, tmp_path / "one.fnexam")
    assert load_exam(tmp_path / "one.fnexam") == exam


def as_version_1(value):
    """The file as the first version wrote it: one scale a recording, one scale a decision."""
    for each in value["exam"]["recordings"]:
        calibration = each.pop("scale_track")["steps"][0]["calibration"]
        each["scale"] = {"mm_per_pixel": calibration["whole"], "origin": calibration["origin"], "note": None}
    for decision in (each for measurement in value["exam"]["measurements"] for each in measurement["decisions"]):
        del decision["first_scale"]
    return value | {"schema_version": 1}


def test_that_an_exam_with_one_scale_a_recording_opens(exam, tmp_path):
    path = tmp_path / "one.fnexam"
    for each in (exam, records.with_scale_track(exam, "r1", NO_SCALE_TRACK)):
        save_exam(each, path)
        path.write_text(json.dumps(as_version_1(json.loads(path.read_text("utf-8")))), "utf-8")
        assert load_exam(path) == each


def test_that_an_old_exam_with_a_damaged_scale_is_not_opened_without_it(exam, tmp_path):
    path = tmp_path / "one.fnexam"
    save_exam(exam, path)
    value = as_version_1(json.loads(path.read_text("utf-8")))
    value["exam"]["recordings"][0]["scale"] = "wide"
    path.write_text(json.dumps(value), "utf-8")
    with pytest.raises(InputError, match="damaged"):
        load_exam(path)


def test_that_scales_by_region_and_their_changes_come_back(exam, tmp_path):
    regions = (Region(0, 0, 399, 599, MmPerPixel(0.2, 0.2)), Region(400, 0, 799, 599, MmPerPixel(0.3, 0.31)))
    refused = Calibration(ScaleOrigin.DICOM_REGION, regions=regions, refused="The second region leaves the picture.")
    accepted = refused.accepted()
    scales = ScaleTrack.of(accepted).changed(90, accepted.withdrawn("The depth changed."))
    exam = records.with_scale_track(exam, "r1", scales)
    save_exam(exam, tmp_path / "one.fnexam")
    assert load_exam(tmp_path / "one.fnexam") == exam


def test_that_a_followed_ruler_comes_back_and_a_damaged_one_is_refused(exam, tmp_path):
    path = tmp_path / "one.fnexam"
    ruler = Calibration(ScaleOrigin.RULER, whole=MmPerPixel(0.25, 0.25))
    change = RulerChange(20.0, 16.0, True, (5.0,), 5.0, 1.25)
    scales = ScaleTrack.of(ruler).parted(90, "The ruler moved.", change)
    assert scales.at(90).followed_from == 90
    exam = records.with_scale_track(exam, "r1", scales)
    save_exam(exam, path)
    assert load_exam(path) == exam
    for key, bad in (("after_px", 0), ("before_px", -3), ("face", 0), ("likely_mm", ["five"]), ("certain_mm", 0)):
        value = json.loads(path.read_text("utf-8"))
        value["exam"]["recordings"][0]["scale_track"]["steps"][1]["rulers"][key] = bad
        (tmp_path / "bad.fnexam").write_text(json.dumps(value), "utf-8")
        with pytest.raises(InputError, match="damaged"):
            load_exam(tmp_path / "bad.fnexam")


def test_that_an_exam_from_before_measuring_by_hand_opens(exam, tmp_path):
    path = tmp_path / "one.fnexam"
    save_exam(exam, path)
    value = json.loads(path.read_text("utf-8"))
    for each in value["exam"]["measurements"]:
        del each["placed"]
    path.write_text(json.dumps(value), "utf-8")
    assert load_exam(path) == exam


def test_that_only_its_owner_reads_an_exam(exam, tmp_path):
    path = tmp_path / "one.fnexam"
    save_exam(exam, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_that_a_full_disk_leaves_the_old_exam_whole(exam, tmp_path, monkeypatch, code):
    path = tmp_path / "one.fnexam"
    save_exam(exam, path)
    before = path.read_bytes()

    def refuse(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(atomic_file.os, "fsync", refuse)
    with pytest.raises(InputError, match="disk is full" if code == errno.ENOSPC else "system refused"):
        save_exam(records.new_exam(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_that_a_missing_folder_is_named_as_the_reason(exam, tmp_path):
    with pytest.raises(InputError, match="folder does not exist"):
        save_exam(exam, tmp_path / "nowhere" / "one.fnexam")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_that_a_pipe_or_a_device_is_never_replaced_by_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for write in (lambda: atomic_file.write_file(pipe, b"text"), lambda: atomic_file.check_writable(pipe)):
        with pytest.raises(InputError, match="Cannot write pipe: that is a device or a pipe, not a file"):
            write()
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_that_a_missing_exam_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"Cannot open the exam one\.fnexam"):
        load_exam(tmp_path / "one.fnexam")


def test_that_a_newer_version_is_not_guessed_at(exam, tmp_path):
    path = tmp_path / "one.fnexam"
    save_exam(exam, path)
    value = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(value | {"schema_version": 99, "exam": {"new": "shape"}}), "utf-8")
    with pytest.raises(InputError, match="newer version"):
        load_exam(path)


def test_that_an_exam_that_may_not_be_read_or_is_newer_is_not_called_damaged(exam, tmp_path, monkeypatch):
    path = tmp_path / "one.fnexam"
    save_exam(exam, path)
    path.write_bytes(path.read_bytes().replace(b'"schema_version": 4', b'"schema_version": 99'))
    with pytest.raises(InputError) as newer:
        load_exam(path)
    for code in (errno.EACCES, errno.EIO, errno.ESTALE):

        def refuse(_, code=code):
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(store.Path, "read_bytes", refuse)
        with pytest.raises(InputError, match="check the rights to read it") as refused:
            load_exam(path)
        assert not isinstance(refused.value, DamagedExamError | MissingExamError)
    assert not isinstance(newer.value, DamagedExamError)


def test_that_half_a_character_keeps_no_exam_from_the_disk(exam, tmp_path):
    path = tmp_path / "one.fnexam"
    save_exam(replace(exam, label="Fr\udcfchling"), path)
    assert load_exam(path) == replace(exam, label="Fr\N{REPLACEMENT CHARACTER}hling")


def test_that_an_exam_from_before_whole_contents_were_hashed_opens(exam, tmp_path):
    path = tmp_path / "one.fnexam"
    save_exam(exam, path)
    content = path.read_bytes().replace(b"content_sha256", b"head_sha256")
    path.write_bytes(content.replace(b'"schema_version": 4', b'"schema_version": 3'))
    assert load_exam(path) == exam


def test_that_an_exam_of_no_recording_is_damaged(exam, tmp_path):
    path = tmp_path / "one.fnexam"
    save_exam(exam, path)
    value = json.loads(path.read_text("utf-8"))
    value["exam"] |= {"recordings": [], "measurements": [], "criteria": []}
    path.write_text(json.dumps(value), "utf-8")
    with pytest.raises(DamagedExamError):
        load_exam(path)


def cut(content):
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        lambda content: b"",
        lambda content: b"\x00\xff" * 40,
        lambda content: b"[]",
        lambda content: content.replace(b'"corrected"', b'"blessed"'),
        lambda content: content.replace(b'"cx": 400.25', b'"cx": "left"'),
        lambda content: content.replace(b'"cx": 400.25,', b""),
        lambda content: content.replace(b'"b": 120', b'"b": -1'),
        lambda content: content.replace(b'"from_index": 0', b'"from_index": 7'),
        lambda content: content.replace(b'"origin": "given"', b'"origin": "heaven"'),
        lambda content: content.replace(b'"recording_id": "r1"', b'"recording_id": "r2"'),
        lambda content: content.replace(b'"placed": null', b'"placed": {"type":"line","x1":0,"y1":0,"x2":9,"y2":0}'),
        lambda content: re.sub(rb'"model": {[^}]*}', b'"model": null', content),
    ],
)
def test_that_damage_is_one_sentence(exam, tmp_path, damage):
    path = tmp_path / "one.fnexam"
    save_exam(exam, path)
    damaged = damage(path.read_bytes())
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    with pytest.raises(InputError, match="damaged"):
        load_exam(path)

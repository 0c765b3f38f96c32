import numpy as np
import pytest
from support.drawn import ABDOMEN, FEMUR, HEAD, SHAPE, filled, picture, table, write

from fetalnet.core.planes import Kind, Plane
from fetalnet.research.datasets.readers.acouslic import read_acouslic
from fetalnet.research.datasets.readers.fetal_planes import read_fetal_planes
from fetalnet.research.datasets.readers.folder import read_folder
from fetalnet.research.datasets.readers.fpus23 import read_fpus23
from fetalnet.research.datasets.readers.hc18 import head_stills, read_hc18
from fetalnet.research.datasets.readers.multicentre import read_multicentre


def test_that_a_drawn_head_of_hc18_is_the_ellipse_it_was_drawn_by(hc18):
    data = read_hc18(hc18)
    assert [still.group for still in data.stills] == ["010", "010", "011"]
    still = data.stills[0]
    truth = still.truth()
    ellipse = truth.geometry
    assert still.pixels().shape == SHAPE
    assert np.array_equal(still.pixels(), picture(0))
    assert (ellipse.cx, ellipse.cy, ellipse.theta_deg) == pytest.approx((HEAD.cx, HEAD.cy, HEAD.theta_deg), abs=0.3)
    assert truth.lengths[Kind.HC].mm == pytest.approx(HEAD.perimeter_px * 0.5, rel=1e-5)
    assert truth.lengths[Kind.HC].px == pytest.approx(HEAD.perimeter_px, rel=1e-5)
    assert truth.lengths[Kind.BPD].mm == pytest.approx(HEAD.b, abs=0.1)
    assert truth.traced


def test_that_a_selection_of_hc18_with_filled_masks_means_the_same_ellipse(tmp_path):
    """The masks of the selection run to the outer edge of the line; the labelled circumference takes that back."""
    write(tmp_path / "images" / "010_HC.png", picture(0))
    write(tmp_path / "masks" / "010_HC.png", filled(HEAD) * 255)
    row = f"010_HC.png,010,0.5,{HEAD.perimeter_px * 0.5:.3f}"
    table(tmp_path / "labels.csv", "filename,examination,pixel_size_mm,head_circumference_mm", row)
    (head,) = head_stills(tmp_path)
    truth = head.truth()
    assert (head.examination, head.mm_per_pixel) == ("010", 0.5)
    assert (truth.cx, truth.cy, truth.a, truth.b) == pytest.approx((HEAD.cx, HEAD.cy, HEAD.a, HEAD.b), abs=0.3)
    assert read_hc18(tmp_path).stills[0].truth().geometry == truth


def test_that_a_head_is_trained_on_from_the_published_layout(hc18):
    """One reader serves `fetalnet evaluate --dataset hc18` and training."""
    heads = head_stills(hc18)
    assert [head.examination for head in heads] == ["010", "010", "011"]
    assert heads[0].truth() == read_hc18(hc18).stills[0].truth().geometry


def test_that_planes_of_fetal_planes_db_become_ours_and_odd_cuts_of_a_head_are_neither(fetal_planes):
    data = read_fetal_planes(fetal_planes)
    planes = [still.plane for still in data.stills]
    assert planes == [Plane.HEAD, Plane.HEAD, None, Plane.ABDOMEN, Plane.FEMUR, Plane.OTHER, Plane.OTHER]
    assert [still.group for still in data.stills] == [f"fp {number}" for number in (1, 2, 3, 4, 5, 6, 6)]
    assert [still.published_test for still in data.stills][:2] == [False, True]
    assert data.stills[0].truth().geometry is None


def test_that_landmarks_become_diameters_and_the_ellipse_they_span(multicentre):
    data = read_multicentre(multicentre)
    by_name = {still.path.name: still for still in data.stills}
    head = by_name["005_HC.jpeg"].truth()
    assert head.lengths[Kind.OFD].mm == pytest.approx(40.0)
    assert head.lengths[Kind.BPD].px == pytest.approx(60.0)
    assert head.lengths[Kind.HC].mm == pytest.approx(np.pi * (20 + 15), rel=0.01)
    assert set(head.landmarks) == {"ofd", "bpd"}
    assert not head.traced
    # Without a scale there are pixels only.
    assert by_name["005_2HC.jpeg"].mm_per_pixel is None
    assert by_name["005_2HC.jpeg"].truth().lengths[Kind.BPD].mm is None
    # A diameter with a negative coordinate is no label.
    assert set(by_name["006_HC.jpeg"].truth().lengths) == {Kind.OFD}
    abdomen = by_name["Patient014-MD-Expert_abdo.jpeg"].truth()
    assert abdomen.lengths[Kind.AC].px == pytest.approx(np.pi * 60, rel=1e-3)
    assert by_name["006_FL.png"].truth().lengths[Kind.FL].mm == pytest.approx(15.0)


def test_that_names_of_one_woman_are_one_group_across_tables(multicentre):
    groups = {still.path.name: still.group for still in read_multicentre(multicentre).stills}
    one = {groups[name] for name in ("005_HC.jpeg", "005_2HC.jpeg", "Patient014-MD-Expert_abdo.jpeg")}
    other = {groups["006_HC.jpeg"], groups["006_FL.png"]}
    assert len(one) == len(other) == 1
    assert one != other
    # The same woman as in FETAL_PLANES_DB, by the same name.
    assert groups["Patient00168_Plane3_1_of_2.png"] == "fp 168"


def test_that_blind_sweeps_give_frames_with_masks_and_references(acouslic):
    data = read_acouslic(acouslic)
    recording = data.recordings[0]
    frames = list(recording.frames())
    assert (len(recording), len(frames)) == (60, 60)
    assert np.array_equal(frames[59].still.pixels(), picture(59))
    assert [frame.part for frame in frames] == [index // 10 for index in range(60)]
    assert {frame.index: frame.optimal for frame in frames if frame.mask is not None} == {
        12: False, 13: False, 14: True, 15: True, 16: True,
    }  # fmt: skip
    truth = frames[14].still.truth()
    assert truth.lengths[Kind.AC].mm == pytest.approx(recording.lengths_mm[1][Kind.AC], rel=0.01)
    assert truth.geometry.cx == pytest.approx(ABDOMEN.cx, abs=0.1)
    assert frames[0].still.truth().geometry is None
    assert recording.lengths_mm[0] == {}
    assert data.told == {Plane.ABDOMEN}
    assert [each.group for each in data.recordings] == ["1", "2"]
    # Packed or not, the frames are the same.
    assert np.array_equal(list(data.recordings[1].frames())[20].still.pixels(), frames[20].still.pixels())
    assert len(recording.pictures(every=20)) == 3


def test_that_the_phantoms_frames_are_one_group(fpus23):
    data = read_fpus23(fpus23)
    assert {still.path.parent.name: still.plane for still in data.stills} == {
        "AC_PLANE": Plane.ABDOMEN, "BPD_PLANE": Plane.HEAD, "FL_PLANE": Plane.FEMUR, "NO_PLANE": Plane.OTHER,
    }  # fmt: skip
    assert len(data.groups) == 1


def test_that_a_clinics_masks_become_ellipse_and_line(own_folder):
    data = read_folder(own_folder)
    head, abdomen, femur, other, unknown = data.stills
    assert head.truth().lengths[Kind.HC].mm == pytest.approx(112.0)
    assert head.truth().geometry.perimeter_px == pytest.approx(224.0)
    ellipse = abdomen.truth().geometry
    assert (ellipse.a, ellipse.b) == pytest.approx((ABDOMEN.a, ABDOMEN.b), abs=0.3)
    line = femur.truth().geometry
    assert line.length_px == pytest.approx(FEMUR.length_px, abs=1.5)
    assert (line.x1, line.y1, line.x2, line.y2) == pytest.approx((FEMUR.x1, FEMUR.y1, FEMUR.x2, FEMUR.y2), abs=1.0)
    assert femur.truth().lengths[Kind.FL].mm == 36.0
    assert other.plane is Plane.OTHER
    assert unknown.plane is None
    assert [still.group for still in data.stills] == ["p1", "p1", "p2", "p3", "p3"]

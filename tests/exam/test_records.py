from dataclasses import replace

import numpy as np
import pytest

from fetalnet.analysis.examination import BestFrame
from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Line, MmPerPixel
from fetalnet.core.measurement import measure
from fetalnet.core.planes import KINDS_OF, Kind, Plane
from fetalnet.core.prediction import ModelRef
from fetalnet.core.scale.calibration import Calibration, Region
from fetalnet.core.scale.scale import ScaleOrigin, given_scale
from fetalnet.core.scale.track import NO_SCALE_TRACK, ScaleTrack
from fetalnet.exam import decisions, lengths, records
from fetalnet.exam.records import BpdConvention, Origin, RecordingRef, Status
from fetalnet.sources import Frame

MODEL = ModelRef("streaming", "cd" * 32, "openvino cpu")
HEAD = Ellipse(400, 300, 150, 120, 20)
DRAGGED = Ellipse(402, 300, 152, 121, 21)


def track(mm_per_pixel):
    return ScaleTrack.of(Calibration.of_whole(given_scale(mm_per_pixel)))


def best_of(plane, geometry, index=12):
    lengths = measure(geometry, plane)
    return [BestFrame(kind, index, index / 30, None, geometry, lengths[kind], 0.9) for kind in KINDS_OF[plane]]


@pytest.fixture
def exam():
    recording = RecordingRef("r1", "sweep.mp4", 1000, "ef" * 32, 300, track(0.2))
    empty = records.with_recording(records.new_exam("second visit"), recording)
    return records.propose(empty, "r1", best_of(Plane.HEAD, HEAD), MODEL)


def of(exam, kind):
    return next(each for each in exam.measurements if each.kind is kind)


def test_that_proposals_are_open_and_say_how_bpd_is_measured(exam):
    assert {each.status for each in exam.measurements} == {Status.PROPOSED}
    assert of(exam, Kind.BPD).bpd_convention is BpdConvention.OUTER_OUTER
    assert of(exam, Kind.HC).bpd_convention is None
    assert lengths.decided_length(of(exam, Kind.BPD)) is None
    assert lengths.proposed_length(exam, of(exam, Kind.BPD)).mm == pytest.approx(48)


def test_that_accepting_keeps_the_machine_s_geometry_and_the_old_exam(exam):
    after = decisions.accept(exam, of(exam, Kind.BPD).id)
    assert of(after, Kind.BPD).status is Status.ACCEPTED
    assert lengths.decided_length(of(after, Kind.BPD)).mm == pytest.approx(48)
    assert of(after, Kind.HC).status is Status.PROPOSED
    assert of(exam, Kind.BPD).status is Status.PROPOSED


def test_that_correcting_keeps_both_geometries(exam):
    after = of(decisions.correct(exam, of(exam, Kind.BPD).id, DRAGGED), Kind.BPD)
    assert after.status is Status.CORRECTED
    assert after.proposed == HEAD
    assert after.geometry == DRAGGED
    assert lengths.decided_length(after).px == pytest.approx(242)


def test_that_rejecting_leaves_no_value(exam):
    after = of(decisions.reject(exam, of(exam, Kind.HC).id), Kind.HC)
    assert after.status is Status.REJECTED
    assert lengths.decided_length(after) is None
    assert after.geometry == HEAD


def test_that_decisions_are_appended(exam):
    measurement = of(exam, Kind.HC).id
    after = decisions.accept(decisions.correct(decisions.reject(exam, measurement), measurement, DRAGGED), measurement)
    assert [each.status for each in of(after, Kind.HC).decisions] == [
        Status.REJECTED, Status.CORRECTED, Status.ACCEPTED,
    ]  # fmt: skip
    assert of(after, Kind.HC).geometry == HEAD


@pytest.mark.parametrize("decide", [decisions.accept, lambda exam, id: decisions.correct(exam, id, DRAGGED)])
def test_that_nothing_is_accepted_without_a_scale(exam, decide):
    bare = records.with_scale_track(exam, "r1", NO_SCALE_TRACK)
    with pytest.raises(InputError, match="set the scale"):
        decide(bare, of(bare, Kind.HC).id)


def test_that_rejecting_needs_no_scale(exam):
    bare = records.with_scale_track(exam, "r1", NO_SCALE_TRACK)
    assert of(decisions.reject(bare, of(bare, Kind.HC).id), Kind.HC).status is Status.REJECTED


def test_that_a_decision_keeps_the_scale_it_was_taken_with(exam):
    after = records.with_scale_track(decisions.accept(exam, of(exam, Kind.BPD).id), "r1", track(0.4))
    assert lengths.decided_length(of(after, Kind.BPD)).mm == pytest.approx(48)
    assert lengths.proposed_length(after, of(after, Kind.BPD)).mm == pytest.approx(48)
    assert lengths.proposed_length(after, of(after, Kind.OFD)).mm == pytest.approx(120)


@pytest.fixture
def two_regions(exam):
    """Two pictures side by side: the head lies in the left one, and half of the screen shows another depth."""
    regions = (Region(0, 0, 599, 599, MmPerPixel(0.2, 0.2)), Region(600, 0, 1199, 599, MmPerPixel(0.3, 0.3)))
    return records.with_scale_track(exam, "r1", ScaleTrack.of(Calibration(ScaleOrigin.DICOM_REGION, regions=regions)))


def moved(dx):
    return replace(HEAD, cx=HEAD.cx + dx)


def test_that_each_caliper_has_the_scale_of_the_region_it_lies_in(two_regions):
    hc = of(two_regions, Kind.BPD).id
    left = decisions.accept(two_regions, hc)
    right = decisions.correct(two_regions, hc, moved(400))
    assert lengths.decided_length(of(left, Kind.BPD)).mm == pytest.approx(48)
    assert lengths.decided_length(of(right, Kind.BPD)).mm == pytest.approx(72)
    assert lengths.proposed_length(right, of(right, Kind.BPD)).mm == pytest.approx(48)
    assert lengths.scale_of(right, of(right, Kind.BPD)).origin is ScaleOrigin.DICOM_REGION


def test_that_a_caliper_across_two_regions_is_refused(two_regions):
    with pytest.raises(InputError, match="one calibrated region"):
        decisions.correct(two_regions, of(two_regions, Kind.HC).id, moved(150))
    across = records.propose(two_regions, "r1", best_of(Plane.HEAD, moved(150)), MODEL)
    assert lengths.proposed_length(across, of(across, Kind.HC)).mm is None
    with pytest.raises(InputError, match="one calibrated region"):
        decisions.accept(across, of(across, Kind.HC).id)
    corrected = decisions.correct(across, of(across, Kind.HC).id, HEAD)
    assert lengths.decided_length(of(corrected, Kind.HC)).mm is not None
    assert lengths.proposed_length(corrected, of(corrected, Kind.HC)).mm is None
    assert of(decisions.reject(across, of(across, Kind.HC).id), Kind.HC).status is Status.REJECTED


def test_that_what_is_placed_by_hand_stays_in_its_region(two_regions):
    frame = Frame(7, 7 / 30, np.zeros((600, 1200), np.uint8), None)
    placed = decisions.placed_by_hand("r1", Plane.FEMUR, frame, Line(500, 20, 590, 20))
    exam = replace(two_regions, measurements=(*two_regions.measurements, *placed))
    with pytest.raises(InputError, match="one calibrated region"):
        decisions.move_placed(exam, placed[0].id, Line(550, 20, 650, 20))
    assert of(decisions.move_placed(exam, placed[0].id, Line(610, 20, 700, 20)), Kind.FL).placed == Line(
        610, 20, 700, 20
    )


REFUSED = Calibration(
    ScaleOrigin.PIXEL_SPACING, whole=MmPerPixel(0.25, 0.25), refused="The size of a pixel is not believed."
)


def test_that_a_refused_scale_is_none_until_a_person_accepts_it_and_that_is_remembered(exam):
    refused = records.with_scale_track(exam, "r1", ScaleTrack.of(REFUSED))
    with pytest.raises(InputError, match="not believed"):
        decisions.accept(refused, of(exam, Kind.BPD).id)
    used = records.with_scale_track(exam, "r1", ScaleTrack.of(REFUSED.accepted()))
    decision = of(decisions.accept(used, of(exam, Kind.BPD).id), Kind.BPD).decision
    assert decision.scale.mm_per_pixel == MmPerPixel(0.25, 0.25)
    assert decision.scale.note.startswith("Accepted by a person although: The size")


def test_that_a_scale_withdrawn_later_leaves_earlier_frames_theirs(exam):
    head = decisions.accept(exam, of(exam, Kind.BPD).id)
    drifted = records.with_scale_track(head, "r1", track(0.2).parted(10, "The depth changed."))
    assert lengths.decided_length(of(drifted, Kind.BPD)).mm == pytest.approx(48)
    assert lengths.proposed_length(drifted, of(drifted, Kind.OFD)).mm is None
    with pytest.raises(InputError, match="The depth changed"):
        decisions.accept(drifted, of(drifted, Kind.OFD).id)
    later = records.with_scale_track(head, "r1", track(0.2).parted(13, "The depth changed."))
    assert lengths.proposed_length(later, of(later, Kind.OFD)).mm == pytest.approx(60)


@pytest.mark.parametrize("geometry", [Line(0, 0, 9, 9), Ellipse(0, 0, 0, 0, 0), Ellipse(float("nan"), 0, 9, 8, 0)])
def test_that_a_correction_must_be_of_the_measure_s_shape(exam, geometry):
    with pytest.raises(InputError, match="ellipse"):
        decisions.correct(exam, of(exam, Kind.HC).id, geometry)


@pytest.fixture
def by_hand(exam):
    frame = Frame(7, 7 / 30, np.zeros((600, 800), np.uint8), None)
    placed = decisions.placed_by_hand("r1", Plane.FEMUR, frame, Line(10, 20, 90, 20))
    return replace(exam, measurements=(*exam.measurements, *placed))


def test_that_what_is_placed_by_hand_has_no_proposal(by_hand):
    femur = of(by_hand, Kind.FL)
    assert (femur.origin, femur.status, femur.model) == (Origin.PERSON, Status.PLACED, None)
    assert lengths.proposed_length(by_hand, femur) is None
    assert lengths.decided_length(femur) is None
    assert lengths.first_length(by_hand, femur).mm == pytest.approx(16)
    assert of(by_hand, Kind.HC).origin is Origin.MODEL


def test_that_an_open_one_is_moved_and_then_decided_like_any_other(by_hand):
    moved = decisions.move_placed(by_hand, of(by_hand, Kind.FL).id, Line(10, 20, 100, 20))
    accepted = decisions.accept(moved, of(moved, Kind.FL).id)
    femur = of(accepted, Kind.FL)
    assert (femur.status, femur.origin) == (Status.ACCEPTED, Origin.PERSON)
    assert lengths.decided_length(femur).mm == pytest.approx(18)
    corrected = of(decisions.correct(accepted, femur.id, Line(10, 20, 95, 20)), Kind.FL)
    assert corrected.placed == Line(10, 20, 100, 20)
    assert lengths.decided_length(corrected).mm == pytest.approx(17)
    with pytest.raises(ValueError, match="open"):
        decisions.move_placed(accepted, femur.id, Line(0, 0, 9, 9))


def test_that_what_is_placed_by_hand_keeps_its_shape(by_hand):
    with pytest.raises(InputError, match="a line"):
        decisions.move_placed(by_hand, of(by_hand, Kind.FL).id, HEAD)


def test_that_proposals_leave_what_was_placed_by_hand_alone(by_hand):
    after = records.propose(by_hand, "r1", best_of(Plane.FEMUR, Line(0, 0, 90, 9)), MODEL)
    assert after.measurements == (of(by_hand, Kind.FL),)


def test_that_newer_proposals_replace_open_ones_and_leave_decisions_alone(exam):
    decided = decisions.accept(exam, of(exam, Kind.BPD).id)
    after = records.propose(decided, "r1", best_of(Plane.HEAD, DRAGGED, 40), MODEL)
    assert len(after.measurements) == 3
    assert of(after, Kind.BPD) == of(decided, Kind.BPD)
    assert of(after, Kind.HC).frame_index == 40
    assert of(after, Kind.HC).id == of(exam, Kind.HC).id


def test_that_proposals_found_no_more_vanish(exam):
    assert records.propose(exam, "r1", [], MODEL).measurements == ()


def test_that_the_measures_of_one_head_belong_together(exam):
    both = records.propose(exam, "r1", best_of(Plane.HEAD, HEAD) + best_of(Plane.FEMUR, Line(0, 0, 90, 9)), MODEL)
    assert {each.kind for each in records.siblings(both, of(both, Kind.OFD).id)} == {Kind.HC, Kind.BPD, Kind.OFD}


def test_that_what_was_only_set_out_is_accepted_once_it_was_moved(exam):
    frame = Frame(3, 0.1, np.zeros((60, 80), np.uint8))
    placed = decisions.placed_by_hand("r1", Plane.FEMUR, frame, Line(10, 20, 90, 20), moved=False)
    exam = replace(exam, measurements=(*exam.measurements, *placed))
    with pytest.raises(InputError, match="Nobody has placed this caliper yet"):
        decisions.accept(exam, placed[0].id)
    with pytest.raises(InputError, match="Nobody has placed this caliper yet"):
        decisions.accept(decisions.reject(exam, placed[0].id), placed[0].id)
    moved = decisions.move_placed(exam, placed[0].id, Line(10, 20, 91, 20))
    accepted = decisions.accept(moved, placed[0].id)
    assert of(accepted, Kind.FL).status is Status.ACCEPTED
    rejected = decisions.reject(accepted, placed[0].id)
    assert of(decisions.accept(rejected, placed[0].id), Kind.FL).status is Status.ACCEPTED


@pytest.mark.parametrize("size", [2.0, 0.55, 0.021])
@pytest.mark.parametrize("shape", [HEAD, Line(100, 100, 300, 100)])
def test_that_what_no_fetus_has_is_not_accepted_until_the_scale_is_set_again(exam, size, shape):
    plane, kind = (Plane.HEAD, Kind.BPD) if shape is HEAD else (Plane.FEMUR, Kind.FL)
    exam = records.propose(exam, "r1", best_of(plane, shape), MODEL)
    wrong = records.with_scale_track(exam, "r1", track(size))
    if kind is Kind.BPD and size == 0.021:
        wrong = records.with_scale_track(
            exam, "r1", ScaleTrack.of(Calibration(ScaleOrigin.GIVEN, whole=MmPerPixel(0.002, 0.002)))
        )
    measurement = of(wrong, kind)
    for decide in (
        lambda: decisions.accept(wrong, measurement.id),
        lambda: decisions.correct(wrong, measurement.id, shape),
    ):
        with pytest.raises(InputError, match=r"impossible for a fetus .* the scale is wrong; set it again"):
            decide()
    assert "impossible" in decisions.why_not_acceptable(wrong, measurement)
    right = records.with_scale_track(wrong, "r1", track(0.2))
    assert decisions.why_not_acceptable(right, of(right, kind)) is None
    assert of(decisions.accept(right, measurement.id), kind).status is Status.ACCEPTED
    assert of(decisions.reject(wrong, measurement.id), kind).status is Status.REJECTED

"""What the network missed is measured by hand: placed, dragged, accepted, undone, exported as a person's own."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from support.window import HEIGHT, WIDTH, FakePredictor, Person, write_clip

from app.actions.table import Do
from app.canvas.hit import Handle
from app.canvas.placing import common, first_caliper
from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Line
from fetalnet.core.planes import KINDS_OF, Kind, Plane
from fetalnet.core.scale.scale import given_scale
from fetalnet.exam.lengths import decided_length
from fetalnet.exam.records import Origin, Status

BY_HAND = {Plane.HEAD: Do.HAND_HEAD, Plane.ABDOMEN: Do.HAND_ABDOMEN, Plane.FEMUR: Do.HAND_FEMUR}
NOTHING_HERE = 40
"""A frame in which the network finds nothing."""


@pytest.fixture
def missed(start_program, tmp_path: Path) -> Person:
    """Somebody with a recording with a scale, in whose end no femur was found."""
    person = start_program(scale=given_scale(0.5))
    person.open_clip(write_clip(tmp_path / "no femur.mp4", frames=20))
    person.go_to(19)
    assert person.session.measurement_of(Kind.FL) is None
    return person


@pytest.mark.parametrize("plane", list(BY_HAND))
def test_that_a_caliper_appears_in_the_picture_ready_to_be_dragged(reviewer: Person, plane: Plane) -> None:
    reviewer.go_to(NOTHING_HERE)
    reviewer.do(BY_HAND[plane])
    (caliper,) = reviewer.canvas.overlay.calipers
    points = caliper.geometry.points(60)
    assert ((points > 0) & (points < [WIDTH, HEIGHT])).all()
    assert points.mean(axis=0) == pytest.approx([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    assert reviewer.canvas.grip.selected == 0
    assert reviewer.session.selected.plane is plane
    assert "placed by hand" in reviewer.canvas.overlay.state_badge
    for kind in KINDS_OF[plane]:
        measurement = reviewer.measurement(kind)
        assert (measurement.origin, measurement.status) == (Origin.PERSON, Status.PLACED)
        assert measurement.proposed is None
        assert measurement.frame_index == NOTHING_HERE


def test_that_a_missed_femur_is_placed_dragged_and_accepted(missed: Person) -> None:
    missed.press(Qt.Key.Key_F, Qt.KeyboardModifier.ShiftModifier)
    before = missed.measurement(Kind.FL).geometry
    missed.drag(Handle.LINE_END, 10, 8)
    after = missed.measurement(Kind.FL).geometry
    assert after.x2 == pytest.approx(before.x2 + 10, abs=0.6)
    assert missed.measurement(Kind.FL).status is Status.PLACED
    assert "hand" in missed.window.measurements.texts(Kind.FL)[1]
    assert missed.window.measurements.texts(Kind.FL)[2] == "–"
    missed.press(Qt.Key.Key_Return)
    femur = missed.measurement(Kind.FL)
    assert (femur.origin, femur.status, femur.geometry) == (Origin.PERSON, Status.ACCEPTED, after)
    length = decided_length(femur)
    assert length is not None
    assert missed.window.measurements.texts(Kind.FL)[2] == f"{length.mm:.1f}"
    assert length.mm == pytest.approx(length.px * 0.5)


def test_that_each_step_by_hand_is_undone_alone(missed: Person) -> None:
    missed.do(Do.HAND_FEMUR)
    placed = missed.measurement(Kind.FL).geometry
    missed.drag(Handle.LINE_START, -6, 0)
    missed.do(Do.ACCEPT)
    missed.do(Do.UNDO)
    assert missed.measurement(Kind.FL).status is Status.PLACED
    missed.do(Do.UNDO)
    assert missed.measurement(Kind.FL).geometry == placed
    missed.do(Do.UNDO)
    assert missed.session.measurement_of(Kind.FL) is None
    for _ in range(3):
        missed.do(Do.REDO)
    assert missed.measurement(Kind.FL).status is Status.ACCEPTED


def test_that_dragging_an_accepted_one_is_a_correction_with_both_kept(missed: Person) -> None:
    missed.do(Do.HAND_FEMUR)
    missed.drag(Handle.LINE_START, -5, 3)
    placed = missed.measurement(Kind.FL).geometry
    missed.do(Do.ACCEPT)
    missed.drag(Handle.LINE_END, 7, 0)
    femur = missed.measurement(Kind.FL)
    assert femur.placed == placed
    assert [each.status for each in femur.decisions] == [Status.ACCEPTED, Status.CORRECTED]
    assert femur.geometry != placed


def test_that_the_whole_head_is_placed_and_accepted_at_once(reviewer: Person) -> None:
    reviewer.reject(Kind.HC)
    reviewer.go_to(NOTHING_HERE)
    reviewer.do(Do.HAND_HEAD)
    reviewer.drag(Handle.MAJOR_END, 5, 0)
    reviewer.do(Do.ACCEPT_PLANE)
    heads = [reviewer.measurement(kind) for kind in KINDS_OF[Plane.HEAD]]
    assert {each.status for each in heads} == {Status.ACCEPTED}
    assert len({each.geometry for each in heads}) == 1


def test_that_an_open_proposal_is_kept_as_rejected_beside_the_own(reviewer: Person) -> None:
    proposed = reviewer.measurement(Kind.AC)
    reviewer.go_to(NOTHING_HERE)
    reviewer.do(Do.HAND_ABDOMEN)
    assert "rejected in favour of yours" in reviewer.message
    assert reviewer.session.exam.measurement(proposed.id).status is Status.REJECTED
    assert reviewer.measurement(Kind.AC).origin is Origin.PERSON
    reviewer.do(Do.UNDO)
    assert reviewer.measurement(Kind.AC) == proposed


def test_that_a_decided_plane_is_not_placed_again(reviewer: Person) -> None:
    reviewer.accept(Kind.AC)
    reviewer.go_to(NOTHING_HERE)
    reviewer.do(Do.HAND_ABDOMEN)
    assert reviewer.measurement(Kind.AC).status is Status.ACCEPTED
    assert "already decided" in reviewer.message
    assert reviewer.canvas.overlay.calipers == ()


def test_that_asking_twice_keeps_what_was_dragged(missed: Person) -> None:
    missed.do(Do.HAND_FEMUR)
    missed.drag(Handle.LINE_END, 9, 0)
    dragged = missed.measurement(Kind.FL)
    missed.do(Do.HAND_FEMUR)
    assert missed.measurement(Kind.FL) == dragged


def test_that_another_frame_takes_the_open_caliper(missed: Person) -> None:
    missed.do(Do.HAND_FEMUR)
    missed.go_to(15)
    missed.do(Do.HAND_FEMUR)
    assert [each.frame_index for each in missed.session.exam.measurements if each.kind is Kind.FL] == [15]


def test_that_without_a_scale_there_are_pixels_and_nothing_is_accepted(person: Person, clip: Path) -> None:
    person.open_clip(clip)
    person.go_to(NOTHING_HERE)
    person.do(Do.HAND_FEMUR)
    person.drag(Handle.LINE_END, 10, 0)
    femur = person.measurement(Kind.FL)
    assert isinstance(femur.geometry, Line)
    assert person.canvas.overlay.calipers[0].labels == (f"FL {femur.geometry.length_px:.1f} px",)
    assert not person.can(Do.ACCEPT)
    person.window.verbs.scaling.set_typed_scale(0.25)
    person.do(Do.ACCEPT)
    length = decided_length(person.measurement(Kind.FL))
    assert length is not None
    assert length.mm == pytest.approx(femur.geometry.length_px / 4)


def test_that_playing_stops_on_the_frame_that_is_measured(person: Person, clip: Path) -> None:
    person.open_clip(clip)
    person.do(Do.LOOP)
    person.do(Do.PLAY)
    person.wait(lambda: person.shown > 2)
    person.do(Do.HAND_FEMUR)
    measured = person.measurement(Kind.FL).frame_index
    shown: list[int] = []
    person.session.frame_shown.connect(lambda frame: shown.append(frame.index))
    person.wait(lambda: shown != [])
    assert set(shown) == {measured}
    assert person.canvas.grip.selected is not None
    assert not person.session.player.state.playing


def test_that_the_analysis_leaves_what_was_placed_alone(start_program, clip: Path, predictor: FakePredictor) -> None:
    person = start_program(scale=given_scale(0.5))
    predictor.gate.clear()
    person.open_clip(clip, analysed=False)
    person.wait(predictor.started.is_set)
    person.do(Do.HAND_HEAD)
    placed = person.measurement(Kind.HC)
    predictor.gate.set()
    person.wait(lambda: person.session.analysis.state.complete and Kind.AC in person.session.analysis.findings.best)
    assert [each for each in person.session.exam.measurements if each.plane is Plane.HEAD] == [
        person.measurement(kind) for kind in KINDS_OF[Plane.HEAD]
    ]
    assert person.measurement(Kind.HC) == placed
    assert person.measurement(Kind.AC).origin is Origin.MODEL


def test_that_no_network_is_needed(start_program, clip: Path) -> None:
    def missing() -> FakePredictor:
        raise InputError("There are no weights at x.safetensors; restore the file or name another with --weights.")

    person = start_program(load_predictor=missing, scale=given_scale(0.5))
    person.open_clip(clip, analysed=False)
    person.do(Do.HAND_HEAD)
    person.drag(Handle.MAJOR_END, 5, 0)
    person.do(Do.ACCEPT_PLANE)
    assert person.measurement(Kind.BPD).status is Status.ACCEPTED


def test_that_it_is_there_when_the_recording_is_opened_again(start_program, missed: Person) -> None:
    missed.do(Do.HAND_FEMUR)
    missed.drag(Handle.LINE_END, 9, 3)
    femur = missed.measurement(Kind.FL)
    missed.wait_saved()
    path = missed.session.recording.path
    missed.program.stop()
    again = start_program()
    again.open_clip(path)
    assert again.measurement(Kind.FL) == femur
    assert [each.kind for each in again.session.exam.measurements].count(Kind.FL) == 1


@pytest.fixture
def exported(missed: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[Do, Path]:
    """The three files of an exam whose femur was placed by hand and accepted."""
    missed.do(Do.HAND_FEMUR)
    missed.drag(Handle.LINE_END, 6, 4)
    missed.do(Do.ACCEPT)
    files = {
        do: tmp_path / f"exam.{do.removeprefix('export_')}" for do in (Do.EXPORT_PDF, Do.EXPORT_CSV, Do.EXPORT_JSON)
    }
    for do, path in files.items():
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, path=path: (str(path), ""))
        missed.do(do)
        missed.wait(lambda: missed.window.verbs.files.exports.running is None)
    return files


def test_that_every_export_says_that_a_person_placed_it(missed: Person, exported: dict[Do, Path]) -> None:
    from pypdf import PdfReader

    length = decided_length(missed.measurement(Kind.FL))
    assert length is not None
    length_mm = length.mm
    pages = PdfReader(exported[Do.EXPORT_PDF]).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert f"Femur length – {length_mm:.1f} mm – accepted, placed by hand 19" in text
    assert f"FL {length_mm:.1f} mm (accepted, placed by hand)" in text
    assert sum(len(page.images) for page in pages) == 1

    rows = {row["measure"]: row for row in csv.DictReader(exported[Do.EXPORT_CSV].read_text().splitlines())}
    femur = rows["FL"]
    assert (femur["origin"], femur["status"], femur["proposed_mm"], femur["decided_mm"], femur["model"]) == (
        "person", "accepted", "", f"{length_mm:.2f}", "",
    )  # fmt: skip
    assert (rows["HC"]["origin"], rows["HC"]["model"]) == ("model", "fake")

    measurements = json.loads(exported[Do.EXPORT_JSON].read_text())["measurements"]
    femur = next(each for each in measurements if each["measure"] == "FL")
    assert (femur["origin"], femur["proposed"]) == ("person", None)
    assert femur["placed"]["geometry"] == femur["decisions"][-1]["geometry"]
    assert femur["decided"]["mm"] == pytest.approx(length_mm)


def test_that_the_first_caliper_has_the_shape_of_its_plane() -> None:
    head, abdomen, femur = (first_caliper(plane, (100, 50, 500, 350)) for plane in BY_HAND)
    assert isinstance(head, Ellipse)
    assert isinstance(abdomen, Ellipse)
    assert isinstance(femur, Line)
    assert head.b / head.a < abdomen.b / abdomen.a < 1
    assert (head.cx, head.cy) == (299.5, 199.5)
    assert femur.length_px == pytest.approx(0.4 * 300)


def test_that_a_zoomed_picture_gets_its_caliper_where_it_is_seen(reviewer: Person) -> None:
    reviewer.go_to(NOTHING_HERE)
    for _ in range(6):
        reviewer.do(Do.ZOOM_IN)
    seen = reviewer.canvas.viewport.seen()
    reviewer.do(Do.HAND_ABDOMEN)
    geometry = reviewer.measurement(Kind.AC).geometry
    assert isinstance(geometry, Ellipse)
    assert geometry.a < 0.5 * min(seen[2] - seen[0], seen[3] - seen[1])
    assert common((0, 0, 10, 10), (20, 20, 30, 30)) == (0, 0, 10, 10)

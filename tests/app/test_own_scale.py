"""The recording's own scale: taken, refused, by region, and withdrawn in the middle."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QPushButton
from support.window import ABDOMEN, FEMUR, FRAMES, HEAD, HEIGHT, WIDTH, Person

from app.actions.table import Do
from app.canvas.hit import Handle
from app.dialogs.number import NumberDialog
from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.scale.calibration import NO_CALIBRATION, Calibration, Region
from fetalnet.core.scale.scale import ScaleOrigin, given_scale
from fetalnet.exam import lengths
from fetalnet.exam.records import Origin, Status
from fetalnet.sources import Source, open_source

REASON = "The region of the scale leaves the picture by 21 pixels."


def by_region(*regions: Region, refused: str | None = None) -> Calibration:
    return Calibration(ScaleOrigin.DICOM_REGION, regions=regions, refused=refused)


WHOLE = Region(0, 0, WIDTH - 1, HEIGHT - 1, MmPerPixel(0.25, 0.25))
OWN, REFUSED = by_region(WHOLE), by_region(WHOLE, refused=REASON)
# The abdomen lies in the left region alone; head and femur reach into the other one.
DUAL = by_region(
    Region(0, 0, 111, HEIGHT - 1, MmPerPixel(0.25, 0.25)), Region(112, 0, WIDTH - 1, HEIGHT - 1, MmPerPixel(0.5, 0.5))
)


@pytest.fixture
def open_with(start_program: Callable[..., Person], clip: Path) -> Callable[..., Person]:
    """Somebody who opened a clip that says this about its own scale."""

    def begin(calibration: Calibration, **more: object) -> Person:
        def calibrated(path: Path) -> Source:
            source = open_source(path)
            source.calibration = calibration
            return source

        person = start_program(open_source=calibrated, **more)
        person.open_clip(clip)
        return person

    return begin


def shown_mm(person: Person, kind: Kind) -> str:
    return person.window.measurements.texts(kind)[1]


def refused_text(person: Person) -> str:
    return person.window.refused_scale.text


def test_that_the_recording_s_own_scale_is_taken_and_shown(open_with: Callable[..., Person]) -> None:
    person = open_with(OWN)
    assert person.canvas.overlay.scale_badge == "0.25 mm/px · DICOM region"
    assert person.window.statusBar().scale.text() == "Scale: 0.25 mm/px · DICOM region"
    assert float(shown_mm(person, Kind.HC)) == pytest.approx(HEAD.perimeter_px / 4, abs=0.06)
    assert refused_text(person) == ""
    person.accept(Kind.HC)
    assert person.measurement(Kind.HC).decision.scale.origin is ScaleOrigin.DICOM_REGION


def test_that_a_scale_a_person_gave_wins(open_with: Callable[..., Person]) -> None:
    person = open_with(OWN, scale=given_scale(0.5))
    assert person.canvas.overlay.scale_badge == "0.5 mm/px · typed in"


def test_that_a_typed_scale_is_undone_to_the_recording_s_own(
    open_with: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = open_with(OWN)
    monkeypatch.setattr(NumberDialog, "ask", lambda *_: 0.5)
    person.do(Do.SET_SCALE)
    assert person.session.scale.origin is ScaleOrigin.GIVEN
    person.do(Do.UNDO)
    assert person.session.calibration == OWN


def test_that_a_refused_scale_says_why_and_stays_until_a_person_uses_it(open_with: Callable[..., Person]) -> None:
    person = open_with(REFUSED)
    assert refused_text(person) == f"The scale is not used. {REASON} It is 0.25 mm per pixel, from the DICOM region."
    assert person.canvas.overlay.scale_badge == "scale not used: pixels only"
    assert person.canvas.overlay.scale_warns
    person.go_to_measure(Kind.HC)
    assert not person.can(Do.ACCEPT)
    assert REASON in person.window.measurements.reason.text()
    assert float(shown_mm(person, Kind.HC)) == pytest.approx(HEAD.perimeter_px, abs=0.06)
    next(each for each in person.window.refused_scale.findChildren(QPushButton) if "Use" in each.text()).click()
    assert refused_text(person) == ""
    assert not person.can(Do.USE_SCALE)
    person.do(Do.ACCEPT)
    note = person.measurement(Kind.HC).decision.scale.note
    assert note == f"Accepted by a person although: {REASON}"
    person.do(Do.UNDO)
    person.do(Do.UNDO)
    assert refused_text(person) != ""
    assert person.can(Do.USE_SCALE)


def test_that_a_person_may_type_another_scale_than_the_refused_one(
    open_with: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = open_with(REFUSED)
    monkeypatch.setattr(NumberDialog, "ask", lambda *_: 0.5)
    person.do(Do.SET_SCALE)
    assert refused_text(person) == ""
    assert person.session.scale.origin is ScaleOrigin.GIVEN


def test_that_an_accepted_scale_is_remembered_with_the_recording(
    open_with: Callable[..., Person], tmp_path: Path
) -> None:
    person = open_with(REFUSED)
    person.do(Do.USE_SCALE)
    person.wait_saved()
    person.program.stop()
    again = open_with(REFUSED)
    assert again.session.calibration == REFUSED.accepted()
    assert "Accepted by a person" in again.window.statusBar().scale.toolTip()


def test_that_the_file_s_own_scale_never_takes_the_place_of_the_one_a_person_typed(
    open_with: Callable[..., Person],
) -> None:
    person = open_with(OWN)
    person.window.verbs.scaling.set_typed_scale(0.31)
    person.do(Do.ANALYSE)
    person.wait(lambda: person.session.analysis.state.complete)
    assert person.session.scale.origin is ScaleOrigin.GIVEN
    person.wait_saved()
    person.program.stop()
    again = open_with(OWN)
    assert again.session.scale.origin is ScaleOrigin.GIVEN
    assert again.session.scale.mm_per_pixel == MmPerPixel(0.31, 0.31)


@pytest.mark.parametrize("before", [NO_CALIBRATION, REFUSED])
def test_that_an_exam_from_before_the_scale_was_believed_takes_it(
    open_with: Callable[..., Person], before: Calibration
) -> None:
    person = open_with(before)
    person.reject(Kind.FL)
    person.wait_saved()
    person.program.stop()
    again = open_with(OWN)
    assert again.measurement(Kind.FL).status is Status.REJECTED
    assert again.session.calibration == OWN


def test_that_each_caliper_has_the_scale_of_its_region_and_none_across_two(open_with: Callable[..., Person]) -> None:
    person = open_with(DUAL)
    assert person.canvas.overlay.scale_badge == "scale by region · DICOM region"
    assert float(shown_mm(person, Kind.AC)) == pytest.approx(ABDOMEN.perimeter_px / 4, abs=0.06)
    assert shown_mm(person, Kind.HC) == f"{HEAD.perimeter_px:.1f} px"
    person.accept(Kind.AC)
    assert lengths.decided_length(person.measurement(Kind.AC)).mm == pytest.approx(ABDOMEN.perimeter_px / 4)
    person.go_to_measure(Kind.HC)
    assert not person.can(Do.ACCEPT)
    assert "one calibrated region" in person.window.measurements.reason.text()
    assert "one calibrated region" in person.canvas.overlay.help_badge


def test_that_a_correction_into_another_region_is_refused(open_with: Callable[..., Person]) -> None:
    person = open_with(DUAL)
    person.go_to_measure(Kind.AC)
    person.drag(Handle.BODY, 12, 0)
    assert person.measurement(Kind.AC).status is Status.PROPOSED
    assert "one calibrated region" in person.message


def test_that_measuring_by_hand_begins_in_one_region(open_with: Callable[..., Person]) -> None:
    person = open_with(DUAL)
    person.go_to(40)
    person.do(Do.HAND_FEMUR)
    femur = person.measurement(Kind.FL)
    assert femur.origin is Origin.PERSON
    person.press(Qt.Key.Key_Down)
    assert person.can(Do.ACCEPT)
    assert lengths.first_length(person.session.exam, femur).mm is not None


def test_that_an_unusual_scale_is_marked(open_with: Callable[..., Person]) -> None:
    person = open_with(by_region(Region(0, 0, WIDTH - 1, HEIGHT - 1, MmPerPixel(0.9, 0.9))))
    assert person.canvas.overlay.scale_badge == "0.9 mm/px · DICOM region · unusual"
    assert person.canvas.overlay.scale_warns
    assert "check the scale" in person.window.statusBar().scale.toolTip()
    person.accept(Kind.FL)
    assert person.measurement(Kind.FL).status is Status.ACCEPTED


@pytest.fixture
def drifted(open_with: Callable[..., Person]) -> Person:
    """The head was accepted; then the scale is withdrawn between abdomen and femur."""
    person = open_with(OWN)
    person.accept(Kind.HC)
    scales = person.session.scales
    person.session.set_scales(scales.changed(24, scales.at(24).withdrawn("The depth changed.")))
    return person


def test_that_a_change_of_depth_leaves_earlier_frames_theirs(drifted: Person) -> None:
    assert lengths.decided_length(drifted.measurement(Kind.HC)).mm == pytest.approx(HEAD.perimeter_px / 4)
    assert float(shown_mm(drifted, Kind.AC)) == pytest.approx(ABDOMEN.perimeter_px / 4, abs=0.06)
    assert shown_mm(drifted, Kind.FL) == f"{FEMUR.length_px:.1f} px"
    drifted.go_to_measure(Kind.AC)
    assert drifted.can(Do.ACCEPT)
    assert refused_text(drifted) == ""
    drifted.go_to_measure(Kind.FL)
    assert not drifted.can(Do.ACCEPT)
    assert "The scale is not used. The depth changed." in refused_text(drifted)
    assert drifted.canvas.overlay.scale_badge == "scale not used: pixels only"


def test_that_the_timeline_marks_where_the_scale_was_withdrawn(drifted: Person) -> None:
    timeline = drifted.window.timeline
    mark = "scale withdrawn from here: The depth changed."
    places = [x for x in range(timeline.width()) if mark in timeline.told_at(x)]
    assert {timeline.index_at(x) for x in places} == {23, 24}
    assert "frame 24: scale withdrawn" in timeline.accessibleDescription()
    before = timeline.grab().toImage()
    timeline.set_scale_changes(())
    assert timeline.grab().toImage() != before


def test_that_a_scale_for_what_follows_leaves_what_came_before(
    drifted: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NumberDialog, "ask", lambda *_: 0.5)
    drifted.go_to_measure(Kind.FL)
    drifted.do(Do.SET_SCALE)
    assert [drifted.session.scales.at(index).origin for index in (0, 23, 24, FRAMES - 1)] == [
        ScaleOrigin.DICOM_REGION, ScaleOrigin.DICOM_REGION, ScaleOrigin.GIVEN, ScaleOrigin.GIVEN,
    ]  # fmt: skip
    drifted.do(Do.ACCEPT)
    assert lengths.decided_length(drifted.measurement(Kind.FL)).mm == pytest.approx(FEMUR.length_px / 2)


def test_that_undoing_an_older_scale_keeps_the_withdrawal(
    open_with: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = open_with(OWN)
    monkeypatch.setattr(NumberDialog, "ask", lambda *_: 0.5)
    person.go_to_measure(Kind.HC)
    person.do(Do.SET_SCALE)
    scales = person.session.scales
    person.session.set_scales(scales.changed(24, scales.at(24).withdrawn("The depth changed.")))
    person.do(Do.UNDO)
    assert person.session.scales.at(0) == OWN
    assert person.session.scales.at(24).refused == "The depth changed."


def test_that_every_export_says_where_the_scale_comes_from(
    drifted: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pypdf import PdfReader

    def export(do: Do, name: str) -> Path:
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / name), ""))
        drifted.do(do)
        drifted.wait(lambda: drifted.window.verbs.files.exports.running is None)
        return tmp_path / name

    text = " ".join(" ".join(page.extract_text().split()) for page in PdfReader(export(Do.EXPORT_PDF, "r.pdf")).pages)
    assert "Scale 0.25 mm per pixel, from the DICOM region" in text
    assert "frame 24: scale withdrawn from here: The depth changed." in text
    lines = export(Do.EXPORT_CSV, "t.csv").read_text("utf-8").splitlines()
    rows = {row["measure"]: row for row in csv.DictReader(lines)}
    assert (rows["HC"]["scale_origin"], rows["FL"]["scale_note"]) == ("dicom-region", "The depth changed.")
    recording = json.loads(export(Do.EXPORT_JSON, "e.json").read_text("utf-8"))["recordings"][0]
    assert [step["from_frame"] for step in recording["scales"]] == [0, 24]


def test_that_estimates_know_only_the_frames_with_a_scale(drifted: Person) -> None:
    drifted.wait(lambda: drifted.session.analysis.findings.estimates[Kind.FL].value.mm is None)
    assert drifted.session.analysis.findings.estimates[Kind.AC].value.mm == pytest.approx(ABDOMEN.perimeter_px / 4)
    assert Plane.FEMUR in {plane for plane, _ in drifted.session.best_frames()}

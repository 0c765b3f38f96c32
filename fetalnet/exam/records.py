"""What is kept of an examination: plain values that never change.

Each verb takes an exam and returns a new one, so that undoing is going back to the old value; those of a person are in
``decisions``. What a person measured by hand has no proposal: it begins with the geometry they placed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, PlainSerializer

from fetalnet.analysis.quality import Criterion, State
from fetalnet.core.geometry import Geometry, geometry_from_json, is_drawable
from fetalnet.core.planes import Kind, Plane
from fetalnet.core.prediction import ModelRef
from fetalnet.core.scale.scale import Scale
from fetalnet.core.scale.track import NO_SCALE_TRACK, ScaleTrack
from fetalnet.screen.fan.shape import FanShape, StoredFan

if TYPE_CHECKING:
    from fetalnet.analysis.examination import BestFrame
    from fetalnet.core.scale.calibration import Calibration


def _read_geometry(value: object) -> object:
    if not isinstance(value, dict):
        return value
    try:
        geometry = geometry_from_json(value)
    except (KeyError, TypeError) as error:
        raise ValueError("no geometry") from error
    if not is_drawable(geometry):
        raise ValueError("no size")
    return geometry


StoredGeometry = Annotated[
    Geometry, BeforeValidator(_read_geometry), PlainSerializer(lambda geometry: geometry.to_json())
]
"""A geometry that is stored as in the analysis JSON."""


class Status(StrEnum):
    """Where a measurement stands; all but ``PROPOSED`` are a person's. ``PLACED`` is drawn by hand and still open."""

    PROPOSED = "proposed"
    PLACED = "placed"
    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    REJECTED = "rejected"


class Origin(StrEnum):
    """Who drew a measurement first."""

    MODEL = "model"
    PERSON = "person"


class BpdConvention(StrEnum):
    """Which edges of the skull a BPD is measured between."""

    OUTER_OUTER = "outer-outer"


@dataclass(frozen=True, slots=True)
class RecordingRef:
    """Identity of a recording: size in bytes and a SHA-256 of its pictures (``fetalnet.exam.identity``)."""

    id: str
    path: str
    size_bytes: int
    content_sha256: str
    frame_count: int
    scale_track: ScaleTrack = NO_SCALE_TRACK
    fan: StoredFan | None = None
    """Where a person drew the fan; None while the program looks for it."""

    @property
    def name(self) -> str:
        return Path(self.path).name


@dataclass(frozen=True, slots=True)
class WholeExam:
    """A value from ``n`` frames of a recording with its 95 % interval, mm; taken in the place of one frame's."""

    value_mm: float
    low_mm: float
    high_mm: float
    n: int


@dataclass(frozen=True, slots=True)
class CriterionDecision:
    """What a person says of one criterion in one frame, beside the machine's view; None takes an earlier word back."""

    recording_id: str
    frame_index: int
    criterion: Criterion
    state: State | None
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about a measurement, with which scale, and when (UTC). Never edited, only followed.

    ``scale`` is that of ``geometry``; ``first_scale`` that of what stood at the beginning, where it is another one.
    ``whole_exam`` is the value that counts where a person chose it over that of the one frame.
    """

    status: Status
    geometry: StoredGeometry | None
    scale: Scale
    decided_at: datetime
    first_scale: Scale | None = None
    whole_exam: WholeExam | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measure in one frame: what the machine proposed, or a person placed by hand, and what a person decided.

    Either ``proposed`` and ``model`` are there, or ``placed`` is.
    """

    id: str
    recording_id: str
    kind: Kind
    frame_index: int
    time_s: float | None
    file: str | None
    proposed: StoredGeometry | None
    model: ModelRef | None
    decisions: tuple[Decision, ...] = ()
    bpd_convention: BpdConvention | None = None
    placed: StoredGeometry | None = None
    moved: bool = False
    """Whether a person has moved what was set out for them to place; until then it measures nothing."""

    @property
    def origin(self) -> Origin:
        return Origin.MODEL if self.placed is None else Origin.PERSON

    @property
    def plane(self) -> Plane:
        return self.kind.plane

    @property
    def decision(self) -> Decision | None:
        """The decision that holds: the last."""
        return self.decisions[-1] if self.decisions else None

    @property
    def status(self) -> Status:
        if self.decisions:
            return self.decisions[-1].status
        return Status.PROPOSED if self.origin is Origin.MODEL else Status.PLACED

    @property
    def is_unplaced(self) -> bool:
        """Whether this is a caliper set out to be placed by hand that nobody has moved, nor ever accepted."""
        decided = any(each.status is not Status.REJECTED for each in self.decisions)
        return self.placed is not None and not self.moved and not decided

    @property
    def first_geometry(self) -> Geometry:
        """What stood at the beginning: the machine's proposal, or what a person placed by hand."""
        first = self.proposed or self.placed
        assert first is not None
        return first

    @property
    def geometry(self) -> Geometry:
        """What is to be drawn: what was decided where something was, else what stood at the beginning."""
        decided = self.decisions[-1].geometry if self.decisions else None
        return decided or self.first_geometry


@dataclass(frozen=True, slots=True)
class Exam:
    """One examination. ``label`` is the person's own free text; it goes into no file name and no log."""

    id: str
    created_at: datetime
    label: str = ""
    recordings: tuple[RecordingRef, ...] = ()
    measurements: tuple[Measurement, ...] = field(default=())
    criteria: tuple[CriterionDecision, ...] = ()

    def recording(self, recording_id: str) -> RecordingRef:
        return next(each for each in self.recordings if each.id == recording_id)

    def measurement(self, measurement_id: str) -> Measurement:
        return next(each for each in self.measurements if each.id == measurement_id)


def new_exam(label: str = "") -> Exam:
    """An exam without recordings."""
    return Exam(new_id(), now(), label)


def with_recording(exam: Exam, recording: RecordingRef) -> Exam:
    """The exam with one more recording."""
    return replace(exam, recordings=(*exam.recordings, recording))


def with_scale_track(exam: Exam, recording_id: str, scale_track: ScaleTrack) -> Exam:
    """The exam with other scales for one recording. Decisions keep the scale they were taken with."""
    return replace(
        exam,
        recordings=tuple(
            replace(each, scale_track=scale_track) if each.id == recording_id else each for each in exam.recordings
        ),
    )


def with_fan(exam: Exam, recording_id: str, fan: FanShape | None) -> Exam:
    """The exam with the fan that a person drew for one recording; None lets the program look for it."""
    recordings = tuple(replace(each, fan=fan) if each.id == recording_id else each for each in exam.recordings)
    return replace(exam, recordings=recordings)


def propose(exam: Exam, recording_id: str, best: Iterable[BestFrame], model: ModelRef) -> Exam:
    """The exam with the recording's open proposals replaced by ``best``.

    What a person has decided or placed by hand stays, and its kind is not proposed again in that recording. A
    proposal that has not changed keeps its id.
    """
    kept: list[Measurement] = []
    open_before: dict[Kind, Measurement] = {}
    for each in exam.measurements:
        if each.recording_id == recording_id and each.status is Status.PROPOSED:
            open_before[each.kind] = each
        else:
            kept.append(each)
    taken = {each.kind for each in kept if each.recording_id == recording_id}
    for frame in best:
        if frame.kind in taken:
            continue
        before = open_before.get(frame.kind)
        kept.append(
            Measurement(
                id=before.id if before is not None else new_id(),
                recording_id=recording_id,
                kind=frame.kind,
                frame_index=frame.index,
                time_s=frame.time_s,
                file=frame.file,
                proposed=frame.geometry,
                model=model,
                bpd_convention=BpdConvention.OUTER_OUTER if frame.kind is Kind.BPD else None,
            )
        )
    return replace(exam, measurements=tuple(kept))


def criteria_of(exam: Exam, recording_id: str, frame_index: int) -> dict[Criterion, State]:
    """What a person last said of each criterion in a frame."""
    said: dict[Criterion, State | None] = {}
    for each in exam.criteria:
        if (each.recording_id, each.frame_index) == (recording_id, frame_index):
            said[each.criterion] = each.state
    return {criterion: state for criterion, state in said.items() if state is not None}


def frames_judged(exam: Exam) -> list[tuple[RecordingRef, int, dict[Criterion, State]]]:
    """Each frame of which a person says anything about criteria, in order, with what they last said."""
    frames = dict.fromkeys((each.recording_id, each.frame_index) for each in exam.criteria)
    judged = [
        (recording, index, said)
        for recording in exam.recordings
        for index in sorted(frame for recording_id, frame in frames if recording_id == recording.id)
        if (said := criteria_of(exam, recording.id, index))
    ]
    return judged


def calibration_of(exam: Exam, measurement: Measurement) -> Calibration:
    """What is known now about the scale of the measurement's frame."""
    return exam.recording(measurement.recording_id).scale_track.at(measurement.frame_index)


def siblings(exam: Exam, measurement_id: str) -> tuple[Measurement, ...]:
    """All measurements that share this one's frame and caliper, itself included: HC, BPD, OFD of a head."""
    of = exam.measurement(measurement_id)
    return tuple(
        each
        for each in exam.measurements
        if (each.recording_id, each.frame_index, each.plane, each.origin)
        == (of.recording_id, of.frame_index, of.plane, of.origin)
    )


def new_id() -> str:
    """What no other exam, recording or measurement is called."""
    return uuid.uuid4().hex


def now() -> datetime:
    """In UTC."""
    return datetime.now(UTC)

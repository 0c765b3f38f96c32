"""The measurements of an exam as a CSV table: one line each, decimal point, units in the column names, UTF-8.

A frame in which nothing is measured has a line of its own where a person says something of its criteria.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fetalnet.analysis.quality import CRITERIA
from fetalnet.core.system.files import write_file
from fetalnet.exam.lengths import decided_length, proposed_length, scale_of
from fetalnet.exam.records import criteria_of, frames_judged
from fetalnet.export.wording import criteria_text

if TYPE_CHECKING:
    from fetalnet.analysis.quality import Criterion, State
    from fetalnet.core.measurement import Length
    from fetalnet.exam.records import Exam, Measurement

COLUMNS = (
    "exam_id",
    "recording",
    "frame_index",
    "time_s",
    "file",
    "plane",
    "measure",
    "bpd_convention",
    "origin",
    "status",
    "proposed_px",
    "proposed_mm",
    "decided_px",
    "decided_mm",
    "difference_mm",
    "whole_exam_frames",
    "whole_exam_low_mm",
    "whole_exam_high_mm",
    "mm_per_pixel_x",
    "mm_per_pixel_y",
    "scale_origin",
    "scale_note",
    "decided_at_utc",
    "model",
    "model_sha256",
    "criteria_by_person",
)


def write_exam_csv(path: Path, exam: Exam) -> None:
    """Write the table. Raises ``InputError`` where the file cannot be written; nothing half is left."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(_row(exam, measurement) for measurement in exam.measurements)
    writer.writerows(_rows_of_criteria(exam))
    write_file(path, text.getvalue().encode("utf-8"))


def _row(exam: Exam, measurement: Measurement) -> dict[str, str]:
    recording = exam.recording(measurement.recording_id)
    decision, model = measurement.decision, measurement.model
    scale = scale_of(exam, measurement)
    whole = None if decision is None else decision.whole_exam
    proposed, decided = proposed_length(exam, measurement), decided_length(measurement)
    return {
        "exam_id": exam.id,
        "recording": _text(recording.name),
        "frame_index": str(measurement.frame_index),
        "time_s": _number(measurement.time_s, 3),
        "file": _text(measurement.file or ""),
        "plane": measurement.plane.value,
        "measure": measurement.kind.value,
        "bpd_convention": "" if measurement.bpd_convention is None else measurement.bpd_convention.value,
        "origin": measurement.origin.value,
        "status": measurement.status.value,
        "proposed_px": _px(proposed),
        "proposed_mm": _mm(proposed),
        "decided_px": _px(decided),
        "decided_mm": _mm(decided),
        "difference_mm": _difference(proposed, decided),
        "whole_exam_frames": "" if whole is None else str(whole.n),
        "whole_exam_low_mm": "" if whole is None else _number(whole.low_mm, 2),
        "whole_exam_high_mm": "" if whole is None else _number(whole.high_mm, 2),
        "mm_per_pixel_x": "" if scale.mm_per_pixel is None else f"{scale.mm_per_pixel.x:.6g}",
        "mm_per_pixel_y": "" if scale.mm_per_pixel is None else f"{scale.mm_per_pixel.y:.6g}",
        "scale_origin": scale.origin.value,
        "scale_note": _text(scale.note or ""),
        "decided_at_utc": "" if decision is None else decision.decided_at.isoformat(timespec="seconds"),
        "model": "" if model is None else model.name,
        "model_sha256": "" if model is None else model.sha256,
        "criteria_by_person": criteria_text(_said_of(exam, measurement)),
    }


def _said_of(exam: Exam, measurement: Measurement) -> dict[Criterion, State]:
    """What a person says of the criteria of a measurement's plane in its frame."""
    said = criteria_of(exam, measurement.recording_id, measurement.frame_index)
    return {criterion: state for criterion, state in said.items() if criterion in CRITERIA[measurement.plane]}


def _rows_of_criteria(exam: Exam) -> Iterator[dict[str, str]]:
    """What a person says of frames, or of planes in them, that have no line yet."""
    for recording, index, said in frames_judged(exam):
        told = {
            criterion
            for each in exam.measurements
            if (each.recording_id, each.frame_index) == (recording.id, index)
            for criterion in CRITERIA[each.plane]
        }
        rest = {criterion: state for criterion, state in said.items() if criterion not in told}
        if rest:
            yield {
                "exam_id": exam.id,
                "recording": _text(recording.name),
                "frame_index": str(index),
                "criteria_by_person": criteria_text(rest),
            }


def _px(length: Length | None) -> str:
    return "" if length is None else _number(length.px, 2)


def _mm(length: Length | None) -> str:
    return "" if length is None else _number(length.mm, 2)


def _difference(before: Length | None, after: Length | None) -> str:
    if before is None or after is None or after.mm is None or before.mm is None:
        return ""
    return _number(after.mm - before.mm, 2)


def _number(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value + 0.0:.{decimals}f}"


def _text(name: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name

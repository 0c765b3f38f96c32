"""Exams on disk: one JSON file each, readable by its owner alone, replaced whole at every save."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from fetalnet import __version__
from fetalnet.atomic_file import write_file
from fetalnet.errors import InputError
from fetalnet.records import Exam

SCHEMA_VERSION = 3
"""Version 1 had one scale a recording, not a scale track; version 2 no criteria and no values of the whole exam."""
SUFFIX = ".fnexam"
_OWNER_ONLY = 0o600


class _Header(BaseModel):
    """Read first, whatever the rest holds: what kind of file, and which version of its schema."""

    format: Literal["fetalnet-exam"]
    schema_version: int


class _ExamFile(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    format: Literal["fetalnet-exam"] = "fetalnet-exam"
    schema_version: int = SCHEMA_VERSION
    software_version: str = __version__
    exam: Exam

    @model_validator(mode="before")
    @classmethod
    def _from_version_1(cls, value: Any) -> Any:
        """Turn the one scale of each recording into a track; whatever else is wrong is found later."""
        if isinstance(value, dict) and value.get("schema_version") == 1:
            exam = value.get("exam")
            recordings = exam.get("recordings") if isinstance(exam, dict) else None
            for each in recordings if isinstance(recordings, list) else ():
                if isinstance(each, dict):
                    scale = each.pop("scale", None)
                    if isinstance(scale, dict):
                        scale["whole"] = scale.pop("mm_per_pixel", None)
                    each["scale_track"] = {"steps": [{"from_index": 0, "calibration": scale}]}
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        known = {recording.id for recording in self.exam.recordings}
        if not all(measurement.recording_id in known for measurement in self.exam.measurements):
            raise ValueError("a measurement of no recording")
        for each in self.exam.measurements:
            if (each.placed is None) != (each.proposed is not None and each.model is not None):
                raise ValueError("a measurement of neither the model nor a person, or of both")
        return self


_HEADER = TypeAdapter(_Header)
_FILE = TypeAdapter(_ExamFile)


def save_exam(exam: Exam, path: Path) -> None:
    """Write the exam to ``path``. Raises ``InputError`` where the disk refuses; the old file then stays whole."""
    write_file(path, _FILE.dump_json(_ExamFile(exam=exam), indent=1), mode=_OWNER_ONLY)


def load_exam(path: Path) -> Exam:
    """Read an exam. Raises ``InputError`` for a file that is missing, damaged, or of a newer program."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"Cannot open the exam {path.name}: {error.strerror}; check that it is there.") from error
    try:
        header = _HEADER.validate_json(content)
        if header.schema_version > SCHEMA_VERSION:
            raise InputError(f"The exam {path.name} was saved by a newer version of this program; update to open it.")
        return _FILE.validate_json(content).exam
    except ValidationError as error:
        raise InputError(f"The exam {path.name} is damaged or no exam file; open a backup of it.") from error

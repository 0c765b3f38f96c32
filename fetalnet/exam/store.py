"""Exams on disk: one JSON file each, readable by its owner alone, replaced whole at every save."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, model_validator
from pydantic_core import PydanticSerializationError

from fetalnet import __version__
from fetalnet.core.errors import InputError
from fetalnet.core.printable import printable
from fetalnet.core.system.files import write_file
from fetalnet.exam.records import Exam

SCHEMA_VERSION = 4
"""Version 1 had one scale a recording, not a scale track; version 2 no criteria and no values of the whole exam;
version 3 knew a recording by its first bytes or by names.
"""
SUFFIX = ".fnexam"
_OWNER_ONLY = 0o600


class DamagedExamError(InputError):
    """The file is there and can be read, and is no whole exam: nothing will make one of it."""


class MissingExamError(InputError):
    """There is no such file."""


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
    def _from_earlier_versions(cls, value: Any) -> Any:
        """What a recording was known by, and its one scale, as they are now; what else is wrong is found later."""
        if not isinstance(value, dict):
            return value
        exam = value.get("exam")
        recordings = exam.get("recordings") if isinstance(exam, dict) else None
        for each in recordings if isinstance(recordings, list) else ():
            if not isinstance(each, dict):
                continue
            if "head_sha256" in each:
                each["content_sha256"] = each.pop("head_sha256")
            if value.get("schema_version") == 1:
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


def exam_name(content_sha256: str, size_bytes: int) -> str:
    """The file of a recording's exam, by what the recording holds: its own name may tell who the patient is."""
    return f"{content_sha256[:24]}-{size_bytes}{SUFFIX}"


def save_exam(exam: Exam, path: Path) -> None:
    """Write the exam to ``path``. Raises ``InputError`` where the disk refuses; the old file then stays whole."""
    write_file(path, _content(exam), mode=_OWNER_ONLY)


def _content(exam: Exam) -> bytes:
    file = _ExamFile(exam=exam)
    try:
        return _FILE.dump_json(file, indent=1)
    except PydanticSerializationError:
        # Half a character, as in a file's name that is no UTF-8: everything else is to be saved all the same.
        return printable(json.dumps(_FILE.dump_python(file, mode="json"), indent=1, ensure_ascii=False)).encode()


def load_exam(path: Path) -> Exam:
    """Read an exam. Raises ``MissingExamError``, ``DamagedExamError``, or ``InputError`` where it cannot be read now.

    That is one of a newer program, one that may not be read, or one on a disk that fails: it may well be whole.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        kind = MissingExamError if missing else InputError
        do = "check that it is there" if missing else "check the rights to read it, and its disk"
        raise kind(f"Cannot open the exam {path.name}: {error.strerror}; {do}.") from error
    try:
        header = _HEADER.validate_json(content)
        if header.schema_version > SCHEMA_VERSION:
            raise InputError(f"The exam {path.name} was saved by a newer version of this program; update to open it.")
        exam = _FILE.validate_json(content).exam
        if not exam.recordings:
            raise ValueError("an exam of no recording")
        return exam
    except ValueError as error:
        raise DamagedExamError(f"The exam {path.name} is damaged or no exam file; open a backup of it.") from error

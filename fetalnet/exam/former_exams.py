"""Exams that earlier versions saved under what they knew a recording by, and whether they are this recording's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fetalnet.core.errors import InputError
from fetalnet.core.printable import printable
from fetalnet.exam.identity import FormerIdentity, former_identities, recording_ref
from fetalnet.exam.records import Exam, RecordingRef
from fetalnet.exam.store import MissingExamError, exam_name, load_exam
from fetalnet.sources.archive import archive_of, file_of
from fetalnet.sources.pictures.images import image_files

MAY_BE_ANOTHERS = (
    "Decisions that an earlier version saved for files of the same names and sizes are not shown: they may be another "
    "patient's. If they are this patient's, put the pictures back to where they were decided on, and open them there."
)


@dataclass(frozen=True, slots=True)
class FormerExam:
    """One that is this recording's, and where it lies."""

    path: Path
    exam: Exam


def former_exam(folder: Path, recording: RecordingRef, path: Path) -> FormerExam | None:
    """The exam saved for the recording at ``path`` by an earlier version; None where there is none.

    Raises ``InputError`` for one that cannot be read, or that may be another recording's: it is left alone.
    """
    for identity in former_identities(file_of(path)):
        at = folder / exam_name(identity.sha256, identity.size_bytes)
        try:
            exam = load_exam(at)
        except MissingExamError:
            continue
        if not _is_of(exam, identity, recording, path):
            raise InputError(MAY_BE_ANOTHERS)
        return FormerExam(at, exam)
    return None


def _is_of(exam: Exam, identity: FormerIdentity, recording: RecordingRef, path: Path) -> bool:
    """Names, sizes and a black beginning tell nobody apart: the pictures must lie where they were decided on."""
    if identity.is_certain:
        return True
    decided_on = Path(exam.recordings[0].path)
    if not decided_on.is_absolute() or _newest(path) > exam.created_at:
        return False
    if printable(path.absolute()) == str(decided_on):
        return True
    try:
        return recording_ref(decided_on, 0).content_sha256 == recording.content_sha256
    except InputError:
        return False


def _newest(path: Path) -> datetime:
    """When the pictures were last written; those of an archive with it."""
    found = archive_of(path) if not path.exists() else None
    files = [found[0]] if found is not None else image_files(path) if path.is_dir() else [path]
    try:
        return datetime.fromtimestamp(max(file.stat().st_mtime for file in files), UTC)
    except OSError as error:
        raise InputError(f"Cannot read {path.name}: {error.strerror}; check that it is still there.") from error

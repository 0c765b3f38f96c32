"""What a DICOM receiver tells of an object that arrived."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Received:
    """An object that is on disk now."""

    path: Path
    frames: int

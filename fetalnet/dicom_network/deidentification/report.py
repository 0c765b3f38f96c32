"""What a de-identification did, in numbers: never a value, never a file's name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from fetalnet.export.wording import TEXT_INSIDE

MASKED = "Pixels outside the ultrasound are black. " + TEXT_INSIDE
UNCLEAR = "In {} of the files the fan is not clear, so that nothing is claimed about text within the regions."
KEPT = "Pixels were kept as they are, as asked: text burned into the pictures may name the patient."


@dataclass(slots=True)
class Report:
    """Counts over all files of a run; of attributes by keyword, for each only where there was a value."""

    keep_pixels: bool = False
    written: int = 0
    failed: int = 0
    left_out: int = 0
    unclear: int = 0
    """Files whose fan was not found for sure, so that text may stand beside it."""
    removed: Counter[str] = field(default_factory=Counter)
    emptied: Counter[str] = field(default_factory=Counter)
    new_uids: Counter[str] = field(default_factory=Counter)
    private: int = 0

    @property
    def pixels_text(self) -> str:
        """What was done to the pixels, and what that does not tell."""
        if self.keep_pixels:
            return KEPT
        return f"{MASKED} {UNCLEAR.format(self.unclear)}" if self.unclear else MASKED

    def to_json(self) -> dict[str, object]:
        return {
            "files": {"written": self.written, "failed": self.failed, "left_out": self.left_out},
            "pixels": self.pixels_text,
            "removed": dict(sorted(self.removed.items())),
            "emptied": dict(sorted(self.emptied.items())),
            "new_uids": dict(sorted(self.new_uids.items())),
            "private_attributes_removed": self.private,
        }

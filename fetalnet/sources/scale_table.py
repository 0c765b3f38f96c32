"""Pixel sizes of many images from a CSV with the columns ``filename`` and ``pixel_size_mm`` (as HC18 has them)."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fetalnet.core.decimal_text import decimal
from fetalnet.core.errors import InputError
from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.scale.scale import NO_SCALE, PLAUSIBLE_MM_PER_PIXEL, Scale, ScaleOrigin

if TYPE_CHECKING:
    from pathlib import Path

FILENAME = "filename"
PIXEL_SIZE = "pixel_size_mm"


def accepted_scale(mm_per_pixel: float) -> Scale:
    """A given scale that a person insists on although it looks implausible. Raises ``InputError`` unless above 0."""
    if not math.isfinite(mm_per_pixel) or mm_per_pixel <= 0:
        raise InputError(f"A scale of {mm_per_pixel:g} mm per pixel cannot be; give a number above 0.")
    return Scale(MmPerPixel(mm_per_pixel, mm_per_pixel), ScaleOrigin.GIVEN)


@dataclass(frozen=True, slots=True)
class ScaleTable:
    """One scale per file name."""

    scales: dict[str, Scale]

    def of(self, filename: str) -> Scale:
        """The file's scale; none where the table has no row for it."""
        return self.scales.get(filename, NO_SCALE)


def read_scale_table(path: Path, *, accept_implausible: bool = False) -> ScaleTable:
    """Read the CSV. Raises ``InputError`` naming the line where it is malformed.

    A plausible number is taken; an implausible one is refused with a note, unless the person accepts such scales.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            # Where the comma is the decimal sign, spreadsheets part columns by a semicolon.
            first = file.readline()
            file.seek(0)
            rows = csv.DictReader(file, strict=True, delimiter=max(",;\t", key=first.count))
            columns = [column.strip() for column in rows.fieldnames or []]
            for wanted in (FILENAME, PIXEL_SIZE):
                if wanted not in columns:
                    raise InputError(f"The scale table {path.name} has no column {wanted}; name it in the first line.")
            rows.fieldnames = columns
            return ScaleTable(_scales(rows, path.name, accept_implausible))
    except OSError as error:
        raise InputError(f"Cannot read the scale table {path.name}: {error.strerror}; check the path.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The scale table {path.name} is no CSV file in UTF-8; save it as one.") from error


def _scales(rows: csv.DictReader[str], table: str, accept_implausible: bool) -> dict[str, Scale]:
    scales: dict[str, Scale] = {}
    for row in rows:
        where = f"Line {rows.line_num} of the scale table {table}"
        filename, text = (row[FILENAME] or "").strip(), (row[PIXEL_SIZE] or "").strip()
        if None in row:
            raise InputError(f"{where} has more values than the first line has names; part them by a semicolon.")
        if not filename:
            raise InputError(f"{where} names no file; fill in the column {FILENAME}.")
        scale = _scale(text, where, filename, accept_implausible)
        if scales.setdefault(filename, scale) != scale:
            raise InputError(f"{where} gives {filename} a second, other pixel size; keep one of the two.")
    return scales


def _scale(text: str, where: str, filename: str, accept_implausible: bool) -> Scale:
    try:
        value = decimal(text)
    except InputError as error:
        raise InputError(f"{where}, {PIXEL_SIZE}: {error}") from None
    if not math.isfinite(value) or value <= 0:
        raise InputError(f"{where} has a {PIXEL_SIZE} of {text}; it must be above 0.")
    low, high = PLAUSIBLE_MM_PER_PIXEL
    if not low <= value <= high and not accept_implausible:
        return Scale(
            None, ScaleOrigin.NONE, f"The scale of {filename}, {value:g} mm per pixel, was refused as implausible."
        )
    return accepted_scale(value)

"""A clinic's own stills: ``images/``, ``masks/`` if there are any, and ``labels.csv``.

``labels.csv`` names for each picture its ``filename``, its ``plane`` (head, abdomen, femur, other; empty where unknown)
and its ``examination``, ``patient`` or both; as far as known also ``pixel_size_mm`` and ``HC_mm``, ``BPD_mm``,
``OFD_mm``, ``AC_mm``, ``FL_mm``. A mask has the name of its picture, ending in .png, and is bright inside head or
abdomen, or on the shaft of the femur. Pictures are grouped by patient, else by examination.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Ellipse, Line, MmPerPixel
from fetalnet.core.measurement import Length
from fetalnet.core.planes import KINDS_OF, Kind, Plane
from fetalnet.research.datasets.outline import (
    fitted_ellipse,
    labelled_lengths,
    mask_contour,
    mask_line,
    read_mask,
    scaled_to,
)
from fetalnet.research.datasets.still import Dataset, Still, Truth, existing, read_grey
from fetalnet.research.datasets.table import Row, read_table

TABLE = "labels.csv"
_CIRCUMFERENCE = {Plane.HEAD: Kind.HC, Plane.ABDOMEN: Kind.AC}


def read_folder(folder: Path) -> Dataset:
    """The stills in the order of the table. Raises ``InputError``."""
    rows = read_table(folder / TABLE, ("filename", "plane"), key="filename")
    if not {"examination", "patient"} & set(rows[0].values):
        raise InputError(f"{TABLE} has no column examination or patient; without it no split can be made.")
    _refuse_shared_examinations(rows)
    return Dataset(
        folder.name, "pictures and labels of this folder", "its owner's", tuple(_still(row, folder) for row in rows)
    )


def _refuse_shared_examinations(rows: list[Row]) -> None:
    patients: dict[str, str] = {}
    for row in rows:
        if "patient" in row.values and "examination" in row.values:
            examination, patient = row.text("examination"), row.text("patient")
            first = patients.setdefault(examination, patient)
            if first != patient:
                raise InputError(
                    f"{row.where} gives examination {examination} to a second patient; "
                    "give each examination a name of its own."
                )


def _still(row: Row, folder: Path) -> Still:
    path = existing(folder / "images" / row.text("filename"), row.where)
    size = row.number("pixel_size_mm")
    mm_per_pixel = None if size is None else MmPerPixel(size, size)
    plane = _plane(row)
    labels_mm = {kind: mm for kind in Kind if (mm := row.number(f"{kind}_mm")) is not None}
    wrong = [kind for kind in labels_mm if plane is not None and kind not in KINDS_OF[plane]]
    if wrong:
        raise InputError(f"{row.where} gives {wrong[0]} for a picture of the plane {plane}; correct one of the two.")
    mask = folder / "masks" / f"{path.stem}.png"
    group = row.text("patient" if "patient" in row.values else "examination")
    truth = partial(_truth, path, mask if mask.is_file() else None, plane, mm_per_pixel, labels_mm)
    return Still(path, group, plane, mm_per_pixel, truth=truth)


def _plane(row: Row) -> Plane | None:
    name = row.values["plane"].lower()
    if name and name not in set(Plane):
        raise InputError(f"{row.where} has {name!r} in the column plane; write {', '.join(Plane)} or leave it empty.")
    return Plane(name) if name else None


def _truth(
    path: Path, mask: Path | None, plane: Plane | None, mm_per_pixel: MmPerPixel | None, labels_mm: dict[Kind, float]
) -> Truth:
    lengths = {} if mm_per_pixel is None else {kind: Length(mm / mm_per_pixel.x, mm) for kind, mm in labels_mm.items()}
    if mask is None or plane is None or plane is Plane.OTHER:
        return Truth(lengths=lengths)
    drawn = read_mask(mask, read_grey(path).shape, path.name)
    contour = mask_contour(drawn, f"The mask {mask.name}")
    geometry: Ellipse | Line
    if plane is Plane.FEMUR:
        geometry = mask_line(contour)
    else:
        geometry = fitted_ellipse(contour, drawn.shape, f"The mask {mask.name}")
        around_mm = labels_mm.get(_CIRCUMFERENCE[plane])
        if around_mm is not None and mm_per_pixel is not None:
            geometry = scaled_to(geometry, around_mm, mm_per_pixel)
    return Truth(geometry, True, lengths | labelled_lengths(geometry, plane, mm_per_pixel, labels_mm))

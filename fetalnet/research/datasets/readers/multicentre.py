"""Multicentre-Fetal-Biometry: heads, abdomens and femurs with caliper landmarks (UCL, doi 10.5522/04/30819911).

Layout read in the publisher's repository (surgical-vision/Multicentre-Fetal-Biometry: README, ``data/README-*.md``,
``lib/datasets/fetal.py`` for how coordinates are used, ``create_ucl_error_boxplots.py`` for the unit of
``px_to_mm_rate``: mm per pixel). Its pages give two arrangements and both are read: ``annotations/UCL/Head.csv`` with
``images/UCL/Head/``, and ``UCL/annotations/Head.csv`` with ``UCL/data/Head/``. Sites are FP, HC18 and UCL; the folder
that unites them is not read again. As there, a diameter with a missing or negative coordinate is no label.

FP holds pictures of FETAL_PLANES_DB and HC18 those of HC18: their groups have the names that those readers give, so
that what is kept back in one is kept back in the other.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Geometry, Line, MmPerPixel
from fetalnet.core.measurement import Length, measure
from fetalnet.core.planes import Kind, Plane
from fetalnet.research.datasets.outline import spanned_ellipse
from fetalnet.research.datasets.split import Split, joined_groups
from fetalnet.research.datasets.still import Dataset, Still, Truth, existing
from fetalnet.research.datasets.table import Row, read_table

SITES = ("FP", "HC18", "UCL")
_ANATOMIES = {
    Plane.HEAD: ("Head", ("ofd", "bpd")),
    Plane.ABDOMEN: ("Abdomen", ("tad", "apad")),
    Plane.FEMUR: ("Femur", ("fl",)),
}
_KINDS = {"bpd": Kind.BPD, "ofd": Kind.OFD, "fl": Kind.FL}
_PICTURE_FOLDERS = {"Femur": ("Femur", "FL")}
"""FP's femurs lie in FL by one page of the publisher and in Femur by another."""
_ENDS = ("1_x", "1_y", "2_x", "2_y")
_SIDES = {"Train": False, "Test": True}
_NUMBERS = {
    "FP": re.compile(r"Patient(\d+)_Plane"),
    "HC18": re.compile(r"(\d+)_\d*HC"),
    "UCL": re.compile(r"(?:Patient)?(\d+)"),
}


def read_multicentre(folder: Path) -> Dataset:
    """All sites that are there, heads before abdomens before femurs; groups are women. Raises ``InputError``.

    Circumferences are those of the ellipse that the two landmarked diameters span.
    """
    stills: list[Still] = []
    for site in SITES:
        for tables, pictures in (
            (folder / "annotations" / site, folder / "images" / site),
            (folder / site / "annotations", folder / site / "data"),
        ):
            if tables.is_dir():
                stills += _read_site(site, tables, pictures)
    if not stills:
        raise InputError(
            f"There are no annotations of {', '.join(SITES[:-1])} or {SITES[-1]} in {folder.name}; "
            "choose the folder that holds annotations and images."
        )
    return Dataset(
        "Multicentre-Fetal-Biometry",
        "University College London, doi 10.5522/04/30819911",
        "CC BY-NC-SA 4.0",
        tuple(stills),
        split=Split.VALIDATION,
        trained_on=True,
    )


def _read_site(site: str, tables: Path, pictures: Path) -> list[Still]:
    found: list[tuple[Row, Plane]] = []
    for plane, (anatomy, names) in _ANATOMIES.items():
        table = tables / f"{anatomy}.csv"
        if plane is Plane.HEAD or table.is_file():
            ends = [f"{name}_{end}" for name in names for end in _ENDS]
            columns = ("image_name", *ends, "px_to_mm_rate", "SubjectID", "Split")
            found += [(row, plane) for row in read_table(table, columns, key="image_name")]
    groups = joined_groups([_names(site, row) for row, _ in found])
    return [_still(site, row, plane, group, pictures) for (row, plane), group in zip(found, groups, strict=True)]


def _names(site: str, row: Row) -> list[str]:
    """What a woman goes by: the number in the picture's name and, at UCL, the subject column, either may be missing."""
    match = _NUMBERS[site].match(row.text("image_name"))
    if site != "UCL":
        if match is None:
            raise InputError(
                f"{row.where}: {row.text('image_name')} is no name of a picture of {site}; restore its name."
            )
        return [f"fp {int(match[1])}"] if site == "FP" else [match[1]]
    test = re.match(r"Test\d+", row.text("image_name"))
    names = [f"UCL {int(match[1])}"] if match else [f"UCL {test[0]}"] if test else []
    if subject := row.values["SubjectID"]:
        names.append(f"UCL subject {subject}")
    if not names:
        raise InputError(f"{row.where} tells no subject, neither by name nor in SubjectID; fill it in or take it out.")
    return names


def _still(site: str, row: Row, plane: Plane, group: str, pictures: Path) -> Still:
    anatomy, names = _ANATOMIES[plane]
    side = row.text("Split")
    if side not in _SIDES:
        raise InputError(f"{row.where} has {side!r} in the column Split, which is neither Train nor Test; correct it.")
    folders = [pictures / name for name in _PICTURE_FOLDERS.get(anatomy, (anatomy,))]
    folder = next((each for each in folders if each.is_dir()), folders[0])
    path = existing(folder / row.text("image_name"), row.where)
    size = row.number("px_to_mm_rate")
    landmarks = {name: line for name in names if (line := _diameter(row, name)) is not None}
    mm_per_pixel = None if size is None else MmPerPixel(size, size)
    return Still(path, group, plane, mm_per_pixel, _SIDES[side], site, partial(_truth, landmarks, plane, mm_per_pixel))


def _diameter(row: Row, name: str) -> Line | None:
    ends = [row.coordinate(f"{name}_{end}") for end in _ENDS]
    known = [end for end in ends if end is not None and end >= 0]
    return Line.of(*known) if len(known) == len(_ENDS) else None


def _truth(landmarks: dict[str, Line], plane: Plane, mm_per_pixel: MmPerPixel | None) -> Truth:
    lines = list(landmarks.values())
    geometry: Geometry | None = None
    lengths: dict[Kind, Length] = {}
    if len(lines) == 2:
        geometry = spanned_ellipse(*lines)
        lengths |= measure(geometry, plane, mm_per_pixel)
    elif plane is Plane.FEMUR and lines:
        geometry = lines[0]
    for name, line in landmarks.items():
        if name in _KINDS:
            mm = None if mm_per_pixel is None else line.scaled(mm_per_pixel).length_px
            lengths[_KINDS[name]] = Length(line.length_px, mm)
    return Truth(geometry, False, lengths, landmarks)

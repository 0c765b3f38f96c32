"""FETAL_PLANES_DB: stills by plane without outlines (Burgos-Artizzu et al. 2020, Zenodo 3904280).

Two layouts are read. As published: ``FETAL_PLANES_DB_data.csv``, parted by semicolons (``Image_name``, ``Patient_num``,
``Plane``, ``Brain_plane``, ``Operator``, ``US_Machine``, ``Train ``), and ``Images/`` with one PNG a name. As a
selection: ``labels.csv`` (``filename``, ``plane``, ``patient``, ``machine``, and ``brain_plane`` where brains are
among them) and ``images/``. The calipers of this project (``plane_annotations``) go with both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import size_px
from fetalnet.core.measurement import Length
from fetalnet.core.planes import Plane
from fetalnet.research.datasets.plane_annotations import Caliper, read_calipers
from fetalnet.research.datasets.split import Split, in_validation
from fetalnet.research.datasets.still import Dataset, Still, Truth, existing, read_grey
from fetalnet.research.datasets.table import Row, read_table

TABLE, PICTURES = "FETAL_PLANES_DB_data.csv", "Images"
SELECTION, SELECTED_PICTURES = "labels.csv", "images"
_COLUMNS = ("Image_name", "Patient_num", "Plane", "Brain_plane", "Train")
_SELECTED_COLUMNS = ("filename", "plane", "patient", "machine")

_BRAIN = "Fetal brain"
_PLANES = {
    "Fetal abdomen": Plane.ABDOMEN,
    "Fetal femur": Plane.FEMUR,
    "Fetal thorax": Plane.OTHER,
    "Maternal cervix": Plane.OTHER,
    "Other": Plane.OTHER,
}
_BRAIN_PLANES: dict[str, Plane | None] = {
    "Trans-thalamic": Plane.HEAD,
    "Trans-ventricular": Plane.HEAD,
    # A head, found and measured, that fails a criterion of quality (docs/data.md).
    "Trans-cerebellum": Plane.HEAD,
    # Some cut through a head: neither a standard plane nor surely none.
    "Other": None,
}


@dataclass(frozen=True, slots=True)
class PlaneStill:
    """One still. ``plane`` is None where the label does not say which of ours it is; ``label`` is the source's word."""

    path: Path
    patient: str
    plane: Plane | None
    label: str
    machine: str
    published_test: bool | None = None

    @property
    def name(self) -> str:
        """The file's name without its ending: pictures were published as PNG and are passed on as JPEG too."""
        return self.path.stem

    @property
    def group(self) -> str:
        """The key of splits: one woman, in whichever folder."""
        return f"fp {self.patient}"

    @property
    def kept_back(self) -> bool:
        return in_validation(self.group)

    def pixels(self) -> NDArray[np.uint8]:
        """(h, w) grey uint8 in native size. Raises ``InputError``."""
        return read_grey(self.path)


def plane_stills(folder: Path) -> list[PlaneStill]:
    """All stills of a folder in the order of its table. Raises ``InputError`` naming the row that is wrong."""
    if (folder / TABLE).is_file():
        rows = read_table(folder / TABLE, _COLUMNS, delimiter=";", key="Image_name")
        stills = [_published(row, folder / PICTURES) for row in rows]
    else:
        rows = read_table(folder / SELECTION, _SELECTED_COLUMNS, key="filename")
        stills = [_selected(row, folder / SELECTED_PICTURES) for row in rows]
    for row, still in zip(rows, stills, strict=True):
        numbered = re.match(r"Patient0*(\d+)_", still.name)
        if numbered is not None and numbered[1] != still.patient:
            raise InputError(
                f"{row.where} gives {still.path.name} to patient {still.patient}; the same woman could then be on both "
                "sides of a split. Correct the patient."
            )
    return stills


def without_twice(stills: Sequence[PlaneStill]) -> list[PlaneStill]:
    """The stills without those whose picture came before, in another folder."""
    return list({still.name: still for still in reversed(stills)}.values())[::-1]


def calipers_of(stills: Sequence[PlaneStill], calipers: dict[str, Caliper]) -> list[tuple[PlaneStill, Caliper]]:
    """The stills of our planes that carry calipers, with them. Raises ``InputError`` where kind and plane disagree."""
    found = []
    for still in stills:
        caliper = calipers.get(still.name)
        if caliper is None or still.plane in (None, Plane.OTHER):
            continue
        if caliper.kind.plane is not still.plane:
            raise InputError(
                f"{caliper.where} places {caliper.kind} on {still.name}, which is labelled {still.label}; correct "
                "the kind or take the row out."
            )
        found.append((still, caliper))
    return found


def read_fetal_planes(folder: Path) -> Dataset:
    """All stills in the order of the table, with our calipers; groups are patients. Raises ``InputError``."""
    stills = plane_stills(folder)
    placed = {still.name: caliper for still, caliper in calipers_of(stills, read_calipers())}
    return Dataset(
        "FETAL_PLANES_DB",
        "Burgos-Artizzu et al. 2020, doi 10.1038/s41598-020-67076-5, Zenodo 3904280",
        "CC BY 4.0",
        tuple(
            Still(
                each.path,
                each.group,
                each.plane,
                published_test=each.published_test,
                source=each.machine,
                truth=partial(_truth, placed.get(each.name)),
            )
            for each in stills
        ),
        split=Split.VALIDATION,
        trained_on=True,
    )


def _truth(caliper: Caliper | None) -> Truth:
    """The truth of a still whose caliper is scored; lengths are in pixels, for there is no scale."""
    if caliper is None or not caliper.scored or caliper.geometry is None:
        return Truth()
    return Truth(caliper.geometry, lengths={caliper.kind: Length(size_px(caliper.geometry))})


def _published(row: Row, pictures: Path) -> PlaneStill:
    train = row.text("Train")
    if train not in {"0", "1"}:
        raise InputError(
            f"{row.where} has {train!r} in the column Train, which is neither 0 nor 1; fetch {TABLE} again."
        )
    path = existing(pictures / f"{row.text('Image_name')}.png", row.where)
    plane, label = _plane(row, "Plane", "Brain_plane")
    machine = row.values.get("US_Machine", "")
    return PlaneStill(path, row.text("Patient_num"), plane, label, machine, published_test=train == "0")


def _selected(row: Row, pictures: Path) -> PlaneStill:
    plane, label = _plane(row, "plane", "brain_plane")
    path = existing(pictures / row.text("filename"), row.where)
    return PlaneStill(path, row.text("patient"), plane, label, row.values["machine"])


def _plane(row: Row, column: str, brain_column: str) -> tuple[Plane | None, str]:
    name = row.text(column)
    known: dict[str, Plane | None] = dict(_PLANES)
    label = name
    if name == _BRAIN:
        name, column, known = row.text(brain_column), brain_column, _BRAIN_PLANES
        label = f"{_BRAIN}, {name}"
    if name not in known:
        raise InputError(f"{row.where} has {name!r} in the column {column}, which is no plane; correct it.")
    return known[name], label

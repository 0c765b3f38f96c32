"""FETAL_PLANES_DB: stills by plane without outlines (Burgos-Artizzu et al. 2020, Zenodo 3904280).

Layout read in the set's own README, as several public repositories keep it: ``FETAL_PLANES_DB_data.csv``, parted by
semicolons (``Image_name``, ``Patient_num``, ``Plane``, ``Brain_plane``, ``Operator``, ``US_Machine``, ``Train ``), and
``Images/`` with one PNG a name. Patients are on one side of the publisher's split only.
"""

from __future__ import annotations

from pathlib import Path

from fetalnet.datasets.split import Split
from fetalnet.datasets.still import Dataset, Still, existing
from fetalnet.datasets.table import Row, read_table
from fetalnet.errors import InputError
from fetalnet.planes import Plane

TABLE = "FETAL_PLANES_DB_data.csv"
PICTURES = "Images"
_COLUMNS = ("Image_name", "Patient_num", "Plane", "Brain_plane", "Train")

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
    # A head, found and measured, that fails a criterion of quality (reference: contracts).
    "Trans-cerebellum": Plane.HEAD,
    # Some cut through a head: neither a standard plane nor surely none.
    "Other": None,
}


def read_fetal_planes(folder: Path) -> Dataset:
    """All stills in the order of the table; groups are patients. Raises ``InputError``."""
    rows = read_table(folder / TABLE, _COLUMNS, delimiter=";", key="Image_name")
    return Dataset(
        "FETAL_PLANES_DB",
        "Burgos-Artizzu et al. 2020, doi 10.1038/s41598-020-67076-5, Zenodo 3904280",
        "CC BY 4.0",
        tuple(_still(row, folder / PICTURES) for row in rows),
        split=Split.VALIDATION,
        trained_on=True,
    )


def _still(row: Row, pictures: Path) -> Still:
    train = row.text("Train")
    if train not in {"0", "1"}:
        raise InputError(
            f"{row.where} has {train!r} in the column Train, which is neither 0 nor 1; fetch {TABLE} again."
        )
    return Still(
        existing(pictures / f"{row.text('Image_name')}.png", row.where),
        row.text("Patient_num"),
        _plane(row),
        published_test=train == "0",
    )


def _plane(row: Row) -> Plane | None:
    name, column = row.text("Plane"), "Plane"
    known: dict[str, Plane | None] = dict(_PLANES)
    if name == "Fetal brain":
        name, column, known = row.text("Brain_plane"), "Brain_plane", _BRAIN_PLANES
    if name not in known:
        raise InputError(f"{row.where} has {name!r} in the column {column}, which is no plane; fetch {TABLE} again.")
    return known[name]

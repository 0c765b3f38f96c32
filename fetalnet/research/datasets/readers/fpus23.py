"""FPUS23: frames of one fetus phantom of 23 weeks, by plane (Prabakaran et al. 2023, doi 10.1109/ACCESS.2023.3284315).

Layout read in the publisher's own loader (bharathprabakaran/FPUS23, ``Plane/Plane_Dataset.py``): ``Dataset_Plane/``
with the folders ``BPD_PLANE``, ``AC_PLANE``, ``FL_PLANE`` and ``NO_PLANE``. No table tells the recording of a frame and
there is one phantom, so all frames are one group and cannot be split. The set's other half, boxes around body parts,
has no outline that could be measured and is not read.
"""

from __future__ import annotations

from pathlib import Path

from fetalnet.core.errors import InputError
from fetalnet.core.planes import Plane
from fetalnet.research.datasets.still import Dataset, Still
from fetalnet.sources.pictures.images import image_files

PICTURES = "Dataset_Plane"
_PLANES = {
    "BPD_PLANE": Plane.HEAD,
    "AC_PLANE": Plane.ABDOMEN,
    "FL_PLANE": Plane.FEMUR,
    "NO_PLANE": Plane.OTHER,
}


def read_fpus23(folder: Path) -> Dataset:
    """All frames, plane by plane, sorted by name. Raises ``InputError``."""
    for name in _PLANES:
        if not (folder / PICTURES / name).is_dir():
            raise InputError(f"There is no folder {PICTURES}/{name} in {folder.name}; unpack FPUS23 there.")
    stills = tuple(
        Still(path, "phantom", plane)
        for name, plane in _PLANES.items()
        for path in image_files(folder / PICTURES / name)
    )
    return Dataset(
        "FPUS23",
        "Prabakaran et al. 2023, doi 10.1109/ACCESS.2023.3284315",
        "MIT (the publisher's repository)",
        stills,
    )

"""Real standard planes and views that are none (FETAL_PLANES_DB, CC BY 4.0) as training sees them: with calipers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import Line
from fetalnet.core.planes import Plane
from fetalnet.research.datasets.plane_annotations import Caliper, Quality, Seen, read_calipers, read_criteria
from fetalnet.research.datasets.readers.fetal_planes import PlaneStill, calipers_of, plane_stills, without_twice
from fetalnet.research.training.data.example import Example, Outline, on_base_grid
from fetalnet.research.training.data.targets import warped
from fetalnet.screen.fan.sector import find_sector

FOLDERS = ("fetal_planes", "other_planes")

FEMUR_HALF_WIDTH = 0.045
"""Of a real femur's mask, in lengths of the shaft: thinner masks are learned with far less certainty."""

_POOR_WEIGHT = 0.25

_NONE_SEEN = Seen(frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class LabelledStill:
    """A still with its caliper, where it shows one of our planes, and what is seen in it."""

    still: PlaneStill
    caliper: Caliper | None
    seen: Seen = _NONE_SEEN

    def pixels(self) -> NDArray[np.uint8]:
        """(h, w) grey uint8 in native size. Raises ``InputError`` where the caliper lies outside."""
        pixels = self.still.pixels()
        if self.caliper is not None:
            self.caliper.check_inside(pixels.shape)
        return pixels

    def example(self, pixels: NDArray[np.uint8], matrix: NDArray[np.float64]) -> Example:
        """The picture as ``pixels`` show it, its caliper moved by the affine map ``matrix`` (2, 3)."""
        if self.caliper is None or self.caliper.geometry is None:
            return Example(pixels)
        geometry = warped(self.caliper.geometry, matrix)
        half_width_px = FEMUR_HALF_WIDTH * geometry.length_px if isinstance(geometry, Line) else 0.0
        weight = _POOR_WEIGHT if self.caliper.quality is Quality.POOR else 1.0
        outline = Outline(geometry, half_width_px=half_width_px, weight=weight)
        plane = self.caliper.kind.plane
        return Example(pixels, {plane: outline}, structures=self.seen.structures, assessed=self.seen.assessed)


def labelled_stills(data: Path) -> list[LabelledStill]:
    """The stills of ``FOLDERS`` in ``data`` whose plane is known: ours with a caliper, and views that are none.

    Raises ``InputError``.
    """
    stills = stills_in(data)
    placed = read_calipers()
    calipers = {still.name: caliper for still, caliper in calipers_of(stills, placed)}
    criteria = read_criteria()
    found = []
    for still in stills:
        caliper = calipers.get(still.name)
        if still.plane is Plane.OTHER and still.name not in placed:
            found.append(LabelledStill(still, None))
        elif caliper is not None and caliper.quality is not Quality.NONE:
            found.append(LabelledStill(still, caliper, criteria.get(still.name, _NONE_SEEN)))
    return found


def stills_in(data: Path) -> list[PlaneStill]:
    """The stills of those of ``FOLDERS`` that are in ``data``, none twice. Raises ``InputError``."""
    folders = [data / name for name in FOLDERS if (data / name).is_dir()]
    if not folders:
        raise InputError(
            f"There are no real planes in {data.name} (neither {' nor '.join(FOLDERS)}); set FETALNET_DATA or "
            "--data to the data folder."
        )
    return without_twice([each for folder in folders for each in plane_stills(folder)])


def by_plane(stills: Sequence[LabelledStill]) -> dict[Plane, list[Example]]:
    """The stills on the base grid, by plane."""
    pools: dict[Plane, list[Example]] = {plane: [] for plane in Plane}
    for each in stills:
        pixels, letterbox = on_base_grid(each.pixels())
        example = each.example(pixels, letterbox.matrix)
        pools[example.plane].append(example)
    return pools


def native_by_plane(stills: Sequence[LabelledStill]) -> dict[Plane, list[Example]]:
    """Abdomens and femurs that were placed well, in their own resolution, black outside the fan."""
    pools: dict[Plane, list[Example]] = {Plane.ABDOMEN: [], Plane.FEMUR: []}
    for each in stills:
        if each.caliper is None or not each.caliper.scored or each.caliper.kind.plane not in pools:
            continue
        pixels = each.pixels()
        example = each.example(pixels * find_sector(pixels).mask(pixels.shape), np.eye(2, 3))
        pools[example.plane].append(example)
    return pools

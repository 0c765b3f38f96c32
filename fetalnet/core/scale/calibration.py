"""What a source says about the size of its pixels: regions that each have a scale, and why one may not be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from fetalnet.core.geometry import Ellipse, Geometry, MmPerPixel
from fetalnet.core.scale.scale import Scale, ScaleOrigin

NO_SCALE_YET = "There is no scale yet: set the scale first, by typing mm per pixel or by two points on the ruler."
OUTSIDE = "The caliper does not lie in one calibrated region: pixels only."


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the picture with a scale of its own; bounds are native pixels, all four inclusive."""

    x0: int
    y0: int
    x1: int
    y1: int
    mm_per_pixel: MmPerPixel

    def contains(self, x: float, y: float) -> bool:
        """Whether the point lies on a pixel of the region."""
        return self.x0 - 0.5 <= x <= self.x1 + 0.5 and self.y0 - 0.5 <= y <= self.y1 + 0.5


@dataclass(frozen=True, slots=True)
class Calibration:
    """The scale of each part of a picture, with its provenance.

    Either ``whole`` holds for the whole picture, or each of ``regions`` for what lies in it; where two overlap the
    first counts. While ``refused`` gives a reason no scale is used, until a person accepts it. ``note`` is a warning.
    ``followed_from`` is the frame from which a trusted ruler was followed to another depth, unless a person decided.
    """

    origin: ScaleOrigin
    whole: MmPerPixel | None = None
    regions: tuple[Region, ...] = ()
    note: str | None = None
    refused: str | None = None
    followed_from: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether any part of the picture has a scale that may be used."""
        return self.refused is None and (self.whole is not None or bool(self.regions))

    @property
    def scale(self) -> Scale:
        """The one scale of the whole picture; none, with what is known about why, where there is not exactly one."""
        if self.refused is not None:
            return Scale(None, self.origin, self.refused)
        if self.whole is not None:
            return Scale(self.whole, self.origin, self.note)
        sizes = {region.mm_per_pixel for region in self.regions}
        if len(sizes) == 1:
            return Scale(sizes.pop(), self.origin, self.note)
        note = "The regions of the picture differ in scale: each measure has that of its own." if sizes else self.note
        return Scale(None, self.origin, note)

    def scale_for(self, geometry: Geometry | None) -> Scale:
        """The scale of the region that holds all of a caliper; none, with the reason, where no single one does.

        Without a caliper the one scale of the picture, where it has exactly one.
        """
        if geometry is None or not self.is_known or self.whole is not None:
            return self.scale
        points = _points(geometry)
        held = [next((each for each in self.regions if each.contains(x, y)), None) for x, y in points]
        first = held[0]
        if first is not None and all(each == first for each in held):
            return Scale(first.mm_per_pixel, self.origin, self.note)
        return Scale(None, self.origin, OUTSIDE)

    def why_no_mm(self, geometry: Geometry | None) -> str | None:
        """For a person: why a caliper has no millimetres, and what to do; None where it has them."""
        if self.is_known:
            outside = geometry is not None and self.scale_for(geometry).mm_per_pixel is None
            return f"{OUTSIDE} Move it into one region." if outside else None
        if self.refused is not None:
            return f"The scale is not used. {self.refused} Use it all the same, or set another one (Measure menu)."
        return NO_SCALE_YET

    def stretched(self, x: float, y: float) -> Calibration:
        """The same when the picture is made so many times as wide and as high."""
        if x == y == 1.0:
            return self
        whole = None if self.whole is None else MmPerPixel(self.whole.x / x, self.whole.y / y)
        regions = tuple(
            Region(
                math.floor(each.x0 * x + 0.5),
                math.floor(each.y0 * y + 0.5),
                math.floor((each.x1 + 1) * x - 0.5),
                math.floor((each.y1 + 1) * y - 0.5),
                MmPerPixel(each.mm_per_pixel.x / x, each.mm_per_pixel.y / y),
            )
            for each in self.regions
        )
        return replace(self, whole=whole, regions=regions)

    def accepted(self) -> Calibration:
        """The same after a person said that a refused scale is right; the reason stays as a warning."""
        if self.refused is None:
            return self
        note = f"Accepted by a person although: {self.refused}"
        note = note if self.note is None else f"{note} {self.note}"
        return replace(self, refused=None, note=note, followed_from=None)

    def withdrawn(self, reason: str) -> Calibration:
        """The same when its scale is no longer believed; nothing changes where there is none."""
        return replace(self, refused=reason) if self.is_known else self

    @staticmethod
    def of_whole(scale: Scale) -> Calibration:
        """One scale for the whole picture: typed, from two points, a ruler or a preset."""
        return Calibration(scale.origin, whole=scale.mm_per_pixel, note=scale.note)


NO_CALIBRATION = Calibration(ScaleOrigin.NONE)


def _points(geometry: Geometry) -> list[tuple[float, float]]:
    if isinstance(geometry, Ellipse):
        return [(float(x), float(y)) for x, y in geometry.points(72)]
    return [(geometry.x1, geometry.y1), (geometry.x2, geometry.y2)]

"""Real heads (HC18) as training sees them."""

from __future__ import annotations

from collections.abc import Iterator

from fetalnet.core.planes import Plane
from fetalnet.research.datasets.readers.hc18 import HeadStill
from fetalnet.research.training.data.example import Example, Outline, on_base_grid
from fetalnet.research.training.data.targets import warped
from fetalnet.screen.fan.sector import find_sector


def native_examples(stills: list[HeadStill]) -> Iterator[Example]:
    """The stills in their own resolution, black outside the fan."""
    for still in stills:
        pixels = still.pixels()
        fan = find_sector(pixels).mask(pixels.shape)
        yield Example(pixels * fan, {Plane.HEAD: Outline(still.truth())})


def examples(stills: list[HeadStill]) -> Iterator[Example]:
    """The stills on the base grid."""
    for still in stills:
        pixels, letterbox = on_base_grid(still.pixels())
        ellipse = warped(still.truth(), letterbox.matrix)
        yield Example(pixels, {Plane.HEAD: Outline(ellipse)})

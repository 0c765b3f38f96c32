"""A fitted geometry moved to where it belongs in the picture's own resolution: an ellipse to its organ's border, a line
to the ends of its shaft.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fetalnet.core.geometry import Ellipse, Geometry, Line
from fetalnet.core.planes import Plane
from fetalnet.inference.engines.base import Floats
from fetalnet.inference.engines.openvino import OpenVinoPart, kept_file
from fetalnet.inference.fitting import rim, shaft
from fetalnet.inference.fitting.strip import MIRRORS
from fetalnet.network.heads.rim_reader import RIM_PLANES, one_of
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.strip_form import RIM_COLUMNS, RIM_ROWS, SHAFT_COLUMNS, SHAFT_ROWS
from fetalnet.network.weights import LoadedNetwork

_FARTHEST = 0.15
"""In radii: a border that lies further away is another's, and the first ellipse stays."""

_RIM_MOVED_FAR = 0.015
"""In radii: an ellipse that was this far off is read again from nearer by."""

_ENDS_MOVED_FAR = 0.03
"""In lengths: from a line whose ends were this far off its strip is read again."""


class Part(Protocol):
    """What runs a small part of the network that is not in the engine: one item's inputs to one item's outputs."""

    def __call__(self, *inputs: Floats) -> tuple[Floats, ...]: ...


class TorchPart:
    """By PyTorch on the CPU: a GPU would take longer to be asked than this to answer."""

    def __init__(self, part: nn.Module) -> None:
        self._part = part.cpu().eval()

    @torch.inference_mode()
    def __call__(self, *inputs: Floats) -> tuple[Floats, ...]:
        return tuple(output[0].numpy() for output in self._part(*(torch.from_numpy(each)[None] for each in inputs)))


class Refinement:
    """What the network's readers of strips make of a geometry; without readers it stays as it is."""

    def __init__(self, rim_reader: Part | None = None, shaft_reader: Part | None = None) -> None:
        self._rim, self._shaft = rim_reader, shaft_reader

    @staticmethod
    def of(loaded: LoadedNetwork, device: str, threads: int = 0, cache: Path | None = None) -> Refinement:
        """With the readers that the network has, beside the engine of ``device``."""
        network = loaded.network
        if not isinstance(network, StreamingFetalNet):
            return Refinement()

        def part(name: str, reader: nn.Module | None, *example: tuple[int, ...]) -> Part | None:
            if reader is None:
                return None
            if device.lower() == "torch":
                return TorchPart(reader)
            return OpenVinoPart(
                reader, example, threads, None if cache is None else kept_file(cache, loaded.sha256, name)
            )

        return Refinement(
            part("rim", network.rim, (RIM_ROWS, RIM_COLUMNS), (len(RIM_PLANES),)),
            part("shaft", network.shaft, (SHAFT_ROWS, SHAFT_COLUMNS)),
        )

    def of_geometry(
        self,
        geometry: Geometry,
        plane: Plane,
        pixels: NDArray[np.uint8],
        seen: NDArray[np.bool_] | None = None,
        *,
        closely: bool = False,
    ) -> Geometry:
        """The geometry of a plane's organ, moved; ``seen`` (height, width) is true inside the fan.

        ``closely`` takes four times as long or more: the strip is read all four ways round, and the mean counts.
        """
        if isinstance(geometry, Ellipse):
            return (
                geometry if self._rim is None else at_border(self._rim, plane, geometry, pixels, seen, closely=closely)
            )
        return geometry if self._shaft is None else at_ends(self._shaft, geometry, pixels, seen, closely=closely)


def at_border(
    reader: Part,
    plane: Plane,
    ellipse: Ellipse,
    pixels: NDArray[np.uint8],
    seen: NDArray[np.bool_] | None = None,
    *,
    closely: bool = False,
) -> Ellipse:
    """The ellipse moved to the border of its organ."""
    found, mirrors = ellipse, MIRRORS if closely else MIRRORS[:1]
    for _ in range(1 if closely else 2):
        read = [reader(rim.strip_of(pixels, found, seen, mirror), one_of(plane)) for mirror in mirrors]
        borders, trusts = (np.stack(parts) for parts in zip(*read, strict=True))
        change = rim.movement(borders, trusts, mirrors)
        far = float(np.abs(change).max())
        if far > _FARTHEST:
            break
        found = rim.moved(found, change)
        if far <= _RIM_MOVED_FAR:
            break
    return found


def at_ends(
    reader: Part,
    line: Line,
    pixels: NDArray[np.uint8],
    seen: NDArray[np.bool_] | None = None,
    *,
    closely: bool = False,
) -> Line:
    """The line moved to the ends of its shaft."""
    first, _ = reader(shaft.strip_of(pixels, line, seen))
    found = shaft.moved(line, first)
    if not closely and float(np.abs(np.abs(first[:, 0]) - 0.5).max()) <= _ENDS_MOVED_FAR:
        return found
    mirrors = MIRRORS if closely else MIRRORS[:1]
    ways = [shaft.moved(found, reader(shaft.strip_of(pixels, found, seen, each))[0], each) for each in mirrors]
    first_end, second_end = np.mean([each.points() for each in ways], axis=0)
    return Line.of(*first_end, *second_end)

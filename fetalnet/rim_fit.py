"""A fitted ellipse moved to where the rim reader sees the organ's border, in the picture's own resolution."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from fetalnet.engine import Floats
from fetalnet.fitting.rim import MIRRORS, moved, movement, strip_of
from fetalnet.geometry import Ellipse
from fetalnet.network.rim import RimReader, one_of
from fetalnet.network.streaming import StreamingFetalNet
from fetalnet.network.weights import LoadedNetwork
from fetalnet.openvino_engine import OpenVinoRim, kept_file
from fetalnet.planes import Plane

_FARTHEST = 0.15
"""In radii: a border that lies further away is another's, and the first ellipse stays."""


class Rim(Protocol):
    """What runs a rim reader."""

    def read(self, strip: Floats, plane: Plane) -> tuple[Floats, Floats]:
        """``strip`` (ROWS, COLUMNS) of an organ: border and trust, each (ANSWERS,)."""
        ...


class TorchRim:
    """By PyTorch on the CPU: a GPU would take longer to be asked than this to answer."""

    def __init__(self, reader: RimReader) -> None:
        self._reader = reader.cpu().eval()

    @torch.inference_mode()
    def read(self, strip: Floats, plane: Plane) -> tuple[Floats, Floats]:
        border, trust = self._reader(torch.from_numpy(strip)[None], torch.from_numpy(one_of(plane))[None])
        return border[0].numpy(), trust[0].numpy()


def rim_for(loaded: LoadedNetwork, device: str, threads: int = 0, cache: Path | None = None) -> Rim | None:
    """What runs the network's rim reader beside the engine of ``device``; None where it has none."""
    network = loaded.network
    if not isinstance(network, StreamingFetalNet) or network.rim is None:
        return None
    if device.lower() == "torch":
        return TorchRim(network.rim)
    return OpenVinoRim(network.rim, threads, None if cache is None else kept_file(cache, loaded.sha256, "rim"))


def at_border(
    rim: Rim,
    plane: Plane,
    ellipse: Ellipse,
    pixels: NDArray[np.uint8],
    seen: NDArray[np.bool_] | None = None,
    *,
    closely: bool = False,
) -> Ellipse:
    """The ellipse moved to the border of its organ in a picture; ``seen`` (height, width) is true inside the fan.

    ``closely`` takes four times as long: the strip is read all four ways round, and the mean counts.
    """
    mirrors = MIRRORS if closely else MIRRORS[:1]
    read = [rim.read(strip_of(pixels, ellipse, seen, mirror), plane) for mirror in mirrors]
    borders, trusts = (np.stack(parts) for parts in zip(*read, strict=True))
    change = movement(borders, trusts, mirrors)
    return moved(ellipse, change) if float(np.abs(change).max()) <= _FARTHEST else ellipse

"""What runs a network over a stream, whatever computes it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fetalnet.core.planes import Plane

Floats = NDArray[np.float32]


class Raw(NamedTuple):
    """One frame's answer: ``planes`` (4,) probabilities, ``standardness`` (3,) 0 to 1, ``masks`` (3, height, width);
    ``structures`` (11,) probabilities in the order of ``Structure``, None where the network knows none.
    """

    planes: Floats
    standardness: Floats
    masks: Floats
    structures: Floats | None = None

    def copied(self) -> Raw:
        """Return a copy: an engine may use the memory of its answers again."""
        structures = None if self.structures is None else self.structures.copy()
        return Raw(self.planes.copy(), self.standardness.copy(), self.masks.copy(), structures)

    def with_plane(self, plane: Plane) -> Raw:
        """Return the output with its plane fixed, as surely as can be."""
        planes = np.array([each is plane for each in Plane], np.float32)
        return self._replace(planes=planes, standardness=np.ones_like(self.standardness))


class Engine(Protocol):
    """Runs a stream frame by frame and keeps its temporal state.

    ``notice`` is a sentence where it had to change on the way; None where all is as it was asked for.
    """

    notice: str | None

    @property
    def name(self) -> str: ...

    def run(self, grid: Floats) -> Raw:
        """One frame ``grid`` (height, width), grey 0 to 1."""
        ...

    def reset(self) -> None:
        """Forget the frames before."""
        ...

    @property
    def state(self) -> Floats:
        """A copy of what the network remembers of the frames before."""
        ...

    @state.setter
    def state(self, state: Floats) -> None: ...

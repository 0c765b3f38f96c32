"""What a network is built from; stored beside its weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Temporal(StrEnum):
    """How the network remembers earlier frames."""

    NONE = "none"
    CONVGRU = "convgru"


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Shape of a streaming FetalNet.

    ``height`` and ``width`` are the input grid in pixels, divisible by 32. ``channels`` are the widths of the encoder's
    five stages, at 1/2 to 1/32 of the input. ``hidden`` is the width of the temporal unit's state.
    """

    height: int = 256
    width: int = 384
    channels: tuple[int, int, int, int, int] = (16, 32, 64, 96, 128)
    temporal: Temporal = Temporal.CONVGRU
    hidden: int = 48

    def __post_init__(self) -> None:
        if self.height % STRIDE or self.width % STRIDE:
            raise ValueError(f"height and width must be divisible by {STRIDE}, got {self.height}x{self.width}")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> NetworkConfig:
        """Inverse of ``to_json``. Raises ``KeyError``, ``TypeError`` or ``ValueError`` where a field is wrong."""
        value = dict(value)
        first, second, third, fourth, fifth = (int(width) for width in value.pop("channels"))
        return NetworkConfig(
            **value | {"channels": (first, second, third, fourth, fifth), "temporal": Temporal(value["temporal"])}
        )


STRIDE = 32
"""The encoder halves the picture five times."""

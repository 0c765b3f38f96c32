"""What a network is built from; stored beside its weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass


class Architecture(StrEnum):
    """The networks that can be trained, stored and run; the name that weights carry."""

    STREAMING = "fetalnet-streaming"
    """Ours."""
    PUBLISHED = "fetalnet-published"
    """FetalNet, of which FUVAI is the same network (Plotka et al. 2021, 2022)."""
    MULTITASK_UNET = "multitask-unet"
    """Qazi et al. 2023."""
    MTLN = "mtln"
    """Sobhaninia et al. 2019."""


class Temporal(StrEnum):
    """How the network remembers earlier frames."""

    NONE = "none"
    CONVGRU = "convgru"


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Shape of a streaming FetalNet.

    ``height`` and ``width`` are the input grid in pixels, divisible by 32. ``channels`` are the widths of the encoder's
    five stages, at 1/2 to 1/32 of the input. ``hidden`` is the width of the temporal unit's state. ``crop_scale``: see
    ``fetalnet.network.heads.organ_reader.crop_size``. With ``rim`` fitted ellipses are moved to the border that a rim
    reader sees, with ``shaft`` fitted lines to the ends that a shaft reader sees. ``stills`` is a network of its own
    for pictures alone, which may take longer than a frame of a stream, on another grid; it uses the same parts.
    """

    height: int = 256
    width: int = 384
    channels: tuple[int, int, int, int, int] = (16, 32, 64, 96, 128)
    temporal: Temporal = Temporal.CONVGRU
    hidden: int = 48
    crop_scale: float = 1.0
    rim: bool = False
    shaft: bool = False
    stills: NetworkConfig | None = None

    def __post_init__(self) -> None:
        if self.height % STRIDE or self.width % STRIDE:
            raise ValueError(f"height and width must be divisible by {STRIDE}, got {self.height}x{self.width}")
        of = self.stills
        if of is None:
            return
        if of.rim or of.shaft or of.stills or (of.height, of.width) == (self.height, self.width):
            raise ValueError("a network for stills has a grid of its own and no parts beside it")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> NetworkConfig:
        """Inverse of ``to_json``. Raises ``KeyError``, ``TypeError`` or ``ValueError`` where a field is wrong."""
        value = dict(value)
        first, second, third, fourth, fifth = (int(width) for width in value.pop("channels"))
        value |= {"channels": (first, second, third, fourth, fifth), "temporal": Temporal(value["temporal"])}
        if value.get("stills") is not None:
            value["stills"] = NetworkConfig.from_json(value["stills"])
        return NetworkConfig(**value)


STRIDE = 32
"""The encoder halves the picture five times."""


class Join(StrEnum):
    """What a decoder stage of the published FetalNet convolves."""

    RELEASED = "released"
    """[skip, gated skip], as the released code does: deeper maps reach the mask through the gates alone."""
    ATTENTION_UNET = "attention_unet"
    """[gated skip, upsampled], as Oktay et al. 2018 do."""


class Masks(StrEnum):
    """What a network's mask channels are."""

    SHARED = "shared"
    """One for whatever plane the frame shows."""
    PER_PLANE = "per_plane"
    """One for each of ``STANDARD_PLANES``."""
    HEAD = "head"
    """One, and only heads are outlined."""

    @property
    def channels(self) -> int:
        return 3 if self is Masks.PER_PLANE else 1


_CHECKED = ConfigDict(extra="forbid")


@checked_dataclass(frozen=True, slots=True, config=_CHECKED)
class PublishedConfig:
    """Shape of the published FetalNet; the defaults are its published sizes, joined as Oktay et al. do.

    ``base`` is the width of the first stage, doubled by each of the three after it and by the bottleneck.
    ``temporal_layers`` 0 leaves the ConvLSTM out; ``temporal_width`` is each layer's. ``deep_supervision`` returns the
    side outputs, so that training charges for each.
    """

    architecture: Literal[Architecture.PUBLISHED] = Architecture.PUBLISHED
    height: int = Field(default=224, gt=0, multiple_of=16)
    width: int = Field(default=224, gt=0, multiple_of=16)
    base: int = Field(default=64, ge=2)
    temporal_layers: int = Field(default=2, ge=0)
    temporal_width: int = Field(default=512, gt=0)
    join: Join = Join.ATTENTION_UNET
    masks: Literal[Masks.SHARED, Masks.PER_PLANE] = Masks.SHARED
    deep_supervision: bool = False


@checked_dataclass(frozen=True, slots=True, config=_CHECKED)
class MultiTaskUNetConfig:
    """Shape of the multi-task U-Net.

    ``base`` is the width of the first of five levels, doubled by each. ``classes`` 3 tells the standard planes apart,
    as published; 4 knows frames without one too.
    """

    architecture: Literal[Architecture.MULTITASK_UNET] = Architecture.MULTITASK_UNET
    height: int = Field(default=256, gt=0, multiple_of=16)
    width: int = Field(default=384, gt=0, multiple_of=16)
    base: int = Field(default=64, ge=1)
    classes: Literal[3, 4] = 4


@checked_dataclass(frozen=True, slots=True, config=_CHECKED)
class MtlnConfig:
    """Shape of the MTLN; ``base`` is the width of the first of four stages, doubled by each."""

    architecture: Literal[Architecture.MTLN] = Architecture.MTLN
    height: int = Field(default=256, gt=0, multiple_of=32)
    width: int = Field(default=384, gt=0, multiple_of=32)
    base: int = Field(default=64, ge=4)


PeerConfig = PublishedConfig | MultiTaskUNetConfig | MtlnConfig
Config = NetworkConfig | PeerConfig

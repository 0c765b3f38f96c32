"""What is remembered of a device: one small readable file each, which a person may edit and give to a colleague."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.letterbox import Box
from fetalnet.core.scale.scale import PLAUSIBLE_MM_PER_PIXEL, Scale, ScaleOrigin
from fetalnet.screen.device.layout import Layout
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.shape import FanShape, StoredFan, check_fan
from fetalnet.screen.ruler.detect import Axis, Ruler
from fetalnet.screen.ruler.spacing import CLEAR, alike, hypotheses

_SAME_FAN = 0.96
"""Intersection over union from which on a fan counts as unchanged: at another depth or zoom the scale is another."""
_BELIEVED = 0.25
"""Plausibility from which on remembered ticks are believed: a scanner may draw others at another depth."""
_SAME_SCALE = 0.03
"""The fan's outline tells the depth to a few parts in a hundred."""
_PLAUSIBLE = Field(ge=PLAUSIBLE_MM_PER_PIXEL[0], le=PLAUSIBLE_MM_PER_PIXEL[1], allow_inf_nan=False)


class Ticks(NamedTuple):
    """What a ruler's ticks stand for, as a person confirmed it, and every how many a longer one comes, if known."""

    spacing_mm: float
    pattern: tuple[int, ...] | None


class PresetScale(BaseModel):
    """Size of a pixel in mm, as a person confirmed it, and the ``outline`` (x, y) of the fan that it was true of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: Annotated[float, _PLAUSIBLE]
    y: Annotated[float, _PLAUSIBLE]
    outline: Annotated[tuple[tuple[float, float], ...], Field(min_length=3, max_length=400)]


class Preset(BaseModel):
    """A device as its screen shows it.

    ``fan``: drawn by hand, for pictures on which it is not found well. ``tick_spacing_mm``: between neighbouring
    ticks of the ruler, once a person confirmed it; ``tick_pattern``: every how many a longer one came then. ``scale``:
    for the depth at which it was confirmed. ``masks``: further rectangles x0, y0, x1, y1 of native pixels to be
    hidden, such as names that the scanner writes into the fan.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal["fetalnet-preset"] = "fetalnet-preset"
    schema_version: Literal[1] = 1
    name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^\S(.*\S)?$")]
    layout: Layout
    fan: StoredFan | None = None
    tick_spacing_mm: Annotated[float, Field(gt=0, le=100)] | None = None
    tick_pattern: Annotated[tuple[Annotated[int, Field(ge=2, le=100)], ...], Field(max_length=2)] | None = None
    scale: PresetScale | None = None
    masks: Annotated[tuple[Box, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _in_the_picture(self) -> Self:
        width, height = self.layout.width, self.layout.height
        if self.fan is not None:
            try:
                check_fan(self.fan, (width, height))
            except InputError as error:
                raise ValueError(str(error)) from error
        for x0, y0, x1, y1 in self.masks:
            if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
                raise ValueError("a mask outside the picture")
        return self

    @property
    def sector(self) -> Sector | None:
        """The fan drawn by hand, as what the network looks at."""
        return None if self.fan is None else Sector.of_fan(self.fan, (self.layout.height, self.layout.width))

    def scale_on(self, sector: Sector) -> Scale:
        """The scale of a picture of this device with this fan; none, with the reason, at another depth or zoom."""
        if self.scale is None:
            return Scale(None, ScaleOrigin.PRESET, "The preset holds no scale.")
        shape = self.layout.height, self.layout.width
        outline = np.array(self.scale.outline)
        then, now = (Sector(sector.box, each).mask(shape) for each in (outline, sector.polygon))
        union = np.count_nonzero(then | now)
        if not union or np.count_nonzero(then & now) / union < _SAME_FAN:
            return Scale(None, ScaleOrigin.PRESET, "The fan is not where it was: depth or zoom is another.")
        return Scale(MmPerPixel(self.scale.x, self.scale.y), ScaleOrigin.PRESET, f"From the preset {self.name}.")

    def ruler_scale(self, ruler: Ruler | None, fan_depth_px: float) -> Scale:
        """The scale of a picture of this device on which ``ruler`` was found; none, with the reason, in any doubt.

        ``fan_depth_px``: height of the fan. What the ticks stand for must make an examination of it.
        """
        if self.tick_spacing_mm is None:
            return Scale(None, ScaleOrigin.RULER, f"The preset {self.name} does not know what the ruler's ticks mean.")
        if ruler is None or ruler.axis is not Axis.DEPTH or ruler.confidence < CLEAR:
            return Scale(None, ScaleOrigin.RULER, "The ruler was not found clearly on this picture.")
        if self.tick_pattern is not None and not alike(self.tick_pattern, ruler.major_every):
            note = f"The ruler has another pattern of ticks than when they were confirmed for {self.name}."
            return Scale(None, ScaleOrigin.RULER, note)
        choice = next(
            (each for each in hypotheses(ruler, fan_depth_px) if each.spacing_mm == self.tick_spacing_mm), None
        )
        if choice is None or choice.plausibility < _BELIEVED:
            note = (
                f"With ticks every {self.tick_spacing_mm:g} mm, as remembered of {self.name}, the depth could not be."
            )
            return Scale(None, ScaleOrigin.RULER, note)
        note = f"Ticks every {self.tick_spacing_mm:g} mm, as remembered of {self.name}."
        return Scale(choice.scale.mm_per_pixel, ScaleOrigin.RULER, note)

    def scale_of(self, ruler: Ruler | None, sector: Sector) -> Scale:
        """What this device's preset makes of a picture: by its ruler, else by its fan; none where the two differ."""
        by_ruler = self.ruler_scale(ruler, float(sector.box[3] - sector.box[1]))
        by_fan = self.scale_on(sector)
        if by_ruler.mm_per_pixel is None:
            return by_fan if by_fan.mm_per_pixel is not None or self.tick_spacing_mm is None else by_ruler
        if by_fan.mm_per_pixel is not None and abs(by_fan.mm_per_pixel.y / by_ruler.mm_per_pixel.y - 1) > _SAME_SCALE:
            note = f"Ruler and fan do not agree about the scale that is remembered of {self.name}: neither is used."
            return Scale(None, ScaleOrigin.PRESET, note)
        return by_ruler

    def renamed(self, name: str) -> Preset:
        """The same under another name. Raises ``InputError`` for one that is none."""
        return _checked(self.model_dump(mode="json") | {"name": name.strip()})

    def with_ticks(self, spacing_mm: float | None, pattern: tuple[int, ...] | None = None) -> Preset:
        """The same with what its ruler's ticks stand for, or without. Raises ``InputError`` for no such spacing."""
        ticks = {"tick_spacing_mm": spacing_mm, "tick_pattern": pattern}
        return _checked(self.model_dump(mode="json") | ticks)

    def to_text(self) -> str:
        return self.model_dump_json(indent=1) + "\n"

    @staticmethod
    def from_text(text: str | bytes, source: str) -> Preset:
        """Read a preset; ``source`` names it in the sentence. Raises ``InputError``."""
        try:
            return Preset.model_validate_json(text)
        except ValidationError as error:
            raise InputError(f"{source} is no preset of this program: {_first(error)}.") from error


def new_preset(
    name: str,
    layout: Layout,
    *,
    fan: FanShape | None = None,
    ticks: Ticks | None = None,
    scale: Scale | None = None,
    sector: Sector | None = None,
) -> Preset:
    """A preset of what is known about a device. ``scale`` holds for the fan ``sector``. Raises ``InputError``."""
    size = scale.mm_per_pixel if scale is not None and sector is not None else None
    held = None
    if size is not None and sector is not None:
        outline = [(round(float(x), 1), round(float(y), 1)) for x, y in sector.polygon]
        held = {"x": size.x, "y": size.y, "outline": outline}
    return _checked(
        {
            "name": name.strip(),
            "layout": layout.model_dump(),
            "fan": None if fan is None else fan.to_json(),
            "tick_spacing_mm": None if ticks is None else ticks.spacing_mm,
            "tick_pattern": None if ticks is None else ticks.pattern,
            "scale": held,
        }
    )


def best_match(presets: Iterable[Preset], layout: Layout | None, sector: Sector) -> Preset | None:
    """The preset of the device that shows this layout, if one is known.

    Of several, for instance one for each depth, the one whose scale holds for this fan, then one that knows the
    ruler, then the most alike; then the first.
    """
    if layout is None:
        return None
    alike = [preset for preset in presets if preset.layout.matches(layout)]
    return max(
        alike,
        key=lambda preset: (
            preset.scale_on(sector).mm_per_pixel is not None,
            preset.tick_spacing_mm is not None,
            preset.layout.likeness(layout),
        ),
        default=None,
    )


def _checked(values: dict[str, Any]) -> Preset:
    try:
        return Preset.model_validate(values)
    except ValidationError as error:
        raise InputError(f"This cannot be a preset: {_first(error)}.") from error


def _first(error: ValidationError) -> str:
    """Where the first fault lies, in a few words."""
    fault = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in fault["loc"] if not str(part).startswith("function"))
    what = str(fault["msg"]).removeprefix("Value error, ")
    return f"{where}: {what}" if where else what

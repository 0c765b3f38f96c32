"""What is remembered of a device: one small readable file each, which a person may edit and give to a colleague."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fetalnet.errors import InputError
from fetalnet.geometry import MmPerPixel
from fetalnet.picture.fan import FanShape, StoredFan, check_fan
from fetalnet.picture.layout import Layout
from fetalnet.picture.letterbox import Box
from fetalnet.picture.scale import PLAUSIBLE_MM_PER_PIXEL, Scale, ScaleOrigin
from fetalnet.picture.sector import Sector

_SAME_FAN = 0.96
"""Intersection over union from which on a fan counts as unchanged: at another depth or zoom the scale is another."""
_PLAUSIBLE = Field(ge=PLAUSIBLE_MM_PER_PIXEL[0], le=PLAUSIBLE_MM_PER_PIXEL[1], allow_inf_nan=False)


class PresetScale(BaseModel):
    """Size of a pixel in mm, as a person confirmed it, and the ``outline`` (x, y) of the fan that it was true of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: Annotated[float, _PLAUSIBLE]
    y: Annotated[float, _PLAUSIBLE]
    outline: Annotated[tuple[tuple[float, float], ...], Field(min_length=3, max_length=400)]


class Preset(BaseModel):
    """A device as its screen shows it.

    ``fan``: drawn by hand, for pictures on which it is not found well. ``tick_spacing_mm``: between neighbouring
    ticks of the ruler, once a person confirmed it. ``scale``: for the depth at which it was confirmed. ``masks``:
    further rectangles x0, y0, x1, y1 of native pixels to be hidden, such as names that the scanner writes into the fan.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal["fetalnet-preset"] = "fetalnet-preset"
    schema_version: Literal[1] = 1
    name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^\S(.*\S)?$")]
    layout: Layout
    fan: StoredFan | None = None
    tick_spacing_mm: Annotated[float, Field(gt=0, le=100)] | None = None
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

    def renamed(self, name: str) -> Preset:
        """The same under another name. Raises ``InputError`` for one that is none."""
        return _checked(self.model_dump(mode="json") | {"name": name.strip()})

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
    tick_spacing_mm: float | None = None,
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
            "tick_spacing_mm": tick_spacing_mm,
            "scale": held,
        }
    )


def best_match(presets: Iterable[Preset], layout: Layout | None, sector: Sector) -> Preset | None:
    """The preset of the device that shows this layout, if one is known.

    Of several, for instance one for each depth, the one whose scale holds for this fan; then the most alike.
    """
    if layout is None:
        return None
    alike = [preset for preset in presets if preset.layout.matches(layout)]
    return max(
        alike,
        key=lambda preset: (preset.scale_on(sector).mm_per_pixel is not None, preset.layout.likeness(layout)),
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

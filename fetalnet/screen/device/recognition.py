"""Which device a recording comes from, by its screen, and what that device's preset makes of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace

from fetalnet.core.errors import InputError
from fetalnet.core.frame import Source
from fetalnet.core.scale.calibration import NO_CALIBRATION, Calibration
from fetalnet.screen.device.layout import first_screen
from fetalnet.screen.device.preset import Preset, best_match
from fetalnet.screen.fan.sector import find_sector
from fetalnet.screen.ruler.detect import find_ruler

_LOOKED_AT = (0, 4, 8)
"""Frames near the start: what moves is no ruler, and later the depth may be another."""


def recognised(source: Source, presets: Iterable[Preset]) -> Preset | None:
    """The preset of the device that shows this recording's screen; the same for the same presets and recording."""
    fan, layout = first_screen(source)
    return best_match(presets, layout, fan)


def check_size(preset: Preset, source: Source) -> None:
    """Raises ``InputError`` where a preset is of a screen of another size."""
    layout = preset.layout
    if (layout.width, layout.height) != (source.width, source.height):
        raise InputError(
            f"The preset {preset.name} is of a screen of {layout.width} x {layout.height} pixels, and {source.name} "
            f"has {source.width} x {source.height}; choose another one, or leave out --preset."
        )


def preset_calibration(preset: Preset, source: Source) -> Calibration:
    """The scale that a preset gives the first frames: by their ruler, else by their fan; else none, with the reason."""
    pictures = []
    for index in _LOOKED_AT:
        with contextlib.suppress(InputError, IndexError):
            pictures.append(source[index].pixels)
    if not pictures or (preset.tick_spacing_mm is None and preset.scale is None):
        return NO_CALIBRATION
    ruler = find_ruler(*pictures) if preset.tick_spacing_mm is not None else None
    scale = preset.scale_of(ruler, find_sector(*pictures))
    if scale.mm_per_pixel is None:
        return replace(NO_CALIBRATION, note=f"No scale from the preset {preset.name}. {scale.note}")
    return Calibration.of_whole(scale)

"""The device a recording comes from, as far as its screen tells, and what a preset remembers of it."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from fetalnet.core.errors import InputError
from fetalnet.core.letterbox import Box
from fetalnet.core.scale.scale import Scale, ScaleOrigin
from fetalnet.screen.device.layout import Layout
from fetalnet.screen.device.preset import Preset, Ticks, best_match, new_preset
from fetalnet.screen.device.preset_folder import PresetFolder
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.shape import FanShape

_NOT_NAMED = re.compile(r"Device \d+")
"""How a device is called until a person names it."""


class Device(QObject):
    """Knows the presets, and which of them belongs to what is open. They are read at the start and after a change.

    Signals:
        changed(): another preset is found, or none any more.
    """

    changed = Signal()

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = PresetFolder(folder)
        self.preset: Preset | None = None
        self.scale: Scale | None = None
        """What the preset offers for the open recording, at its depth."""
        self.ticks: Ticks | None = None
        """What a person said that the ruler's ticks of the open recording stand for."""
        self._known = self.folder.presets()
        self._layout: Layout | None = None
        self._fan: Sector | None = None

    @property
    def presets(self) -> tuple[Preset, ...]:
        """Every device that is known."""
        return tuple(self._known)

    @property
    def drawn_fan(self) -> Sector | None:
        """The fan that a person drew for this device."""
        return self.preset.sector if self.preset is not None else None

    @property
    def masks(self) -> tuple[Box, ...]:
        """What else is to be hidden on this device's screen."""
        return self.preset.masks if self.preset is not None else ()

    @property
    def can_remember(self) -> bool:
        """Whether the open recording's screen shows enough to be known again."""
        return self._layout is not None

    @property
    def offers_scale(self) -> bool:
        """Whether the preset may give the open recording a scale: by its fan, or by the ruler once that is found."""
        return self.scale is not None or (self.preset is not None and self.preset.tick_spacing_mm is not None)

    def look(self, layout: Layout | None, fan: Sector) -> None:
        """Another recording is open."""
        self.ticks = None
        self._layout, self._fan = layout, fan
        self._find()

    def set_fan(self, fan: Sector) -> None:
        """The fan of the open recording was found in more frames. One drawn by hand tells nothing about the depth."""
        self._fan = fan
        self._find()

    def reload(self) -> None:
        """The files of the presets were changed."""
        self._known = self.folder.presets()
        self._find()

    def remember(self, name: str, scale: Scale, drawn: FanShape | None = None) -> Preset:
        """Keep what is known of the open recording's device under a new name. Raises ``InputError``.

        What was remembered of it before it had a name gets this one.
        """
        # What each recording brings along, no preset need remember.
        held = None if scale.origin.is_of_the_file else scale
        ticks = self.ticks if scale.origin is ScaleOrigin.RULER else None
        unnamed = self.preset if self.preset is not None and _NOT_NAMED.fullmatch(self.preset.name) else None
        if unnamed is None:
            return self._add(name, fan=drawn, scale=held, ticks=ticks)
        # What the ruler's ticks mean was kept before the device had a name: it is the same device.
        if ticks is None and unnamed.tick_spacing_mm is not None:
            ticks = Ticks(unnamed.tick_spacing_mm, unnamed.tick_pattern)
        self.folder.rename(unnamed.name, name)
        return self._add(name, fan=drawn, scale=held, ticks=ticks, again=True)

    def remember_ticks(self, ticks: Ticks) -> Preset:
        """Keep what the ruler's ticks mean: with the device's preset, else with a new one. Raises ``InputError``."""
        if self.preset is None:
            names = {each.name for each in self._known}
            free = next(name for number in count(1) if (name := f"Device {number}") not in names)
            return self._add(free, ticks=ticks)
        preset = self.preset.with_ticks(*ticks)
        self.folder.save(preset)
        self.reload()
        return preset

    def _add(
        self,
        name: str,
        *,
        fan: FanShape | None = None,
        scale: Scale | None = None,
        ticks: Ticks | None = None,
        again: bool = False,
    ) -> Preset:
        """A preset of this device; ``again``: in the place of the one of the same name."""
        if self._layout is None or self._fan is None:
            raise InputError("This screen shows too little around its fan to be known again; no preset can be made.")
        preset = new_preset(name, self._layout, fan=fan, ticks=ticks, scale=scale, sector=self._fan)
        (self.folder.save if again else self.folder.add)(preset)
        self.reload()
        return preset

    def _find(self) -> None:
        if self._fan is None:
            return
        self.preset = best_match(self._known, self._layout, self._fan)
        offered = self.preset.scale_on(self._fan) if self.preset is not None else None
        self.scale = offered if offered is not None and offered.mm_per_pixel is not None else None
        self.changed.emit()

"""The device presets of the command line: which one a source has, and what it gives."""

from __future__ import annotations

from pathlib import Path

from fetalnet.cli.progress import notice
from fetalnet.core.errors import InputError
from fetalnet.core.scale.calibration import NO_CALIBRATION, Calibration
from fetalnet.core.system.folders import Folders
from fetalnet.screen.burned_in import FanOnly
from fetalnet.screen.device.preset import Preset
from fetalnet.screen.device.preset_folder import PresetFolder, read_preset
from fetalnet.screen.device.recognition import check_size, preset_calibration, recognised
from fetalnet.screen.fan.sector import Sector
from fetalnet.screen.fan.sector_search import sector_of
from fetalnet.sources import Source


class Devices:
    """The presets that may be used: all of the person's own, one that is named, or none."""

    def __init__(self, named: str | None, *, ignored: bool) -> None:
        """``named`` is a preset's name or its file. Raises ``InputError`` where there is no such preset."""
        folder = PresetFolder(Folders().presets)
        self._named = None if named is None else _named(named, folder)
        self._known = [] if ignored or named is not None else folder.presets()
        for sentence in () if ignored or named is not None else folder.damaged:
            notice(sentence)
        self._last: tuple[Source, Preset | None] | None = None
        self._searched: tuple[Source, Sector] | None = None
        self._fans_of: dict[str, None] = {}

    def of(self, source: Source) -> Preset | None:
        """The source's preset. Raises ``InputError`` where the one that was named cannot be."""
        if self._last is None or self._last[0] is not source:
            if self._named is not None:
                check_size(self._named, source)
            self._last = source, self._named or (recognised(source, self._known) if self._known else None)
        return self._last[1]

    def calibration_of(self, source: Source) -> Calibration:
        """The scale that its preset gives a source."""
        preset = self.of(source)
        return NO_CALIBRATION if preset is None else preset_calibration(preset, source)

    def sector_of(self, source: Source) -> Sector:
        """The fan that a person drew for the source's device, or the one that is found."""
        preset = self.of(source)
        if preset is not None and preset.sector is not None:
            self._fans_of[preset.name] = None
            return preset.sector
        if self._searched is None or self._searched[0] is not source:
            self._searched = source, sector_of(source)
        return self._searched[1]

    @property
    def note(self) -> str | None:
        """Whose fan was used, for the analysis; None where it was found in the pictures."""
        return f"The fan is that of the preset {', '.join(self._fans_of)}." if self._fans_of else None

    def fan_only(self, source: Source) -> FanOnly:
        """What of a source may be shown: its fan, without what is masked on its device."""
        preset = self.of(source)
        masks = () if preset is None else preset.masks
        return FanOnly.of(self.sector_of(source), (source.height, source.width), masks)


def _named(name: str, folder: PresetFolder) -> Preset:
    path = Path(name)
    if path.is_file():
        return read_preset(path)
    names = [preset.name for preset in folder.presets()]
    if name not in names:
        known = ", ".join(names) or "none yet"
        raise InputError(f"There is no preset {name}; give the name of one ({known}), or a preset's file.")
    return folder.named(name)

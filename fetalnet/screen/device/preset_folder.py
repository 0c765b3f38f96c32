"""Presets on disk: a folder with one file a device."""

from __future__ import annotations

import re
from pathlib import Path

from fetalnet.core.errors import InputError
from fetalnet.core.system.files import write_file
from fetalnet.screen.device.preset import Preset

SUFFIX = ".fetalnet-preset.json"
_MAX_BYTES = 1 << 20


class PresetFolder:
    """The presets of one person. ``damaged`` names the files that could not be read when it was last listed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: tuple[str, ...] = ()

    def presets(self) -> list[Preset]:
        """All presets in the order of their names; a damaged file costs that file alone."""
        return [preset for _, preset in self._files()]

    def save(self, preset: Preset) -> None:
        """Keep a preset, in the place of the one of the same name. Raises ``InputError``."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"Presets cannot be kept ({error.strerror}); free the folder for them.") from error
        write_file(self._path_of(preset.name) or self._free_path(preset.name), preset.to_text().encode("utf-8"))

    def add(self, preset: Preset) -> None:
        """Keep a new preset. Raises ``InputError`` where its name is taken."""
        if self._path_of(preset.name) is not None:
            raise InputError(f"There is a preset {preset.name} already; choose another name, or delete it first.")
        self.save(preset)

    def rename(self, name: str, new_name: str) -> None:
        """Give a preset another name. Raises ``InputError`` where that is taken or none."""
        old = self.named(name)
        new = old.renamed(new_name)
        if new.name == old.name:
            return
        self.add(new)
        self.delete(name)

    def set_ticks(self, name: str, spacing_mm: float | None) -> None:
        """Say what the ruler's ticks of a device stand for; None forgets it. Raises ``InputError``."""
        old = self.named(name)
        # Another spacing, typed without a ruler in sight: which ticks are longer stays as it was seen.
        self.save(old.with_ticks(spacing_mm, None if spacing_mm is None else old.tick_pattern))

    def delete(self, name: str) -> None:
        path = self._path_of(name)
        if path is None:
            raise _unknown(name)
        try:
            path.unlink()
        except OSError as error:
            raise InputError(f"The preset {name} cannot be deleted ({error.strerror}).") from error

    def named(self, name: str) -> Preset:
        for preset in self.presets():
            if preset.name == name:
                return preset
        raise _unknown(name)

    def export(self, name: str, path: Path) -> None:
        """Write a preset to a file for a colleague. Raises ``InputError``."""
        write_file(path, self.named(name).to_text().encode("utf-8"))

    def import_file(self, path: Path) -> Preset:
        """Keep the preset of a colleague's file. Raises ``InputError`` where it is none, or its name is taken."""
        preset = read_preset(path)
        self.add(preset)
        return preset

    def _files(self) -> list[tuple[Path, Preset]]:
        found, damaged = [], []
        for path in sorted(self.folder.glob(f"*{SUFFIX}")) if self.folder.is_dir() else ():
            try:
                found.append((path, read_preset(path)))
            except InputError as error:
                damaged.append(str(error))
        self.damaged = tuple(damaged)
        return sorted(found, key=lambda each: each[1].name.casefold())

    def _path_of(self, name: str) -> Path | None:
        return next((path for path, preset in self._files() if preset.name == name), None)

    def _free_path(self, name: str) -> Path:
        stem = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "preset"
        numbers = ("", *(f"-{number}" for number in range(2, 1000)))
        return next(path for end in numbers if not (path := self.folder / f"{stem}{end}{SUFFIX}").exists())


def read_preset(path: Path) -> Preset:
    """The preset of one file. Raises ``InputError``."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path.name} is too large for a preset; choose another file.")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}); choose another file.") from error
    return Preset.from_text(content, path.name)


def _unknown(name: str) -> InputError:
    return InputError(f"There is no preset {name} any more; it may have been deleted elsewhere.")

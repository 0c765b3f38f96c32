"""Where the system keeps what is a person's own, for the window and the command line alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

PROGRAM = "fetalnet-sonographer"


@dataclass(frozen=True, slots=True)
class Folders:
    """Those of the person at this computer, unless told otherwise."""

    config: Path = field(default_factory=lambda: Path(platformdirs.user_config_dir(PROGRAM)))
    data: Path = field(default_factory=lambda: Path(platformdirs.user_data_dir(PROGRAM)))
    log: Path = field(default_factory=lambda: Path(platformdirs.user_log_dir(PROGRAM)))
    cache: Path = field(default_factory=lambda: Path(platformdirs.user_cache_dir(PROGRAM)))

    @property
    def presets(self) -> Path:
        """One file a device."""
        return self.data / "presets"

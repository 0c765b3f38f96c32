"""What a person chose, as one typed table in a readable file. Window geometry lives apart, in QSettings.

Neither may stop the start: what cannot be read is left out and said in the log.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fetalnet.core.errors import InputError
from fetalnet.core.system.files import write_file

log = logging.getLogger(__name__)

RECENT_LIMIT = 10


class Settings(BaseModel):
    """Every setting, its meaning, its default and its limits."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True)

    version: int = 1
    recent_files: list[str] = []
    """Newest first."""
    last_folder: str = ""
    """Where the open and export dialogs begin."""
    loop: bool = False
    """Play again from the start when the end is reached."""
    show_overlay: bool = True
    """Draw outline, calipers and values over the picture."""
    hide_text: bool = False
    """Cover what lies outside the fan: scanners burn the patient's name into their pictures."""
    live_addresses: list[str] = []
    """Streams that were watched, newest first, without their passwords."""
    receive: bool = False
    """Receive what scanners and archives send by DICOM."""
    receive_port: Annotated[int, Field(ge=1, le=65535)] = 11112
    receive_ae_title: str = "FETALNET"
    receive_from: list[str] = []
    """AE titles that may send; all where empty, which only this computer's own programs may use."""
    receive_host: str = "127.0.0.1"
    """Where the receiver listens: at this computer alone, or 0.0.0.0 for the network."""
    engine: str = "auto"
    """What runs the network, as --device names it; auto takes the one that was measured to be the fastest here."""
    overlay_opacity: Annotated[float, Field(ge=0.0, le=1.0)] = 0.18
    """How strongly the segmentation tints the picture."""
    min_plane_size: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
    """How much of the fan's smaller side a plane must fill to be large enough: 0.3, or 0.5 as ISUOG asks."""

    def add_live_address(self, address: str) -> None:
        """Put a stream's address at the head of the list."""
        self.live_addresses = [address, *(each for each in self.live_addresses if each != address)][:RECENT_LIMIT]

    def add_recent(self, path: Path) -> None:
        """Put a recording at the head of the list."""
        name = str(path.absolute())
        self.recent_files = [name, *(each for each in self.recent_files if each != name)][:RECENT_LIMIT]
        # A recording in an archive has no folder of its own.
        self.last_folder = str(next(folder for folder in path.absolute().parents if not folder.is_file()))


def load_settings(path: Path) -> Settings:
    """The settings in ``path``; a value that cannot be right falls back to its default alone."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError):
        log.warning("settings file cannot be read; defaults are used")
        return Settings()
    if not isinstance(values, dict):
        return Settings()
    try:
        return Settings(**values)
    except ValidationError as error:
        wrong = {str(each["loc"][0]) for each in error.errors()}
        log.warning("settings left out: %s", ", ".join(sorted(wrong)))
        return Settings(**{key: value for key, value in values.items() if key not in wrong})


def save_settings(settings: Settings, path: Path) -> None:
    """Write the settings; a folder that cannot be written is said in the log and nothing more."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The names of the recordings opened last may tell who the patients are.
        write_file(path, json.dumps(settings.model_dump(), indent=1).encode(), mode=0o600)
    except (InputError, OSError) as error:
        log.warning("settings cannot be saved: %s", error)

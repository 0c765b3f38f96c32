"""Saying what a pixel measures, where the fan lies and which device it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog

from app.actions.host import ActionHost
from app.actions.ruler import RulerScale
from app.canvas.hit import Point
from app.canvas.view import Tool
from app.dialogs.number import NumberDialog
from app.dialogs.presets import PresetsDialog, description
from app.workers.fan_search import FanSearch
from app.workers.hanging import wait_or_leave
from fetalnet.core.errors import InputError
from fetalnet.core.scale.scale import Scale, given_scale, two_point_scale
from fetalnet.screen.fan.shape import FanShape


class Scaling(QObject):
    """Verbs about scale, fan and device; ``ruler`` reads the scale from the screen."""

    def __init__(self, window: ActionHost) -> None:
        super().__init__(window)
        self.window, self.session = window, window.session
        self.canvas = window.canvas
        self.ruler = RulerScale(window)
        self._fan_search = FanSearch(window.open_source, self)
        self._fan_search.found.connect(self._on_fan_found)
        self._fan_search.failed.connect(window.session.notice)

    def ask_scale(self) -> None:
        known = self.session.scale.mm_per_pixel
        value = NumberDialog.ask(
            "Set scale", "Millimetres per pixel:", known.x if known else 0.2, "mm per pixel", self.window
        )
        if value is not None:
            self.set_typed_scale(value)

    def ask_two_point_scale(self, first: Point, second: Point) -> None:
        length_mm = NumberDialog.ask(
            "Scale by two points", "Distance between the two points in mm:", 50.0, "mm", self.window
        )
        if length_mm is not None:
            self.set_two_point_scale(first, second, length_mm)

    def set_two_point_scale(self, first: Point, second: Point, length_mm: float) -> None:
        self._set_scale(lambda: two_point_scale(first.x, first.y, second.x, second.y, length_mm))

    def set_typed_scale(self, mm_per_pixel: float) -> None:
        self._set_scale(lambda: given_scale(mm_per_pixel))

    def _set_scale(self, make: Callable[[], Scale]) -> None:
        try:
            scale = make()
        except InputError as error:
            self.window.notification.say(str(error))
        else:
            if self.session.watch.watching:
                self.session.watch.set_scale(scale)
            else:
                self.session.review.set_scale(scale)

    def scale_from_ruler(self) -> None:
        self.ruler.begin()

    def use_preset_scale(self) -> None:
        self.ruler.use_known()

    def ask_device_name(self) -> None:
        name, agreed = QInputDialog.getText(self.window, "Remember this device", "Name of the device:")
        if agreed:
            self.remember_device(name)

    def remember_device(self, name: str) -> None:
        try:
            preset = self.session.device.remember(name, self.session.scale, self.session.drawn_fan)
        except InputError as error:
            self.window.notification.say(str(error))
        else:
            self.window.notification.say(f"Remembered as {preset.name}: {description(preset)}")

    def show_presets(self) -> None:
        PresetsDialog(self.session.device, self.window).exec()

    def use_refused_scale(self) -> None:
        self.session.review.use_refused_scale()

    def two_points(self) -> None:
        if self.session.player is not None:
            self.session.player.pause()
        self.canvas.set_tool(Tool.TWO_POINTS)

    def edit_fan(self) -> None:
        """Draw the fan by hand, beginning with what is known or found; called again, take what was drawn."""
        if self.canvas.tool is Tool.FAN:
            self.canvas.take_fan()
        elif (known := self.session.searched_fan) is not None:
            self._draw_fan(known.fan)
        elif self.session.recording is not None and not self._fan_search.isRunning():
            self._fan_search.begin(self.session.recording.path)

    def _on_fan_found(self, path: Path, fan: FanShape | None) -> None:
        if self.session.recording is not None and self.session.recording.path == path:
            self._draw_fan(fan)

    def _draw_fan(self, fan: FanShape | None) -> None:
        if self.session.player is not None:
            self.session.player.pause()
        self.canvas.setFocus()
        self.canvas.edit_fan(fan)

    def stop(self) -> None:
        """Wait for what still searches beside the window."""
        self.ruler.stop()
        wait_or_leave(self._fan_search)

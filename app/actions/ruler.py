"""The scale from the screen's ruler: searched beside the window, and a person says what its ticks stand for."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt

from app.actions.host import ActionHost
from app.dialogs.ruler_scale import FoundRuler, RulerDialog, RulerSearch
from app.workers.hanging import wait_or_leave
from fetalnet.core.errors import InputError
from fetalnet.export.wording import mm_per_pixel_text
from fetalnet.screen.device.preset import Preset, Ticks
from fetalnet.screen.ruler.spacing import Hypothesis

NO_RULER = (
    "No ruler was found on this screen; set the scale by two points whose distance you know, or type it (Measure menu)."
)


class RulerScale(QObject):
    """Searches the shown frame, one search at a time; ``dialog`` is open while a person is asked.

    Where the device's ticks are known, the first frame is searched by itself, and the scale is offered.
    """

    def __init__(self, window: ActionHost) -> None:
        super().__init__(window)
        self.window = window
        self.dialog: RulerDialog | None = None
        self._search: RulerSearch | None = None
        self._then: Callable[[FoundRuler], None] | None = None
        self._offering: RulerSearch | None = None
        self._offered: Preset | None = None
        window.session.recording_opened.connect(lambda _: self._leave())
        window.session.frame_shown.connect(lambda _: self._offer_known())
        window.session.device.changed.connect(self._offer_known)

    def begin(self) -> None:
        """Stay on the shown frame and look for its ruler, to ask what it stands for."""
        self._leave_dialog()
        self._begin(self._ask)

    def use_known(self) -> None:
        """Take the scale that the device's preset gives the shown frame."""
        session = self.window.session
        preset, scale, frame = session.device.preset, session.device.scale, session.frame
        if preset is None or frame is None:
            return
        if scale is not None and preset.tick_spacing_mm is None and session.scales.step_at(frame.index).reason is None:
            session.review.set_scale(scale)
        else:
            self._begin(lambda found: self._use(preset, found))

    def stop(self) -> None:
        """Wait for the searches that still run."""
        for search in (self._search, self._offering):
            if search is not None:
                wait_or_leave(search)

    def _begin(self, then: Callable[[FoundRuler], None]) -> None:
        session = self.window.session
        if session.frame is None or self._search is not None:
            return
        session.show(session.frame.index)
        self._then = then
        self._search = RulerSearch(session.frame, session.known_fan, self)
        self._search.searched.connect(self._on_searched)
        self._search.finished.connect(self._on_finished)
        self._search.start()

    def _ask(self, found: FoundRuler) -> None:
        if found.ruler is None or not found.choices:
            self.window.notification.say(NO_RULER)
            return
        device, ticks_of = self.window.session.device, found.ruler.major_every
        name = "this device" if device.preset is None else device.preset.name
        remember = f"Remember for {name} what its ticks stand for" if device.can_remember else None
        self.window.canvas.set_ticks(found.ruler)
        dialog = RulerDialog(found.ruler, found.choices, remember, self.window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.confirmed.connect(lambda choice: self._confirm(choice, found.frame_index, ticks_of))
        dialog.finished.connect(self._on_closed)
        self.dialog = dialog
        dialog.show()

    def _confirm(self, choice: Hypothesis, frame_index: int, pattern: tuple[int, ...]) -> None:
        session, ticks = self.window.session, Ticks(choice.spacing_mm, pattern)
        session.review.set_scale(choice.scale, frame_index)
        session.device.ticks = ticks
        if self.dialog is not None and self.dialog.remember.isChecked():
            try:
                preset = session.device.remember_ticks(ticks)
            except InputError as error:
                self.window.notification.say(str(error))
            else:
                self.window.notification.say(
                    f"Remembered of {preset.name}: ticks every {ticks.spacing_mm:g} mm. "
                    "To change that: Measure, Device presets."
                )

    def _use(self, preset: Preset, found: FoundRuler) -> None:
        scale = preset.scale_of(found.ruler, found.fan)
        if scale.mm_per_pixel is None:
            self.window.notification.say(f"No scale from {preset.name}. {scale.note}")
        else:
            self.window.session.review.set_scale(scale, found.frame_index)

    def _offer_known(self) -> None:
        """Look once for the ruler of a recording without a scale, from a device whose ticks are known."""
        session = self.window.session
        preset, frame = session.device.preset, session.frame
        if preset is None or preset.tick_spacing_mm is None or self._offered == preset or self._offering is not None:
            return
        if frame is None or session.calibration.is_known or session.calibration.refused is not None:
            return
        self._offered = preset
        self._offering = RulerSearch(frame, session.known_fan, self)
        self._offering.searched.connect(self._on_offering_searched)
        self._offering.finished.connect(self._on_offering_finished)
        self._offering.start()

    def _on_searched(self, found: FoundRuler) -> None:
        if self._then is not None:
            self._then(found)

    def _on_offering_searched(self, found: FoundRuler) -> None:
        preset = self._offered
        if preset is None or self.window.session.calibration.is_known:
            return
        scale = preset.scale_of(found.ruler, found.fan)
        if scale.mm_per_pixel is not None:
            self.window.notification.say(
                f"This looks like {preset.name}: {mm_per_pixel_text(scale.mm_per_pixel)} mm per pixel. {scale.note} "
                "To use it: Measure, Use the device's scale."
            )

    def _on_finished(self) -> None:
        self._search = None

    def _on_offering_finished(self) -> None:
        self._offering = None
        self._offer_known()

    def _on_closed(self) -> None:
        self.window.canvas.set_ticks(None)
        self.dialog = None

    def _leave(self) -> None:
        """What was found belongs to another picture."""
        self._offered = self._then = None
        self._leave_dialog()

    def _leave_dialog(self) -> None:
        if self.dialog is not None:
            self.dialog.reject()

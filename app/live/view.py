"""The live picture: the newest frame with the newest overlay, its age, and a word where no signal comes."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget

from app.canvas.overlay import Overlay, overlay_of
from app.canvas.view import Canvas
from app.session.watch import Watch
from fetalnet.core.scale.calibration import NO_CALIBRATION
from fetalnet.live import LinkState, LinkStatus, LiveFrame, LivePrediction
from fetalnet.screen.burned_in import FanOnly
from fetalnet.screen.fan.sector import Sector

SHOWN_AGE_FRAMES = 2
"""An overlay that is older is told to be."""
NOT_CORRECTED_LIVE = "Stop watching to correct: the recording opens with all that was found."


class LiveCanvas(Canvas):
    """Shows a watch."""

    def __init__(self, watch: Watch, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Live picture")
        self._watch = watch
        self._fan: Sector | None = None
        self._word = QLabel(self)
        self._word.setObjectName("noSignal")
        self._word.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._word.setWordWrap(True)
        self._word.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._word.hide()
        self.installEventFilter(self)
        watch.began.connect(self._on_began)
        watch.frame_shown.connect(self._on_frame)
        watch.predicted.connect(self._on_predicted)
        watch.freeze_changed.connect(lambda _: self._on_status(watch.status))
        watch.status_changed.connect(self._on_status)

    @property
    def word(self) -> str:
        """What stands over the picture; empty while frames come."""
        return self._word.text() if not self._word.isHidden() else ""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self._watch.painted()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place_word()
        return super().eventFilter(watched, event)

    def _on_began(self) -> None:
        self.clear()
        self._fan = None
        self.set_fan(())
        self.fit()
        self._on_status(self._watch.status)

    def _on_frame(self, live: LiveFrame) -> None:
        self.show_frame(live.frame)
        self._refresh()

    def _on_predicted(self, prediction: LivePrediction) -> None:
        if prediction.fan is not self._fan:
            self._fan = prediction.fan
            shape = prediction.live.frame.height, prediction.live.frame.width
            masks = prediction.preset.masks if prediction.preset is not None else ()
            self.set_fan(self._fan.outlines if FanOnly.of(self._fan, shape).hides else (), masks)
        self._refresh()

    def _on_status(self, status: LinkStatus) -> None:
        waiting = status.state is not LinkState.LIVE
        if waiting:
            title = {LinkState.NO_SIGNAL: "NO SIGNAL", LinkState.STOPPED: "STOPPED"}.get(status.state, "CONNECTING…")
            self._word.setText(f"<span style='font-size: 22px'>{title}</span><br>{status.sentence}")
            self._word.raise_()
            self._place_word()
        self._word.setVisible(waiting and not self._watch.frozen)
        self._refresh()

    def _place_word(self) -> None:
        width = min(self.width() - 40, 560)
        height = max(self._word.heightForWidth(width), 60) + 24
        self._word.setGeometry((self.width() - width) // 2, (self.height() - height) // 2, width, height)

    def _refresh(self) -> None:
        """The overlay belongs to the picture only where both are of the same link."""
        watch = self._watch
        prediction, shown = watch.prediction, watch.frame
        self.grip.locked_reason = NOT_CORRECTED_LIVE
        if prediction is None or shown is None or prediction.live.segment != shown.segment:
            self.set_overlay(self._marked(overlay_of(None, (), NO_CALIBRATION, analysed="waiting for the network…"), 0))
            return
        overlay = overlay_of(prediction.prediction, (), prediction.calibration, analysed="")
        self.set_overlay(self._marked(overlay, shown.frame.index - prediction.live.frame.index))

    def _marked(self, overlay: Overlay, age_frames: int) -> Overlay:
        """The same, which tells when it is frozen or old, and what is wrong with the recording."""
        watch = self._watch
        state = "● live"
        if watch.frozen:
            state = "❄ frozen"
        elif watch.status.state is not LinkState.LIVE:
            state = f"✕ {watch.status.state}"
        elif age_frames > SHOWN_AGE_FRAMES:
            state = f"overlay {age_frames} frames old"
        wrong = watch.status.sentence if watch.status.state is LinkState.LIVE else ""
        return replace(overlay, state_badge=state, help_badge=wrong or overlay.help_badge)

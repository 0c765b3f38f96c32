"""The scale from the screen's ruler: it is found on a thread of its own, and a person says what its ticks stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QThread, Signal
from PySide6.QtWidgets import QButtonGroup, QDialog, QDialogButtonBox, QLabel, QRadioButton, QVBoxLayout, QWidget

from fetalnet.picture.ruler import Ruler, find_ruler
from fetalnet.picture.ruler_spacing import Hypothesis, hypotheses
from fetalnet.picture.sector import Sector, find_sector
from fetalnet.sources import Frame

if TYPE_CHECKING:
    from app.window import Window

NO_RULER = (
    "No ruler was found on this screen; set the scale by two points whose distance you know, or type it (Measure menu)."
)
NOT_SURE = "Not sure: compare the fan's depth with what the screen says."


class RulerSearch(QThread):
    """Looks for the ruler on one frame and ends.

    Signals:
        searched(Ruler | None, tuple of Hypothesis): none where none is sure.
    """

    searched = Signal(object, object)

    def __init__(self, frame: Frame, fan: Sector | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._frame, self._fan = frame, fan

    def run(self) -> None:
        fan = self._fan or find_sector(self._frame.pixels)
        ruler = find_ruler(self._frame.pixels)
        _, top, _, bottom = fan.box
        self.searched.emit(ruler, () if ruler is None else hypotheses(ruler, float(bottom - top)))


class RulerDialog(QDialog):
    """Asks what the ticks that are marked on the picture stand for. The window behind it stays usable.

    Signals:
        confirmed(Hypothesis).
    """

    confirmed = Signal(object)

    def __init__(self, ruler: Ruler, choices: tuple[Hypothesis, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Scale from the ruler")
        self._choices = choices
        column = QVBoxLayout(self)
        found = QLabel(f"{len(ruler.ticks)} ticks were found, {ruler.period_px:.2f} pixels apart. They are marked.")
        found.setWordWrap(True)
        column.addWidget(found)
        column.addWidget(QLabel("From one tick to the next:"))
        self._group = QButtonGroup(self)
        for rank, choice in enumerate(choices):
            button = QRadioButton(_text(choice))
            button.setChecked(rank == 0)
            self._group.addButton(button, rank)
            column.addWidget(button)
        if not choices[0].certain:
            warning = QLabel(NOT_SURE)
            warning.setObjectName("hint")
            warning.setWordWrap(True)
            column.addWidget(warning)
        buttons = QDialogButtonBox()
        use = buttons.addButton("Use this scale", QDialogButtonBox.ButtonRole.AcceptRole)
        use.setDefault(True)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.accepted.connect(lambda: self.confirmed.emit(self._choices[self._group.checkedId()]))

    def choose(self, spacing_mm: float) -> None:
        """Check the choice of this spacing."""
        rank = next(rank for rank, choice in enumerate(self._choices) if choice.spacing_mm == spacing_mm)
        self._group.button(rank).setChecked(True)


class RulerScale(QObject):
    """Searches the shown frame, one search at a time; ``dialog`` is open while a person is asked."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.window = window
        self.dialog: RulerDialog | None = None
        self._search: RulerSearch | None = None
        window.session.recording_opened.connect(lambda _: self._leave())

    def begin(self) -> None:
        """Stay on the shown frame and look for its ruler."""
        session = self.window.session
        if session.frame is None or self._search is not None:
            return
        self._leave()
        session.show(session.frame.index)
        search = RulerSearch(session.frame, session.fan, self)
        search.searched.connect(self._on_searched)
        search.finished.connect(self._on_finished)
        self._search = search
        search.start()

    def stop(self) -> None:
        """Wait for a search that still runs."""
        if self._search is not None:
            self._search.wait()

    def _on_searched(self, ruler: Ruler | None, choices: tuple[Hypothesis, ...]) -> None:
        if ruler is None or not choices:
            self.window.notification.say(NO_RULER)
            return
        self.window.canvas.set_ticks(ruler)
        dialog = RulerDialog(ruler, choices, self.window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.confirmed.connect(lambda choice: self.window.session.review.set_scale(choice.scale))
        dialog.finished.connect(self._on_closed)
        self.dialog = dialog
        dialog.show()

    def _on_finished(self) -> None:
        if self._search is not None:
            self._search.deleteLater()
        self._search = None

    def _on_closed(self) -> None:
        self.window.canvas.set_ticks(None)
        self.dialog = None

    def _leave(self) -> None:
        """What was found belongs to another picture."""
        if self.dialog is not None:
            self.dialog.reject()


def _text(choice: Hypothesis) -> str:
    return (
        f"{choice.spacing_mm:g} mm: the fan is {choice.fan_depth_mm:.0f} mm deep, "
        f"{choice.mm_per_pixel:.4f} mm per pixel"
    )

"""Search for a screen's ruler on a thread of its own, and the dialog that asks what its ticks stand for."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from fetalnet.screen.fan.sector import Sector, find_sector
from fetalnet.screen.ruler.detect import Ruler, find_ruler
from fetalnet.screen.ruler.spacing import Hypothesis, hypotheses
from fetalnet.sources import Frame

NOT_SURE = "Not sure: compare the fan's depth with what the screen says."


@dataclass(frozen=True, slots=True, eq=False)
class FoundRuler:
    """The ruler of a frame, none where none is sure, with what it may stand for; and the fan as that frame shows it."""

    frame_index: int
    ruler: Ruler | None
    choices: tuple[Hypothesis, ...]
    fan: Sector


class RulerSearch(QThread):
    """Looks for the ruler on one frame and ends.

    Signals:
        searched(FoundRuler).
    """

    searched = Signal(object)

    def __init__(self, frame: Frame, fan: Sector | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._frame, self._fan = frame, fan
        self.finished.connect(self.deleteLater)

    def run(self) -> None:
        seen = find_sector(self._frame.pixels)
        ruler = find_ruler(self._frame.pixels)
        _, top, _, bottom = (self._fan or seen).box
        choices = () if ruler is None else hypotheses(ruler, float(bottom - top))
        self.searched.emit(FoundRuler(self._frame.index, ruler, choices, seen))


class RulerDialog(QDialog):
    """Asks what the ticks that are marked on the picture stand for. The window behind it stays usable.

    ``remember``: what the box says that lets the device be remembered; None where it cannot be.

    Signals:
        confirmed(Hypothesis).
    """

    confirmed = Signal(object)

    def __init__(
        self, ruler: Ruler, choices: tuple[Hypothesis, ...], remember: str | None, parent: QWidget | None = None
    ) -> None:
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
        self.remember = QCheckBox(remember or "")
        self.remember.setChecked(remember is not None)
        self.remember.setVisible(remember is not None)
        column.addWidget(self.remember)
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


def _text(choice: Hypothesis) -> str:
    return (
        f"{choice.spacing_mm:g} mm: the fan is {choice.fan_depth_mm:.0f} mm deep, "
        f"{choice.mm_per_pixel:.4f} mm per pixel"
    )

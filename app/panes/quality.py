"""How well the shown frame shows its plane, criterion by criterion; a click lets the person say otherwise."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QMenu, QPushButton, QWidget

from app.session.session import Session
from app.theme import MUTED, PROBLEM, TEXT, plane_colour
from fetalnet.analysis.quality import Criterion, State, overridden
from fetalnet.export.wording import STATES

ROWS = 6
MET = "#5cc9a7"
SIGNS = {State.GREEN: "●", State.OPEN: "○", State.FAILED: "✕", State.NOT_ASSESSED: "–"}
"""Told apart without colour."""
COLOURS = {State.GREEN: MET, State.OPEN: MUTED, State.FAILED: PROBLEM, State.NOT_ASSESSED: MUTED}


class QualityPanel(QFrame):
    """One row a criterion of the shown frame's plane; its menu sets the person's word or takes it back.

    Where the frame is not measured, ``reason`` says why.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pane")
        self._session = session
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 6, 6, 6)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        self.title = QLabel()
        self.title.setObjectName("paneTitle")
        grid.addWidget(self.title, 0, 0, 1, 3)
        self._signs, self._buttons, self._sources = [], [], []
        for row in range(ROWS):
            sign, button, source = QLabel(), QPushButton(), QLabel()
            button.setObjectName("criterion")
            button.setFlat(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self._ask, row))
            source.setObjectName("hint")
            source.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for column, widget in enumerate((sign, button, source)):
                grid.addWidget(widget, row + 1, column)
            self._signs.append(sign)
            self._buttons.append(button)
            self._sources.append(source)
        self.reason = QLabel()
        self.reason.setObjectName("hint")
        self.reason.setWordWrap(True)
        grid.addWidget(self.reason, ROWS + 1, 0, 1, 3)
        self._criteria: tuple[Criterion, ...] = ()
        session.frame_shown.connect(lambda _: self.refresh())
        session.analysis.predictions_arrived.connect(lambda _: self.refresh())
        session.exam_changed.connect(self.refresh)
        session.recording_opened.connect(lambda _: self.refresh())
        session.quality_limits_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Write every row anew."""
        found = self._session.quality_of_shown()
        self._criteria = tuple(found[0].states) if found is not None else ()
        if found is None:
            self.title.setText("PLANE QUALITY –")
        else:
            quality, said = found
            counts = overridden(quality, said)
            colour = plane_colour(quality.plane).name()
            self.title.setText(
                f"PLANE QUALITY <span style='color:{colour}'>{quality.plane} {counts.score}/{counts.of}</span>"
            )
        prediction = self._session.shown_prediction
        refused = None if prediction is None or prediction.geometry is not None else prediction.refused
        self.reason.setText("" if refused is None else f"Not measured: {refused}.")
        self.reason.setVisible(refused is not None)
        for row in range(ROWS):
            shown = found is not None and row < len(self._criteria)
            for widget in (self._signs[row], self._buttons[row], self._sources[row]):
                widget.setVisible(shown)
            if found is not None and shown:
                self._show(row, self._criteria[row], found[0].states[self._criteria[row]], found[1])

    def _show(self, row: int, criterion: Criterion, machine: State, said: dict[Criterion, State]) -> None:
        state = said.get(criterion, machine)
        self._signs[row].setText(f"<span style='color:{COLOURS[state]}'>{SIGNS[state]}</span>")
        button = self._buttons[row]
        button.setText(criterion.text[:1].upper() + criterion.text[1:])
        button.setStyleSheet(f"text-align: left; color: {TEXT if state in (State.GREEN, State.FAILED) else MUTED};")
        by = "suggested" if criterion.suggested else ""
        if machine is State.NOT_ASSESSED:
            by = "unassessed"
        self._sources[row].setText("you" if criterion in said else by)
        means = "learned from pictures" if criterion.suggested else "computed from the outline"
        if machine is State.NOT_ASSESSED:
            means = "for it does not see this well enough in real pictures"
        told = f"{criterion.text.capitalize()}: {STATES[state]}. The program's view: {STATES[machine]}, {means}."
        button.setToolTip(f"{told} Click to say what you see.")
        button.setAccessibleName(told)

    def texts(self) -> dict[Criterion, tuple[str, str]]:
        """Each criterion's sign and who said so."""
        signs = (SIGNS[state] for row in self._signs for state in State if SIGNS[state] in row.text())
        return {
            each: (sign, source.text())
            for each, sign, source in zip(self._criteria, signs, self._sources, strict=False)
        }

    def menu_for(self, criterion: Criterion) -> QMenu:
        """What the person can say of a criterion."""
        menu = QMenu(self)
        for text, state in (
            *((STATES[state].capitalize(), state) for state in (State.GREEN, State.OPEN, State.FAILED)),
            ("As the program sees it", None),
        ):  # fmt: skip
            menu.addAction(text, partial(self._session.review.set_criterion, criterion, state))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _ask(self, row: int) -> None:
        button = self._buttons[row]
        if self._session.player is not None:
            self._session.player.pause()
        self.menu_for(self._criteria[row]).popup(button.mapToGlobal(button.rect().bottomLeft()))

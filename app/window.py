"""The window: joins the session with its views, and holds one short method for every action."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QMainWindow,
    QMenu,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.about import NAME, AboutDialog
from app.actions import ACTIONS, MENUS, SELECTING, Do, acceptable_of_plane, make_actions, refresh_enabled
from app.canvas.hit import Point
from app.canvas.overlay import overlay_of
from app.canvas.view import ZOOM_STEP, Canvas, Tool
from app.exporting import Export, Exporter, Format
from app.gallery import Gallery
from app.measurements import MeasurementsPane
from app.notification import Notification
from app.player import SPEEDS, PlayState, RecordingInfo
from app.player_bar import PlayerBar
from app.recordings import RecordingsPane
from app.session import NEEDS_SCALE, Session
from app.settings import Settings
from app.start_page import StartPage
from app.status import StatusBar
from app.theme.icons import Icon, icon
from app.timeline import Timeline
from fetalnet.errors import InputError
from fetalnet.geometry import Geometry
from fetalnet.picture.scale import Scale, given_scale, two_point_scale
from fetalnet.planes import KINDS_OF, STANDARD_PLANES, Kind, Plane
from fetalnet.sources import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Frame, Source

SIDE_SHARE = 0.333
"""Both side columns together; the picture keeps two thirds of the width."""
LEFT_PART = 0.39
FILTERS = {Format.PDF: "PDF (*.pdf)", Format.CSV: "CSV (*.csv)", Format.JSON: "JSON (*.json)"}


class Window(QMainWindow):
    """The one window.

    Signals:
        exported(Path): a file was written.
    """

    exported = Signal(object)

    def __init__(
        self,
        session: Session,
        settings: Settings,
        geometry: QSettings,
        open_source: Callable[[Path], Source],
        model_card: Path,
    ) -> None:
        super().__init__()
        self.session = session
        self.settings = settings
        self._geometry = geometry
        self._open_source = open_source
        self._model_card = model_card
        self._exporter: Exporter | None = None
        # The title names no file: names may tell who the patient is.
        self.setWindowTitle(NAME)
        self.setWindowIcon(icon(Icon.APP))
        self.setAcceptDrops(True)

        self.canvas = Canvas()
        self.actions_ = make_actions(self, self.canvas, lambda do: getattr(self, do))
        act = self.actions_
        self.timeline = Timeline()
        transport = (Do.PREVIOUS_BEST, Do.TO_START, Do.STEP_BACK, Do.PLAY, Do.STEP_FORWARD, Do.TO_END, Do.NEXT_BEST)
        self.player_bar = PlayerBar([act[do] for do in transport], act[Do.LOOP])
        self.measurements = MeasurementsPane(session, [act[Do.ACCEPT], act[Do.CORRECT], act[Do.REJECT]])
        self.gallery = Gallery(session, open_source)
        self.recordings = RecordingsPane(session, settings)
        self.start_page = StartPage([act[Do.OPEN], act[Do.OPEN_FOLDER]])
        self.picture = QStackedWidget()
        self.picture.addWidget(self.start_page)
        self.picture.addWidget(self.canvas)
        self.notification = Notification(self.picture)
        self._lay_out()
        self._build_menus()
        self.setStatusBar(StatusBar(session, act[Do.CANCEL_ANALYSIS]))
        self._connect()
        act[Do.OVERLAY].setChecked(settings.show_overlay)
        act[Do.LOOP].setChecked(settings.loop)
        self.canvas.overlay_opacity = settings.overlay_opacity
        refresh_enabled(act, session)
        self.resize(1280, 800)
        saved = geometry.value("window")
        if saved is not None:
            self.restoreGeometry(saved)

    # Building.

    def _lay_out(self) -> None:
        self._left, right = QWidget(), self.measurements
        column = QVBoxLayout(self._left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.recordings, 2)
        column.addWidget(self.gallery, 5)
        self._right = right
        upper = QHBoxLayout()
        upper.setSpacing(1)
        upper.addWidget(self._left)
        upper.addWidget(self.picture, 1)
        upper.addWidget(right)
        lower = QFrame()
        lower.setObjectName("pane")
        below = QVBoxLayout(lower)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(0)
        below.addWidget(self.player_bar)
        below.addWidget(self.timeline)
        whole = QWidget()
        rows = QVBoxLayout(whole)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(1)
        rows.addLayout(upper, 1)
        rows.addWidget(lower)
        self.setCentralWidget(whole)

    def resizeEvent(self, event) -> None:
        side = self.width() * SIDE_SHARE
        self._left.setFixedWidth(round(side * LEFT_PART))
        self._right.setFixedWidth(round(side * (1 - LEFT_PART)))
        super().resizeEvent(event)

    def _build_menus(self) -> None:
        for title, items in MENUS.items():
            menu = self.menuBar().addMenu(title)
            for do in items:
                if do is None:
                    menu.addSeparator()
                else:
                    menu.addAction(self.actions_[do])
                if do is Do.OPEN_FOLDER:
                    self._recent = QMenu("Open &recent", self)
                    menu.addMenu(self._recent)
        self._recent.aboutToShow.connect(self._fill_recent)

    def _fill_recent(self) -> None:
        self._recent.clear()
        for name in self.settings.recent_files:
            self._recent.addAction(Path(name).name, lambda name=name: self.open_path(Path(name)))
        if not self.settings.recent_files:
            self._recent.addAction("Recordings you open are listed here").setEnabled(False)

    def _connect(self) -> None:
        session, canvas = self.session, self.canvas
        session.recording_opened.connect(self._on_opened)
        session.frame_shown.connect(self._on_frame)
        session.predictions_arrived.connect(self._on_predictions)
        session.exam_changed.connect(self._on_exam)
        session.analysis_changed.connect(lambda _: self._refresh())
        session.selection_changed.connect(self._on_selection)
        session.play_state_changed.connect(self._on_play_state)
        session.notice.connect(self.notification.say)
        session.undo_stack.indexChanged.connect(self._on_undo_index)
        canvas.corrected.connect(self._on_corrected)
        canvas.two_points.connect(self._on_two_points)
        canvas.refused.connect(self.notification.say)
        canvas.caliper_selected.connect(self._on_caliper_selected)
        self.timeline.sought.connect(session.seek)
        self.player_bar.speed_chosen.connect(self._set_speed)
        self.measurements.selected.connect(self._go_to)
        self.recordings.chosen.connect(self.open_path)

    # What the session tells.

    def _on_opened(self, recording: RecordingInfo) -> None:
        self.settings.add_recent(recording.path)
        self.recordings.add(recording)
        self.canvas.clear()
        self.timeline.begin(len(recording))
        self.player_bar.begin(recording)
        self.picture.setCurrentWidget(self.canvas)
        self.canvas.setFocus()
        if self.session.player is not None:
            self.session.player.set_loop(self.actions_[Do.LOOP].isChecked())
        self._refresh()

    def _on_frame(self, frame: Frame) -> None:
        self.canvas.show_frame(frame)
        self.player_bar.show_frame(frame)
        self.timeline.set_index(frame.index)
        self._refresh_overlay()
        self.actions_[Do.MEASURE_HERE].setEnabled(self.session.shown_prediction is not None)

    def _on_predictions(self, predictions: tuple) -> None:
        self.timeline.add(predictions)
        shown = self.session.frame
        if shown is not None and any(each.index == shown.index for each in predictions):
            self._refresh_overlay()

    def _on_exam(self) -> None:
        self.timeline.set_best(self.session.best_frames())
        self._refresh()
        self._refresh_overlay()

    def _on_selection(self, kind: Kind) -> None:
        self._refresh()

    def _on_play_state(self, state: PlayState) -> None:
        self.player_bar.show_state(state)
        play = self.actions_[Do.PLAY]
        play.setIcon(icon(Icon.PAUSE if state.playing else Icon.PLAY))

    def _on_undo_index(self, _: int) -> None:
        self._refresh()

    def _refresh(self) -> None:
        refresh_enabled(self.actions_, self.session)
        stack = self.session.undo_stack
        for do, name in ((Do.UNDO, stack.undoText()), (Do.REDO, stack.redoText())):
            word = do.capitalize()
            self.actions_[do].setText(f"&{word} {name[:1].lower()}{name[1:]}".rstrip())

    def _refresh_overlay(self) -> None:
        session = self.session
        measurements = tuple(each for plane in STANDARD_PLANES if (each := session.shown_measurement(plane)))
        analysed = "analysing…" if session.analysis.running else "not analysed"
        if session.predictor is None:
            analysed = "loading the network…" if session.analysis.running else "not analysed"
        self.canvas.locked_reason = NEEDS_SCALE if session.scale.mm_per_pixel is None else None
        self.canvas.set_overlay(
            overlay_of(session.shown_prediction, measurements, session.scale, analysed=analysed)
        )

    # What the person does on the views.

    def _on_corrected(self, plane: Plane, geometry: Geometry) -> None:
        if self.session.player is not None:
            self.session.player.pause()
        self.session.correct(plane, geometry)

    def _on_caliper_selected(self, plane: Plane) -> None:
        if self.session.player is not None:
            self.session.player.pause()
        if self.session.selected.plane is not plane:
            self.session.select(KINDS_OF[plane][0])

    def _on_two_points(self, first: Point, second: Point) -> None:
        length_mm, agreed = QInputDialog.getDouble(
            self, "Scale by two points", "Distance between the two points in mm:", 50.0, 0.0, 1000.0, 2
        )
        if agreed:
            self.set_two_point_scale(first, second, length_mm)

    def set_two_point_scale(self, first: Point, second: Point, length_mm: float) -> None:
        self._set_scale(lambda: two_point_scale(first.x, first.y, second.x, second.y, length_mm))

    def set_typed_scale(self, mm_per_pixel: float) -> None:
        self._set_scale(lambda: given_scale(mm_per_pixel))

    def _set_scale(self, make: Callable[[], Scale]) -> None:
        try:
            scale = make()
        except InputError as error:
            self.notification.say(str(error))
        else:
            self.session.set_scale(scale)

    def _go_to(self, kind: Kind) -> None:
        self.session.select(kind)
        measurement = self.session.measurement_of(kind)
        if measurement is not None:
            self.session.show(measurement.frame_index)

    # File.

    def open_path(self, path: Path) -> None:
        self.session.open(path)

    def open_dialog(self) -> None:
        endings = " ".join(f"*{suffix}" for suffix in (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES))
        name, _ = QFileDialog.getOpenFileName(
            self, "Open a recording", self.settings.last_folder, f"Recordings and images ({endings});;All files (*)"
        )
        if name:
            self.open_path(Path(name))

    def open_folder_dialog(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Open a folder of images", self.settings.last_folder)
        if name:
            self.open_path(Path(name))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        for path in paths[1:]:
            self.recordings.add_path(path)
        if paths:
            self.open_path(paths[0])

    def export_pdf(self) -> None:
        self._ask_export(Format.PDF)

    def export_csv(self) -> None:
        self._ask_export(Format.CSV)

    def export_json(self) -> None:
        self._ask_export(Format.JSON)

    def _ask_export(self, form: Format) -> None:
        start = Path(self.settings.last_folder or Path.home()) / f"exam.{form}"
        name, _ = QFileDialog.getSaveFileName(self, f"Export {form.upper()}", str(start), FILTERS[form])
        if name:
            path = Path(name)
            self.export(form, path if path.suffix else path.with_suffix(f".{form}"))

    def export(self, form: Format, path: Path) -> None:
        """Write the exam on a thread of its own; one at a time."""
        recording = self.session.recording
        if self._exporter is not None or recording is None:
            self.notification.say("An export is still being written; wait a moment and try again.")
            return
        exporter = Exporter(Export(form, path, self.session.exam, recording.path), self._open_source, self)
        exporter.done.connect(self._on_exported)
        exporter.failed.connect(self.notification.say)
        exporter.progress.connect(
            lambda done, total: self.statusBar().showMessage(f"Writing the report: picture {done + 1} of {total}")
        )
        exporter.finished.connect(self._on_export_finished)
        self._exporter = exporter
        exporter.start()

    def _on_exported(self, path: Path) -> None:
        self.notification.say(f"Written: {path}")
        self.exported.emit(path)

    def _on_export_finished(self) -> None:
        self.statusBar().clearMessage()
        if self._exporter is not None:
            self._exporter.deleteLater()
        self._exporter = None

    # Edit and measure.

    def undo(self) -> None:
        self.session.undo_stack.undo()

    def redo(self) -> None:
        self.session.undo_stack.redo()

    def accept(self) -> None:
        self.session.accept(self.session.selected)

    def accept_plane(self) -> None:
        self.session.accept(*acceptable_of_plane(self.session))

    def reject(self) -> None:
        self.session.reject(self.session.selected)

    def correct(self) -> None:
        """Show the selected measurement's caliper with its handles."""
        self._go_to(self.session.selected)
        self.canvas.setFocus()
        self.canvas.select_plane(self.session.selected.plane)
        self.notification.say("Drag a handle, or move it with the arrow keys (Shift: 10 pixels, Tab: next handle).")

    def measure_here(self) -> None:
        shown = self.session.shown_prediction
        if shown is not None:
            self.session.measure_in_shown_frame(shown.plane)

    def ask_scale(self) -> None:
        known = self.session.scale.mm_per_pixel
        value, agreed = QInputDialog.getDouble(
            self, "Set scale", "Millimetres per pixel:", known.x if known else 0.2, -1e6, 1e6, 5
        )
        if agreed:
            self.set_typed_scale(value)

    def two_points(self) -> None:
        if self.session.player is not None:
            self.session.player.pause()
        self.canvas.set_tool(Tool.TWO_POINTS)

    def next_caliper(self) -> None:
        self.canvas.next_handle()

    def cancel(self) -> None:
        if self.notification.text:
            self.notification.hide()
        self.canvas.cancel()

    def _select(self, do: Do) -> None:
        self._go_to(SELECTING[do])

    def select_bpd(self) -> None:
        self._select(Do.SELECT_BPD)

    def select_ofd(self) -> None:
        self._select(Do.SELECT_OFD)

    def select_hc(self) -> None:
        self._select(Do.SELECT_HC)

    def select_ac(self) -> None:
        self._select(Do.SELECT_AC)

    def select_fl(self) -> None:
        self._select(Do.SELECT_FL)

    # Play.

    def play(self) -> None:
        if self.session.player is not None:
            self.session.player.toggle()

    def step_back(self) -> None:
        self._step(-1)

    def step_forward(self) -> None:
        self._step(1)

    def _step(self, frames: int) -> None:
        if self.session.player is not None:
            self.session.player.step(frames)

    def to_start(self) -> None:
        self.session.seek(0)

    def to_end(self) -> None:
        if self.session.recording is not None:
            self.session.seek(len(self.session.recording) - 1)

    def loop(self, on: bool) -> None:
        self.settings.loop = on
        if self.session.player is not None:
            self.session.player.set_loop(on)

    def slower(self) -> None:
        self._change_speed(-1)

    def faster(self) -> None:
        self._change_speed(1)

    def _change_speed(self, steps: int) -> None:
        if self.session.player is not None:
            at = SPEEDS.index(self.session.player.state.speed) + steps
            self._set_speed(SPEEDS[min(max(at, 0), len(SPEEDS) - 1)])

    def _set_speed(self, speed: float) -> None:
        if self.session.player is not None:
            self.session.player.set_speed(speed)

    def best_head(self) -> None:
        self._go_to_best(Plane.HEAD)

    def best_abdomen(self) -> None:
        self._go_to_best(Plane.ABDOMEN)

    def best_femur(self) -> None:
        self._go_to_best(Plane.FEMUR)

    def _go_to_best(self, plane: Plane) -> None:
        kinds = KINDS_OF[plane]
        self._go_to(self.session.selected if self.session.selected in kinds else kinds[0])

    def previous_best(self) -> None:
        self._go_along(-1)

    def next_best(self) -> None:
        self._go_along(1)

    def _go_along(self, direction: int) -> None:
        """To the next best frame in this direction, beginning again at the other end."""
        best = self.session.best_frames()
        if not best or self.session.frame is None:
            return
        now = self.session.frame.index
        ahead = [item for item in best if (item[1] - now) * direction > 0]
        plane, _ = (ahead or best)[0 if direction > 0 else -1]
        self._go_to_best(plane)

    def analyse(self) -> None:
        self.timeline.begin(len(self.session.recording) if self.session.recording else 0)
        self.session.analyse()

    def cancel_analysis(self) -> None:
        self.session.cancel_analysis()

    # View and help.

    def zoom_in(self) -> None:
        self.canvas.zoom_by(ZOOM_STEP)

    def zoom_out(self) -> None:
        self.canvas.zoom_by(1 / ZOOM_STEP)

    def fit(self) -> None:
        self.canvas.fit()

    def show_overlay(self, on: bool) -> None:
        self.settings.show_overlay = on
        self.canvas.set_overlay_visible(on)

    def full_screen(self, on: bool) -> None:
        self.setWindowState(
            self.windowState() | Qt.WindowState.WindowFullScreen
            if on
            else self.windowState() & ~Qt.WindowState.WindowFullScreen
        )

    def show_shortcuts(self) -> None:
        rows = "".join(
            f"<tr><td style='padding-right:24px'>{info.text.replace('&', '')}</td><td><b>"
            + ", ".join(QKeySequence(key).toString() for key in info.shortcuts)
            + "</b></td></tr>"
            for info in ACTIONS
            if info.shortcuts
        )
        box = QMessageBox(QMessageBox.Icon.NoIcon, "Keys", f"<table>{rows}</table>", parent=self)
        box.exec()

    def about(self) -> None:
        AboutDialog(self.session.predictor, self._model_card, self).exec()

    # Leaving.

    def tell_error(self, what: str) -> None:
        """One dialog for an error nobody expected; what was decided is already saved."""
        box = QMessageBox(
            QMessageBox.Icon.Critical,
            NAME,
            f"Something went wrong inside the program ({what}).\n\nYour decisions are saved. You can go on; if it "
            "happens again, restart the program and report what you did. Details are in the log file.",
            parent=self,
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._geometry.setValue("window", self.saveGeometry())
        if self._exporter is not None:
            self._exporter.requestInterruption()
            self._exporter.wait()
        self.gallery.close_thread()
        self.session.close()
        super().closeEvent(event)

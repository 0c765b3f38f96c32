"""One short method for every action of the table. Asking is apart from doing, so that doing needs no dialog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog

from app.about import AboutDialog
from app.actions import SELECTING, Do, acceptable_of_plane
from app.canvas.hit import Point
from app.canvas.placing import common, first_caliper, in_one_region
from app.canvas.view import ZOOM_STEP, Tool
from app.exporting import Format
from app.exports import Exports
from app.fan_search import FanSearch
from app.keys import KeysDialog
from app.live.dialogs import LinkDialog, WatchDialog
from app.player import SPEEDS
from app.presets import PresetsDialog, description
from app.receiving.dialog import ReceiveDialog
from app.receiving.reception import receiver_settings
from app.ruler import RulerScale
from app.settings_dialog import SettingsDialog
from fetalnet.errors import InputError
from fetalnet.picture.fan import FanShape
from fetalnet.picture.scale import Scale, given_scale, two_point_scale
from fetalnet.picture.sector import Sector
from fetalnet.planes import KINDS_OF, Kind, Plane
from fetalnet.records import Status
from fetalnet.sources import ARCHIVE_SUFFIXES, DICOM_SUFFIXES, IMAGE_SUFFIXES, VIDEO_SUFFIXES
from fetalnet.wording import TEXT_NOT_FOUND

ENGINES = ("auto", "openvino", "openvino:int8", "openvino:bf16", "torch", "cuda")

if TYPE_CHECKING:
    from app.examination_pane import ExaminationPane
    from app.window import Window


class Verbs(QObject):
    """What the actions do. Each method bears the name of its ``Do``."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.window = window
        self.session = window.session
        self.canvas = window.canvas
        self.exports = Exports(window)
        self.ruler = RulerScale(window)
        self.examination: ExaminationPane | None = None
        self._fan_search = FanSearch(window.open_source, self)
        self._fan_search.found.connect(self._on_fan_found)
        self._fan_search.failed.connect(window.session.notice)

    # File.

    def open_dialog(self) -> None:
        suffixes = (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES, *DICOM_SUFFIXES, *ARCHIVE_SUFFIXES)
        endings = " ".join(["DICOMDIR", *(f"*{suffix}" for suffix in suffixes)])
        name, _ = QFileDialog.getOpenFileName(
            self.window,
            "Open a recording",
            self.window.settings.last_folder,
            f"Recordings, images and archives ({endings});;All files (*)",
        )
        if name:
            self.window.open_path(Path(name))

    def open_folder_dialog(self) -> None:
        name = QFileDialog.getExistingDirectory(
            self.window, "Open a folder of recordings or images", self.window.settings.last_folder
        )
        if name:
            self.window.open_path(Path(name))

    def export_pdf(self) -> None:
        self.exports.ask(Format.PDF)

    def export_csv(self) -> None:
        self.exports.ask(Format.CSV)

    def export_json(self) -> None:
        self.exports.ask(Format.JSON)

    def keep_text(self, on: bool) -> None:
        """Nothing now: the next export looks whether it is checked. Not remembered, so that no start begins unsafe."""

    # Live.

    def watch_live(self) -> None:
        if self.session.watch.watching:
            self.window.notification.say("A watch is running; stop it first (Live, Stop and review).")
            return
        dialog = WatchDialog(self.window.settings, self.session.watch.folder, self.window)
        if dialog.exec() and dialog.source is not None:
            self.session.watch.begin(dialog.source, connection=dialog.connection)

    def show_receiver(self) -> None:
        ReceiveDialog(self.session.reception, self.window.settings, self.window).exec()

    def begin_receiving(self) -> None:
        try:
            self.session.reception.begin(receiver_settings(self.window.settings))
        except InputError as error:
            self.window.notification.say(f"Nothing is received by DICOM: {error}")

    def freeze(self) -> None:
        self.session.watch.freeze()

    def keep_minute(self) -> None:
        self.session.watch.keep()

    def show_link(self) -> None:
        LinkDialog(self.session.watch, self.window).exec()

    def stop_watching(self) -> None:
        self.session.watch.stop()

    # Edit and measure.

    def undo(self) -> None:
        self.session.undo_stack.undo()

    def redo(self) -> None:
        self.session.undo_stack.redo()

    def show_settings(self) -> None:
        if SettingsDialog(self.window.settings, self.window).exec():
            self.window.apply_settings()

    def accept(self) -> None:
        self.session.review.accept(self.session.selected)

    def accept_plane(self) -> None:
        self.session.review.accept(*acceptable_of_plane(self.session))

    def reject(self) -> None:
        self.session.review.reject(self.session.selected)

    def accept_whole_exam(self) -> None:
        self.session.review.accept_whole_exam(self.session.selected)

    def repeat_here(self) -> None:
        shown = self.session.shown_prediction
        if shown is not None:
            self.session.review.repeat(shown.plane)

    def correct(self) -> None:
        """Show the selected measurement's caliper with its handles."""
        self.go_to(self.session.selected)
        self.canvas.setFocus()
        self.canvas.select_plane(self.session.selected.plane)

    def measure_here(self) -> None:
        shown = self.session.shown_prediction
        if shown is not None:
            self.session.review.measure_in_shown_frame(shown.plane)

    def measure_head_by_hand(self) -> None:
        self._measure_by_hand(Plane.HEAD)

    def measure_abdomen_by_hand(self) -> None:
        self._measure_by_hand(Plane.ABDOMEN)

    def measure_femur_by_hand(self) -> None:
        self._measure_by_hand(Plane.FEMUR)

    def _measure_by_hand(self, plane: Plane) -> None:
        """Stay on the shown frame and place a caliper in the part of the fan that is seen, its handles ready."""
        frame = self.session.frame
        if frame is None:
            return
        self.session.show(frame.index)
        fan = self.session.known_fan or self.session.fan or Sector.whole(frame.pixels.shape)
        seen = common(fan.box, self.canvas.viewport.seen())
        seen = in_one_region(seen, self.session.calibration)
        self.session.review.measure_by_hand(plane, first_caliper(plane, seen))
        shown = self.session.shown_measurement(plane)
        if shown is not None and shown.status is Status.PLACED:
            if self.session.selected.plane is not plane:
                self.session.select(shown.kind)
            self.canvas.setFocus()
            self.canvas.select_plane(plane)

    def ask_scale(self) -> None:
        known = self.session.scale.mm_per_pixel
        value, agreed = QInputDialog.getDouble(
            self.window, "Set scale", "Millimetres per pixel:", known.x if known else 0.2, -1e6, 1e6, 5
        )
        if agreed:
            self.set_typed_scale(value)

    def ask_two_point_scale(self, first: Point, second: Point) -> None:
        length_mm, agreed = QInputDialog.getDouble(
            self.window, "Scale by two points", "Distance between the two points in mm:", 50.0, 0.0, 1000.0, 2
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
        """Wait for what still runs beside the window."""
        self.exports.stop()
        self.ruler.stop()
        self._fan_search.wait()
        if self.examination is not None:
            self.examination.stop()

    def next_caliper(self) -> None:
        self.canvas.next_handle()

    def cancel(self) -> None:
        if self.window.notification.text:
            self.window.notification.hide()
        self.canvas.cancel()

    def _select(self, do: Do) -> None:
        self.go_to(SELECTING[do])

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
        self.window.settings.loop = on
        if self.session.player is not None:
            self.session.player.set_loop(on)

    def slower(self) -> None:
        self._change_speed(-1)

    def faster(self) -> None:
        self._change_speed(1)

    def _change_speed(self, steps: int) -> None:
        if self.session.player is not None:
            at = SPEEDS.index(self.session.player.state.speed) + steps
            self.set_speed(SPEEDS[min(max(at, 0), len(SPEEDS) - 1)])

    def set_speed(self, speed: float) -> None:
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
        self.go_to(self.session.selected if self.session.selected in kinds else kinds[0])

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
        """Go on where the analysis was stopped; once it is complete, or of other weights, begin anew."""
        self.window.notification.withdraw()
        anew = not self.session.analysis.goes_on
        if anew:
            self.window.timeline.forget()
        self.session.analyse(anew=anew)

    def cancel_analysis(self) -> None:
        self.session.analysis.cancel()

    # View and help.

    def zoom_in(self) -> None:
        self.canvas.zoom_by(ZOOM_STEP)

    def zoom_out(self) -> None:
        self.canvas.zoom_by(1 / ZOOM_STEP)

    def fit(self) -> None:
        self.canvas.fit()

    def show_overlay(self, on: bool) -> None:
        self.window.settings.show_overlay = on
        for canvas in (self.canvas, self.window.live_canvas):
            canvas.set_overlay_visible(on)

    def hide_text(self, on: bool) -> None:
        self.window.settings.hide_text = on
        for canvas in (self.canvas, self.window.live_canvas):
            canvas.set_text_hidden(on)
        if on and self.canvas.fan is None and self.session.frame is not None:
            self.window.notification.say(TEXT_NOT_FOUND)

    def show_examination(self, on: bool) -> None:
        """Best frames and charts beside the player; made when first asked for: pyqtgraph takes a moment to load."""
        if self.examination is None and on:
            from app.examination_pane import ExaminationPane

            action = self.window.actions_[Do.EXAMINATION]
            self.examination = ExaminationPane(self.session, self.window.open_source, action)
            self.window.add_side_page(self.examination)
        self.window.show_side_page(self.examination if on else None)

    def full_screen(self, on: bool) -> None:
        window, full = self.window, Qt.WindowState.WindowFullScreen
        window.setWindowState(window.windowState() | full if on else window.windowState() & ~full)

    def show_shortcuts(self) -> None:
        KeysDialog(self.window).exec()

    def ask_engine(self) -> None:
        known = self.window.settings.engine
        engines = list(dict.fromkeys((*ENGINES, known)))
        running = self.session.analysis.predictor.text if self.session.analysis.predictor else "still loading"
        chosen, agreed = QInputDialog.getItem(
            self.window,
            "Engine of the network",
            f"Now: {running}.\n\nauto takes the one that was measured to be the fastest on this computer.",
            engines,
            engines.index(known),
            False,
        )
        if agreed:
            self.choose_engine(chosen)

    def choose_engine(self, engine: str) -> None:
        self.window.settings.engine = engine
        self.window.notification.say(f"From the next start the network runs on: {engine}.")

    def about(self) -> None:
        AboutDialog(self.session.analysis.predictor, self.window.model_card, self.window).exec()

    def close(self) -> None:
        self.window.close()

    def go_to(self, kind: Kind) -> None:
        self.session.select(kind)
        measurement = self.session.measurement_of(kind)
        if measurement is not None:
            self.session.show(measurement.frame_index)

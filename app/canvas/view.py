"""The picture: one frame, zoomed and panned, with its overlay and calipers that can be dragged."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QCursor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.canvas.cover import Cover
from app.canvas.fan_editor import FanEditor
from app.canvas.grip import Grip
from app.canvas.hit import Handle, Point
from app.canvas.overlay import Overlay
from app.canvas.painting import paint_overlay, paint_ticks
from app.canvas.strips import Note, paint_strips, picture_area
from app.canvas.two_points import TwoPoints
from app.canvas.viewport import Viewport
from app.theme import MUTED, TEXT, WARNING, plane_colour
from fetalnet.core.errors import InputError
from fetalnet.core.letterbox import Box
from fetalnet.core.planes import Plane
from fetalnet.screen.fan.shape import FanShape
from fetalnet.screen.ruler.detect import Ruler
from fetalnet.sources import Frame

REACH_PX = 9.0
"""How near, on the screen, the pointer must come to a handle."""
CALIPER_KEYS = "Drag a handle, or arrow keys (Shift: 10 px) · Tab: next handle · Esc: done"
ZOOM_STEP = 1.25
_TAKE_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_ANEW_KEYS = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)


class Tool(StrEnum):
    """What a click on the picture does."""

    CALIPERS = "calipers"
    TWO_POINTS = "two points"
    FAN = "fan"


class Canvas(QWidget):
    """Shows a frame, and turns the pointer into corrected geometries.

    Signals:
        corrected(Plane, Geometry): a caliper was let go or nudged; two_points(Point, Point); refused(str);
        fan_drawn(FanShape): taken as drawn; tool_changed(Tool); caliper_selected(Plane).
    """

    corrected = Signal(object, object)
    two_points = Signal(object, object)
    fan_drawn = Signal(object)
    refused = Signal(str)
    tool_changed = Signal(object)
    caliper_selected = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("canvas")
        self.setAccessibleName("Picture")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(320, 240)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        # Every pixel is painted here, so Qt need not clear first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.grip = Grip()
        self.overlay_visible = True
        self.overlay_opacity = 0.18
        self.text_hidden = False
        self._cover = Cover()
        self.ticks: Ruler | None = None
        self.tool = Tool.CALIPERS
        self.painted_frames = 0
        self._frame: Frame | None = None
        self._image: QImage | None = None
        self._pixels = np.empty((0, 0, 4), np.uint8)
        self.viewport = Viewport()
        self.fan_editor = FanEditor()
        self._pan_from: QPointF | None = None
        self._two_points = TwoPoints()

    # What is shown.

    def show_frame(self, frame: Frame) -> None:
        """Show a frame."""
        self.viewport.set_picture(frame.width, frame.height)
        if self._frame is None or frame.index != self._frame.index:
            self.grip.drop()
        self._frame = frame
        self._image = self._picture_of(frame)
        self.update()

    def _picture_of(self, frame: Frame) -> QImage:
        """The frame as Qt paints it. Any other form Qt would convert into fresh memory at each painting."""
        colours = cv2.COLOR_GRAY2BGRA if frame.pixels.ndim == 2 else cv2.COLOR_RGB2BGRA
        if self._pixels.shape[:2] != (frame.height, frame.width):
            self._pixels = np.empty((frame.height, frame.width, 4), np.uint8)
        cv2.cvtColor(frame.pixels, colours, dst=self._pixels)
        return QImage(self._pixels.data, frame.width, frame.height, self._pixels.strides[0], QImage.Format.Format_RGB32)

    def clear(self) -> None:
        self._frame, self._image = None, None
        self.set_overlay(Overlay())

    @property
    def overlay(self) -> Overlay:
        return self.grip.overlay

    def set_overlay(self, overlay: Overlay) -> None:
        self.grip.show(overlay)
        self.update()

    def set_overlay_visible(self, visible: bool) -> None:
        self.overlay_visible = visible
        self.update()

    @property
    def fan(self) -> QPainterPath | None:
        """Where ultrasound is, in native pixels; None where that is not known."""
        return self._cover.fan

    def set_fan(self, outlines: Sequence[NDArray[np.float64]], masks: Sequence[Box] = ()) -> None:
        """Where ultrasound is: in all outlines, (n, 2) x, y in native pixels; none where that is not known.

        ``masks`` are hidden too.
        """
        self._cover.set_fan(outlines, masks)
        self.update()

    def set_ticks(self, ruler: Ruler | None) -> None:
        """Mark the ticks of a ruler; None marks nothing."""
        self.ticks = ruler
        self.update()

    def set_text_hidden(self, hidden: bool) -> None:
        """Cover what lies outside the fan."""
        self.text_hidden = hidden
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(900, 600)

    # Zoom and place.

    def fit(self) -> None:
        self.viewport.fit()
        self.update()

    def zoom_by(self, factor: float, about: QPointF | None = None) -> None:
        """Zoom about a place on the screen, the middle where none is given."""
        self.viewport.zoom_by(factor, about or self.viewport.area.center())
        self.update()

    def _reach(self) -> float:
        return REACH_PX / max(self.viewport.to_screen().m11(), 1e-6)

    # Painting.

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("black"))
        if self._image is None or self._frame is None:
            return
        to_screen = self.viewport.to_screen()
        painter.setClipRect(self.viewport.area)
        # While the picture is smaller on screen than it is, nearest pixels would drop thin echoes.
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, to_screen.m11() < 4)
        corner = to_screen.map(QPointF(-0.5, -0.5))
        size = (self._frame.width * to_screen.m11(), self._frame.height * to_screen.m22())
        painter.drawImage(QRectF(corner.x(), corner.y(), *size), self._image)
        if self.text_hidden:
            self._cover.paint(painter, QRectF(corner.x(), corner.y(), *size), to_screen)
        overlay = self.grip.drawn
        if self.overlay_visible and self.tool is not Tool.FAN:
            # Two sets of handles would be taken for each other.
            paint_overlay(
                painter,
                overlay,
                to_screen,
                self.viewport.area,
                opacity=self.overlay_opacity,
                selected=self.grip.handle,
                selected_caliper=self.grip.selected,
                unit_px=max(self.logicalDpiX() / 96, 1.0),
            )
        if self.ticks is not None:
            paint_ticks(painter, self.ticks, to_screen, self.viewport.area)
        if self.tool is Tool.TWO_POINTS:
            self._two_points.paint(painter, to_screen)
        if self.tool is Tool.FAN:
            self.fan_editor.paint(painter, to_screen, max(self.logicalDpiX() / 96, 1.0))
        painter.setClipping(False)
        self._paint_strips(painter, overlay)
        painter.end()
        self.painted_frames += 1

    def _paint_strips(self, painter: QPainter, overlay: Overlay) -> None:
        """The plane and where it stands above the picture; below it the scale, and what to do next."""
        helping = CALIPER_KEYS if self.grip.held is not None else overlay.help_badge
        hint = Note(helping, QColor(MUTED))
        if self.tool is Tool.TWO_POINTS:
            hint = Note(self._two_points.hint(self.text_hidden), QColor(WARNING))
        if self.tool is Tool.FAN:
            hint = Note(self.fan_editor.hint, QColor(WARNING))
        paint_strips(
            painter,
            QRectF(self.rect()),
            (Note(overlay.plane_badge, plane_colour(overlay.plane)), Note(overlay.state_badge, QColor(TEXT))),
            (hint, Note(overlay.scale_badge, QColor(WARNING if overlay.scale_warns else MUTED))),
        )

    # Tools and calipers.

    def set_tool(self, tool: Tool) -> None:
        self.tool = tool
        self._two_points.begin()
        self.setCursor(Qt.CursorShape.ArrowCursor if tool is Tool.CALIPERS else Qt.CursorShape.CrossCursor)
        self.tool_changed.emit(tool)
        self.update()

    def edit_fan(self, fan: FanShape | None) -> None:
        """Show a fan with its handles; without one a person begins with points."""
        if self._frame is not None:
            self.fan_editor.begin(fan, (self._frame.width, self._frame.height))
            self.grip.release()
            self.set_tool(Tool.FAN)

    def take_fan(self) -> None:
        """Leave the tool with the fan as it was drawn, where there is one."""
        try:
            fan = self.fan_editor.taken()
        except InputError as error:
            self.refused.emit(str(error))
            return
        self.set_tool(Tool.CALIPERS)
        self.fan_drawn.emit(fan)

    def cancel(self) -> None:
        """Leave the tool, the drag, then the selection: one thing a time."""
        if self.tool is not Tool.CALIPERS:
            self.set_tool(Tool.CALIPERS)
        elif self.grip.dragging:
            self.grip.drop()
        else:
            self.grip.release()
        self.update()

    def select_plane(self, plane: Plane) -> None:
        """Show the handles of a plane's caliper, as soon as it is on screen."""
        self.grip.select_plane(plane)
        self.update()

    def next_handle(self) -> None:
        self.grip.next_handle()
        self.update()

    def nudge(self, dx: float, dy: float) -> None:
        """Move the taken handle by pixels of the picture."""
        held = self.grip.held
        if held is None:
            return
        if reason := self.grip.why_locked(held):
            self.refused.emit(reason)
        elif (moved := self.grip.nudged(dx, dy)) is not None:
            self.corrected.emit(moved.plane, moved.geometry)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.tool is Tool.FAN and event.key() in _TAKE_KEYS:
            self.take_fan()
            return
        if self.tool is Tool.FAN and event.key() in _ANEW_KEYS:
            self.fan_editor.begin_anew()
            self.update()
            return
        step = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        moves = {
            Qt.Key.Key_Left: (-step, 0.0),
            Qt.Key.Key_Right: (step, 0.0),
            Qt.Key.Key_Up: (0.0, -step),
            Qt.Key.Key_Down: (0.0, step),
        }
        if self.grip.held is not None and event.key() in moves:
            self.nudge(*moves[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Arrow keys step frames, Enter accepts: but they belong to the caliper or the fan in hand.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            keys: tuple[Qt.Key, ...] = ()
            if self.tool is Tool.FAN:
                keys = (*_TAKE_KEYS, *_ANEW_KEYS)
            elif self.grip.held is not None:
                keys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
            if event.key() in keys:
                event.accept()
                return True
        return super().event(event)

    # The pointer.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._frame is None:
            return
        point = self.viewport.to_native(event.position())
        if event.button() == Qt.MouseButton.LeftButton and self.tool is Tool.TWO_POINTS:
            self._add_point(point)
            return
        if event.button() == Qt.MouseButton.LeftButton and self.tool is Tool.FAN:
            try:
                caught = self.fan_editor.press(point, self._reach())
            except InputError as error:
                caught = True
                self.refused.emit(str(error))
            self.update()
            if caught:
                return
        calipers = self.overlay_visible and self.tool is not Tool.FAN
        if event.button() == Qt.MouseButton.LeftButton and calipers and self._take(point):
            return
        self._pan_from = event.position()
        self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._frame is None:
            return
        point = self.viewport.to_native(event.position())
        self._two_points.pointer = point
        if self.fan_editor.dragging:
            self.fan_editor.drag_to(point)
            self.update()
        elif self.grip.dragging:
            self.grip.drag_to(point)
            self.update()
        elif self._pan_from is not None:
            self.viewport.pan(event.position() - self._pan_from)
            self._pan_from = event.position()
            self.update()
        elif self.tool is not Tool.CALIPERS:
            self.update()
        else:
            self.setCursor(QCursor(self._cursor_at(point)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pan_from = None
        self.fan_editor.drop()
        if self.tool is Tool.CALIPERS:
            self.setCursor(Qt.CursorShape.ArrowCursor)
        moved = self.grip.drop()
        if moved is not None:
            self.corrected.emit(moved.plane, moved.geometry)
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_by(ZOOM_STEP ** (event.angleDelta().y() / 120), event.position())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.viewport.area = picture_area(QRectF(self.rect()))
        self.viewport.keep_in_view()

    def _take(self, point: Point) -> bool:
        """Take hold of the caliper under ``point``, if there is one."""
        grasp = self.grip.take(point, self._reach())
        if grasp is not None:
            if grasp.newly:
                self.caliper_selected.emit(grasp.caliper.plane)
            if reason := self.grip.why_locked(grasp.caliper):
                self.refused.emit(reason)
        self.update()
        return grasp is not None

    def _cursor_at(self, point: Point) -> Qt.CursorShape:
        handle = self.grip.handle_at(point, self._reach()) if self.overlay_visible else None
        if handle is None:
            return Qt.CursorShape.ArrowCursor
        return Qt.CursorShape.SizeAllCursor if handle is Handle.BODY else Qt.CursorShape.CrossCursor

    def _add_point(self, point: Point) -> None:
        if (both := self._two_points.add(point)) is not None:
            self.set_tool(Tool.CALIPERS)
            self.two_points.emit(*both)
        self.update()

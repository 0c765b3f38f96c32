"""The picture: one frame, zoomed and panned, with its overlay and calipers that can be dragged."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QCursor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.canvas.hit import Handle, Point, dragged, find_handle, handles_of
from app.canvas.overlay import Caliper, Overlay
from app.canvas.painting import paint_badge, paint_overlay, paint_text
from app.canvas.viewport import Viewport
from app.theme import MUTED, TEXT, WARNING, plane_colour
from fetalnet.geometry import Geometry
from fetalnet.planes import Plane
from fetalnet.sources import Frame

REACH_PX = 9.0
"""How near, on the screen, the pointer must come to a handle."""
CALIPER_KEYS = "Drag a handle, or arrow keys (Shift: 10 px) · Tab: next handle · Esc: done"
ZOOM_STEP = 1.25


class Tool(StrEnum):
    """What a click on the picture does."""

    CALIPERS = "calipers"
    TWO_POINTS = "two points"


class Canvas(QWidget):
    """Shows a frame without copying it, and turns the pointer into corrected geometries.

    Signals:
        corrected(Plane, Geometry): a caliper was let go or nudged; two_points(Point, Point); refused(str);
        tool_changed(Tool); caliper_selected(Plane).
    """

    corrected = Signal(object, object)
    two_points = Signal(object, object)
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
        self.overlay = Overlay()
        self.overlay_visible = True
        self.overlay_opacity = 0.18
        self.locked_reason: str | None = None
        """Why calipers cannot be corrected now; None where they can."""
        self.tool = Tool.CALIPERS
        self.selected: int | None = None
        self.handle: Handle | None = None
        self.painted_frames = 0
        self._frame: Frame | None = None
        self._image: QImage | None = None
        self.viewport = Viewport()
        self._drag: Caliper | None = None
        self._wanted_plane: Plane | None = None
        self._pan_from: QPointF | None = None
        self._points: list[Point] = []
        self._pointer: Point | None = None

    # What is shown.

    def show_frame(self, frame: Frame) -> None:
        """Show a frame; the image shares the frame's memory, which is kept alive beside it."""
        self.viewport.set_picture(frame.width, frame.height)
        if self._frame is None or frame.index != self._frame.index:
            self._drag = None
        self._frame = frame
        grey = frame.pixels.ndim == 2
        form = QImage.Format.Format_Grayscale8 if grey else QImage.Format.Format_RGB888
        self._image = QImage(frame.pixels.data, frame.width, frame.height, frame.pixels.strides[0], form)
        self.update()

    def clear(self) -> None:
        self._frame, self._image, self.overlay, self.selected = None, None, Overlay(), None
        self.update()

    def set_overlay(self, overlay: Overlay) -> None:
        self.overlay = overlay
        if self.selected is not None and self.selected >= len(overlay.calipers):
            self.selected = self.handle = None
        self._take_wanted()
        self.update()

    def set_overlay_visible(self, visible: bool) -> None:
        self.overlay_visible = visible
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(900, 600)

    # Zoom and place.

    def fit(self) -> None:
        self.viewport.fit()
        self.update()

    def zoom_by(self, factor: float, about: QPointF | None = None) -> None:
        """Zoom about a place on the screen, the middle where none is given."""
        self.viewport.zoom_by(factor, about or QPointF(self.rect().center()))
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
        # While the picture is smaller on screen than it is, nearest pixels would drop thin echoes.
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, to_screen.m11() < 4)
        corner = to_screen.map(QPointF(-0.5, -0.5))
        size = (self._frame.width * to_screen.m11(), self._frame.height * to_screen.m22())
        painter.drawImage(QRectF(corner.x(), corner.y(), *size), self._image)
        if self.overlay_visible:
            self._paint_overlay(painter, to_screen)
        if self.tool is Tool.TWO_POINTS:
            self._paint_two_points(painter, to_screen)
        painter.end()
        self.painted_frames += 1

    def _paint_overlay(self, painter: QPainter, to_screen: QTransform) -> None:
        overlay = self._with_drag()
        paint_overlay(
            painter,
            overlay,
            to_screen,
            opacity=self.overlay_opacity,
            selected=self.handle,
            selected_caliper=self.selected,
            unit_px=max(self.logicalDpiX() / 96, 1.0),
        )
        within = QRectF(self.rect())
        corner = Qt.Corner
        paint_badge(painter, corner.TopLeftCorner, within, overlay.plane_badge, plane_colour(overlay.plane))
        paint_badge(painter, corner.TopRightCorner, within, overlay.state_badge, QColor(TEXT))
        has_scale = not overlay.scale_badge.startswith("no scale")
        paint_badge(
            painter, corner.BottomRightCorner, within, overlay.scale_badge, QColor(MUTED if has_scale else WARNING)
        )
        helping = CALIPER_KEYS if self.selected is not None else overlay.help_badge
        paint_badge(painter, corner.BottomLeftCorner, within, helping, QColor(MUTED))

    def _with_drag(self) -> Overlay:
        if self._drag is None or self.selected is None:
            return self.overlay
        calipers = list(self.overlay.calipers)
        calipers[self.selected] = self._drag
        return Overlay(
            plane=self.overlay.plane,
            calipers=tuple(calipers),
            plane_badge=self.overlay.plane_badge,
            state_badge="✎ correcting",
            scale_badge=self.overlay.scale_badge,
        )

    def _paint_two_points(self, painter: QPainter, to_screen: QTransform) -> None:
        colour = QColor(WARNING)
        points = [*self._points, *([self._pointer] if self._pointer and len(self._points) < 2 else [])]
        places = [to_screen.map(QPointF(point.x, point.y)) for point in points]
        painter.setPen(colour)
        for at in places:
            painter.drawLine(at - QPointF(8, 0), at + QPointF(8, 0))
            painter.drawLine(at - QPointF(0, 8), at + QPointF(0, 8))
        if len(places) == 2:
            painter.drawLine(*places)
        text = "Click the second point on the ruler" if self._points else "Click the first point on the ruler"
        paint_text(painter, QPointF(16, self.height() - 44), f"{text}  (Esc cancels)", colour)

    # Tools and calipers.

    def set_tool(self, tool: Tool) -> None:
        self.tool = tool
        self._points = []
        self.setCursor(Qt.CursorShape.CrossCursor if tool is Tool.TWO_POINTS else Qt.CursorShape.ArrowCursor)
        self.tool_changed.emit(tool)
        self.update()

    def cancel(self) -> None:
        """Leave the tool, the drag, then the selection: one thing a time."""
        if self.tool is Tool.TWO_POINTS:
            self.set_tool(Tool.CALIPERS)
        elif self._drag is not None:
            self._drag = None
        else:
            self.selected = self.handle = None
        self.update()

    def select_caliper(self, number: int | None) -> None:
        """Show the handles of a caliper of the overlay, the first handle taken."""
        if number is None or number >= len(self.overlay.calipers):
            self.selected = self.handle = None
        else:
            self.selected = number
            self.handle = next(iter(handles_of(self.overlay.calipers[number].geometry)))
        self.update()

    def select_plane(self, plane: Plane) -> None:
        """Show the handles of a plane's caliper, as soon as it is on screen."""
        self._wanted_plane = plane
        self._take_wanted()

    def _take_wanted(self) -> None:
        numbers = [number for number, each in enumerate(self.overlay.calipers) if each.plane is self._wanted_plane]
        if numbers:
            self._wanted_plane = None
            self.select_caliper(numbers[0])

    def next_handle(self, steps: int = 1) -> None:
        """Take the next handle of the selected caliper; the first caliper where none is selected."""
        if self.selected is None:
            self.select_caliper(0)
            return
        names = list(handles_of(self.overlay.calipers[self.selected].geometry))
        at = names.index(self.handle) if self.handle in names else -1
        self.handle = names[(at + steps) % len(names)]
        self.update()

    def nudge(self, dx: float, dy: float) -> None:
        """Move the taken handle by pixels of the picture."""
        if self.selected is None or self.handle is None:
            return
        if self.locked_reason:
            self.refused.emit(self.locked_reason)
            return
        caliper = self.overlay.calipers[self.selected]
        at = handles_of(caliper.geometry)[self.handle]
        geometry, self.handle = dragged(caliper.geometry, self.handle, Point(at.x + dx, at.y + dy))
        self.corrected.emit(caliper.plane, geometry)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        moves = {
            Qt.Key.Key_Left: (-step, 0.0),
            Qt.Key.Key_Right: (step, 0.0),
            Qt.Key.Key_Up: (0.0, -step),
            Qt.Key.Key_Down: (0.0, step),
        }
        if self.selected is not None and event.key() in moves:
            self.nudge(*moves[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Arrow keys step frames, but belong to the caliper while one is selected.
        keys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
        overriding = event.type() == QEvent.Type.ShortcutOverride
        if overriding and isinstance(event, QKeyEvent) and self.selected is not None and event.key() in keys:
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
        if event.button() == Qt.MouseButton.LeftButton and self.overlay_visible and self._take(point):
            return
        self._pan_from = event.position()
        self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._frame is None:
            return
        point = self.viewport.to_native(event.position())
        self._pointer = point
        if self._drag is not None and self.handle is not None:
            geometry, self.handle = dragged(self._drag.geometry, self.handle, point)
            self._drag = self._drag.moved(geometry)
            self.update()
        elif self._pan_from is not None:
            self.viewport.pan(event.position() - self._pan_from)
            self._pan_from = event.position()
            self.update()
        elif self.tool is Tool.TWO_POINTS:
            self.update()
        else:
            self.setCursor(QCursor(self._cursor_at(point)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag, self._pan_from = self._drag, None, None
        if self.tool is Tool.CALIPERS:
            self.setCursor(Qt.CursorShape.ArrowCursor)
        if drag is not None and self.selected is not None:
            if drag.geometry != self.overlay.calipers[self.selected].geometry:
                self.corrected.emit(drag.plane, drag.geometry)
            self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_by(ZOOM_STEP ** (event.angleDelta().y() / 120), event.position())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.viewport.screen = QSizeF(self.size())
        self.viewport.keep_in_view()

    def _take(self, point: Point) -> bool:
        """Take hold of the caliper under ``point``, if there is one."""
        for number, caliper in enumerate(self.overlay.calipers):
            handle = find_handle(geometry=caliper.geometry, point=point, reach_px=self._reach())
            if handle is None:
                continue
            newly = self.selected != number
            self.selected, self.handle = number, handle
            if newly:
                self.caliper_selected.emit(caliper.plane)
            if self.locked_reason:
                self.refused.emit(self.locked_reason)
            elif handle is not Handle.BODY or not newly or self._near_centre(caliper.geometry, point):
                self._drag = caliper
            self.update()
            return True
        if self.selected is not None:
            self.selected = self.handle = None
            self.update()
        return False

    def _near_centre(self, geometry: Geometry, point: Point) -> bool:
        centre = handles_of(geometry)[Handle.BODY]
        return abs(centre.x - point.x) + abs(centre.y - point.y) <= 2 * self._reach()

    def _cursor_at(self, point: Point) -> Qt.CursorShape:
        for caliper in self.overlay.calipers if self.overlay_visible else ():
            handle = find_handle(geometry=caliper.geometry, point=point, reach_px=self._reach())
            if handle is Handle.BODY:
                return Qt.CursorShape.SizeAllCursor
            if handle is not None:
                return Qt.CursorShape.CrossCursor
        return Qt.CursorShape.ArrowCursor

    def _add_point(self, point: Point) -> None:
        self._points.append(point)
        if len(self._points) == 2:
            first, second = self._points
            self.set_tool(Tool.CALIPERS)
            self.two_points.emit(first, second)
        self.update()

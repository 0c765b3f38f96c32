"""The caliper in hand: which one is selected, by which handle it is held, and where it was dragged to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.canvas.hit import Handle, Point, dragged, find_handle, handles_of
from app.canvas.overlay import Caliper, Overlay
from fetalnet.core.geometry import Geometry
from fetalnet.core.planes import Plane


@dataclass(frozen=True, slots=True)
class Grasp:
    """A caliper that was taken hold of; ``newly`` where another one, or none, was selected before."""

    caliper: Caliper
    newly: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """Where the caliper of a plane is wanted."""

    plane: Plane
    geometry: Geometry


class Grip:
    """Holds on to a caliper of the shown overlay. Places are in native pixels."""

    def __init__(self) -> None:
        self.overlay = Overlay()
        self.selected: int | None = None
        self.handle: Handle | None = None
        self.locked_reason: str | None = None
        """Why what was proposed or decided cannot be corrected now; None where it can."""
        self._drag: Caliper | None = None
        self._wanted_plane: Plane | None = None

    def show(self, overlay: Overlay) -> None:
        """Go on with another overlay: the selection stays where there is still a caliper of that number."""
        self.overlay = overlay
        if self.selected is not None and self.selected >= len(overlay.calipers):
            self.release()
        self._take_wanted()

    @property
    def drawn(self) -> Overlay:
        """What is to be drawn: the overlay, with the caliper where it is being dragged."""
        if self._drag is None or self.selected is None:
            return self.overlay
        calipers = list(self.overlay.calipers)
        calipers[self.selected] = self._drag
        state = self.overlay.state_badge if self._drag.placed else "✎ correcting"
        return replace(self.overlay, outline=None, calipers=tuple(calipers), state_badge=state, help_badge="")

    @property
    def held(self) -> Caliper | None:
        return self.overlay.calipers[self.selected] if self.selected is not None else None

    @property
    def dragging(self) -> bool:
        return self._drag is not None

    # Selecting.

    def select(self, number: int | None) -> None:
        """Take a caliper of the overlay by its first handle."""
        if number is None or number >= len(self.overlay.calipers):
            self.release()
        else:
            self.selected = number
            self.handle = next(iter(handles_of(self.overlay.calipers[number].geometry)))

    def select_plane(self, plane: Plane) -> None:
        """Take a plane's caliper, as soon as it is there."""
        self._wanted_plane = plane
        self._take_wanted()

    def _take_wanted(self) -> None:
        numbers = [number for number, each in enumerate(self.overlay.calipers) if each.plane is self._wanted_plane]
        if numbers:
            self._wanted_plane = None
            self.select(numbers[0])

    def next_handle(self) -> None:
        """Take the next handle of the selected caliper; the first caliper where none is selected."""
        if self.held is None:
            self.select(0)
            return
        names = list(handles_of(self.held.geometry))
        at = names.index(self.handle) if self.handle in names else -1
        self.handle = names[(at + 1) % len(names)]

    def release(self) -> None:
        self.selected = self.handle = None

    # Moving.

    def why_locked(self, caliper: Caliper) -> str | None:
        """Why this caliper cannot be moved now; None where it can."""
        return None if caliper.placed else self.locked_reason

    def nudged(self, dx: float, dy: float) -> Moved | None:
        """The held caliper with its handle moved by pixels of the picture; None where none is held."""
        caliper = self.held
        if caliper is None or self.handle is None:
            return None
        at = handles_of(caliper.geometry)[self.handle]
        geometry, self.handle = dragged(caliper.geometry, self.handle, Point(at.x + dx, at.y + dy))
        return Moved(caliper.plane, geometry)

    def take(self, point: Point, reach_px: float) -> Grasp | None:
        """Take the caliper under ``point`` and begin to drag it, unless it is locked; else let go of what is held."""
        # The selected caliper first: where two overlap, it is the one in hand.
        for number in sorted(range(len(self.overlay.calipers)), key=lambda each: each != self.selected):
            caliper = self.overlay.calipers[number]
            handle = find_handle(geometry=caliper.geometry, point=point, reach_px=reach_px)
            if handle is None:
                continue
            newly = self.selected != number
            self.selected, self.handle = number, handle
            # A first click on an outline only selects: pulling there by accident would move the whole caliper.
            pulls = handle is not Handle.BODY or not newly or _is_near_centre(caliper.geometry, point, reach_px)
            if pulls and not self.why_locked(caliper):
                self._drag = caliper
            return Grasp(caliper, newly)
        self.release()
        return None

    def drag_to(self, point: Point) -> None:
        if self._drag is not None and self.handle is not None:
            geometry, self.handle = dragged(self._drag.geometry, self.handle, point)
            self._drag = self._drag.moved(geometry)

    def drop(self) -> Moved | None:
        """End the drag. Where the caliper was dragged to; None where it did not move."""
        drag, self._drag = self._drag, None
        if drag is None or self.held is None or drag.geometry == self.held.geometry:
            return None
        return Moved(drag.plane, drag.geometry)

    def handle_at(self, point: Point, reach_px: float) -> Handle | None:
        """What of any caliper lies under ``point``."""
        found = (find_handle(geometry=each.geometry, point=point, reach_px=reach_px) for each in self.overlay.calipers)
        return next((handle for handle in found if handle is not None), None)


def _is_near_centre(geometry: Geometry, point: Point, reach_px: float) -> bool:
    centre = handles_of(geometry)[Handle.BODY]
    return abs(centre.x - point.x) + abs(centre.y - point.y) <= 2 * reach_px

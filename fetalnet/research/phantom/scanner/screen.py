"""What a scanner draws around its fan: ruler, text, grey bar, calipers; several makes, none real."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.geometry import Geometry
from fetalnet.research.phantom.scanner.view import Box, Fan, View

Colour = tuple[int, int, int]


class Layout(StrEnum):
    """How the screen is arranged."""

    BARE = "bare"
    CONSOLE = "console"
    SIDE_TEXT = "side_text"
    PORTABLE = "portable"


COMMON_SIZES: tuple[tuple[int, int], ...] = ((800, 540), (640, 480), (976, 736), (1024, 768), (1280, 720), (1920, 1080))


def place_view(
    rng: np.random.Generator,
    layout: Layout,
    size: tuple[int, int],
    fan: Fan,
    shown_mm: tuple[float, float],
    wide_mm: float,
) -> View:
    """Put a fan on the screen so that the depths ``shown_mm`` (from, to) and a width of ``wide_mm`` are in view."""
    width, height = size
    port = _port(layout, width, height)
    port_h, port_w = port.y1 - port.y0, port.x1 - port.x0
    top_mm = shown_mm[0] if shown_mm[0] > 0 else -fan.sagitta_mm
    px_per_mm = min(port_h / (shown_mm[1] - top_mm), port_w / wide_mm)
    if layout is Layout.PORTABLE:
        px_per_mm *= float(rng.uniform(0.88, 1.0))
    spare_px = max(port_w - wide_mm * px_per_mm, 0.0)
    face_x = port.x0 + port_w / 2 + float(rng.uniform(-0.12, 0.12)) * spare_px
    return View(fan, size, port, (face_x, port.y0 - top_mm * px_per_mm), 1.0 / px_per_mm)


def _port(layout: Layout, width: int, height: int) -> Box:
    match layout:
        case Layout.BARE:
            return Box(0, 0, width, height)
        case Layout.CONSOLE:
            return Box(0, round(0.1 * height), round(0.985 * width), height)
        case Layout.SIDE_TEXT:
            return Box(round(0.17 * width), round(0.05 * height), round(0.97 * width), round(0.95 * height))
        case Layout.PORTABLE:
            return Box(round(0.04 * width), round(0.07 * height), round(0.96 * width), round(0.93 * height))


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """Furniture drawn once: ``picture`` ``(h, w, 3)`` RGB and ``over`` ``(h, w)`` where it lies over the fan."""

    view: View
    picture: NDArray[np.uint8]
    over: NDArray[np.bool_]
    tint: tuple[float, float, float] | None

    def compose(self, fan_grey: NDArray[np.uint8], *, colour: bool) -> NDArray[np.uint8]:
        """A whole screen, ``(h, w, 3)`` RGB or ``(h, w)`` grey, from the fan's picture."""
        port = self.view.port
        if not colour:
            grey: NDArray[np.uint8] = cv2.cvtColor(self.picture, cv2.COLOR_RGB2GRAY)
            part = grey[port.y0 : port.y1, port.x0 : port.x1]
            np.copyto(part, fan_grey, where=~self.over)
            return grey
        screen = self.picture.copy()
        inset = screen[port.y0 : port.y1, port.x0 : port.x1]
        if self.tint is None:
            fan = cv2.cvtColor(fan_grey, cv2.COLOR_GRAY2RGB)
        else:
            fan = np.stack([cv2.convertScaleAbs(fan_grey, alpha=gain) for gain in self.tint], axis=-1)
        np.copyto(inset, fan, where=~self.over[..., None])
        return screen


def draw_screen(rng: np.random.Generator, layout: Layout, view: View) -> Screen:
    """Draw the furniture of a layout round a view; the ruler's ticks are true to the view's scale."""
    width, height = view.size
    picture = np.zeros((height, width, 3), np.uint8)
    pen = _Pen(picture, max(height / 735.0, 0.55))
    if layout is Layout.BARE:
        _draw_bare(rng, pen, view)
    else:
        _draw_ruler(rng, pen, view, layout)
        _draw_grey_bar(rng, picture, view)
        _draw_text(rng, pen, view, layout)
    port = view.port
    over = picture[port.y0 : port.y1, port.x0 : port.x1].max(axis=2) > 0
    if layout is Layout.BARE and rng.uniform() < 0.75:
        # Stills with the text blocks blanked: black boxes at the right edge.
        tall, wide = round(height * rng.uniform(0.08, 0.2)), round(width * rng.uniform(0.1, 0.28))
        over[-tall:, -wide:] = True
        if rng.uniform() < 0.6:
            over[: round(height * rng.uniform(0.1, 0.22)), -round(width * rng.uniform(0.05, 0.13)) :] = True
    tint = None
    if rng.uniform() < 0.2:
        tint = [(0.93, 0.96, 1.0), (1.0, 0.93, 0.8), (0.9, 0.95, 1.0)][int(rng.integers(3))]
    return Screen(view, picture, over, tint)


class _Pen:
    def __init__(self, picture: NDArray[np.uint8], scale: float) -> None:
        self.picture, self.scale = picture, scale

    def text(self, x: float, y: float, words: str, colour: Colour = (220, 220, 220), size: float = 0.5) -> None:
        cv2.putText(self.picture, words, (round(x), round(y)), cv2.FONT_HERSHEY_SIMPLEX, size * self.scale, colour,
                    max(1, round(self.scale)), cv2.LINE_AA)  # fmt: skip

    def tick(self, x: float, y: float, length: float, colour: Colour, thick: int = 1) -> None:
        cv2.line(self.picture, (round(x), round(y)), (round(x + length), round(y)), colour, thick)


def _draw_ruler(rng: np.random.Generator, pen: _Pen, view: View, layout: Layout) -> None:
    width, height = view.size
    colour: Colour = [(240, 240, 120), (220, 220, 220), (120, 200, 255)][int(rng.integers(3))]
    x = 0.03 * width if layout is Layout.CONSOLE else rng.choice([0.015 * width, 0.975 * width])
    px_per_mm = 1.0 / view.scale_mm_per_px
    minor = 5 if px_per_mm * 5 > 8 else 10
    length = 6 * pen.scale
    for mm in range(0, int(view.fan.depth_mm) + 1, minor):
        y = view.face_px[1] + mm * px_per_mm
        if view.port.y0 <= y < view.port.y1:
            if mm % 50 == 0:
                pen.tick(x - 2, y, 1.6 * length, colour, max(1, round(1.5 * pen.scale)))
            elif mm % 10 == 0:
                pen.tick(x, y, 0.7 * length, colour)
            else:
                pen.tick(x, y, 1, colour)
            if mm and mm % 50 == 0 and layout is not Layout.CONSOLE:
                left = x + 1.8 * length if x < width / 2 else x - 5 * length
                pen.text(left, y + 4, str(mm // 10), colour, 0.4)
    focus = view.face_px[1] + rng.uniform(0.4, 0.7) * view.fan.depth_mm * px_per_mm
    if focus < height - 6:
        cv2.drawMarker(pen.picture, (round(x + 2.5 * length), round(focus)), colour, cv2.MARKER_TRIANGLE_UP,
                       max(4, round(6 * pen.scale)))  # fmt: skip


def _draw_grey_bar(rng: np.random.Generator, picture: NDArray[np.uint8], view: View) -> None:
    width, height = view.size
    x0 = 0 if rng.uniform() < 0.6 else width - round(0.012 * width)
    y0, y1 = round(0.14 * height), round(rng.uniform(0.35, 0.55) * height)
    ramp = np.linspace(255, 0, y1 - y0).astype(np.uint8)
    picture[y0:y1, x0 : x0 + round(0.012 * width)] = ramp[:, None, None]


def _draw_text(rng: np.random.Generator, pen: _Pen, view: View, layout: Layout) -> None:
    width, height = view.size
    depth = f"{view.fan.depth_mm / 10:.1f}cm / {rng.uniform(1.0, 2.6):.1f} / {rng.integers(18, 60)}Hz"
    power = [
        f"Pwr {rng.integers(70, 100)} %",
        f"Gn {rng.integers(-4, 8)}",
        f"C{rng.integers(4, 9)} / M{rng.integers(3, 9)}",
        f"P{rng.integers(1, 5)} / E{rng.integers(1, 4)}",
        f"SR {rng.integers(1, 6)}",
    ]
    name = ["Sonoform S4", "Echora 7", "Wavelet P", "Phantom One"][int(rng.integers(4))]
    match layout:
        case Layout.CONSOLE:
            bar = (rng.integers(20, 50),) * 3
            cv2.rectangle(pen.picture, (round(0.16 * width), round(0.062 * height)),
                          (round(0.985 * width), round(0.096 * height)), tuple(int(v) for v in bar), -1)  # fmt: skip
            pen.text(0.01 * width, 0.04 * height, name)
            pen.text(0.42 * width, 0.088 * height, depth)
            pen.text(0.45 * width, 0.045 * height, "C2-7 / OB")
            pen.text(0.61 * width, 0.088 * height, f"TIs {rng.uniform(0, 0.5):.1f}")
            pen.text(0.61 * width, 0.045 * height, f"MI {rng.uniform(0.5, 1.2):.1f}")
            for row, words in enumerate(["2+3.Trim.", *power]):
                pen.text(0.895 * width, (0.125 + 0.026 * row) * height, words, (190, 190, 190), 0.42)
            pen.text(0.12 * width, 0.14 * height, "o", (40, 200, 60), 0.7)
        case Layout.SIDE_TEXT:
            pen.text(0.012 * width, 0.06 * height, name, size=0.42)
            for row, words in enumerate(["OB Gen", f"{view.fan.depth_mm / 10:.1f} cm", "2D", *power]):
                pen.text(0.012 * width, (0.16 + 0.034 * row) * height, words, (180, 200, 180), 0.4)
            pen.text(0.4 * width, 0.985 * height, depth, size=0.4)
        case Layout.PORTABLE:
            pen.text(0.02 * width, 0.045 * height, name)
            pen.text(0.6 * width, 0.045 * height, depth)
            pen.text(0.05 * width, 0.975 * height, f"MI {rng.uniform(0.5, 1.2):.1f}  TIB {rng.uniform(0, 0.5):.1f}")
        case Layout.BARE:
            pass


def _draw_bare(rng: np.random.Generator, pen: _Pen, view: View) -> None:
    height, width = pen.picture.shape[:2]
    if rng.uniform() < 0.8:
        y0, y1 = round(0.03 * height), round(0.28 * height)
        pen.picture[y0:y1, 3:9] = np.linspace(255, 10, y1 - y0).astype(np.uint8)[:, None, None]
    if rng.uniform() < 0.1:
        pen.text(0.02 * width, 0.985 * height, f"Cine {rng.integers(20, 600)}", size=0.4)


def draw_calipers(rng: np.random.Generator, screen: NDArray[np.uint8], geometry: Geometry) -> None:
    """Burn a dotted ellipse or a caliper pair into a screen, as saved stills have them; a little off the truth."""
    colour = (200, 200, 90) if screen.ndim == 3 else (190,)
    count = max(12, round(screen.shape[0] / 6)) if geometry.to_json()["type"] == "ellipse" else 2
    points = geometry.points(count) + rng.normal(0, 1.5, 2)
    dots = count > 2
    if not dots or rng.uniform() < 0.5:
        for x, y in points[[0, count // 2]]:
            cv2.drawMarker(screen, (round(x), round(y)), colour, cv2.MARKER_CROSS, max(7, screen.shape[0] // 60))
    if dots:
        for x, y in points:
            cv2.circle(screen, (round(x), round(y)), 1, colour, -1)
    elif rng.uniform() < 0.5:
        for x, y in geometry.points(24):
            cv2.circle(screen, (round(x), round(y)), 0, colour, -1)

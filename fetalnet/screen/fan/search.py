"""Finds the fan's shape on a scanner's screen: for each apex the best angles and depths are sums of evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fetalnet.core.letterbox import Box
from fetalnet.screen.fan.evidence import DARK_COST, EDGE, Candidate, Evidence, Floats, best_run
from fetalnet.screen.fan.sector import DARK, SMALL_WIDTH, brightest, tissue_in
from fetalnet.screen.fan.shape import ConvexFan, FanShape, FlatFan

_FAINT_GAIN = 0.1
"""What a pixel gains in which the beam's noise is all there is."""
_NOISE = 0.02
"""Mean grey value over black of the least noise of a beam."""
_FAINTEST = 0.6
"""Mean grey value over the screen's black from which on the beam has been there."""
_MIN_TISSUE = 0.08
"""Less tissue than this part of the picture is no fan."""
_FULL = 0.995
"""More tissue than this, and the picture is all fan."""
_ARCS = 0.004
"""How much better, in parts of the tissue, a sector with arcs must be than one without."""
_HELD = 0.9
"""Less of the tissue than this in a fan, and it is none."""
_ROUGH, _COARSE = 4, 2
"""Small pixels that are one where the apexes of a grid are tried, and where the best of them are refined."""
_ACROSS = (0.3, 0.4, 0.5, 0.6, 0.7)
_ABOVE = (0.0, 0.08, 0.16, 0.26, 0.4, 0.6, 0.9, 1.4, 2.5, 5.0, 20.0)
"""Parts of the clip's width and height at which the grid's apexes lie."""
_STARTS, _COARSE_STARTS = 4, 3
"""Apexes that are climbed from on the grid, and where the evidence is coarse."""
_HOPELESS = 0.02
"""In parts of the tissue: with or without arcs, what is so much worse on the grid is not looked at closely."""
_ROUGH_STEPS, _COARSE_STEPS, _FINE_STEPS = (0.05, 0.025), (0.0125, 0.006), (0.008, 0.0025)
"""Parts of the width by which apexes are shifted."""
_HEIGHT_STEP = 4.0
"""Steps to the sides that tell as much as one of the logarithm of the height."""
_AROUND = tuple((across, above) for across in (-1, 0, 1) for above in (-1, 0, 1) if across or above)
_MOST_ROUNDS = 10
"""Of shifts by one step."""
_DARK_ROW = 0.1
"""What a dark pixel costs at the top and bottom: fluid may lie there, and menus are never tissue."""
_SHARP = 0.6
"""Tissue along this part of a side cut-off, or it is only where the beam gets dim."""
_RIM = 1.0
"""Small pixels by which the best run of rays or depths ends outside of the fan (measured on the phantom's)."""
_FLAT_DISTANCE = 12.0
"""An apex further above the fan than this many of its heights is that of a linear probe."""


def find_fan(*pictures: NDArray[np.uint8], small: NDArray[np.uint8] | None = None) -> FanShape | None:
    """The fan on one or more pictures of one recording, (h, w) grey or (h, w, 3) RGB of one size; None without tissue.

    It holds what ``find_sector`` calls tissue, and is completed to a sector where the beam is dim or in a shadow.
    Several frames help more than one, for tissue moves through shadows. ``small`` is ``brightest(pictures)``.
    """
    mean = _mean(pictures)
    level = _levels(mean)
    tissue = tissue_in(brightest(pictures) if small is None else small, level)
    if tissue.mean() < _MIN_TISSUE:
        return None
    if tissue.mean() > _FULL:
        return _rectangle(tissue, pictures[0].shape)
    gain = np.where(tissue > 0, np.float32(1.0), np.float32(-DARK_COST))
    gain[(tissue == 0) & _faint(mean, tissue)] = _FAINT_GAIN
    # Letters and rulers are bright but no tissue: they say nothing.
    gain[(tissue == 0) & (level > DARK)] = 0.0
    best, clip = _search(gain, _bounds((gain > 0).astype(np.uint8)))
    clip = _fitted_clip(gain, best, clip)
    fan = _shape(best, clip, gain.shape, pictures[0].shape)
    return fan if _holds(fan, tissue, pictures[0].shape) else _rectangle(tissue, pictures[0].shape)


def _mean(pictures: Sequence[NDArray[np.uint8]]) -> Floats:
    """The mean of all pictures, small and grey."""
    size = SMALL_WIDTH, max(round(pictures[0].shape[0] * SMALL_WIDTH / pictures[0].shape[1]), 1)
    mean = np.zeros(size[::-1], np.float32)
    for picture in pictures:
        small = cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        mean += (small if small.ndim == 2 else small.mean(axis=2)) / len(pictures)
    return mean


def _faint(mean: Floats, tissue: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the beam's noise is all there is: wide parts a little above the black of the picture's darkest side.

    Above and below all tissue are menus.
    """
    high, wide = max(mean.shape[0] // 25, 1), max(mean.shape[1] // 40, 1)
    rims = mean[:high], mean[-high:], mean[:, :wide], mean[:, -wide:]
    black = min(float(np.percentile(rim, 60)) for rim in rims)
    above = (mean > 2.0 * black + _NOISE).astype(np.uint8)
    # Around letters and tissue a codec leaves a seam of noise: thin, as letters are.
    rows = np.flatnonzero(tissue.any(axis=1))
    above[: rows[0]] = above[rows[-1] + 1 :] = 0
    apart = above & ~(cv2.dilate(tissue, np.ones((7, 7), np.uint8)))
    closed = cv2.morphologyEx(apart, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    wide_parts = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    return np.asarray((cv2.dilate(wide_parts, np.ones((9, 9), np.uint8)) & above) > 0, np.bool_)


def _levels(mean: Floats) -> NDArray[np.uint8]:
    """A mean picture spread so that the faintest noise of the beam is above ``DARK``."""
    black = min(float(np.percentile(mean, 2)), DARK)
    above = mean - black
    spread = np.where(above > _FAINTEST, above + (DARK - _FAINTEST) + 0.5, above * (DARK / _FAINTEST))
    return np.clip(spread, 0, 255).astype(np.uint8)


def _bounds(tissue: NDArray[np.uint8]) -> Box:
    x, y, width, height = cv2.boundingRect(tissue)
    return x, y, x + width, y + height


def _search(gain: Floats, clip: Box) -> tuple[Candidate, Box]:
    """The best fan, and the clip it was found in: ``clip``, or what the best one in it leaves of that."""
    starts, fine = _starts(gain, clip), Evidence(gain, clip)
    fitted = _fitted_clip(gain, _best(fine, [each[-1:] for each in starts]), clip)
    if fitted != clip:
        clip, starts, fine = fitted, _starts(gain, fitted), Evidence(gain, fitted)
    coarse = Evidence(gain, clip, _COARSE)
    starts = [_climbed(coarse, each[-_COARSE_STARTS:], _COARSE_STEPS) for each in starts]
    return _climbed(fine, [_best(fine, starts)], _FINE_STEPS)[0], clip


def _starts(gain: Floats, clip: Box) -> list[list[Candidate]]:
    """Apexes tried on a grid and climbed from, with arcs and without, best last; a hopeless shape is left out."""
    rough = Evidence(gain, clip, _ROUGH)
    x0, y0, x1, y1 = clip
    grid = [(x0 + across * (x1 - x0), y0 - above * (y1 - y0)) for across in _ACROSS for above in _ABOVE]
    found = []
    for arcs in (True, False):
        tried = sorted(rough.best(grid, arcs), key=lambda each: each.score)
        found.append(_climbed(rough, tried[-_STARTS:], _ROUGH_STEPS))
    least = max(each[-1].score for each in found) - _HOPELESS * rough.tissue
    return [each for each in found if each[-1].score >= least]


def _climbed(evidence: Evidence, starts: list[Candidate], steps: Sequence[float]) -> list[Candidate]:
    """Where each start ends, best last: its apex moves to the best neighbour until none is better, step by step.

    Apexes are tried all at once. Their height is on a scale on which far apexes lie no further apart.
    """
    arcs, bottom = starts[0].arcs, evidence.bottom
    best = evidence.best([each.apex for each in starts], arcs)
    for step in steps:
        climbing = list(range(len(best)))
        for _ in range(_MOST_ROUNDS):
            tried = evidence.best(
                [
                    (x + across * step * evidence.width, bottom - (bottom - y) * math.exp(above * _HEIGHT_STEP * step))
                    for x, y in (best[k].apex for k in climbing)
                    for across, above in _AROUND
                ],
                arcs,
            )
            tops = (max(tried[k : k + len(_AROUND)], key=_score) for k in range(0, len(tried), len(_AROUND)))
            better = {k: top for k, top in zip(climbing, tops, strict=True) if top.score > best[k].score}
            best = [better.get(k, each) for k, each in enumerate(best)]
            climbing = list(better)
            if not climbing:
                break
    return sorted(best, key=_score)


def _best(fine: Evidence, starts: list[list[Candidate]]) -> Candidate:
    """The best as seen in full; a sector with arcs must be worth them."""
    found = [each for few in starts for each in fine.best([start.apex for start in few], few[0].arcs)]
    return max(found, key=lambda each: each.score - each.arcs * _ARCS * fine.tissue)


def _score(candidate: Candidate) -> float:
    return candidate.score


def _fitted_clip(gain: Floats, fan: Candidate, clip: Box) -> Box:
    """The rows and columns between which the fan gains most."""
    height, width = gain.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    across, down = x - fan.apex[0], np.maximum(y - fan.apex[1], 1e-3)
    depth = np.hypot(across, down) if fan.arcs else down
    tangent = across / down
    inside = (tangent >= fan.tangents[0]) & (tangent <= fan.tangents[1])
    inside &= (depth >= fan.depths[0]) & (depth <= fan.depths[1])
    seen = np.where(inside, gain, 0)
    x0, _, x1, _ = clip
    by_row = np.maximum(seen, -_DARK_ROW)[:, x0:x1].sum(axis=1, dtype=np.float64)
    top, bottom = (int(each[0]) for each in best_run(by_row[None])[1:])
    by_column = seen[top:bottom].sum(axis=0, dtype=np.float64)
    left, right = (int(each[0]) for each in best_run(by_column[None])[1:])
    rows = inside[top:bottom] & (gain[top:bottom] != 0)

    def is_cut(columns: slice) -> bool:
        part = rows[:, columns]
        return bool(part.any()) and float((gain[top:bottom, columns][part] == 1.0).mean()) >= _SHARP

    middle = fan.apex[0]
    cut_left, cut_right = is_cut(slice(left, left + 4)), is_cut(slice(max(right - 4, 0), right))
    if not cut_left:
        left = min(left, max(round(2 * middle - right), 0) if cut_right else 0)
    if not cut_right:
        right = max(right, min(round(2 * middle - left), width) if cut_left else width)
    return left, top, right, bottom


def _holds(fan: FanShape, tissue: NDArray[np.uint8], native: tuple[int, ...]) -> bool:
    """Whether nearly all tissue lies in the fan."""
    mask = cv2.resize(fan.mask(native).astype(np.uint8), tissue.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return float(mask[tissue > 0].mean()) >= _HELD


def _rectangle(tissue: NDArray[np.uint8], native: tuple[int, ...]) -> FanShape:
    """All that shows tissue, where no probe's shape can be told from it."""
    x0, y0, x1, y1 = _bounds(tissue)
    to_x, to_y = native[1] / tissue.shape[1], native[0] / tissue.shape[0]
    left, top, right, bottom = x0 * to_x - 0.5, y0 * to_y - 0.5, x1 * to_x - 0.5, y1 * to_y - 0.5
    return FlatFan(((left, top), (right, top), (right, bottom), (left, bottom)), (0, 0, native[1], native[0]))


def _shape(fan: Candidate, clip: Box, small: tuple[int, ...], native: tuple[int, ...]) -> FanShape:
    """From small to native pixels; cut-offs that cut nothing go to the picture's edge."""
    to_x, to_y = native[1] / small[1], native[0] / small[0]

    def point(x: float, y: float) -> tuple[float, float]:
        return float((x + 0.5) * to_x - 0.5), float((y + 0.5) * to_y - 0.5)

    x0, y0, x1, y1 = clip
    whole = (0, 0, native[1], native[0])
    (apex_x, apex_y), (left, right), (near, far) = fan.apex, fan.tangents, fan.depths
    # The fan gains as far as the rim of its last pixels; all its edges lie further in, and with its sides the apex.
    aside_left, aside_right = _RIM * math.hypot(1.0, left), _RIM * math.hypot(1.0, right)
    down = (aside_left + aside_right) / max(right - left, 1e-6)
    apex_x, apex_y = apex_x + left * down + aside_left, apex_y + down
    near, far = near - down + _RIM, far - down - _RIM
    bounds = (
        0 if x0 <= EDGE else round(x0 * to_x),
        0 if y0 <= EDGE else round(y0 * to_y),
        whole[2] if x1 >= small[1] - EDGE else round(x1 * to_x),
        whole[3] if y1 >= small[0] - EDGE else round(y1 * to_y),
    )
    if fan.arcs and far < _FLAT_DISTANCE * (y1 - y0):
        x, y = point(apex_x, apex_y)
        left_deg, right_deg = math.degrees(math.atan(left)), math.degrees(math.atan(right))
        # What the cut-offs hide is not known: the rings begin and end there.
        near = max(near, y0 - apex_y)
        far = min(far, math.hypot(max(apex_x - x0, x1 - apex_x), y1 - apex_y))
        return ConvexFan(x, y, near * to_y, far * to_y, left_deg, right_deg, bounds)
    top, bottom = max(near + apex_y, y0) - 0.5, min(far + apex_y, y1) - 0.5
    corners = tuple(
        point(apex_x + tangent * (row - apex_y), row)
        for row, tangent in ((top, left), (top, right), (bottom, right), (bottom, left))
    )
    return FlatFan(corners, bounds)  # type: ignore[arg-type]  # there are four

"""Simulated organs that look real: filled with the texture of real tissue and set into a real picture for its head.

Where real pictures show heads alone, whatever is round and real is a head to the network. Here nothing but the anatomy
is simulated: around the organ lies what lies around a real head, and inside it tissue with the spectrum and the greys
of real tissue. Heads are set in as abdomens are, so that the seam tells nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from fetalnet.geometry import Ellipse
from fetalnet.planes import Plane
from fetalnet.training.erase import blend, erased
from fetalnet.training.example import Example
from fetalnet.training.looks import Floats, fan_of
from fetalnet.training.phantom_looks import in_drawn_look
from fetalnet.training.targets import warped

LOOKS_SHARE = 0.75
"""Of the guests that are given a look of real organs before they are filled."""

_LIT = 8
"""Grey from which a pixel is tissue."""
_TRIES = 30
_PATCH_PX = (40, 90)
_LEVELS = np.linspace(0.0, 1.0, 129)


def implanted(
    head: Example, guest: Example, rng: np.random.Generator, heads: list[Example], fillers: list[Example]
) -> Example:
    """The guest's organ, an ellipse, in the place of the head of a real picture.

    Its tissue comes from one of ``heads``; what was the head is filled as ``erased`` does. The picture counts as
    real: no other look is drawn over it.
    """
    plane = guest.organ
    matrix = _into(head, guest, rng)
    shape = head.pixels.shape
    flags = cv2.INTER_AREA if abs(np.linalg.det(matrix[:, :2])) < 0.5 else cv2.INTER_LINEAR
    moved = np.asarray(cv2.warpAffine(guest.pixels, matrix, shape[::-1], flags=flags), np.uint8)
    outline = replace(guest.outlines[plane], geometry=warped(guest.outlines[plane].geometry, matrix))
    placed = replace(guest, pixels=np.maximum(moved, 1), outlines={plane: outline})
    organ = outline.geometry
    assert isinstance(organ, Ellipse)
    x = in_drawn_look(rng, placed.pixels, placed, LOOKS_SHARE).astype(np.float32)
    patch = tissue_of(heads, rng)
    if patch is not None:
        grain = 1.0 + (textured(patch, shape, rng) - 1.0) * np.float32(rng.uniform(0.25, 1.0))
        smooth = cv2.GaussianBlur(x, (0, 0), float(rng.uniform(0.8, 2.2)))
        x += np.float32(rng.uniform(0.3, 1.0)) * (smooth * np.clip(grain, 0.15, 3.0) - x)
    lit, own = head.pixels[head.pixels > _LIT], x[x > _LIT]
    if lit.size and own.size:
        x *= lit.mean() / own.mean() * math.exp(rng.normal(0.0, 0.2))
    bare = erased(head, rng, fillers).pixels
    pixels = blend(bare, np.clip(x, 0, 255).astype(np.uint8), _seam(organ, shape, rng))
    return replace(placed, pixels=np.where(fan_of(head.pixels), pixels, 0).astype(np.uint8), real=True)


def tissue_of(heads: list[Example], rng: np.random.Generator) -> NDArray[np.uint8] | None:
    """A square of tissue beside a real head, or within one; None where none was hit upon."""
    for _ in range(_TRIES):
        head = heads[int(rng.integers(len(heads)))]
        size = int(rng.integers(*_PATCH_PX))
        rows, columns = head.pixels.shape
        if min(rows, columns) <= size:
            continue
        top, left = int(rng.integers(rows - size)), int(rng.integers(columns - size))
        patch = head.pixels[top : top + size, left : left + size]
        if (patch > _LIT).mean() < 0.95 or patch.mean() < 2 * _LIT:
            continue
        ellipse = head.outlines[Plane.HEAD].geometry
        assert isinstance(ellipse, Ellipse)
        corners = np.array([[left, top], [left + size, top], [left, top + size], [left + size, top + size]], np.float64)
        middles = (corners + corners[[1, 3, 0, 2]]) / 2
        at = np.vstack([corners, middles, corners.mean(axis=0)]) - (ellipse.cx, ellipse.cy)
        radius = np.linalg.norm(at @ np.linalg.inv(ellipse.matrix).T, axis=1)
        # The skull is no tissue.
        if radius.min() > 1.12 or radius.max() < 0.88:
            return patch
    return None


def textured(patch: NDArray[np.uint8], shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Noise (height, width) of mean 1 with a patch's spectrum and greys, its larger shades left out.

    Random phases after Galerne et al. 2011 ("Random phase textures", IEEE Trans. Image Process. 20(1)).
    """
    zoom = math.exp(rng.uniform(math.log(0.8), math.log(1.6)))
    tissue = cv2.resize(patch, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    shades = cv2.GaussianBlur(tissue, (0, 0), max(4.0, 0.18 * tissue.shape[0]))
    ratio = tissue / np.maximum(shades, 4.0)
    window = np.hanning(tissue.shape[0]).astype(np.float32)
    kernel = (ratio - ratio.mean()) * np.outer(window, window)
    rows, columns = fft.next_fast_len(shape[0], real=True), fft.next_fast_len(shape[1], real=True)
    spectrum = np.abs(fft.rfft2(kernel[:rows, :columns], (rows, columns)))
    noise = fft.irfft2(spectrum * fft.rfft2(rng.standard_normal((rows, columns), dtype=np.float32)), (rows, columns))
    greys = np.quantile(ratio, _LEVELS) / max(float(ratio.mean()), 1e-3)
    mapped = np.interp(noise[: shape[0], : shape[1]], np.quantile(noise[::4, ::4], _LEVELS), greys)
    return np.asarray(mapped, np.float32)


def _into(head: Example, guest: Example, rng: np.random.Generator) -> NDArray[np.float64]:
    """The map (2, 3) that brings the guest's organ to where the head lies, about as large."""
    place, organ = head.outlines[Plane.HEAD].geometry, guest.outlines[guest.organ].geometry
    assert isinstance(place, Ellipse)
    assert isinstance(organ, Ellipse)
    scale = 1.05 * math.sqrt(place.a * place.b / (organ.a * organ.b)) * math.exp(rng.normal(0.0, 0.12))
    turn = float(rng.normal(0.0, 0.25))
    cos, sin = math.cos(turn), math.sin(turn)
    linear = scale * np.array([[cos, -sin], [sin, cos]]) @ np.diag([float(rng.choice([-1.0, 1.0])), 1.0])
    middle = np.array([place.cx, place.cy]) + rng.normal(0.0, 0.08, 2) * place.b
    return np.column_stack([linear, middle - linear @ (organ.cx, organ.cy)])


def _seam(organ: Ellipse, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """(height, width): 1 on the organ, falling to 0 over a few pixels just outside it."""
    wide = float(rng.uniform(1.0, 1.06))
    grown = Ellipse(organ.cx, organ.cy, organ.a * wide, organ.b * wide, organ.theta_deg)
    cover = np.zeros(shape, np.float32)
    cv2.fillPoly(cover, [np.round(grown.points(64)).astype(np.int32)], 1.0)
    softness = math.exp(rng.uniform(math.log(1.5), math.log(9.0)))
    return np.asarray(cv2.GaussianBlur(cover, (0, 0), softness), np.float32)

"""Noise that is fixed to places in mm, so that texture moves with the tissue."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

_TABLE_BITS = 20
_LUMP_SIZE = 128
_VOXELS_PER_LUMP = 9.0


@cache
def _scatterer_table() -> NDArray[np.complex64]:
    rng = np.random.default_rng(11)
    parts = rng.standard_normal((2**_TABLE_BITS, 2), dtype=np.float32) * np.float32(np.sqrt(0.5))
    return np.ascontiguousarray(parts).view(np.complex64)[:, 0]


@cache
def _lump_volume() -> Floats:
    """Periodic smooth noise, unit deviation, features of about nine voxels."""
    rng = np.random.default_rng(12)
    k = np.fft.fftfreq(_LUMP_SIZE)
    radius = np.sqrt(k[:, None, None] ** 2 + k[None, :, None] ** 2 + k[None, None, : _LUMP_SIZE // 2 + 1] ** 2)
    band = np.exp(-((radius / 0.045) ** 2)) + 0.22 * np.exp(-((radius / 0.10) ** 2))
    band[0, 0, 0] = 0.0
    spectrum = np.fft.rfftn(rng.standard_normal((_LUMP_SIZE,) * 3)) * band
    volume = np.fft.irfftn(spectrum, s=(_LUMP_SIZE,) * 3, axes=(0, 1, 2))
    unit: Floats = (volume / volume.std()).astype(np.float32).ravel()
    return unit


def scatterers(points_mm: Floats, cell_mm: float, seed: int) -> NDArray[np.complex64]:
    """White complex noise of unit power at points ``(3, ...)``: one value for each cube of tissue."""
    cells = np.floor(points_mm * np.float32(1.0 / cell_mm)).astype(np.int32).view(np.uint32)
    mixed = cells[0] * np.uint32(73856093)
    mixed ^= cells[1] * np.uint32(19349663)
    mixed ^= cells[2] * np.uint32(83492791)
    mixed += np.uint32(seed * 2654435761 % 2**32)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(2246822519)
    mixed >>= np.uint32(32 - _TABLE_BITS)
    values: NDArray[np.complex64] = np.take(_scatterer_table(), mixed.view(np.int32))
    return values


def lumps(
    x_mm: Floats, y_mm: Floats, z_mm: Floats, feature_mm: float | tuple[float, float, float], seed: int
) -> Floats:
    """Smooth noise of unit deviation at points; ``feature_mm`` is the size of its lumps, along each axis or one."""
    fx, fy, fz = feature_mm if isinstance(feature_mm, tuple) else (feature_mm,) * 3
    shift = np.random.default_rng(seed).uniform(0, _LUMP_SIZE, 3)
    mask = np.int32(_LUMP_SIZE - 1)

    # Rounding to voxels at random instead of interpolating: the beam's width averages it out, at an eighth of the cost.
    dither = _dither(x_mm.size)

    def cell(values: Floats, feature: float, axis: int) -> NDArray[np.int32]:
        scaled = values * np.float32(_VOXELS_PER_LUMP / feature) + np.float32(shift[axis] + 64 * _LUMP_SIZE)
        scaled += dither[axis * 7919 : axis * 7919 + values.size].reshape(values.shape)
        return scaled.astype(np.int32) & mask

    flat = (cell(x_mm, fx, 0) * np.int32(_LUMP_SIZE) + cell(y_mm, fy, 1)) * np.int32(_LUMP_SIZE)
    return np.take(_lump_volume(), flat + cell(z_mm, fz, 2))


@lru_cache(maxsize=4)
def _dither_block(blocks: int) -> Floats:
    return np.random.default_rng(13).random(blocks * 65536 + 16384, dtype=np.float32)


def _dither(size: int) -> Floats:
    return _dither_block(size // 65536 + 1)


def outline_lumps(semi_mm: tuple[float, float, float], feature_mm: float, seed: int) -> Floats:
    """Lumps along the ellipse where z = 0 cuts an ellipsoid, ``(90,)``: keeps a deformed outline's mean in place."""
    t = np.linspace(0.0, 2.0 * np.pi, 90, endpoint=False)
    x, y = (semi_mm[0] * np.cos(t)).astype(np.float32), (semi_mm[1] * np.sin(t)).astype(np.float32)
    return lumps(x, y, np.zeros_like(x), feature_mm, seed)

"""Frames and their neighbours: averages over time, sizes that fit those around them, stretches without a gap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def _windows(values: NDArray[np.float64], index: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """``(n, width)``: each value's neighbours by frame index, NaN beyond the ends and across missing frames."""
    half = width // 2
    padded = np.pad(values.astype(np.float64), half, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).copy()
    indices = np.lib.stride_tricks.sliding_window_view(
        np.pad(index, half, constant_values=np.iinfo(np.int64).min // 2), 2 * half + 1
    )
    windows[np.abs(indices - index[:, None]) > half] = np.nan
    return windows


def smoothed(values: NDArray[np.float64], index: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """The centred mean over ``width`` frames, odd; missing frames are left out."""
    mean: NDArray[np.float64] = np.nanmean(_windows(values, index, width), axis=1)
    return mean


def consistent(
    size: NDArray[np.float64], index: NDArray[np.int64], width: int, max_deviation: float
) -> NDArray[np.bool_]:
    """Frames with a size near the median of the sizes around them; ``size`` is NaN where nothing was measured."""
    windows = _windows(size, index, width)
    measured = ~np.isnan(size)
    result = np.zeros(size.shape, bool)
    medians = np.nanmedian(windows[measured], axis=1) if measured.any() else np.empty(0)
    result[measured] = np.abs(size[measured] - medians) <= max_deviation * medians
    return result


def runs_of(flags: NDArray[np.bool_], index: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Half-open positions of each stretch of true flags on frames without a gap."""
    positions = np.flatnonzero(flags)
    if positions.size == 0:
        return []
    breaks = np.flatnonzero((np.diff(positions) != 1) | (np.diff(index[positions]) != 1)) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(positions, breaks)]

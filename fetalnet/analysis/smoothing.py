"""Frames and their neighbours: averages over time, sizes that fit those around them, stretches without a gap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_BLOCK = 4096
"""Windows of an hour's frames at once would be large beside what is known of the frames."""


def _windows(
    values: NDArray[np.float64], index: NDArray[np.int64], width: int
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Block by block, ``(m, width)``: each value's neighbours by frame index, NaN beyond the ends and across missing
    frames.
    """
    half = width // 2
    padded = np.pad(values.astype(np.float64), half, constant_values=np.nan)
    numbers = np.pad(index, half, constant_values=np.iinfo(np.int64).min // 2)
    all_windows, all_indices = (
        np.lib.stride_tricks.sliding_window_view(each, 2 * half + 1) for each in (padded, numbers)
    )
    for start in range(0, len(values), _BLOCK):
        block = slice(start, start + _BLOCK)
        windows = np.array(all_windows[block], np.float64)
        windows[np.abs(all_indices[block] - index[block, None]) > half] = np.nan
        yield block, windows


def smoothed(values: NDArray[np.float64], index: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """The centred mean over ``width`` frames, odd; missing frames are left out."""
    mean = np.empty(len(values))
    for block, windows in _windows(values, index, width):
        mean[block] = np.nanmean(windows, axis=1)
    return mean


def consistent(
    size: NDArray[np.float64], index: NDArray[np.int64], width: int, max_deviation: float
) -> NDArray[np.bool_]:
    """Frames with a size near the median of the sizes around them; ``size`` is NaN where nothing was measured."""
    measured = ~np.isnan(size)
    medians = np.full(size.shape, np.nan)
    for block, windows in _windows(size, index, width):
        if measured[block].any():
            medians[block][measured[block]] = np.nanmedian(windows[measured[block]], axis=1)
    # NaN is no size and near none.
    near: NDArray[np.bool_] = np.abs(size - medians) <= max_deviation * medians
    return near


def runs_of(flags: NDArray[np.bool_], index: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Half-open positions of each stretch of true flags on frames without a gap."""
    positions = np.flatnonzero(flags)
    if positions.size == 0:
        return []
    breaks = np.flatnonzero((np.diff(positions) != 1) | (np.diff(index[positions]) != 1)) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(positions, breaks)]

"""Counts of peaks and minima by height."""

import numpy as np
from scipy import ndimage

from cosmogan_k3.statistics._maps import checked_edges, checked_maps, checked_mask
from cosmogan_k3.statistics.binning import BLOCK, wrapped


def peak_counts(maps, thresholds, *, mask=None, periodic=True):
    """Number of peaks in bins of height, of each map: pixels strictly above all eight neighbours.

        n_i = #{p : lo_i ≤ κ_p < hi_i,  κ_p > κ_q for all eight neighbours q of p}

    Args:
        maps: float array ``(n, N, N)``, κ; float32 is compared as float32. A pixel beside a NaN is no peak.
        thresholds: increasing float array ``(bins + 1,)``: edges of the bins, in units of κ; the last bin is closed.
        mask: bool array ``(N, N)``, True where observed: a peak counts if it and its eight neighbours are.
        periodic: bool; whether pixels on opposite sides of the map are neighbours. If not, the outer rows and columns,
            which lack neighbours, hold no peaks: for maps cut from a larger field.

    Returns:
        int64 ``(n, bins)``.

    Raises:
        ValueError: maps that are not ``(n, N, N)`` with at least 3 pixels a side, thresholds that do not increase, or
            a mask of another shape or type.

    Example:
        >>> import numpy as np
        >>> maps = np.zeros((1, 8, 8))
        >>> maps[0, 3, 3], maps[0, 0, 5] = 1.0, 2.0
        >>> peak_counts(maps, [0.5, 1.5, 2.5]).tolist(), peak_counts(maps, [0.5, 1.5, 2.5], periodic=False).tolist()
        ([[1, 1]], [[1, 0]])

    Source: Kratochvil, Haiman & May 2010 (arXiv 0907.0486); LensTools' ``peakCount`` times the widths of
    the bins is the same with ``periodic=True``.
    """
    return _extremum_counts(maps, thresholds, mask, periodic, sign=1)


def minima_counts(maps, thresholds, *, mask=None, periodic=True):
    """Number of minima in bins of depth, of each map: pixels strictly below all eight neighbours.

    Arguments, result and errors are those of ``peak_counts``; thresholds are values of κ, increasing.

    Example:
        >>> import numpy as np
        >>> maps = np.zeros((1, 8, 8))
        >>> maps[0, 3, 3] = -1.0
        >>> minima_counts(maps, [-1.5, -0.5, 0.5]).tolist()
        [[1, 0]]

    Source: Coulton et al. 2020 (arXiv 1910.04171).
    """
    return _extremum_counts(maps, thresholds, mask, periodic, sign=-1)


def _extremum_counts(maps, thresholds, mask, periodic, sign):
    edges = checked_edges(thresholds)
    # Only the edge after the last one closes the last bin.
    closed = np.append(edges[:-1], np.nextafter(edges[-1], np.inf))
    countable = _countable(checked_maps(maps).shape[1:], mask, periodic)
    counts = np.empty((len(maps), len(edges) - 1), dtype=np.int64)
    step = max(1, BLOCK // maps[0].size)
    for start in range(0, len(maps), step):
        block = np.asarray(maps[start : start + step])
        block = np.ascontiguousarray(
            block, dtype=np.float32 if block.dtype.type is np.float32 else np.float64
        )
        if periodic:
            block = wrapped(block, 1)
        counts[start : start + step] = _block_counts(
            block if sign > 0 else -block, closed, countable, sign
        )
    return counts


def _block_counts(block, edges, countable, sign):
    line = block.ravel()
    position = _peaks(line, block.shape[2])
    owner, pixel = np.divmod(position, countable.size)
    counted = countable[pixel]
    heights = sign * line[position[counted]].astype(np.float64)
    bins = len(edges) + 1
    index = np.searchsorted(edges, heights, side="right") + owner[counted] * bins
    return np.bincount(index, minlength=len(block) * bins).reshape(-1, bins)[:, 1:-1]


def _peaks(line, width):
    """Positions above their eight neighbours in rows laid end to end; those in outer rows and columns mean nothing."""
    beside = np.maximum(line[:-2], line[2:])
    row = np.maximum(beside, line[1:-1])
    largest = np.maximum(row[: -2 * width], row[2 * width :])
    np.maximum(largest, beside[width:-width], out=largest)
    return np.flatnonzero(line[width + 1 : -width - 1] > largest) + width + 1


def _countable(shape, mask, periodic):
    """Whether each pixel, of the continued map if periodic, may be counted: inner, and observed with its neighbours."""
    if min(shape) < 3:
        raise ValueError(f"A peak needs maps of at least 3 pixels a side. Received: {shape[0]}")
    if mask is None:
        inner = shape[0] if periodic else shape[0] - 2
        return np.pad(np.ones((inner, inner), dtype=bool), 1).ravel()
    observed = ndimage.minimum_filter(
        checked_mask(mask, shape[0]).view(np.uint8), 3, mode="wrap" if periodic else "constant"
    )
    return np.pad(observed, 1 if periodic else 0).astype(bool).ravel()

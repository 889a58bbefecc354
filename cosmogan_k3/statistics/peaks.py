"""Counts of peaks and minima by height."""

import numpy as np

from cosmogan_k3.statistics.binning import BLOCK, checked_edges, checked_maps, wrapped


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

    Source: Kratochvil, Haiman & May 2010 (arXiv 0907.0486), section 2.5; LensTools' ``peakCount`` times the widths of
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

    Source: Coulton et al. 2020 (arXiv 1910.04171), section 2.
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
        if block.dtype != np.float32:
            block = block.astype(np.float64)
        if periodic:
            block = wrapped(block, 1)
        counts[start : start + step] = _block_counts(block if sign > 0 else -block, closed, countable, sign)
    return counts


def _block_counts(block, edges, countable, sign):
    inner = block[:, 1:-1, 1:-1]
    peak = inner > _largest_neighbour(block)
    if countable is not None:
        peak &= countable
    position = np.unravel_index(np.flatnonzero(peak), peak.shape)
    heights = sign * inner[position].astype(np.float64)
    bins = len(edges) + 1
    index = np.searchsorted(edges, heights, side="right") + position[0] * bins
    return np.bincount(index, minlength=len(block) * bins).reshape(-1, bins)[:, 1:-1]


def _largest_neighbour(block):
    """The largest of the eight neighbours of each inner pixel."""
    beside = np.maximum(block[:, :, :-2], block[:, :, 2:])
    row = np.maximum(beside, block[:, :, 1:-1])
    largest = np.maximum(row[:, :-2], row[:, 2:])
    return np.maximum(largest, beside[:, 1:-1], out=largest)


def _countable(shape, mask, periodic):
    """Whether each pixel that has neighbours is observed together with them; None where all are."""
    if min(shape) < 3:
        raise ValueError(f"A peak needs maps of at least 3 pixels a side. Received: {shape[0]}")
    if mask is None:
        return None
    if getattr(mask, "shape", None) != shape or mask.dtype != bool:
        received = f"{getattr(mask, 'dtype', type(mask).__name__)} {getattr(mask, 'shape', '')}"
        raise ValueError(f"mask must be a bool array {shape}. Received: {received}")
    hidden = wrapped(~mask[None], 1) if periodic else ~mask[None]
    return ~(_largest_neighbour(hidden) | hidden[:, 1:-1, 1:-1])

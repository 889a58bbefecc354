"""Counts of peaks and minima by height."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from cosmogan_k3._typing import AnyMaps, FloatArray, IntArray
from cosmogan_k3.statistics._maps import checked_edges, checked_maps, checked_mask
from cosmogan_k3.statistics.binning import BLOCK, periodic_padding


def peak_counts(
    maps: AnyMaps,
    thresholds: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    periodic: bool = True,
) -> IntArray:
    """Count the peaks of each map in bins of height.

    A peak is a pixel strictly above its eight neighbours q::

        n_i = #{p : lo_i ≤ κ_p < hi_i,  κ_p > κ_q for all q}

    Parameters
    ----------
    maps : float array or MapSet, shape (n, N, N)
        κ; float32 is compared as float32. A pixel beside a NaN is no peak.
    thresholds : array_like of float, shape (bins + 1,)
        Increasing edges of the bins, in units of κ; the last bin is closed.
    mask : bool array, shape (N, N), optional
        True where observed. A peak counts if it and its eight neighbours are observed.
    periodic : bool, default True
        Whether pixels on opposite sides of the map are neighbours. If not, the outer rows and
        columns, which lack neighbours, hold no peaks: use this for maps cut from a larger field.

    Returns
    -------
    int64 array, shape (n, bins)
        Number of peaks.

    Raises
    ------
    ValueError
        If ``maps`` is not ``(n, N, N)``, if N is below 3, if the thresholds do not increase, or if
        the mask has another shape or type.

    Examples
    --------
    >>> maps = np.zeros((1, 8, 8))
    >>> maps[0, 3, 3], maps[0, 0, 5] = 1.0, 2.0
    >>> peak_counts(maps, [0.5, 1.5, 2.5]).tolist()
    [[1, 1]]
    >>> peak_counts(maps, [0.5, 1.5, 2.5], periodic=False).tolist()
    [[1, 0]]

    References
    ----------
    Kratochvil, Haiman & May 2010 (arXiv 0907.0486). ``peakCount`` of LensTools times the widths of
    the bins is the same with ``periodic=True``.
    """
    return _extremum_counts(maps, thresholds, mask, periodic, sign=1)


def minima_counts(
    maps: AnyMaps,
    thresholds: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    periodic: bool = True,
) -> IntArray:
    """Count the minima of each map in bins of depth.

    A minimum is a pixel strictly below its eight neighbours q::

        n_i = #{p : lo_i ≤ κ_p < hi_i,  κ_p < κ_q for all q}

    Parameters
    ----------
    maps : float array or MapSet, shape (n, N, N)
        κ; float32 is compared as float32. A pixel beside a NaN is no minimum.
    thresholds : array_like of float, shape (bins + 1,)
        Increasing edges of the bins, in units of κ; the last bin is closed.
    mask : bool array, shape (N, N), optional
        True where observed. A minimum counts if it and its eight neighbours are observed.
    periodic : bool, default True
        Whether pixels on opposite sides of the map are neighbours, as in ``peak_counts``.

    Returns
    -------
    int64 array, shape (n, bins)
        Number of minima.

    Raises
    ------
    ValueError
        As ``peak_counts``.

    Examples
    --------
    >>> maps = np.zeros((1, 8, 8))
    >>> maps[0, 3, 3] = -1.0
    >>> minima_counts(maps, [-1.5, -0.5, 0.5]).tolist()
    [[1, 0]]

    References
    ----------
    Coulton et al. 2020 (arXiv 1910.04171).
    """
    return _extremum_counts(maps, thresholds, mask, periodic, sign=-1)


def _extremum_counts(
    maps: AnyMaps, thresholds: ArrayLike, mask: ArrayLike | None, periodic: bool, sign: int
) -> IntArray:
    """Count the peaks of κ (sign 1) or of −κ (sign −1), binned by κ."""
    edges = checked_edges(thresholds)
    # Bins are half open: moving the last edge up by one unit in the last place closes the last bin.
    closed = np.append(edges[:-1], np.nextafter(edges[-1], np.inf))
    maps = checked_maps(maps)
    countable = _countable(maps.shape[1:], mask, periodic)
    counts = np.empty((len(maps), len(edges) - 1), dtype=np.int64)
    step = max(1, BLOCK // maps[0].size)
    for start in range(0, len(maps), step):
        block = np.asarray(maps[start : start + step])
        block = np.ascontiguousarray(
            block, dtype=np.float32 if block.dtype.type is np.float32 else np.float64
        )
        if periodic:
            block = periodic_padding(block, 1)
        counts[start : start + step] = _block_counts(
            block if sign > 0 else -block, closed, countable, sign
        )
    return counts


def _block_counts(
    block: NDArray[Any], edges: FloatArray, countable: NDArray[np.bool_], sign: int
) -> IntArray:
    """Count the peaks of each map of a block of sign · κ; ``edges`` are in κ."""
    line = block.ravel()
    position = _peaks(line, block.shape[2])
    owner, pixel = np.divmod(position, countable.size)
    counted = countable[pixel]
    heights = sign * line[position[counted]].astype(np.float64)
    bins = len(edges) + 1
    index = np.searchsorted(edges, heights, side="right") + owner[counted] * bins
    return np.bincount(index, minlength=len(block) * bins).reshape(-1, bins)[:, 1:-1]


def _peaks(line: NDArray[Any], width: int) -> IntArray:
    """Positions above their eight neighbours in rows laid end to end.

    Positions in outer rows and columns are invalid.
    """
    beside = np.maximum(line[:-2], line[2:])
    row = np.maximum(beside, line[1:-1])
    largest = np.maximum(row[: -2 * width], row[2 * width :])
    np.maximum(largest, beside[width:-width], out=largest)
    return np.flatnonzero(line[width + 1 : -width - 1] > largest) + width + 1


def _countable(shape: tuple[int, ...], mask: ArrayLike | None, periodic: bool) -> NDArray[np.bool_]:
    """Whether each pixel may be counted, flattened; of the padded map if periodic.

    A pixel may be counted if it has eight neighbours and all nine are observed.
    """
    if min(shape) < 3:
        raise ValueError(f"A peak needs maps of at least 3 pixels a side. Received: {shape[0]}")
    if mask is None:
        inner = shape[0] if periodic else shape[0] - 2
        return np.pad(np.ones((inner, inner), dtype=bool), 1).ravel()
    mask = checked_mask(mask, shape[0])
    observed = ndimage.minimum_filter(
        np.asarray(mask, np.uint8), 3, mode="wrap" if periodic else "constant"
    )
    return np.pad(observed, 1 if periodic else 0).astype(bool).ravel()

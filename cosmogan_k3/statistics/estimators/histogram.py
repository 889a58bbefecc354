"""The one-point distribution."""

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import AnyMaps, IntArray
from cosmogan_k3.statistics._maps import blocks, checked_edges, checked_maps, checked_mask


def pixel_histogram(maps: AnyMaps, edges: ArrayLike, *, mask: ArrayLike | None = None) -> IntArray:
    """Histogram of the pixels of each map.

    Parameters
    ----------
    maps : float array or MapSet, shape (n, N, N)
        κ.
    edges : array_like of float, shape (bins + 1,)
        Increasing edges in units of κ. Bins are [lo, hi); the last one is closed.
    mask : bool array, shape (N, N), optional
        True where observed. Other pixels, NaN included, are never read.

    Returns
    -------
    int64 array, shape (n, bins)
        Counts. Pixels outside the edges are not counted.

    Raises
    ------
    ValueError
        If ``maps`` is not ``(n, N, N)`` or an observed pixel is not finite, if the edges do not
        increase, or if the mask has another shape or type.

    Examples
    --------
    >>> pixel_histogram(np.array([[[0.0, 1.0], [2.0, 9.0]]]), [0, 1, 2]).tolist()
    [[1, 2]]
    """
    maps = checked_maps(maps)
    edges = checked_edges(edges, "edges")
    mask = checked_mask(mask, maps.shape[1])
    counts = np.empty((len(maps), len(edges) - 1), np.int64)
    for chosen, block in blocks(maps, mask):
        counts[chosen] = [
            np.histogram(map_ if mask is None else map_[mask], edges)[0] for map_ in block
        ]
    return counts

"""The one-point distribution."""

import numpy as np

from cosmogan_k3.statistics._maps import blocks, checked_edges, checked_maps, checked_mask


def pixel_histogram(maps, edges, *, mask=None):
    """Histogram of the pixels of each map.

    Args:
        maps: float array ``(n, N, N)``, κ.
        edges: increasing float array ``(bins + 1,)``; bins are [lo, hi), the last one closed.
        mask: bool array ``(N, N)``, True where observed; other pixels, NaN included, are never read.

    Returns:
        int64 counts ``(n, bins)``; pixels outside the edges are not counted.

    Raises:
        ValueError: maps that are not ``(n, N, N)``, edges that do not increase, a mask of another shape or type, or NaN
            among observed pixels.

    Example:
        >>> import numpy as np
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

"""The one-point distribution."""

import numpy as np


def pixel_histogram(maps, edges):
    """Histogram of the pixels of each map.

    Args:
        maps: float array ``(n, N, N)``, κ.
        edges: increasing float array ``(bins + 1,)``; bins are [lo, hi), the last one closed.

    Returns:
        int64 counts ``(n, bins)``; pixels outside the edges are not counted.

    Raises:
        ValueError: edges that do not increase.

    Example:
        >>> import numpy as np
        >>> pixel_histogram(np.array([[[0.0, 1.0], [2.0, 9.0]]]), [0, 1, 2]).tolist()
        [[1, 2]]
    """
    edges = np.asarray(edges, float)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"edges must be at least two increasing numbers. Received: {edges}")
    return np.stack([np.histogram(np.asarray(m), edges)[0] for m in maps])

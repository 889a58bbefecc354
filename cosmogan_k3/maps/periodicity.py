"""Do opposite edges of the maps join?"""

import numpy as np

_JOINED = 1.2
"""Maps are periodic where the mean square jump across the seam is at most this much larger than between neighbours."""

_SCOUTS = 2000


def edge_discontinuity(kappa):
    """Mean square jump between opposite edges over that between neighbouring pixels.

        ⟨(κ_first − κ_last)²⟩ / ⟨(κ_i − κ_{i+1})²⟩        over rows and columns of all maps

    It is 1 for maps that continue across their edges, and 1 / (1 − ρ) for cut ones whose neighbours correlate by ρ.

    Args:
        kappa: κ, float ``(n, N, N)``, in memory or on disk; the first 2,000 maps are looked at.

    Example:
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).normal(size=(100, 32, 32))
        >>> abs(edge_discontinuity(noise) - 1) < 0.1, edge_discontinuity(noise.cumsum(axis=1).cumsum(axis=2)) > 5
        (True, True)
    """
    maps = np.asarray(kappa[:_SCOUTS], dtype=np.float64)
    seam = sum(
        np.mean(np.square(np.take(maps, 0, axis) - np.take(maps, -1, axis))) for axis in (1, 2)
    )
    inside = sum(np.mean(np.square(np.diff(maps, axis=axis))) for axis in (1, 2))
    return float(seam / inside) if inside > 0 else 1.0


def is_periodic(kappa):
    """Whether the maps continue across their edges as if these were not there."""
    return edge_discontinuity(kappa) < _JOINED

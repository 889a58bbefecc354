"""Betti curves as statistics of a comparison."""

from cosmogan_k3._typing import FloatArray, FloatMaps
from cosmogan_k3.statistics.estimators.betti import betti_curves
from cosmogan_k3.statistics.summary import Features

_LABELS = {
    "betti_0": "Betti curve β₀ (components)",
    "betti_1": "Betti curve β₁ (holes)",
}


def betti_features(
    maps: FloatMaps, levels: FloatArray, *, periodic: bool = False
) -> list[Features]:
    """Measure the Betti curves of each map, for ``compare_features``.

    Parameters
    ----------
    maps : float array or PatchTable, shape (n, N, N)
        κ.
    levels : float64 array, shape (levels,)
        ν in units of κ: the same for both sets, such as the middles of
        ``SummaryStatistics.contour_edges``.
    periodic : bool, default False
        Whether opposite sides of a map are neighbours; False for maps cut from larger fields.

    Returns
    -------
    list of Features
        "betti_0" and "betti_1".

    Raises
    ------
    InputError, ValueError
        As ``betti_curves``.

    Examples
    --------
    >>> import numpy as np
    >>> maps = np.random.default_rng(0).normal(size=(6, 32, 32))
    >>> [(f.name, f.rows.shape) for f in betti_features(maps, np.array([-1.0, 0.0, 1.0]))]
    [('betti_0', (6, 3)), ('betti_1', (6, 3))]
    """
    curves = betti_curves(maps, levels, periodic=periodic)
    return [
        Features(name, label, "threshold κ", levels, rows)
        for (name, label), rows in zip(_LABELS.items(), curves, strict=True)
    ]

"""Betti curves: components and holes of excursion sets."""

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import AnyMaps, FloatArray, IntArray
from cosmogan_k3.errors import InputError
from cosmogan_k3.statistics._maps import checked_maps, finite_maps


def betti_curves(
    maps: AnyMaps, thresholds: ArrayLike, *, periodic: bool = True
) -> tuple[IntArray, IntArray]:
    """Components and holes of the set κ ≥ ν of each map, from its persistent homology.

    A feature of dimension k appears at ν = b, as ν falls, and vanishes at ν = d. The Betti numbers
    are the numbers of features that live at ν::

        β_k(ν) = #{(b, d) of dimension k : b ≥ ν > d},    k = 0, 1

    β₀ counts components: pixels are connected if they share an edge or a corner, so a component
    appears at a pixel above its eight neighbours, as in ``peak_counts``. β₁ counts holes: the other
    pixels are connected if they share an edge. β₀ − β₁ is the Euler characteristic of the set.

    Parameters
    ----------
    maps : float array or MapSet, shape (n, N, N)
        κ.
    thresholds : array_like of float, shape (levels,)
        ν in units of κ, in any order.
    periodic : bool, default True
        Whether pixels on opposite sides of the map are neighbours. The map is then a torus: a band
        around it adds 1 to β₁, and the full map has β₀ = 1, β₁ = 2 and one feature of dimension 2.
        If not, what is open to a side is no hole: use this for maps cut from a larger field. It is
        also much faster.

    Returns
    -------
    beta_0, beta_1 : int64 array, shape (n, levels)
        Numbers of components and of holes.

    Raises
    ------
    InputError
        If gudhi is not installed: ``pip install 'cosmogan_k3[topology]'``.
    ValueError
        If ``maps`` is not ``(n, N, N)`` or not finite, if N is below 3, or if the thresholds are
        not a row of finite numbers.

    Examples
    --------
    >>> ring = np.zeros((1, 7, 7))
    >>> ring[0, 1:6, 1:6] = 1.0
    >>> ring[0, 3, 3] = 0.5
    >>> beta_0, beta_1 = betti_curves(ring, [0.2, 0.7, 1.2], periodic=False)
    >>> beta_0.tolist(), beta_1.tolist()
    ([[1, 1, 0]], [[0, 1, 0]])

    References
    ----------
    Pranav et al. 2017 (arXiv 1608.04519) for Betti numbers of cosmic fields.
    Feldbrugge et al. 2019 (arXiv 1908.01619) for Betti curves of Gaussian and other fields.
    Heydenreich, Brück & Harnois-Déraps 2021 (arXiv 2007.13724) for convergence and aperture mass.
    """
    levels = np.asarray(thresholds, np.float64)
    if levels.ndim != 1 or not levels.size or not np.isfinite(levels).all():
        raise ValueError(f"thresholds must be a row of finite numbers. Received: {levels}")
    maps = checked_maps(maps)
    if maps.shape[1] < 3:
        raise ValueError(f"A hole needs at least 3 pixels a side. Received: {maps.shape[1]}")
    require_gudhi()
    curves = np.empty((2, len(maps), len(levels)), np.int64)
    for i, map_ in enumerate(finite_maps(maps)):
        for k, pairs in enumerate(_on_torus(map_) if periodic else _on_square(map_)):
            born, dead = (np.searchsorted(np.sort(x), -levels, "right") for x in pairs.T)
            curves[k, i] = born - dead
    beta_0, beta_1 = curves
    return beta_0, beta_1


def require_gudhi() -> None:
    """Check that gudhi, which finds the features, can be imported.

    Raises
    ------
    InputError
        It is not installed, or is broken.

    Examples
    --------
    >>> require_gudhi()
    """
    try:
        import gudhi  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"gudhi is not installed ({error}); pip install 'cosmogan_k3[topology]'",
            parameter="betti",
        ) from error


# gudhi follows sets at or below a threshold: both functions give it −κ, and return (−b, −d).
def _on_square(map_: FloatArray) -> list[FloatArray]:
    from gudhi.sklearn.cubical_persistence import CubicalPersistence

    return CubicalPersistence(homology_dimensions=[0, 1]).fit_transform([-map_])[0]


def _on_torus(map_: FloatArray) -> list[FloatArray]:
    from gudhi import PeriodicCubicalComplex

    torus = PeriodicCubicalComplex(top_dimensional_cells=-map_, periodic_dimensions=(True, True))
    torus.compute_persistence()
    return [torus.persistence_intervals_in_dimension(k) for k in (0, 1)]

"""Principal components of maps, and a distance between the projections of two sets."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from cosmogan_k3._typing import FloatArray, Maps, Rows
from cosmogan_k3.statistics.two_sample._rows import standardised
from cosmogan_k3.statistics.two_sample.units import Units
from cosmogan_k3.units import plain_maps

# Rows whose distances are held in memory at the same time.
_BLOCK = 1024


def pca_projection(
    real: Maps, generated: Maps, components: int = 2
) -> tuple[Rows, Rows, FloatArray]:
    """Project real and generated maps on the leading principal components of the real ones.

    The components e_k are the leading eigenvectors of the covariance of the real pixels::

        y_k = (κ − ⟨κ⟩_real) · e_k

    Parameters
    ----------
    real, generated : float array (n, N, N)
        Convergence maps, dimensionless.
    components : int, default 2
        Number of components, at most the number of real maps and of pixels.

    Returns
    -------
    real_projection : float64 array (n, components)
        Projections of the real maps, in units of κ.
    generated_projection : float64 array (m, components)
        Projections of the generated maps, in units of κ.
    explained : float64 array (components,)
        Fraction of the real variance that each component explains.

    Raises
    ------
    ValueError
        If there are more components than maps or pixels, or if the map sizes differ.

    Examples
    --------
    >>> import numpy as np
    >>> maps = np.random.default_rng(0).normal(size=(30, 8, 8))
    >>> a, b, explained = pca_projection(maps, maps)
    >>> a.shape, bool(np.allclose(a, b))
    ((30, 2), True)

    References
    ----------
    The paper, section 5.3.
    """
    real_pixels, generated_pixels = (
        np.asarray(plain_maps(maps), dtype=np.float64).reshape(len(maps), -1)
        for maps in (real, generated)
    )
    if real_pixels.shape[1] != generated_pixels.shape[1]:
        raise ValueError(
            "Maps of different sizes. "
            f"Received: {real_pixels.shape[1]} and {generated_pixels.shape[1]} pixels"
        )
    largest = min(real_pixels.shape)
    if not 1 <= components <= largest:
        raise ValueError(
            f"components must lie between 1 and {largest}, the smaller of maps and pixels. "
            f"Received: {components}"
        )
    model = PCA(components, svd_solver="randomized", random_state=0).fit(real_pixels)
    explained = model.explained_variance_ratio_
    return model.transform(real_pixels), model.transform(generated_pixels), explained


def pca_merit(
    real_projection: Rows, generated_projection: Rows, *, groups: ArrayLike | None = None
) -> float:
    """Energy distance between two sets of projected maps, over its expectation by chance.

    With y the real and x the generated projections, each component over its real standard
    deviation, the merit is::

        merit = D² / (1/n + 1/m) ⟨|y − y′|⟩_real
        D² = 2⟨|y − x|⟩ − ⟨|y − y′|⟩ − ⟨|x − x′|⟩

    Patches of one map are closer to one another. With ``groups`` the expectation follows from the
    distances within and between units, Δ being the mean between them::

        (1/n + 1/m) ⟨|y − y′|⟩  →  Δ/m + Σ_{i,j of one unit} (Δ − |y_i − y_j|) / n²

    The means of D² within a set include each point with itself. The expectation of D² for two
    samples of one distribution is then the denominator, whose mean is over pairs of different
    points. A merit of 1, to order 1/n, is therefore as good as real maps, and no split into halves
    is needed. The merit measures the shape of the distribution, not only its mean and covariance.
    Where the distributions differ, the merit grows with the number of maps: compare epochs at equal
    numbers.

    Parameters
    ----------
    real_projection : float array (n, components)
        Projections of the real maps, from ``pca_projection``.
    generated_projection : float array (m, components)
        Projections of the generated maps, from ``pca_projection``.
    groups : int array (n,), optional
        Unit of each real map, such as the larger map that it was cut from; by default each map is a
        unit.

    Returns
    -------
    float
        The merit, 0 or larger.

    Raises
    ------
    ValueError
        If there are fewer than two real maps, the numbers of components differ, or a component has
        no scatter.

    Examples
    --------
    >>> import numpy as np
    >>> real, same = np.random.default_rng(0).normal(size=(2, 400, 2))
    >>> pca_merit(real, same) < 3, pca_merit(real, same + 1) > 50
    (True, True)

    References
    ----------
    Székely & Rizzo 2013, J. Stat. Plan. Inference 143, 1249, eqs. 5 and 6.
    The paper, section 6, for the evaluation of epochs by PCA.
    """
    real, generated = standardised(real_projection, generated_projection)
    n, m = len(real), len(generated)
    units = Units(n, groups).or_rows()
    within = _mean_distance(real, real)
    energy = 2 * _mean_distance(real, generated) - within - _mean_distance(generated, generated)
    pairs = float((units.sizes**2).sum())  # of maps of one unit, each with itself included
    inside = 0.0
    if not units.are_rows:
        by_unit = [real[units.rows(np.array([unit]))] for unit in range(len(units))]
        inside = sum(_mean_distance(rows, rows) * len(rows) ** 2 for rows in by_unit) / n**2
    chance = (pairs / n**2 + 1 / m) * (within - inside) * n / (n - pairs / n) - inside
    return float(max(energy, 0.0) / chance)


def _mean_distance(a: Rows, b: Rows) -> float:
    """Mean Euclidean distance over all pairs of a row of ``a`` and a row of ``b``."""
    total = sum(cdist(a[start : start + _BLOCK], b).sum() for start in range(0, len(a), _BLOCK))
    return total / (len(a) * len(b))

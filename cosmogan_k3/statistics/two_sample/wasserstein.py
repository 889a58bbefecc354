"""Wasserstein-1 distances between one-dimensional distributions."""

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.statistics.two_sample._rows import standardised


def wasserstein_1(real_values: ArrayLike, generated_values: ArrayLike) -> float:
    """Compute the Wasserstein-1 distance between two samples.

    In units of the real standard deviation::

        W₁ = ∫ |F_real(x) − F_generated(x)| dx / σ_real

    The distance is exact, by sorting. ``wasserstein_from_histograms`` takes counts instead: for
    more values than fit into memory, and for distances that are permuted.

    Parameters
    ----------
    real_values, generated_values : array_like of float
        Any shape; the numbers of values may differ.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        No values, values that are not finite, or a real sample without spread.

    References
    ----------
    Villani 2009, Optimal Transport, section 6; Perraudin et al. 2021 (arXiv 2004.08139) for its use
    on maps.

    Examples
    --------
    >>> wasserstein_1([-1.0, 1.0], [0.0, 2.0, 0.0, 2.0])  # moved by one standard deviation
    1.0
    """
    real, generated = (
        np.ravel(np.asarray(values, dtype=np.float64))[:, None]
        for values in (real_values, generated_values)
    )
    return float(wasserstein_rows(real, generated)[0])


def wasserstein_rows(real_rows: ArrayLike, generated_rows: ArrayLike) -> FloatArray:
    """Compute the Wasserstein-1 distance of each feature between real and generated maps.

    With the quantile functions Q over maps::

        W₁ = ∫₀¹ |Q_real(u) − Q_generated(u)| du / σ_real

    Parameters
    ----------
    real_rows, generated_rows : array_like of float (n, features)
        One row a map, such as log P(ℓ); the numbers of maps may differ.

    Returns
    -------
    float64 array (features,)
        In units of the real standard deviation of each feature.

    Raises
    ------
    ValueError
        Rows that are not finite, different numbers of features, or a feature that is constant over
        the real maps.

    References
    ----------
    As for ``wasserstein_1``.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.array([[-1.0, 10.0], [1.0, 30.0]])
    >>> wasserstein_rows(rows, rows + np.array([0.5, 0.0])).tolist()
    [0.5, 0.0]
    """
    real, generated = (np.sort(rows, axis=0) for rows in standardised(real_rows, generated_rows))
    n, m = len(real), len(generated)
    # Both quantile functions are constant between these levels, counted in units of 1/(n m) to be
    # exact; a stable sort merges the two sorted lists.
    levels = np.sort(np.concatenate([np.arange(n) * m, np.arange(m + 1) * n]), kind="stable")
    widths = np.diff(levels) / (n * m)
    difference = real[levels[:-1] // m]
    difference -= generated[levels[:-1] // n]
    return widths @ np.abs(difference, out=difference)


def wasserstein_from_histograms(
    real_counts: ArrayLike, generated_counts: ArrayLike, edges: ArrayLike
) -> FloatArray:
    """Compute the Wasserstein-1 distance between two histograms.

    In units of the standard deviation of the real histogram, with the centres c of the bins and the
    cumulative fractions F::

        W₁ = Σ_i |F_real,i − F_generated,i| (c_{i+1} − c_i) / σ_real

    The distance is exact for values at the centres of the bins. For other values the error is at
    most the width of a bin over σ. Histograms of maps can be added, so an exchange of whole maps
    needs no new histogram.

    Parameters
    ----------
    real_counts, generated_counts : array_like (..., bins)
        Such as ``pixel_histogram(maps, edges).sum(axis=0)`` or, for permutations, choices of maps
        times their histograms. Leading axes broadcast. Values outside the edges are not counted, so
        the edges should span both sets.
    edges : array_like of float (bins + 1,)
        Increasing edges of the bins.

    Returns
    -------
    float64 array (...)
        One distance for each pair of histograms.

    Raises
    ------
    ValueError
        Edges that do not increase or do not fit the counts, an empty histogram, or a real histogram
        without spread.

    References
    ----------
    As for ``wasserstein_1``.

    Examples
    --------
    >>> edges = [-1.5, -0.5, 0.5, 1.5, 2.5]
    >>> float(wasserstein_from_histograms([1, 0, 1, 0], [0, 1, 0, 1], edges))
    1.0
    """
    real, generated, edges = (
        np.asarray(x, dtype=np.float64) for x in (real_counts, generated_counts, edges)
    )
    if (
        edges.ndim != 1
        or not (np.diff(edges) > 0).all()
        or {len(edges) - 1} != {real.shape[-1], generated.shape[-1]}
    ):
        raise ValueError(
            "edges must increase and be one more than the bins. "
            f"Received: edges {edges.shape}, counts {real.shape} and {generated.shape}"
        )
    totals = [counts.sum(axis=-1, keepdims=True) for counts in (real, generated)]
    if not all((total > 0).all() for total in totals):
        raise ValueError("Histograms must not be empty. Received: counts that sum to 0")
    real, generated = real / totals[0], generated / totals[1]
    centres = (edges[1:] + edges[:-1]) / 2
    deviation = centres - (real @ centres)[..., None]
    scale = np.sqrt((real * deviation**2).sum(axis=-1))
    if not (scale > 0).all():
        raise ValueError("The real histogram must fill two bins. Received: one filled bin")
    difference = np.abs(np.cumsum(real - generated, axis=-1)[..., :-1])
    return difference @ np.diff(centres) / scale

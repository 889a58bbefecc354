"""Wasserstein-1 distances between one-dimensional distributions."""

import numpy as np

from cosmogan_k3.statistics.two_sample._rows import standardised


def wasserstein_1(real_values, generated_values):
    """Wasserstein-1 distance between two samples, in units of the real standard deviation.

        W₁ = ∫ |F_real(x) − F_generated(x)| dx / σ_real

    Exact, by sorting. For more pixels than fit into memory, or distances that are to be permuted,
    ``wasserstein_from_histograms`` takes counts.

    Args:
        real_values, generated_values: float arrays of any shape and number of values.

    Returns:
        float.

    Raises:
        ValueError: no values, values that are not finite, or a real sample without spread.

    Example:
        >>> wasserstein_1([-1.0, 1.0], [0.0, 2.0, 0.0, 2.0])         # moved by one standard deviation
        1.0

    Source: Villani 2009, Optimal Transport, section 6; Perraudin et al. 2021 (arXiv 2004.08139) for its use on maps.
    """
    columns = (
        np.ravel(np.asarray(values, dtype=np.float64))[:, None]
        for values in (real_values, generated_values)
    )
    return float(wasserstein_rows(*columns)[0])


def wasserstein_rows(real_rows, generated_rows):
    """Wasserstein-1 distance of each feature between its distributions over real and over generated maps.

        W₁ = ∫₀¹ |Q_real(u) − Q_generated(u)| du / σ_real,    Q the quantile function

    Args:
        real_rows, generated_rows: float arrays ``(n, features)``, one row a map, such as log P(ℓ); the numbers of maps
            may differ.

    Returns:
        float64 ``(features,)``, in units of each feature's real standard deviation.

    Raises:
        ValueError: rows that are not finite, other numbers of features, or a feature that is constant over real maps.

    Example:
        >>> import numpy as np
        >>> rows = np.array([[-1.0, 10.0], [1.0, 30.0]])
        >>> wasserstein_rows(rows, rows + np.array([0.5, 0.0])).tolist()
        [0.5, 0.0]

    Source: as ``wasserstein_1``.
    """
    real, generated = (np.sort(rows, axis=0) for rows in standardised(real_rows, generated_rows))
    n, m = len(real), len(generated)
    # Both quantile functions are constant between these levels, counted in units of 1/(n m) to be exact; a stable
    # sort merges the two sorted lists.
    levels = np.sort(np.concatenate([np.arange(n) * m, np.arange(m + 1) * n]), kind="stable")
    widths = np.diff(levels) / (n * m)
    difference = real[levels[:-1] // m]
    difference -= generated[levels[:-1] // n]
    return widths @ np.abs(difference, out=difference)


def wasserstein_from_histograms(real_counts, generated_counts, edges):
    """Wasserstein-1 distance between two histograms, in units of the real standard deviation.

        W₁ = Σ_i |F_real,i − F_generated,i| (c_{i+1} − c_i) / σ_real,    c the centres of the bins, F cumulative shares

    Exact for values at the centres of the bins; for others, off by at most one bin's width over σ. σ is that of the
    real histogram. Counts of maps add up, so an exchange of whole maps costs no new histogram.

    Args:
        real_counts, generated_counts: counts ``(..., bins)``, such as ``pixel_histogram(maps, edges).sum(axis=0)``, or,
            to permute, choices of maps times their histograms. Leading axes broadcast. Values outside the edges
            are not in the counts: let the edges span both sets.
        edges: increasing float array ``(bins + 1,)``.

    Returns:
        float64 ``(...)``, one distance for each pair of histograms.

    Raises:
        ValueError: edges that do not increase or do not fit the counts, an empty histogram, or a real one without
            spread.

    Example:
        >>> float(wasserstein_from_histograms([1, 0, 1, 0], [0, 1, 0, 1], [-1.5, -0.5, 0.5, 1.5, 2.5]))
        1.0

    Source: as ``wasserstein_1``.
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

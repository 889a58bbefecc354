"""The Fréchet distance between two sets of features."""

import numpy as np

from cosmogan_k3.statistics.two_sample._rows import standardised


def frechet_distance(real_rows, generated_rows):
    """Squared Fréchet distance between normal distributions fitted to two sets of features.

        d² = |μ₁ − μ₂|² + Tr(C₁ + C₂ − 2 (C₁ C₂)^½)

    Features are standardised by the real mean and standard deviation, so that their units do not weight them. The
    trace of the root is that of (C₁^½ C₂ C₁^½)^½, whose eigenvalues are real and not negative; covariances may be
    singular. Only means and covariances are compared.

    For samples of the same kind d² is not 0: with f independent normal features and n₁ and n₂ rows its expectation is
    (1/n₁ + 1/n₂) (f + f (f + 1)/4) to first order, which holds where n ≫ f. So quote it beside the same distance
    between real halves, and compare only values from equal numbers of rows.

    Args:
        real_rows, generated_rows: float arrays ``(n, features)``, of any statistic or network; at least two each.

    Returns:
        float, d².

    Raises:
        ValueError: fewer than two rows, other numbers of features, or a feature that is constant over the real rows.

    Example:
        >>> import numpy as np
        >>> rows = np.random.default_rng(0).normal(size=(100, 3))
        >>> round(frechet_distance(rows, rows + 2 * rows.std(axis=0)), 6)      # three features moved by 2 σ
        12.0

    Source: Dowson & Landau 1982, eq. 16; Heusel et al. 2017 (arXiv 1706.08500), eq. 6, for its use on networks.
    """
    if len(generated_rows) < 2:
        raise ValueError(
            f"A covariance needs at least two generated rows. Received: {len(generated_rows)}"
        )
    real, generated = standardised(real_rows, generated_rows)
    shift = real.mean(axis=0) - generated.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (real, generated))
    root = _root(first)
    cross = np.linalg.eigvalsh(root @ second @ root)
    trace = np.trace(first) + np.trace(second) - 2 * np.sqrt(np.clip(cross, 0, None)).sum()
    # Rounding may leave the trace a little below 0 where the sets are the same.
    return float(shift @ shift + max(trace, 0.0))


def _root(covariance):
    """Symmetric square root."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T

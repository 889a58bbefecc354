"""Kolmogorov-Smirnov comparisons of pixel intensities."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

_GRID = 1024
"""Points of the pooled distribution at which permutations are compared."""


@dataclass(frozen=True)
class KSResult:
    """A distance between two distributions and the probability of one as large between sets of the same kind."""

    distance: float
    pvalue: float


def ks_pixels(real, generated, *, permutations=499, seed=0):
    """Kolmogorov-Smirnov distance between the pixels of two sets of maps.

        D = max_κ |F_real(κ) − F_generated(κ)|

    D is exact. The p-value comes from exchanging whole maps between the two sets, because pixels of one map are
    correlated and the usual formula, which counts them as independent, would reject sets of the same kind:
    p = (1 + #{D* ≥ D}) / (1 + permutations), with D and D* evaluated on 1,024 quantiles of the pooled pixels.

    Args:
        real, generated: float arrays ``(n, N, N)``, κ; the numbers of maps may differ.
        permutations: int; 0 for no p-value (NaN).
        seed: int, of the permutations.

    Returns:
        ``KSResult``.

    Raises:
        ValueError: an empty set.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> ks_pixels(rng.normal(size=(40, 8, 8)), rng.normal(0.5, size=(40, 8, 8))).pvalue < 0.01
        True

    Source: Smirnov 1939 for D; Good 2005, Permutation Tests, for the exchange of independent units.
    """
    if not len(real) or not len(generated):
        raise ValueError(f"Both sets need maps. Received: {len(real)} real and {len(generated)} generated")
    real, generated = (np.asarray(m, dtype=np.float32).reshape(len(m), -1) for m in (real, generated))
    a, b = np.sort(real, axis=None), np.sort(generated, axis=None)
    distance = _distance(a, b)
    if not permutations:
        return KSResult(distance, float("nan"))
    pooled = np.sort(np.concatenate([a, b]))
    grid = pooled[np.linspace(0, len(pooled) - 1, _GRID).astype(int)]
    cumulative = np.stack([np.searchsorted(np.sort(row), grid, side="right") for row in (*real, *generated)])
    cumulative = cumulative / real.shape[1]
    labels = np.zeros(len(cumulative))
    labels[: len(real)] = 1
    rng = np.random.default_rng(seed)
    choices = np.stack([labels, *(rng.permutation(labels) for _ in range(permutations))])
    total = cumulative.sum(axis=0)
    share = choices @ cumulative
    differences = np.abs(share / len(real) - (total - share) / len(generated)).max(axis=1)
    # The tolerance is rounding's: a tie is as large.
    exceeding = int((differences[1:] >= differences[0] - 1e-12).sum())
    return KSResult(distance, (1 + exceeding) / (1 + permutations))


def _distance(a, b):
    """Largest difference of two empirical distributions, from sorted samples."""
    values = np.concatenate([a, b])
    cumulative = [np.searchsorted(sample, values, side="right") / len(sample) for sample in (a, b)]
    return float(np.abs(cumulative[0] - cumulative[1]).max())


def ks_histogram_counts(real, generated, *, bins=25):
    """The Kolmogorov-Smirnov test as published: between two lists of 25 mean histogram *counts*.

    It compares how often bins are equally full, not which: a histogram turned back to front passes with p = 1, and
    with 25 numbers a side only gross differences are seen. It is here to put our number beside the paper's 0.989
    and cosmoGAN's 0.999, and proves little; ``ks_pixels`` is the test to quote.

    Args:
        real, generated: float arrays ``(n, N, N)``, κ.
        bins: int, equal bins over the range of the real pixels.

    Returns:
        ``KSResult``.

    Example:
        >>> import numpy as np
        >>> maps = np.random.default_rng(0).normal(size=(10, 16, 16))
        >>> ks_histogram_counts(maps, maps).pvalue
        1.0

    Source: the paper, section 6, and the public code of Mustafa et al. 2019.
    """
    edges = np.linspace(np.min(real), np.max(real), bins + 1)
    counts = [np.histogram(maps, edges)[0] / len(maps) for maps in (real, generated)]
    result = stats.ks_2samp(*counts)
    return KSResult(float(result.statistic), float(result.pvalue))

"""Kolmogorov-Smirnov comparisons of pixel intensities."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from cosmogan_k3.statistics._maps import blocks, checked_maps, checked_mask, extremes
from cosmogan_k3.statistics.estimators.histogram import pixel_histogram
from cosmogan_k3.statistics.two_sample.exchange import LargestShift

_LEVELS = 2**16
"""Values of κ at which two distributions are compared; sets with fewer pixels are compared at each of them."""
_GRID = 1024
"""Of these, at which permutations are."""
_SCOUTS = 256
"""Maps of each set from which the values are taken, at most."""
_SCOUTED = 2**24
"""Pixels of each set that these may have."""


@dataclass(frozen=True)
class KSResult:
    """A distance between two distributions and the probability of one as large between sets of the same kind."""

    distance: float
    pvalue: float


def ks_pixels(real, generated, *, mask=None, permutations=499, seed=0):
    """Kolmogorov-Smirnov distance between the pixels of two sets of maps.

        D = max_κ |F_real(κ) − F_generated(κ)|

    D is exact for up to 65,536 pixels; beyond, it is the largest difference at 65,536 quantiles of up to 256 maps of
    each set, which sees all but some 2 · 10⁻⁵ of it, and no more than a block of maps is held in memory. The p-value
    comes from exchanging whole maps between the two sets, because pixels of one map are correlated and the usual
    formula, which counts them as independent, would reject sets of the same kind:
    p = (1 + #{D* ≥ D}) / (1 + permutations), with D* and the D beside it evaluated on 1,024 of the quantiles.

    Args:
        real, generated: float arrays ``(n, N, N)``, κ; the numbers of maps may differ.
        mask: bool array ``(N, N)``, True where observed; other pixels, NaN included, are never read.
        permutations: int; 0 for no p-value (NaN).
        seed: int, of the permutations.

    Returns:
        ``KSResult``.

    Raises:
        ValueError: an empty set, a mask of another shape or type, or NaN among observed pixels.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> ks_pixels(rng.normal(size=(40, 8, 8)), rng.normal(0.5, size=(40, 8, 8))).pvalue < 0.01
        True

    Source: Smirnov 1939 for D; Good 2005, Permutation Tests, for the exchange of independent units.
    """
    if not len(real) or not len(generated):
        raise ValueError(
            f"Both sets need maps. Received: {len(real)} real and {len(generated)} generated"
        )
    mask = checked_mask(mask, checked_maps(real).shape[1])
    levels = _levels(real, checked_maps(generated), mask)
    grid = np.unique(np.linspace(0, len(levels) - 1, _GRID).astype(int))
    (first, a), (second, b) = (_cumulative(maps, mask, levels, grid) for maps in (real, generated))
    distance = float(np.abs(first - second).max())
    if not permutations:
        return KSResult(distance, float("nan"))
    observed = np.arange(len(a) + len(b)) < len(a)
    rng = np.random.default_rng(seed)
    exchanges = np.stack([observed, *(rng.permutation(observed) for _ in range(permutations))])
    differences = LargestShift(np.concatenate([a, b])).statistic(exchanges)
    # The tolerance is rounding's: a tie is as large.
    exceeding = int((differences[1:] >= differences[0] - 1e-12).sum())
    return KSResult(distance, (1 + exceeding) / (1 + permutations))


def _observed(maps, mask):
    """The pixels of maps that are observed, one row a map."""
    return maps.reshape(len(maps), -1) if mask is None else maps[:, mask]


def _levels(real, generated, mask):
    """Values of κ, increasing, at which the distributions are compared."""
    few = max(1, min(_SCOUTS, _SCOUTED // real.shape[1] ** 2))
    scouts = np.concatenate(
        [
            _observed(np.asarray(maps[:few], dtype=np.float64), mask).ravel()
            for maps in (real, generated)
        ]
    )
    if max(len(real), len(generated)) <= few and len(values := np.unique(scouts)) <= _LEVELS:
        return values
    scouts.sort()  # np.quantile takes seconds where there are hardly more pixels than levels
    return np.unique(
        np.interp(np.linspace(0, len(scouts) - 1, _LEVELS), np.arange(len(scouts)), scouts)
    )


def _cumulative(maps, mask, levels, grid):
    """Share of pixels below each level over all maps, and, at the levels of the grid, of each map."""
    total, rows = np.zeros(len(levels), np.int64), np.empty((len(maps), len(grid)))
    for chosen, block in blocks(maps, mask):
        pixels = _observed(block, mask)
        # A pixel is below every level from its insertion point on.
        counts = [
            np.bincount(np.searchsorted(levels, m, side="right"), minlength=len(levels) + 1)
            for m in pixels
        ]
        below = np.cumsum(counts, axis=1)[:, :-1]
        total += below.sum(axis=0)
        rows[chosen] = below[:, grid]
    count = pixels.shape[1]
    return total / (len(maps) * count), rows / count


def ks_histogram_counts(real, generated, *, mask=None, bins=25):
    """The Kolmogorov-Smirnov test as published: between two lists of 25 mean histogram *counts*.

    It compares how often bins are equally full, not which: a histogram turned back to front passes with p = 1, and
    with 25 numbers a side only gross differences are seen. It is here to put our number beside the paper's 0.989
    and cosmoGAN's 0.999, and proves little; ``ks_pixels`` is the test to quote.

    Args:
        real, generated: float arrays ``(n, N, N)``, κ.
        mask: as in ``ks_pixels``.
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
    edges = np.linspace(*extremes(real, mask), bins + 1)
    counts = [pixel_histogram(maps, edges, mask=mask).mean(axis=0) for maps in (real, generated)]
    result = stats.ks_2samp(*counts)
    return KSResult(float(result.statistic), float(result.pvalue))

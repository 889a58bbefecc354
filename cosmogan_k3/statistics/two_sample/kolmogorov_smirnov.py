"""Kolmogorov-Smirnov comparisons of pixel values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cosmogan_k3._typing import FloatArray, FloatMaps, IntArray, Mask
from cosmogan_k3.statistics._maps import checked_edges, checked_maps, checked_mask, extremes
from cosmogan_k3.statistics.estimators.histogram import pixel_histogram
from cosmogan_k3.statistics.two_sample.exchanges import Exchanges, draw_exchanges
from cosmogan_k3.statistics.two_sample.permutation_tests import MaximumDifferenceTest
from cosmogan_k3.statistics.two_sample.pixel_counts import PixelBins, PixelCounts, count_set
from cosmogan_k3.statistics.two_sample.units import Units
from cosmogan_k3.units import plain_maps

# Two distributions are compared at this many values of κ, or at each of their pixels if these are
# fewer.
_LEVELS = 2**16
# The levels are quantiles of at most so many maps of each set, with at most so many pixels.
_LEVEL_MAPS = 256
_LEVEL_PIXELS = 2**24

# Bins of the published test.
_PUBLISHED_BINS = 25

# Permutations are evaluated on so many levels, and so many permutations, at a time.
_LEVELS_AT_A_TIME = 128
_PERMUTATIONS_AT_A_TIME = 100


@dataclass(frozen=True)
class KSResult:
    """Distance between two distributions, with its p-value.

    Parameters
    ----------
    distance : float
        Largest difference of the cumulative distributions.
    pvalue : float
        Probability of a distance as large between sets of the same kind.

    Examples
    --------
    >>> KSResult(distance=0.1, pvalue=0.5).pvalue
    0.5
    """

    distance: float
    pvalue: float


def ks_pixels(
    real: FloatMaps,
    generated: FloatMaps,
    *,
    mask: Mask | None = None,
    real_groups: ArrayLike | None = None,
    generated_groups: ArrayLike | None = None,
    permutations: int = 499,
    seed: int = 0,
) -> KSResult:
    """Compute the Kolmogorov-Smirnov distance between the pixels of two sets of maps.

        D = max_κ |F_real(κ) − F_generated(κ)|

    D is exact for up to 65,536 pixels. Beyond, it is the largest difference at 65,536 quantiles of
    up to 256 maps of each set, which misses at most about 2 · 10⁻⁵ of it. Only a block of maps is
    held in memory. The p-value comes from exchanges of whole maps, because pixels of one map are
    correlated. With D* and the D beside it evaluated on 1,024 of the quantiles,

        p = (1 + #{D* ≥ D}) / (1 + permutations)

    Parameters
    ----------
    real, generated : float array (n, N, N) or PatchTable
        Convergence; the numbers of maps may differ.
    mask : bool array (N, N), optional
        True where observed; other pixels, NaN included, are never read.
    real_groups, generated_groups : int array (n,), optional
        As in ``compare``.
    permutations : int, default 499
        Number of exchanges; with 0 the p-value is NaN.
    seed : int, default 0
        Seed of the exchanges.

    Returns
    -------
    KSResult

    Raises
    ------
    ValueError
        An empty set, a mask of another shape or type, or NaN among observed pixels.

    References
    ----------
    Smirnov 1939 for D; Good 2005, Permutation Tests, for the exchange of independent units.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> ks_pixels(rng.normal(size=(40, 8, 8)), rng.normal(0.5, size=(40, 8, 8))).pvalue < 0.01
    True
    """
    if not len(real) or not len(generated):
        raise ValueError(
            f"Both sets need maps. Received: {len(real)} real and {len(generated)} generated"
        )
    real, generated = checked_maps(real), checked_maps(generated)
    mask = checked_mask(mask, real.shape[1])
    bins = PixelBins(levels_of_sets(real, generated, mask))
    counts = [count_set(maps, bins, mask=mask) for maps in (real, generated)]
    units = Units(len(real), real_groups), Units(len(generated), generated_groups)
    return ks_of_counts(counts[0], counts[1], units=units, permutations=permutations, seed=seed)


def ks_of_counts(
    real: PixelCounts,
    generated: PixelCounts,
    *,
    units: tuple[Units, Units] | None = None,
    permutations: int = 499,
    seed: int = 0,
) -> KSResult:
    """Compute ``ks_pixels`` from the counts of the pixels of two sets.

    Parameters
    ----------
    real, generated : PixelCounts
        In the same bins.
    units : two Units, optional
        Of each set; by default each map is a unit.
    permutations, seed : int
        As in ``ks_pixels``.

    Returns
    -------
    KSResult

    Examples
    --------
    >>> import numpy as np
    >>> bins = PixelBins(np.array([0.0, 1.0, 2.0]))
    >>> low, high = (count_set(np.full((4, 2, 2), value), bins) for value in (0.5, 1.5))
    >>> ks_of_counts(low, high, permutations=0).distance
    1.0
    """
    first, second = (
        counts.below.sum(axis=0) / (len(counts.rows) * counts.pixels)
        for counts in (real, generated)
    )
    distance = float(np.abs(first - second).max())
    if not permutations:
        return KSResult(distance, float("nan"))
    units = units or (Units(len(real.rows)), Units(len(generated.rows)))
    rng = np.random.default_rng(seed)
    exchanges = draw_exchanges(*units, permutations=permutations, rng=rng)
    differences = _exchanged_differences(real, generated, exchanges)
    # The tolerance is that of rounding: an equal difference counts as one as large.
    return KSResult(distance, float((differences >= differences[0] - 1e-12).mean()))


def _exchanged_differences(
    real: PixelCounts, generated: PixelCounts, exchanges: Exchanges
) -> FloatArray:
    """Largest difference on the grid for each exchange of units."""
    memberships = exchanges.memberships
    largest = np.zeros(len(memberships))
    for first in range(0, real.rows.shape[1], _LEVELS_AT_A_TIME):
        levels = slice(first, first + _LEVELS_AT_A_TIME)
        pooled = np.concatenate([real.rows[:, levels], generated.rows[:, levels]]) / real.pixels
        test = MaximumDifferenceTest(pooled[exchanges.rows])
        for start in range(0, len(memberships), _PERMUTATIONS_AT_A_TIME):
            some = slice(start, start + _PERMUTATIONS_AT_A_TIME)
            largest[some] = np.maximum(largest[some], test.statistic(memberships[some]))
    return largest


def level_maps(pixels: int) -> int:
    """Return how many maps of each set the levels of ``ks_pixels`` are taken from, at most.

    Parameters
    ----------
    pixels : int
        N, side of a map.

    Returns
    -------
    int

    Examples
    --------
    >>> level_maps(64), level_maps(1024)
    (256, 16)
    """
    return max(1, min(_LEVEL_MAPS, _LEVEL_PIXELS // pixels**2))


def ks_levels(
    real: FloatMaps, generated: FloatMaps, *, mask: Mask | None = None, whole: bool = False
) -> FloatArray:
    """Choose the values of κ at which two distributions are compared.

    Parameters
    ----------
    real, generated : float array (n, N, N)
        The first ``level_maps`` maps of each set.
    mask : bool array (N, N), optional
        True where observed.
    whole : bool, default False
        Whether these are all the maps there are: then each value is a level, if they are few
        enough.

    Returns
    -------
    float64 array (levels,)
        Increasing values of κ.

    Examples
    --------
    >>> import numpy as np
    >>> ks_levels(np.array([[[0.0, 1.0], [1.0, 3.0]]]), np.ones((1, 2, 2)), whole=True).tolist()
    [0.0, 1.0, 3.0]
    """
    values = np.concatenate(
        [
            (maps.reshape(len(maps), -1) if mask is None else maps[:, mask]).ravel()
            for maps in (real.astype(np.float64), generated.astype(np.float64))
        ]
    )
    if whole and len(distinct := np.unique(values)) <= _LEVELS:
        return distinct
    values.sort()  # np.quantile takes seconds if there are hardly more pixels than levels
    place = np.linspace(0, len(values) - 1, _LEVELS)
    return np.unique(np.interp(place, np.arange(len(values)), values))


def levels_of_sets(real: FloatMaps, generated: FloatMaps, mask: Mask | None) -> FloatArray:
    """Choose ``ks_levels`` for two sets of maps.

    Parameters
    ----------
    real, generated : float array (n, N, N) or PatchTable
        Convergence; only the first maps are read.
    mask : bool array (N, N) or None
        True where observed.

    Returns
    -------
    float64 array (levels,)

    Examples
    --------
    >>> import numpy as np
    >>> maps = np.arange(4.0).reshape(1, 2, 2)
    >>> levels_of_sets(maps, maps, None).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    few = level_maps(real.shape[1])
    whole = max(len(real), len(generated)) <= few
    shown = (np.asarray(plain_maps(maps[:few])) for maps in (real, generated))
    return ks_levels(*shown, mask=mask, whole=whole)


def published_edges(extent: tuple[float, float]) -> FloatArray:
    """Return the edges of the 25 bins of the published test.

    Parameters
    ----------
    extent : (float, float)
        Smallest and largest observed pixel of all real maps.

    Returns
    -------
    float64 array (26,)

    Raises
    ------
    ValueError
        An extent of zero.

    Examples
    --------
    >>> published_edges((0.0, 50.0))[1]
    2.0
    """
    return checked_edges(np.linspace(*extent, _PUBLISHED_BINS + 1), "edges")


def ks_histogram_counts(
    real: FloatMaps, generated: FloatMaps, *, mask: Mask | None = None, bins: int = _PUBLISHED_BINS
) -> KSResult:
    """Apply the Kolmogorov-Smirnov test as published: to two lists of 25 mean histogram *counts*.

    It compares how often bins are equally full, not which bins: a histogram in reversed order
    passes with p = 1, and with 25 numbers a side only gross differences are seen. It allows a
    comparison with the paper's 0.989 and cosmoGAN's 0.999, and proves little. Quote ``ks_pixels``
    instead.

    Parameters
    ----------
    real, generated : float array (n, N, N) or PatchTable
        Convergence.
    mask : bool array (N, N), optional
        True where observed; other pixels, NaN included, are never read.
    bins : int, default 25
        Number of equal bins over the range of the real pixels.

    Returns
    -------
    KSResult

    References
    ----------
    The paper, section 6, and the public code of Mustafa et al. 2019.

    Examples
    --------
    >>> import numpy as np
    >>> maps = np.random.default_rng(0).normal(size=(10, 16, 16))
    >>> ks_histogram_counts(maps, maps).pvalue
    1.0
    """
    edges = np.linspace(*extremes(real, mask), bins + 1)
    counts = [pixel_histogram(maps, edges, mask=mask) for maps in (real, generated)]
    return ks_of_histograms(counts[0], counts[1])


def ks_of_histograms(real: IntArray, generated: IntArray) -> KSResult:
    """Compute ``ks_histogram_counts`` from the histograms of the maps.

    Parameters
    ----------
    real, generated : array (n, bins)
        Counts of the pixels of each map.

    Returns
    -------
    KSResult

    Examples
    --------
    >>> ks_of_histograms(np.array([[1, 5]]), np.array([[5, 1]])).distance
    0.0
    """
    result = stats.ks_2samp(real.mean(axis=0), generated.mean(axis=0))
    return KSResult(float(result.statistic), float(result.pvalue))

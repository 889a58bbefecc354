"""Whether generated maps are new, and how many different ones there are."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from cosmogan_k3.statistics.memorization.nearest_neighbours import nearest_neighbours

_PERCENTILE = 0.01
"""Share of the held-out maps that lie closer to the training maps than the distance that generated ones are held to."""


@dataclass(frozen=True)
class Memorisation:
    """Distances of generated and of held-out maps to their nearest training map, and what they say.

    ``pvalue`` is one-sided; ``fraction_closer`` is the share of generated maps nearer than the first percentile of the
    held-out ones, about 0.01 where nothing is memorised; ``nearest`` is the training map of each generated one.
    """

    generated_distance: np.ndarray
    heldout_distance: np.ndarray
    nearest: np.ndarray
    pvalue: float
    fraction_closer: float


def memorisation_test(generated, training, heldout, *, shifts=True, symmetries=True):
    """Are generated maps closer to the training maps than maps are that the network never saw?

    Under the null hypothesis generated and held-out maps are draws from one distribution, independent of the training
    maps, so that their nearest distances are too: the p-value is that of a one-sided Mann-Whitney test, which sees a
    general drift towards the training maps. A few copies among many new maps do not move ranks; they show in
    ``fraction_closer``, expected at 1 %, or at 1/(heldout + 1) where that is more, and uncertain by as much again.

    A network that draws too little small-scale structure is closer to *all* maps: read a small p-value beside the
    power spectrum.

    Args:
        generated, training, heldout: float arrays ``(·, N, N)``, κ; held-out maps are of the training maps' kind and
            share no field with them.
        shifts, symmetries: bool, as in ``nearest_neighbours``.

    Returns:
        ``Memorisation``.

    Raises:
        ValueError: as ``nearest_neighbours``.

    Example:
        >>> import numpy as np
        >>> training, heldout, new = np.random.default_rng(0).normal(size=(3, 40, 16, 16))
        >>> result = memorisation_test(np.concatenate([training[:10], new[:10]]), training, heldout)
        >>> result.fraction_closer >= 0.5, result.pvalue < 0.01
        (True, True)

    Source: Mann & Whitney 1947; Meehan et al. 2020 (arXiv 2004.05675) for nearest distances against held-out data.
    """
    options = {"shifts": shifts, "symmetries": symmetries}
    generated_distance, nearest = nearest_neighbours(generated, training, **options)
    heldout_distance, _ = nearest_neighbours(heldout, training, **options)
    pvalue = stats.mannwhitneyu(generated_distance, heldout_distance, alternative="less").pvalue
    # Weibull's position of a quantile is the one below which a new draw falls with just this probability.
    closer = np.mean(
        generated_distance < np.quantile(heldout_distance, _PERCENTILE, method="weibull")
    )
    return Memorisation(generated_distance, heldout_distance, nearest, float(pvalue), float(closer))


@dataclass(frozen=True)
class Duplicates:
    """Share of maps that have a duplicate in their set, the distance that counts as one, and which maps they are."""

    rate: float
    threshold: float
    index: np.ndarray


def duplicate_rate(maps, independent, *, false_alarms=0.01, shifts=True, symmetries=True):
    """Share of maps that another map of the set resembles more than independent maps resemble each other.

    The correlation r with the nearest neighbour is a maximum over many pairs, so z = artanh r of independent maps
    follows a Gumbel law, exp(−exp(−(z − μ)/β)), whose μ and β are taken from the quartiles of the ``independent`` set;
    μ grows by β ln of the ratio of the numbers of maps. A map counts as a duplicate where z exceeds

        z* = μ − β ln(−ln(1 − false_alarms/n))

    Args:
        maps: float array ``(n, N, N)``, κ.
        independent: float array ``(m, N, N)``, maps known to be independent, such as real ones; at least three.
        false_alarms: float, maps of a whole set of independent ones that may be counted on average.
        shifts, symmetries: bool, as in ``nearest_neighbours``.

    Returns:
        ``Duplicates``; ``threshold`` is a distance as in ``nearest_neighbours``.

    Raises:
        ValueError: fewer than three independent maps, and as ``nearest_neighbours``.

    Example:
        >>> import numpy as np
        >>> independent, maps = np.random.default_rng(0).normal(size=(2, 40, 16, 16))
        >>> maps[3] = np.roll(maps[30], 5, axis=1)
        >>> duplicate_rate(maps, independent).index.tolist()
        [3, 30]

    Source: Fisher 1915 for artanh r, Gumbel 1958, Statistics of Extremes, for maxima.
    """
    if len(independent) < 3:
        raise ValueError(
            f"The law of independent maps needs at least three. Received: {len(independent)}"
        )
    distance, null = (
        nearest_neighbours(m, shifts=shifts, symmetries=symmetries)[0] for m in (maps, independent)
    )
    # Rounding in float32 cannot tell distances below 0.001 from 0, whose z is infinite.
    lower, median, upper = np.quantile(
        np.arctanh(1 - np.maximum(null, 1e-3) ** 2 / 2), [0.25, 0.5, 0.75]
    )
    scale = (upper - lower) / np.log(np.log(4) / np.log(4 / 3))
    location = (
        median
        + scale * np.log(np.log(2))
        + scale * np.log((len(maps) - 1) / (len(independent) - 1))
    )
    limit = np.tanh(location - scale * np.log(-np.log1p(-false_alarms / len(maps))))
    threshold = np.sqrt(2 - 2 * limit)
    found = distance < threshold
    return Duplicates(float(found.mean()), float(threshold), np.flatnonzero(found))


def effective_number(maps, independent):
    """How many independent maps a set is worth.

        n_eff = n² / (n + Σ_{i≠j} (r_ij² − ρ)/(1 − ρ))

    with r_ij the correlation of the pixels of two maps and ρ the mean of r² over pairs of independent maps, which share
    large modes by chance. 1/n_eff is the probability that two draws from the set are the same map: n for n different
    maps, n/2 if each occurs twice, k where k maps are repeated. Maps are compared as they are, without shifts.

    Negative sums, which chance makes of independent maps, count as 0, so that n_eff is at most n. Trust it where
    n ρ < 1: there it is right to a few per cent (lensing maps of 64 pixels and 5 degrees: ρ = 0.001). Where few large
    modes dominate the maps, ρ and its noise are large and n_eff means little; filter such maps first.

    Args:
        maps: float array ``(n, ...)``, κ, or rows of standardised features.
        independent: float array ``(m, ...)``, as many or more maps known to be independent, such as real ones.

    Returns:
        float, between 1 and n.

    Raises:
        ValueError: fewer than two maps in either set, different shapes, or a constant map.

    Example:
        >>> import numpy as np
        >>> independent, maps = np.random.default_rng(0).normal(size=(2, 50, 32, 32))
        >>> round(effective_number(np.concatenate([maps, maps]), independent))
        50

    Source: Simpson 1949 for the probability of two equal draws; Friedman & Dieng 2023 (arXiv 2210.02410) discuss its
    relatives of other orders.
    """
    maps, independent = np.asarray(maps), np.asarray(independent)
    if min(len(maps), len(independent)) < 2 or maps.shape[1:] != independent.shape[1:]:
        raise ValueError(
            f"Needs two sets of maps of one size. Received: {maps.shape}, {independent.shape}"
        )
    n = len(maps)
    chance = _mean_squared_correlation(independent)
    excess = (_mean_squared_correlation(maps) - chance) / (1 - chance)
    return float(n / (1 + (n - 1) * max(excess, 0.0)))


def _mean_squared_correlation(maps):
    """Mean of r² over all pairs of different maps."""
    rows = maps.reshape(len(maps), -1).astype(
        np.float64
    )  # the one copy, which is then normalised in place
    rows -= rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    if not norm.all():
        raise ValueError("maps must vary. Received: a constant map")
    rows /= norm
    correlation = rows @ rows.T
    return (np.vdot(correlation, correlation) - len(rows)) / (len(rows) * (len(rows) - 1))


def interpolation_smoothness(path):
    """Largest step of a path of maps over its mean step.

        max_i |κ_{i+1} − κ_i| / ⟨|κ_{i+1} − κ_i|⟩

    1 where every step is of the same length; the number of steps where the map jumps once and rests otherwise.

    Args:
        path: float array ``(steps + 1, N, N)``, κ along an even interpolation of the latents.

    Returns:
        float, between 1 and the number of steps.

    Raises:
        ValueError: fewer than two maps, or maps that are all the same.

    Example:
        >>> import numpy as np
        >>> line = np.linspace(0, 1, 5)[:, None, None] * np.ones((4, 4))
        >>> interpolation_smoothness(line), interpolation_smoothness(np.round(line + 0.1))
        (1.0, 4.0)

    Source: ours; Karras et al. 2019 (arXiv 1812.04948), section 4.1, take a mean where we take the largest.
    """
    path = np.asarray(path, dtype=np.float64)
    steps = np.linalg.norm(np.diff(path.reshape(len(path), -1), axis=0), axis=1)
    if not steps.any():
        raise ValueError(
            f"A path needs two different maps. Received: {len(path)} maps, all the same"
        )
    return float(steps.max() / steps.mean())

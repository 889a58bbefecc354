"""Pixel quantiles of a set of maps, with their noise."""

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cosmogan_k3._typing import FloatArray, Maps
from cosmogan_k3.nn.shrinkage import shrink_to_significant

# Levels p of the quantiles, evenly spaced in ln(p/(1 − p)). Only a few pixels of a set lie beyond
# the outermost. They must reach so far because the brightest 1e-4 of the pixels of hydrodynamical
# maps carry 2 % of their power.
LEVELS: FloatArray = special.expit(np.linspace(-14.0, 14.0, 281))

# The noise is measured as the scatter between this many groups of maps.
_N_GROUPS = 8

# Smaller noise is ignored. In network units, in which pixels scatter by 1.
_NEGLIGIBLE_NOISE = 0.01


def pixel_quantiles(maps: Maps) -> tuple[FloatArray, FloatArray]:
    """Measure the quantiles of all pixels at ``LEVELS``.

    Parameters
    ----------
    maps : array of float, shape (n, …)
        Maps in network units.

    Returns
    -------
    quantiles : float64 array, shape (281,)
        Quantiles of the pixels, linear between them.
    noise : float64 array, shape (281,)
        Their standard errors, relative to the mean of the pixels: the error of the mean itself is
        not contained.

    Examples
    --------
    >>> quantiles, noise = pixel_quantiles(np.linspace(0, 1, 1001))
    >>> float(quantiles[140].round(3)), noise.shape
    (0.5, (281,))
    """
    maps = np.asarray(maps, dtype=np.float32)
    groups = np.array_split(maps, min(_N_GROUPS, len(maps)))
    with ThreadPoolExecutor() as pool:  # NumPy releases the interpreter lock while it sorts.
        ordered = list(pool.map(functools.partial(np.sort, axis=None), groups))
    means = [group.mean(dtype=np.float64) for group in groups]
    offsets = np.stack(
        [_quantiles(values) - mean for values, mean in zip(ordered, means, strict=True)]
    )
    pixels = np.concatenate(ordered)
    pixels.sort(kind="stable")  # The stable algorithm merges parts that are sorted already.
    noise = offsets.std(axis=0, ddof=int(len(groups) > 1)) / np.sqrt(len(groups))
    return _quantiles(pixels), noise


def smooth_tails(values: FloatArray, noise: FloatArray) -> FloatArray:
    """Shrink the steps between noisy neighbors, from the median outwards.

    A value whose noise matters keeps the difference from its inner neighbor only as far as
    ``shrink_to_significant`` does. The brightest pixels come from few halos and are noisy.

    Parameters
    ----------
    values : float64 array, shape (n,)
        Values at increasing levels.
    noise : float64 array, shape (n,)
        Their standard errors, in network units. Noise below 0.01 counts as zero.

    Returns
    -------
    float64 array, shape (n,)
        The values with smoothed tails.

    Examples
    --------
    >>> noise = np.array([0.1, 0.001, 0.001, 0.001, 0.5])
    >>> smooth_tails(np.array([0.9, 0.1, 0.0, 0.1, 0.9]), noise).round(2).tolist()
    [0.85, 0.1, 0.0, 0.1, 0.1]
    """
    noise = np.where(noise < _NEGLIGIBLE_NOISE, 0.0, noise)
    smooth, middle = values.copy(), len(values) // 2
    for side in (range(middle + 1, len(values)), range(middle - 1, -1, -1)):
        inner = middle
        for level in side:
            step = shrink_to_significant(values[level] - smooth[inner], noise[level])
            smooth[level] = smooth[inner] + step
            inner = level
    return smooth


def _quantiles(ordered: NDArray[np.float32]) -> FloatArray:
    """Quantiles of sorted values, linear between them; ``numpy.quantile`` would sort again."""
    position = LEVELS * (ordered.size - 1)
    below = position.astype(int)
    above = np.minimum(below + 1, ordered.size - 1)
    low, high = (ordered[index].astype(np.float64) for index in (below, above))
    return low + (position - below) * (high - low)

"""The distances that training is followed by, each with its null."""

import numpy as np

from cosmogan_k3.statistics.kolmogorov_smirnov import ks_histogram_counts, ks_pixels
from cosmogan_k3.statistics.power_spectrum import power_spectrum


def power_spectrum_error(real_power, generated_power):
    """Mean and largest |⟨P_gen⟩/⟨P_real⟩ − 1| over bins.

    Args:
        real_power, generated_power: float arrays ``(n, bins)``, as ``power_spectrum`` returns them.

    Returns:
        ``(mean, maximum)``, floats.

    Example:
        >>> import numpy as np
        >>> power_spectrum_error(np.ones((4, 2)), np.array([[1.0, 1.5]]))
        (0.25, 0.5)
    """
    deviation = np.abs(np.mean(generated_power, axis=0) / np.mean(real_power, axis=0) - 1)
    return float(deviation.mean()), float(deviation.max())


def summary_distances(real, generated, *, pixel_arcmin, permutations=499, seed=0):
    """The distances between two sets of maps, and the same between two disjoint halves of the real one.

    Args:
        real, generated: float arrays ``(n, N, N)``, κ, or ``PatchTable``; at least two real maps.
        pixel_arcmin: float, side of a pixel in arcmin.
        permutations: int, for the p-value of ``ks_pixels``.
        seed: int, of the permutations and of the split into halves.

    Returns:
        dict of floats: ``ks_pixels_distance``, ``ks_pixels_pvalue``, ``ks_histogram_pvalue``,
        ``power_spectrum_error_mean`` and ``power_spectrum_error_max``, and each of these with ``_null`` appended. The
        null compares half as many maps with half as many, so that it slightly overstates the noise of the first.

    Raises:
        ValueError: fewer than two real maps.

    Example:
        >>> import numpy as np
        >>> maps = np.random.default_rng(0).normal(size=(20, 16, 16))
        >>> d = summary_distances(maps, maps, pixel_arcmin=1.0, permutations=9)
        >>> d["ks_pixels_distance"], d["ks_pixels_distance_null"] > 0
        (0.0, True)
    """
    if len(real) < 2:
        raise ValueError(f"A null needs at least two real maps to halve. Received: {len(real)}")
    first, second = null_halves(len(real), seed)
    real_power, generated_power = (power_spectrum(m, pixel_arcmin=pixel_arcmin)[1] for m in (real, generated))
    options = {"permutations": permutations, "seed": seed}
    distances = _distances(real, generated, real_power, generated_power, options)
    halves = (real.take(half, axis=0) for half in (first, second))
    null = _distances(*halves, real_power[first], real_power[second], options)
    return distances | {f"{name}_null": value for name, value in null.items()}


def null_halves(n, seed):
    """Indices of the two disjoint halves of ``n`` real maps that every null here compares.

    Example:
        >>> first, second = null_halves(5, seed=0)
        >>> sorted([*first, *second]) == list(range(5))
        True
    """
    return np.array_split(np.random.default_rng(seed).permutation(n), 2)


def _distances(real, generated, real_power, generated_power, options):
    mean, maximum = power_spectrum_error(real_power, generated_power)
    pixels = ks_pixels(real, generated, **options)
    return {
        "ks_pixels_distance": pixels.distance,
        "ks_pixels_pvalue": pixels.pvalue,
        "ks_histogram_pvalue": ks_histogram_counts(real, generated).pvalue,
        "power_spectrum_error_mean": mean,
        "power_spectrum_error_max": maximum,
    }

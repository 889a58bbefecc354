"""The distances that training is followed by, each with its null."""

import numpy as np

from cosmogan_k3.statistics._maps import extremes
from cosmogan_k3.statistics.estimators.histogram import pixel_histogram
from cosmogan_k3.statistics.estimators.peaks import peak_counts
from cosmogan_k3.statistics.estimators.power_spectrum import power_spectrum
from cosmogan_k3.statistics.two_sample.kolmogorov_smirnov import ks_histogram_counts, ks_pixels
from cosmogan_k3.statistics.two_sample.wasserstein import (
    wasserstein_from_histograms,
    wasserstein_rows,
)

_FINE_BINS = 1024
"""Of pixels and peaks, for Wasserstein distances: off from the exact ones by less than 0.1 % of σ."""


def relative_error(real, generated):
    """Mean and largest |⟨x_gen⟩/⟨x_real⟩ − 1| over bins, of power or of counts.

    Args:
        real, generated: float arrays ``(n, bins)``, as ``power_spectrum`` and ``peak_counts`` return them.

    Returns:
        ``(mean, maximum)``, floats.

    Example:
        >>> import numpy as np
        >>> relative_error(np.ones((4, 2)), np.array([[1.0, 1.5]]))
        (0.25, 0.5)
    """
    deviation = np.abs(np.mean(generated, axis=0) / np.mean(real, axis=0) - 1)
    return float(deviation.mean()), float(deviation.max())


def summary_distances(real, generated, *, pixel_arcmin, mask=None, permutations=499, seed=0):
    """The distances between two sets of maps, and the same between two disjoint halves of the real one.

    Args:
        real, generated: float arrays ``(n, N, N)``, κ, or ``PatchTable``; at least two real maps.
        pixel_arcmin: float, side of a pixel in arcmin.
        mask: bool array ``(N, N)``, True where observed; other pixels, NaN included, are never read.
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
    real_power, generated_power = (
        power_spectrum(m, pixel_arcmin=pixel_arcmin, mask=mask)[1] for m in (real, generated)
    )
    options = {"permutations": permutations, "seed": seed}
    distances = _distances(real, generated, real_power, generated_power, mask, options)
    halves = (real.take(half, axis=0) for half in (first, second))
    null = _distances(*halves, real_power[first], real_power[second], mask, options)
    return distances | {f"{name}_null": value for name, value in null.items()}


def wasserstein_distances(real, generated, *, pixel_arcmin, periodic=False, mask=None, seed=0):
    """Wasserstein-1 distances of pixels, of heights of peaks and of log P(ℓ), and the same between two real halves.

    Pixels and peaks are binned into 1,024 equal bins over the range of both sets (``wasserstein_from_histograms``); of
    log P(ℓ) the distances of the bins of ℓ, each over maps, are averaged (``wasserstein_rows``).

    Args:
        real, generated: float arrays ``(n, N, N)``, κ, or ``PatchTable``; at least four real maps.
        pixel_arcmin: float, side of a pixel in arcmin.
        periodic: bool, whether opposite sides of a map are neighbours, for peaks.
        mask: bool array ``(N, N)``, True where observed; other pixels, NaN included, are never read.
        seed: int, of the split into halves.

    Returns:
        dict of floats: ``wasserstein_pixels``, ``wasserstein_peaks`` and ``wasserstein_log_power``, in units of the
        real standard deviation of each, and each of these with ``_null`` appended. One that is not defined, as without
        peaks or where a P(ℓ) is zero, is left out.

    Raises:
        ValueError: fewer than four real maps, real maps that are constant, or NaN where observed.

    Example:
        >>> import numpy as np
        >>> a, b = np.random.default_rng(0).normal(size=(2, 40, 16, 16))
        >>> d = wasserstein_distances(a, b + 0.5, pixel_arcmin=1.0)
        >>> round(d["wasserstein_pixels"], 1), d["wasserstein_pixels_null"] < 0.05
        (0.5, True)

    Source: as ``wasserstein_1``.
    """
    if len(real) < 4:
        raise ValueError(f"A null needs halves of two real maps. Received: {len(real)} real maps")
    lowest, highest = zip(extremes(real, mask), extremes(generated, mask), strict=True)
    edges = np.linspace(min(lowest), max(highest), _FINE_BINS + 1)
    sets = [*(real.take(half, axis=0) for half in null_halves(len(real), seed)), generated]
    pixels = [pixel_histogram(maps, edges, mask=mask).sum(axis=0) for maps in sets]
    peaks = [peak_counts(maps, edges, mask=mask, periodic=periodic).sum(axis=0) for maps in sets]
    power = [power_spectrum(maps, pixel_arcmin=pixel_arcmin, mask=mask)[1] for maps in sets]
    halved = _wasserstein(*((s[0], s[1]) for s in (pixels, peaks, power)), edges)
    real_whole = pixels[0] + pixels[1], peaks[0] + peaks[1], np.concatenate(power[:2])
    whole = _wasserstein(*zip(real_whole, (pixels[2], peaks[2], power[2]), strict=True), edges)
    defined = [name for name in whole if name in halved]
    return {name: whole[name] for name in defined} | {
        f"{name}_null": halved[name] for name in defined
    }


def _wasserstein(pixels, peaks, power, edges):
    """The distances of pairs of histograms of pixels and of peaks, and of rows of P(ℓ), where they are defined."""
    distances = {}
    for name, (real, generated) in (("wasserstein_pixels", pixels), ("wasserstein_peaks", peaks)):
        if np.count_nonzero(real) > 1 and generated.any():
            distances[name] = float(wasserstein_from_histograms(real, generated, edges))
    if all((rows > 0).all() for rows in power) and np.ptp(power[0], axis=0).all():
        distances["wasserstein_log_power"] = float(wasserstein_rows(*map(np.log, power)).mean())
    return distances


def null_halves(n, seed):
    """Indices of the two disjoint halves of ``n`` real maps that every null here compares.

    Example:
        >>> first, second = null_halves(5, seed=0)
        >>> sorted([*first, *second]) == list(range(5))
        True
    """
    return np.array_split(np.random.default_rng(seed).permutation(n), 2)


def _distances(real, generated, real_power, generated_power, mask, options):
    mean, maximum = relative_error(real_power, generated_power)
    pixels = ks_pixels(real, generated, mask=mask, **options)
    return {
        "ks_pixels_distance": pixels.distance,
        "ks_pixels_pvalue": pixels.pvalue,
        "ks_histogram_pvalue": ks_histogram_counts(real, generated, mask=mask).pvalue,
        "power_spectrum_error_mean": mean,
        "power_spectrum_error_max": maximum,
    }

"""Distances between two sets of maps, each with its null."""

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import AnyMaps, FloatArray, IntArray, Mask, Rows
from cosmogan_k3.statistics._maps import checked_maps, extremes
from cosmogan_k3.statistics.estimators.histogram import pixel_histogram
from cosmogan_k3.statistics.estimators.peaks import peak_counts
from cosmogan_k3.statistics.estimators.power_spectrum import power_spectrum
from cosmogan_k3.statistics.two_sample.halves import null_halves, set_of_map
from cosmogan_k3.statistics.two_sample.kolmogorov_smirnov import (
    ks_of_counts,
    ks_of_histograms,
    levels_of_sets,
    published_edges,
)
from cosmogan_k3.statistics.two_sample.pixel_counts import PixelBins, PixelCounts, count_set
from cosmogan_k3.statistics.two_sample.units import Units
from cosmogan_k3.statistics.two_sample.wasserstein import (
    wasserstein_from_histograms,
    wasserstein_rows,
)
from cosmogan_k3.units import pixel_size

# Bins of pixels and peaks for Wasserstein distances, which are then exact to 0.1 % of σ.
_FINE_BINS = 1024


def relative_error(real: Rows, generated: Rows) -> tuple[float, float]:
    """Compute mean and largest |⟨x_gen⟩/⟨x_real⟩ − 1| over bins of power or counts.

    Parameters
    ----------
    real, generated : float array (n, bins)
        As ``power_spectrum`` and ``peak_counts`` return them.

    Returns
    -------
    mean, maximum : float

    Examples
    --------
    >>> import numpy as np
    >>> relative_error(np.ones((4, 2)), np.array([[1.0, 1.5]]))
    (0.25, 0.5)
    """
    deviation = np.abs(np.mean(generated, axis=0) / np.mean(real, axis=0) - 1)
    return float(deviation.mean()), float(deviation.max())


def summary_distances(
    real: AnyMaps,
    generated: AnyMaps,
    *,
    pixel_arcmin: float | None = None,
    mask: Mask | None = None,
    groups: ArrayLike | None = None,
    permutations: int = 499,
    seed: int = 0,
) -> dict[str, float]:
    """Compute the distances between two sets of maps, and between two halves of the real one.

    The halves are disjoint.

    Parameters
    ----------
    real, generated : float array (n, N, N), PatchTable or MapSet
        Convergence; at least two real maps.
    pixel_arcmin : float, optional
        Side of a pixel in arcmin; that of a ``MapSet`` by default.
    mask : bool array (N, N), optional
        True where observed; other pixels, NaN included, are never read.
    groups : int array (n,), optional
        Unit of each real map, such as the larger map that it was cut from; by default each map is a
        unit. Generated maps are units.
    permutations : int, default 499
        Number of exchanges for the p-value of ``ks_pixels``.
    seed : int, default 0
        Seed of the exchanges and of the split into halves.

    Returns
    -------
    dict of float
        ``ks_pixels_distance``, ``ks_pixels_pvalue``, ``ks_histogram_pvalue``,
        ``power_spectrum_error_mean`` and ``power_spectrum_error_max``, and each of these with
        ``_null`` appended. The null compares half as many maps with half as many. It therefore
        overstates the noise of the distance slightly.

    Raises
    ------
    ValueError
        Fewer than two real maps.

    Examples
    --------
    >>> import numpy as np
    >>> maps = np.random.default_rng(0).normal(size=(20, 16, 16))
    >>> d = summary_distances(maps, maps, pixel_arcmin=1.0, permutations=9)
    >>> d["ks_pixels_distance"], d["ks_pixels_distance_null"] > 0
    (0.0, True)
    """
    pixel_arcmin = pixel_size(real, pixel_arcmin)
    groups = getattr(real, "map_id", None) if groups is None else groups
    real, generated = checked_maps(real), checked_maps(generated)
    if len(real) < 2:
        raise ValueError(f"A null needs at least two real maps to halve. Received: {len(real)}")
    halves = null_halves(len(real), seed, groups)
    first, second = (real.take(half, axis=0) for half in halves)
    bins, null_bins = (
        PixelBins(levels_of_sets(a, b, mask), published_edges(extremes(a, mask)))
        for a, b in ((real, generated), (first, second))
    )
    counts = [count_set(maps, bins, mask=mask) for maps in (real, generated)]
    null_counts = count_set(real, null_bins, mask=mask, groups=set_of_map(halves, len(real)))
    halved = [null_counts.take(half, slice(i, i + 1)) for i, half in enumerate(halves)]
    power = [
        power_spectrum(maps, pixel_arcmin=pixel_arcmin, mask=mask)[1] for maps in (real, generated)
    ]
    units = Units(len(real), groups)
    of_halves = units.or_rows().take(halves[0]), units.or_rows().take(halves[1])
    options = {"permutations": permutations, "seed": seed}
    return with_nulls(
        distances_of_sets(counts, power, (units, Units(len(generated))), **options),
        distances_of_sets(halved, [power[0][half] for half in halves], of_halves, **options),
    )


def with_nulls(distances: dict[str, float], nulls: dict[str, float]) -> dict[str, float]:
    """Join distances and their nulls, which have ``_null`` appended to their names.

    Parameters
    ----------
    distances, nulls : dict of float
        Of real against generated and of real against real maps. What either lacks is left out.

    Returns
    -------
    dict of float

    Examples
    --------
    >>> with_nulls({"ks": 0.2, "peaks": 0.1}, {"ks": 0.1})
    {'ks': 0.2, 'ks_null': 0.1}
    """
    defined = [name for name in distances if name in nulls]
    return {name: distances[name] for name in defined} | {
        f"{name}_null": nulls[name] for name in defined
    }


def distances_of_sets(
    counts: list[PixelCounts],
    power: list[Rows],
    units: tuple[Units, Units],
    *,
    permutations: int,
    seed: int,
) -> dict[str, float]:
    """Compute the distances of ``summary_distances`` from what was measured of two sets of maps.

    Parameters
    ----------
    counts : list of two PixelCounts
        Of each set, in bins for these two sets.
    power : list of two float64 arrays (n, bins)
        P(ℓ) of each set.
    units : two Units
        Of each set.
    permutations, seed : int
        As in ``summary_distances``.

    Returns
    -------
    dict of float
    """
    mean, maximum = relative_error(power[0], power[1])
    pixels = ks_of_counts(counts[0], counts[1], units=units, permutations=permutations, seed=seed)
    published = ks_of_histograms(counts[0].published, counts[1].published)
    return {
        "ks_pixels_distance": pixels.distance,
        "ks_pixels_pvalue": pixels.pvalue,
        "ks_histogram_pvalue": published.pvalue,
        "power_spectrum_error_mean": mean,
        "power_spectrum_error_max": maximum,
    }


def wasserstein_distances(
    real: AnyMaps,
    generated: AnyMaps,
    *,
    pixel_arcmin: float | None = None,
    periodic: bool = False,
    mask: Mask | None = None,
    groups: ArrayLike | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Compute Wasserstein-1 distances of pixels, heights of peaks and log P(ℓ), each with its null.

    Pixels and peaks are counted in 1,024 equal bins over the range of both sets
    (``wasserstein_from_histograms``). The distance of log P(ℓ) is the mean over the bins of ℓ of
    the distance over maps (``wasserstein_rows``).

    Parameters
    ----------
    real, generated : float array (n, N, N), PatchTable or MapSet
        Convergence; at least four real maps.
    pixel_arcmin : float, optional
        Side of a pixel in arcmin; that of a ``MapSet`` by default.
    periodic : bool, default False
        Whether opposite sides of a map are neighbours, for peaks.
    mask : bool array (N, N), optional
        True where observed; other pixels, NaN included, are never read.
    groups : int array (n,), optional
        Unit of each real map, as in ``summary_distances``.
    seed : int, default 0
        Seed of the split into halves.

    Returns
    -------
    dict of float
        ``wasserstein_pixels``, ``wasserstein_peaks`` and ``wasserstein_log_power``, in units of the
        real standard deviation of each, and each of these with ``_null`` appended. A distance that
        is not defined is left out, for example without peaks or if some P(ℓ) is zero.

    Raises
    ------
    ValueError
        Fewer than four real maps, real maps that are constant, or NaN where observed.

    References
    ----------
    As for ``wasserstein_1``.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = np.random.default_rng(0).normal(size=(2, 40, 16, 16))
    >>> d = wasserstein_distances(a, b + 0.5, pixel_arcmin=1.0)
    >>> round(d["wasserstein_pixels"], 1), d["wasserstein_pixels_null"] < 0.05
    (0.5, True)
    """
    pixel_arcmin = pixel_size(real, pixel_arcmin)
    groups = getattr(real, "map_id", None) if groups is None else groups
    real, generated = checked_maps(real), checked_maps(generated)
    if len(real) < 4:
        raise ValueError(f"A null needs halves of two real maps. Received: {len(real)} real maps")
    edges = fine_edges(extremes(real, mask), extremes(generated, mask))
    halves = null_halves(len(real), seed, groups)
    sets = [*(real.take(half, axis=0) for half in halves), generated]
    pixels = np.stack([pixel_histogram(m, edges, mask=mask).sum(axis=0) for m in sets])
    peaks = np.stack(
        [peak_counts(m, edges, mask=mask, periodic=periodic).sum(axis=0) for m in sets]
    )
    power = [
        power_spectrum(maps, pixel_arcmin=pixel_arcmin, mask=mask)[1] for maps in (real, generated)
    ]
    whole_pixels, whole_peaks = (np.stack([c[:2].sum(axis=0), c[2]]) for c in (pixels, peaks))
    return with_nulls(
        wasserstein_of_sets(whole_pixels, whole_peaks, power, edges),
        wasserstein_of_sets(pixels[:2], peaks[:2], [power[0][half] for half in halves], edges),
    )


def fine_edges(real: tuple[float, float], generated: tuple[float, float]) -> FloatArray:
    """Return the edges of the 1,024 bins of ``wasserstein_distances``.

    Parameters
    ----------
    real, generated : (float, float)
        Smallest and largest observed pixel of each set.

    Returns
    -------
    float64 array (1025,)

    Examples
    --------
    >>> fine_edges((0.0, 2.0), (-2.0, 1.0))[[0, 512, -1]].tolist()
    [-2.0, 0.0, 2.0]
    """
    lowest, highest = zip(real, generated, strict=True)
    return np.linspace(min(lowest), max(highest), _FINE_BINS + 1)


def wasserstein_of_sets(
    pixels: IntArray, peaks: IntArray, power: list[Rows], edges: FloatArray
) -> dict[str, float]:
    """Compute the distances of ``wasserstein_distances`` from what was measured of two sets.

    Parameters
    ----------
    pixels, peaks : int64 array (2, bins)
        Histograms of each set.
    power : list of two float64 arrays (n, bins)
        P(ℓ) of the maps of each set.
    edges : float64 array (bins + 1,)
        As ``fine_edges`` returns them.

    Returns
    -------
    dict of float
        Those that are defined.
    """
    distances = {}
    for name, (real, generated) in (("wasserstein_pixels", pixels), ("wasserstein_peaks", peaks)):
        if np.count_nonzero(real) > 1 and generated.any():
            distances[name] = float(wasserstein_from_histograms(real, generated, edges))
    if all((rows > 0).all() for rows in power) and np.ptp(power[0], axis=0).all():
        rows = wasserstein_rows(np.log(power[0]), np.log(power[1]))
        distances["wasserstein_log_power"] = float(rows.mean())
    return distances

"""Distances of generated maps to held-out maps after each epoch, and one score."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import FloatArray, FloatMaps, IntArray, Metrics, Rows
from cosmogan_k3.statistics.estimators.peaks import peak_counts
from cosmogan_k3.statistics.estimators.power_spectrum import power_spectrum
from cosmogan_k3.statistics.two_sample.distances import relative_error
from cosmogan_k3.statistics.two_sample.halves import null_halves
from cosmogan_k3.statistics.two_sample.kolmogorov_smirnov import ks_pixels
from cosmogan_k3.statistics.two_sample.pca import pca_merit, pca_projection
from cosmogan_k3.statistics.two_sample.units import Units
from cosmogan_k3.units import in_unit, plain_maps

SCORED = ("power_spectrum_error_mean", "ks_pixels_distance", "peak_counts_error", "pca_distance")

# Edges of the bins of peaks, in standard deviations from the mean of the real pixels.
_PEAK_SIGMAS = np.linspace(-1, 5, 13)

# Two halves of very few maps may agree exactly.
_SMALLEST_NULL = 1e-6


class Validation:
    """Compare the generated maps of each epoch with the same held-out maps.

    There are four distances: of two points, of one point, of peaks, and of whole maps on large
    scales.

    - ``power_spectrum_error_mean``: ⟨|P_gen/P_real − 1|⟩ over ℓ. ``power_spectrum_error_max`` is
      reported but not scored.
    - ``ks_pixels_distance``: as ``ks_pixels`` returns it.
    - ``peak_counts_error``: Σ_i |n_gen,i − n_real,i| / Σ_i n_real,i over 12 bins of height from −σ
      to 5σ.
    - ``pca_distance``: √``pca_merit``, so that it is a distance as the others are; its null is 1.

    The null of the others is the distance between two halves of the real maps.

    Parameters
    ----------
    real : float array (n, N, N)
        Held-out convergence maps, n ≥ 3: two maps span no plane.
    pixel_arcmin : float
        Side of a pixel in arcmin.
    seed : int, default 0
        Seed of the split into halves.
    groups : int array (n,), optional
        Unit of each real map, such as the larger map that it was cut from; by default each map is a
        unit. Halves have no unit in common.

    Attributes
    ----------
    real : float array (n, N, N)
        The held-out maps.
    pixel_arcmin : float
        Side of a pixel in arcmin.
    null : dict of float
        The null of each distance.

    Raises
    ------
    ValueError
        Fewer than three maps.

    Examples
    --------
    >>> import numpy as np
    >>> real, same = np.random.default_rng(0).lognormal(size=(2, 100, 16, 16))
    >>> validation = Validation(real, pixel_arcmin=2.0)
    >>> score, worse = (validation_score(validation.distances(m)) for m in (same, 1.2 * same))
    >>> score < 0.2 < worse
    True
    """

    def __init__(
        self,
        real: FloatMaps,
        *,
        pixel_arcmin: float,
        seed: int = 0,
        groups: ArrayLike | None = None,
    ) -> None:
        real = np.asarray(plain_maps(real))
        if len(real) < 3:
            raise ValueError(f"Validation needs three maps or more. Received: {len(real)}")
        self.real = real
        self.pixel_arcmin = in_unit(pixel_arcmin, "arcmin", "pixel_arcmin")
        self._groups = groups
        mean, sigma = real.mean(dtype=np.float64), real.std(dtype=np.float64)
        self._edges = mean + sigma * _PEAK_SIGMAS
        self._power, self._peaks = self._rows(real)
        first, second = null_halves(len(real), seed, groups)
        null = _distances(
            real[first],
            real[second],
            (self._power[first], self._power[second]),
            (self._peaks[first], self._peaks[second]),
        )
        self.null = {f"{name}_null": value for name, value in null.items()}
        self.null["pca_distance_null"] = 1.0

    def _rows(self, maps: FloatMaps) -> tuple[Rows, IntArray]:
        power = power_spectrum(maps, pixel_arcmin=self.pixel_arcmin)[1]
        return power, peak_counts(maps, self._edges, periodic=False)

    def distances(
        self, generated: FloatMaps, projection: tuple[FloatArray, FloatArray] | None = None
    ) -> dict[str, float]:
        """Compute the distances of generated maps, each with its null.

        Parameters
        ----------
        generated : float array (m, N, N)
            Finite convergence maps.
        projection : pair of float arrays (n, 2) and (m, 2), optional
            Output of ``projection`` for these maps, if it is known already.

        Returns
        -------
        dict of float
            The distances, ``pca_merit``, and ``…_null`` of each distance.

        Examples
        --------
        >>> real, same = np.random.default_rng(0).lognormal(size=(2, 20, 16, 16))
        >>> Validation(real, pixel_arcmin=2.0).distances(real)["ks_pixels_distance"]
        0.0
        """
        power, peaks = self._rows(generated)
        found = _distances(self.real, generated, (self._power, power), (self._peaks, peaks))
        projected = projection or self.projection(generated)
        merit = pca_merit(*projected, groups=self._groups)
        return found | {"pca_distance": merit**0.5, "pca_merit": merit} | self.null

    def projection(self, generated: FloatMaps) -> tuple[FloatArray, FloatArray]:
        """Project both sets onto the two leading principal components of the real maps.

        Parameters
        ----------
        generated : float array (m, N, N)
            Convergence.

        Returns
        -------
        real, generated : float array (n, 2) and (m, 2)
        """
        real, projected, _ = pca_projection(self.real, generated)
        return real, projected


def _distances(
    real: FloatMaps,
    generated: FloatMaps,
    power: tuple[Rows, Rows],
    peaks: tuple[IntArray, IntArray],
) -> dict[str, float]:
    mean, largest = relative_error(power[0], power[1])
    expected, found = (rows.mean(axis=0) for rows in peaks)
    return {
        "power_spectrum_error_mean": mean,
        "power_spectrum_error_max": largest,
        "ks_pixels_distance": ks_pixels(real, generated, permutations=0).distance,
        "peak_counts_error": float(
            np.abs(found - expected).sum() / max(expected.sum(), 1.0 / len(peaks[0]))
        ),
    }


def validation_score(distances: Metrics, names: Sequence[str] = SCORED) -> float:
    """Combine distances into one score: the smaller the better, 0 if each distance equals its null.

    With the distance d and the null n of each statistic s::

        S = ⟨ln((1 + d_s/n_s) / 2)⟩_s

    Far from the real maps this is the mean of ln(d/n) − ln 2. Halving any one distance then counts
    the same, whatever its unit, and the noise of a null shifts all epochs alike. A distance well
    below its null is chance. With 1 + d/n no single one decides, whereas ln(d/n) would go to −∞.
    The nulls compare half as many maps and overstate the noise by up to √2, so the score of maps
    from the real distribution is about −0.15. The score is our own definition.

    Parameters
    ----------
    distances : mapping of str to float
        As ``Validation.distances`` returns them.
    names : sequence of str, default SCORED
        The statistics s.

    Returns
    -------
    float

    Examples
    --------
    >>> distances = dict.fromkeys(SCORED, 3.0)
    >>> nulls = {f"{name}_null": 1.0 for name in SCORED}
    >>> round(validation_score(distances | nulls), 4)
    0.6931
    """
    ratios = [distances[name] / max(distances[f"{name}_null"], _SMALLEST_NULL) for name in names]
    return float(np.mean(np.log1p(ratios) - np.log(2)))


def relative_diversity(
    real: FloatMaps, generated: FloatMaps, *, groups: ArrayLike | None = None
) -> float:
    """Compute the rms distance between generated maps in units of that between real maps.

    With a sum over pixels p::

        (Σ_p Var[κ_gen,p] / Σ_p Var[κ_real,p])^½

    since ⟨|κ − κ'|²⟩ of two independent maps is 2 Σ_p Var κ_p. It is 1 for maps from the real
    distribution, and 0 if all maps are equal or blank. It does not detect a generator that repeats
    a few different maps. The measure is our own definition.

    Parameters
    ----------
    real, generated : float array (n, N, N)
        Convergence; at least two maps each, and the numbers of maps may differ.
    groups : int array (n,), optional
        Unit of each real map, such as the larger map that it was cut from; by default each map is
        a unit. The real distance is that between maps of different units: patches of one share
        large modes.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> real = np.random.default_rng(0).normal(size=(50, 8, 8))
    >>> one = real[:1].repeat(9, axis=0)
    >>> [round(relative_diversity(real, maps), 6) for maps in (0.5 * real, one)]
    [0.5, 0.0]
    """
    units = Units(len(real), groups).or_rows()
    spread = _spread(np.asarray(generated, np.float64), Units(len(generated)))
    return float(np.sqrt(spread / _spread(np.asarray(real, np.float64), units)))


def _spread(maps: FloatMaps, units: Units) -> float:
    """Half the mean square distance between maps of different units."""
    if units.are_rows:
        return float(np.var(maps, axis=0, ddof=1).sum())
    # n Σ|κ_i − ⟨κ⟩|² is the sum of |κ_i − κ_j|² over all pairs, and so it is in each unit.
    parts = [maps[units.rows(np.array([unit]))] for unit in range(len(units))]
    all_pairs, of_units = _pair_sum(maps), sum(map(_pair_sum, parts))
    return (all_pairs - of_units) / (len(maps) ** 2 - int((units.sizes**2).sum()))


def _pair_sum(maps: FloatMaps) -> float:
    return len(maps) * float(np.square(maps - maps.mean(axis=0)).sum())

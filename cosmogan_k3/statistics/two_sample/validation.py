"""What an epoch is judged by: a few distances to held-out maps, and one score."""

import numpy as np

from cosmogan_k3.statistics.estimators.peaks import peak_counts
from cosmogan_k3.statistics.estimators.power_spectrum import power_spectrum
from cosmogan_k3.statistics.two_sample.distances import null_halves, relative_error
from cosmogan_k3.statistics.two_sample.kolmogorov_smirnov import ks_pixels
from cosmogan_k3.statistics.two_sample.pca import pca_merit, pca_projection

_PEAK_SIGMAS = np.linspace(-1, 5, 13)
_SMALLEST_NULL = 1e-6
"""Two halves of very few maps may agree exactly."""


class Validation:
    """Compare the maps of each epoch with the same held-out ones.

    Four distances, which see two points, one point, peaks, and whole maps on large scales:

    - ``power_spectrum_error_mean``, ⟨|P_gen/P_real − 1|⟩ over ℓ; ``power_spectrum_error_max`` is reported, not scored;
    - ``ks_pixels_distance``, of ``ks_pixels``;
    - ``peak_counts_error``, Σ_i |n_gen,i − n_real,i| / Σ_i n_real,i over 12 bins of height from −σ to 5σ;
    - ``pca_distance`` = √``pca_merit``, a distance as the others are; its null is 1.

    The null of the others is the distance between two halves of the real maps.

    Args:
        real: float array ``(n, N, N)``, κ, n ≥ 3: two span no plane.
        pixel_arcmin: float, side of a pixel in arcmin.
        seed: int, of the halves.

    Raises:
        ValueError: fewer than three maps.

    Example:
        >>> import numpy as np
        >>> real, same = np.random.default_rng(0).lognormal(size=(2, 100, 16, 16))
        >>> validation = Validation(real, pixel_arcmin=2.0)
        >>> validation_score(validation.distances(same)) < 0.2 < validation_score(validation.distances(1.2 * same))
        True
    """

    def __init__(self, real, *, pixel_arcmin, seed=0):
        real = np.asarray(real)
        if len(real) < 3:
            raise ValueError(f"Validation needs three maps or more. Received: {len(real)}")
        self.real = real
        self.pixel_arcmin = pixel_arcmin
        mean, sigma = real.mean(dtype=np.float64), real.std(dtype=np.float64)
        self._edges = mean + sigma * _PEAK_SIGMAS
        self._power, self._peaks = self._rows(real)
        first, second = null_halves(len(real), seed)
        halves = (real[half] for half in (first, second))
        rows = ((rows[first], rows[second]) for rows in (self._power, self._peaks))
        self.null = {f"{name}_null": value for name, value in _distances(*halves, *rows).items()}
        self.null["pca_distance_null"] = 1.0

    def _rows(self, maps):
        power = power_spectrum(maps, pixel_arcmin=self.pixel_arcmin)[1]
        return power, peak_counts(maps, self._edges, periodic=False)

    def distances(self, generated, projection=None):
        """The distances of generated maps, each with its ``…_null``, and ``pca_merit``.

        Args:
            generated: float array ``(m, N, N)``, κ, finite.
            projection: what ``pca_projection`` returned for the two sets, if it is known already.

        Returns:
            dict of floats.
        """
        power, peaks = self._rows(generated)
        found = _distances(self.real, generated, (self._power, power), (self._peaks, peaks))
        merit = pca_merit(*(projection or self.projection(generated)))
        return found | {"pca_distance": merit**0.5, "pca_merit": merit} | self.null

    def projection(self, generated):
        """Real and generated maps on the two leading principal components of the real ones, ``(n, 2)`` each."""
        return pca_projection(self.real, generated)[:2]


def _distances(real, generated, power, peaks):
    mean, largest = relative_error(*power)
    expected, found = (rows.mean(axis=0) for rows in peaks)
    return {
        "power_spectrum_error_mean": mean,
        "power_spectrum_error_max": largest,
        "ks_pixels_distance": ks_pixels(real, generated, permutations=0).distance,
        "peak_counts_error": float(
            np.abs(found - expected).sum() / max(expected.sum(), 1.0 / len(peaks[0]))
        ),
    }


SCORED = ("power_spectrum_error_mean", "ks_pixels_distance", "peak_counts_error", "pca_distance")


def validation_score(distances, names=SCORED):
    """One number for an epoch, the smaller the better: 0 where every distance equals its null.

        S = ⟨ln((1 + d_s/n_s) / 2)⟩_s        over the statistics s, with d the distance and n its null

    Far from the real maps this is the mean of ln(d/n): halving any one distance counts the same, whatever its unit, and
    the noise of a null shifts all epochs alike. A distance well below its null is luck, not merit, and 1 + d/n keeps a
    single one from deciding, where ln(d/n) would go to −∞. The nulls compare half as many maps and overstate the
    noise by up to √2, so that maps of the real kind score about −0.15.

    Args:
        distances: mapping, as ``Validation.distances`` returns it.
        names: of the distances s.

    Example:
        >>> round(validation_score({name: 3.0 for name in SCORED} | {f"{name}_null": 1.0 for name in SCORED}), 4)
        0.6931

    Source: ours.
    """
    ratios = [distances[name] / max(distances[f"{name}_null"], _SMALLEST_NULL) for name in names]
    return float(np.mean(np.log1p(ratios) - np.log(2)))


def relative_diversity(real, generated):
    """Rms distance between two generated maps, in units of that between two real ones.

        (Σ_p Var[κ_gen,p] / Σ_p Var[κ_real,p])^½

    over pixels p, since ⟨|κ − κ'|²⟩ of two independent maps is 2 Σ_p Var κ_p: 1 for maps of the real kind, 0 where
    all are the same map, or blank. A few maps that take turns are not seen by it.

    Args:
        real, generated: float arrays ``(·, N, N)``, κ, at least two maps each.

    Example:
        >>> import numpy as np
        >>> real = np.random.default_rng(0).normal(size=(50, 8, 8))
        >>> [round(relative_diversity(real, maps), 6) for maps in (0.5 * real, real[:1].repeat(9, axis=0))]
        [0.5, 0.0]

    Source: ours.
    """
    spreads = (
        np.var(np.asarray(maps, dtype=np.float64), axis=0, ddof=1).sum()
        for maps in (generated, real)
    )
    return float(np.sqrt(np.divide(*spreads)))

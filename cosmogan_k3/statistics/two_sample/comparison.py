"""Real against generated maps: a distance, its null and a p-value for every statistic."""

from dataclasses import dataclass

import numpy as np

from cosmogan_k3.statistics._maps import checked_maps
from cosmogan_k3.statistics.summary import SummaryStatistics
from cosmogan_k3.statistics.two_sample.exchange import (
    CorrelationTest,
    LargestShift,
    MeanShift,
    SpreadTest,
)

SIGNIFICANCE = 0.05
"""Corrected p-values below this are called a difference."""


@dataclass(frozen=True)
class Result:
    """What one statistic says of two sets of maps."""

    name: str
    label: str
    axis_label: str
    axis: np.ndarray
    """float64 ``(features,)``, or empty where the statistic is not a curve."""
    real: np.ndarray
    """Mean over the real maps, float64 ``(features,)``."""
    generated: np.ndarray
    null_band: np.ndarray
    """2.5th and 97.5th percentile of the difference of the means of two halves of the real maps ``(2, features)``."""
    distance: float
    unit: str
    """What the distance is, in words."""
    null: np.ndarray
    """The same distance between disjoint halves of the real maps, for each of ``Comparison.splits`` splits."""
    pvalue: float
    """Of as large a difference between sets of the same kind, by exchange of whole maps."""
    corrected_pvalue: float
    """The same, of as small a p-value among all statistics of the comparison."""

    @property
    def agrees(self):
        return self.corrected_pvalue >= SIGNIFICANCE

    @property
    def verdict(self):
        """One line in words."""
        seen = "no difference seen" if self.agrees else "DIFFERS"
        return (
            f"{self.label}: {seen}; {self.unit} {self.distance:.3g} "
            f"(real against real {np.median(self.null):.3g}), corrected p = {self.corrected_pvalue:.2g}"
        )


@dataclass(frozen=True)
class Comparison:
    """Every ``Result`` of a comparison, and what it was made from."""

    results: tuple
    real_maps: int
    generated_maps: int
    permutations: int
    splits: int
    seed: int

    def __getitem__(self, name):
        return next(result for result in self.results if result.name == name)

    @property
    def agrees(self):
        return all(result.agrees for result in self.results)

    def table(self):
        """One dict of plain values for each statistic."""
        return [
            {
                "statistic": r.name,
                "distance": r.distance,
                "unit": r.unit,
                "null_median": float(np.median(r.null)),
                "null_95": float(np.percentile(r.null, 95)),
                "pvalue": r.pvalue,
                "corrected_pvalue": r.corrected_pvalue,
                "agrees": r.agrees,
            }
            for r in self.results
        ]


def compare(
    real, generated, *, pixel_arcmin, periodic=False, mask=None, permutations=499, splits=50, seed=0
):
    """Look for any difference between real and generated maps with the whole battery of statistics.

    Whole maps are the independent unit: every p-value comes from exchanging maps between the two sets,
    p = (1 + #{T* ≥ T}) / (1 + permutations), the same exchanges for all statistics, so that the smallest p of an
    exchange corrects for having looked at many: p_corrected = (1 + #{min p* ≤ p}) / (1 + permutations). As many
    statistics share the few smallest p there are, those of one p are ranked by how many standard deviations of T*
    T lies above the mean of T*. The nulls compare halves of the real maps, half as many with half as many, and so
    overstate the noise of the distances by up to √2.

    Args:
        real, generated: float arrays ``(n, N, N)``, κ, or ``PatchTable``, read a block at a time.
        pixel_arcmin: float, side of a pixel in arcmin.
        periodic: bool, whether opposite sides of a map are neighbours, for peaks and contours; not so for maps cut from
            larger fields.
        mask: bool array ``(N, N)``, True where observed; with it only the statistics that accept one are compared:
            pixels, P(ℓ), peaks and minima.
        permutations: int.
        splits: int, halvings of the real maps for the nulls.
        seed: int, of exchanges and halvings.

    Returns:
        ``Comparison``.

    Raises:
        ValueError: fewer than four maps in a set, sets of different sides, NaN where observed, or real maps
            that are constant.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> a, b = (rng.normal(size=(20, 32, 32)).astype("float32") for _ in range(2))
        >>> result = compare(a, 1.5 * b, pixel_arcmin=2.0, permutations=99)
        >>> result.agrees, result["power_spectrum"].pvalue
        (False, 0.01)

    Source: exchange of independent units: Good 2005, Permutation Tests; the smallest p: Westfall & Young 1993, eq. 2.7.
    """
    if min(len(checked_maps(real)), len(checked_maps(generated))) < 4:
        raise ValueError(
            f"A comparison needs four maps of each kind. Received: {len(real)} and {len(generated)}"
        )
    if real.shape[1:] != generated.shape[1:]:
        raise ValueError(
            f"Maps of different sides. Received: {real.shape[1:]} and {generated.shape[1:]}"
        )
    battery = SummaryStatistics(real, pixel_arcmin=pixel_arcmin, periodic=periodic, mask=mask)
    return compare_features(
        battery.measure(real),
        battery.measure(generated),
        permutations=permutations,
        splits=splits,
        seed=seed,
    )


def compare_features(real, generated, *, permutations=499, splits=50, seed=0):
    """``compare`` for what ``SummaryStatistics.measure`` has measured; arguments and result are its."""
    n, m = len(real[0].rows), len(generated[0].rows)
    rng = np.random.default_rng(seed)
    observed = np.arange(n + m) < n
    exchanges = np.stack([observed, *(rng.permutation(observed) for _ in range(permutations))])
    halves = np.stack([rng.permutation(np.arange(n) < n // 2) for _ in range(splits)])
    looks = [look for pair in zip(real, generated, strict=True) for look in _looks(*pair)]
    tests = np.stack([test.statistic(exchanges) for _, test in looks])
    pvalues, corrected = _pvalues(tests)
    results = (
        _result(*look, n, halves, *p) for look, *p in zip(looks, pvalues, corrected, strict=True)
    )
    return Comparison(tuple(results), n, m, permutations, splits, seed)


def _pvalues(tests):
    """p and corrected p of the first exchange, from the statistics ``(statistics, exchanges)``."""
    pvalues = np.array([(row >= row[:, None] * (1 - 1e-9)).mean(axis=1) for row in tests])
    deviations = tests - tests.mean(axis=1, keepdims=True)
    deviations /= np.maximum(deviations.std(axis=1, keepdims=True), np.finfo(float).tiny)
    # Less than the step between two p: it ranks equal ones, and no others.
    ranked = pvalues - (1 + deviations / (1 + np.abs(deviations))) / 2 / tests.shape[1]
    return pvalues[:, 0].tolist(), (ranked.min(axis=0) <= ranked[:, :1] + 1e-9).mean(
        axis=1
    ).tolist()


def _looks(real, generated):
    """The tests that a statistic is put to: pairs of (name, label, axis label, axis, rows) and test."""
    rows = np.concatenate([real.rows, generated.rows]).astype(np.float64)
    logs = (
        np.log(rows) if real.name in ("power_spectrum", "scattering") and (rows > 0).all() else rows
    )
    curve = (real.name, real.label, real.axis_label, real.axis, rows)
    yield curve, (LargestShift(rows) if real.name == "pixels" else MeanShift(logs))
    if real.name in ("power_spectrum", "peaks"):
        no_curve = "", real.axis[:0], rows[:, :0]
        yield (
            (f"{real.name}_correlations", f"{real.label}: correlations", *no_curve),
            CorrelationTest(logs),
        )
        yield (
            (f"{real.name}_scatter", f"{real.label}: scatter between maps", *no_curve),
            SpreadTest(logs),
        )


def _result(curve, test, n, halves, pvalue, corrected):
    name, label, axis_label, axis, rows = curve
    real, generated = rows[:n], rows[n:]
    null = np.array([test.distance(np.flatnonzero(half), np.flatnonzero(~half)) for half in halves])
    shifts = np.stack([real[half].mean(axis=0) - real[~half].mean(axis=0) for half in halves])
    return Result(
        name,
        label,
        axis_label,
        axis,
        real.mean(axis=0),
        generated.mean(axis=0),
        np.percentile(shifts, [2.5, 97.5], axis=0),
        float(test.distance(np.arange(n), np.arange(n, len(rows)))),
        test.unit,
        null,
        pvalue,
        corrected,
    )

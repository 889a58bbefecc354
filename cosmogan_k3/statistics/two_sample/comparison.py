"""Comparison of real and generated maps: distance, null and p-value of every statistic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import AnyMaps, FloatArray, IntArray, Mask, Rows
from cosmogan_k3.statistics._maps import checked_maps
from cosmogan_k3.statistics.summary import Features, SummaryStatistics
from cosmogan_k3.statistics.two_sample.exchanges import Exchanges, draw_exchanges
from cosmogan_k3.statistics.two_sample.halves import reference_rows
from cosmogan_k3.statistics.two_sample.joint import joint_rows, pooled_values
from cosmogan_k3.statistics.two_sample.permutation_tests import (
    CorrelationTest,
    MaximumDifferenceTest,
    MeanTest,
    PermutationTest,
    ScatterTest,
    SlicedTest,
)
from cosmogan_k3.statistics.two_sample.results import Comparison, Result
from cosmogan_k3.statistics.two_sample.units import Units
from cosmogan_k3.units import pixel_size

# Two p-values or statistics that differ by less than this are equal up to rounding.
_ROUNDING = 1e-9


def compare(
    real: AnyMaps,
    generated: AnyMaps,
    *,
    pixel_arcmin: float | None = None,
    periodic: bool = False,
    mask: Mask | None = None,
    reference: AnyMaps | None = None,
    real_groups: ArrayLike | None = None,
    generated_groups: ArrayLike | None = None,
    reference_groups: ArrayLike | None = None,
    permutations: int = 499,
    splits: int = 50,
    seed: int = 0,
) -> Comparison:
    """Test whether real and generated maps differ in any of the summary statistics.

    Whole maps are the independent unit, or groups of maps such as the patches of a larger one.
    Every p-value comes from permutations, which exchange whole units between the two sets (see
    ``draw_exchanges``)::

        p = (1 + #{T* ≥ T}) / (1 + permutations)
        p_corrected = (1 + #{min p* ≤ p}) / (1 + permutations)

    All statistics share the same permutations. The second line therefore corrects for testing many
    statistics, with their correlations. Several statistics often have the same small p; they are
    then ranked by how many standard deviations T lies above the mean of T*.

    ``Comparison.overall`` tests all statistics together (``joint_rows``, ``SlicedTest``). It stands
    beside the others, with the same exchanges and a p-value of its own.

    If units have different numbers of maps, as patches of few maps and independent maps have, only
    means are tested, not correlations and scatter. ``Comparison.smallest_pvalue`` is the smallest
    p-value that the number of units allows; above 0.05 nothing can be told.

    With reference maps the nulls compare the real maps with as many reference maps as there are
    generated ones, so they have the noise of the distance. Without, they compare two halves of the
    real maps, which have no unit in common. Each half has half as many maps as the set, so these
    nulls overstate the noise of the distances by up to √2.

    Parameters
    ----------
    real, generated : float array (n, N, N), PatchTable or MapSet
        Convergence maps, dimensionless; at least four each. Maps on disk are read in blocks.
    pixel_arcmin : float, optional
        Side of a pixel in arcmin; that of a ``MapSet`` by default.
    periodic : bool, default False
        Whether opposite edges of a map are neighbours, for peaks and contours. False for maps that
        are cut from larger fields.
    mask : bool array (N, N), optional
        True where observed. With a mask only statistics that accept one are compared: pixels,
        P(ℓ), peaks and minima.
    reference : float array (n, N, N), PatchTable or MapSet, optional
        Other real maps, such as those that a generator learned from; at least as many as generated
        maps. The p-values do not use them.
    real_groups, generated_groups, reference_groups : int array (n,), optional
        Number of the larger map or simulation that each map comes from; by default the ``map_id``
        of a ``MapSet``, and each map of an array is independent.
    permutations : int, default 499
        Random permutations for the p-values.
    splits : int, default 50
        Random choices of the reference maps, or of the halves, for the nulls.
    seed : int, default 0
        Seed of the permutations and splits.

    Returns
    -------
    Comparison
        One ``Result`` per statistic.

    Raises
    ------
    ValueError
        If a set has fewer than four maps, the sides differ, an observed pixel is not finite, or
        the real maps are constant; fewer reference maps than generated ones.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a, b = (rng.normal(size=(20, 32, 32)).astype("float32") for _ in range(2))
    >>> result = compare(a, 1.5 * b, pixel_arcmin=2.0, permutations=99)
    >>> result.agrees, result["power_spectrum"].pvalue
    (False, 0.01)

    References
    ----------
    Good 2005, Permutation, Parametric and Bootstrap Tests of Hypotheses, for the p-values.
    Westfall & Young 1993, Resampling-Based Multiple Testing, eq. 2.7, for the correction.
    """
    if min(len(checked_maps(real)), len(checked_maps(generated))) < 4:
        raise ValueError(
            f"A comparison needs four maps of each kind. Received: {len(real)} and {len(generated)}"
        )
    sides = checked_maps(real).shape[1:], checked_maps(generated).shape[1:]
    if sides[0] != sides[1]:
        raise ValueError(f"Maps of different sides. Received: {sides[0]} and {sides[1]}")
    summary = SummaryStatistics(real, pixel_arcmin=pixel_arcmin, periodic=periodic, mask=mask)
    for each in (generated, reference):
        pixel_size(each, summary.pixel_arcmin)  # raises InputError if its pixels are others
    return compare_features(
        summary.measure(real),
        summary.measure(generated),
        reference=None if reference is None else summary.measure(reference),
        real_groups=_groups_of(real, real_groups),
        generated_groups=_groups_of(generated, generated_groups),
        reference_groups=_groups_of(reference, reference_groups),
        permutations=permutations,
        splits=splits,
        seed=seed,
    )


def _groups_of(maps: AnyMaps | None, given: ArrayLike | None) -> ArrayLike | None:
    """Return the groups as given, or as a set of maps has them."""
    return getattr(maps, "map_id", None) if given is None else given


def compare_features(
    real: Sequence[Features],
    generated: Sequence[Features],
    *,
    reference: Sequence[Features] | None = None,
    real_groups: ArrayLike | None = None,
    generated_groups: ArrayLike | None = None,
    reference_groups: ArrayLike | None = None,
    permutations: int = 499,
    splits: int = 50,
    seed: int = 0,
) -> Comparison:
    """Compare two sets of maps by features that are already measured; see ``compare``.

    Parameters
    ----------
    real, generated : sequence of Features
        Output of ``SummaryStatistics.measure`` for each set, of the same object.
    reference : sequence of Features, optional
        Of other real maps, as in ``compare``.
    real_groups, generated_groups, reference_groups : int array (n,), optional
        As in ``compare``.
    permutations : int, default 499
        Random permutations for the p-values.
    splits : int, default 50
        Random choices of the reference maps, or of the halves, for the nulls.
    seed : int, default 0
        Seed of the permutations and splits.

    Returns
    -------
    Comparison
        One ``Result`` per statistic.

    Examples
    --------
    >>> maps = np.random.default_rng(0).normal(size=(2, 20, 32, 32)).astype("float32")
    >>> summary = SummaryStatistics(maps[0], pixel_arcmin=2.0)
    >>> real, generated = (summary.measure(m) for m in maps)
    >>> compare_features(real, generated, permutations=99).agrees
    True
    """
    n, m = len(real[0].rows), len(generated[0].rows)
    units = Units(n, real_groups), Units(m, generated_groups)
    rng = np.random.default_rng(seed)
    exchanges = draw_exchanges(*units, permutations=permutations, rng=rng)
    hypotheses = _all_hypotheses(real, generated)
    sizes: dict[str, Any] = {"real_units": len(units[0]), "generated_units": len(units[1])}
    if reference is None:
        nulls, pairs = hypotheses, _random_halves(units[0].or_rows(), splits, rng)
    else:
        nulls, others = (
            _all_hypotheses(real, reference),
            Units(len(reference[0].rows), reference_groups),
        )
        pairs = _random_references(n, others, m, splits, rng)
        sizes |= {"reference_maps": len(others.index), "reference_units": len(others)}
    joint = _joint_hypothesis(real, generated)
    joint_null = joint if reference is None else _joint_hypothesis(real, reference)
    results, overall = (
        _tested(each, of_nulls, exchanges, n, pairs)
        for each, of_nulls in ((hypotheses, nulls), ([joint], [joint_null]))
    )
    sizes["overall"] = overall
    return Comparison(results, n, m, permutations, splits, seed, exchanges.smallest_pvalue, **sizes)


# Two disjoint sets of rows, between which a null is a distance.
_RowPair = tuple[IntArray, IntArray]


def _random_halves(units: Units, splits: int, rng: np.random.Generator) -> list[_RowPair]:
    """Rows of two halves of the units, for each split."""
    first = np.arange(len(units)) < len(units) // 2
    chosen = np.stack([rng.permutation(first) for _ in range(splits)]).take(units.index, axis=1)
    return [(np.flatnonzero(half), np.flatnonzero(~half)) for half in chosen]


def _random_references(
    n: int, reference: Units, count: int, splits: int, rng: np.random.Generator
) -> list[_RowPair]:
    """All real rows, and ``count`` reference rows after them, for each split."""
    if len(reference.index) < count:
        raise ValueError(
            f"reference maps must be as many as generated maps, {count}, or more. "
            f"Received: {len(reference.index)}"
        )
    real = np.arange(n)
    return [(real, n + reference_rows(reference, count, rng)) for _ in range(splits)]


def _statistics(hypothesis: "_Hypothesis", exchanges: Exchanges) -> FloatArray:
    """Statistic of each assignment of the rows that take part."""
    test = hypothesis.test
    if exchanges.pairs is not None:
        test = type(test)(hypothesis.tested[exchanges.rows], exchanges.pairs)
    return test.statistic(exchanges.memberships)


@dataclass(frozen=True)
class _Hypothesis:
    """The null hypothesis that one statistic has the same distribution in both sets."""

    name: str
    label: str
    axis_label: str
    axis: FloatArray
    rows: Rows
    tested: Rows
    test: PermutationTest


def _all_hypotheses(real: Sequence[Features], other: Sequence[Features]) -> "list[_Hypothesis]":
    return [h for pair in zip(real, other, strict=True) for h in _hypotheses(*pair)]


def _hypotheses(real: Features, generated: Features) -> Iterator[_Hypothesis]:
    """Hypotheses on the mean of one statistic and on its variation from map to map."""
    rows = np.concatenate([real.rows, generated.rows]).astype(np.float64)
    values = pooled_values(real, generated)
    mean_test = MaximumDifferenceTest(rows) if real.name == "pixels" else MeanTest(values)
    yield _Hypothesis(real.name, real.label, real.axis_label, real.axis, rows, values, mean_test)
    if real.name in ("power_spectrum", "peaks"):
        no_curve = "", real.axis[:0], rows[:, :0]
        name, label = f"{real.name}_correlations", f"{real.label}: correlations"
        yield _Hypothesis(name, label, *no_curve, values, CorrelationTest(values))
        name, label = f"{real.name}_scatter", f"{real.label}: scatter between maps"
        yield _Hypothesis(name, label, *no_curve, values, ScatterTest(values))


def _joint_hypothesis(real: Sequence[Features], other: Sequence[Features]) -> _Hypothesis:
    """Return the hypothesis on the joint distribution of all statistics."""
    rows = joint_rows(real, other)
    no_curve = "", np.empty(0), rows[:, :0]
    return _Hypothesis("joint", "All statistics together", *no_curve, rows, SlicedTest(rows))


def _tested(
    hypotheses: "Sequence[_Hypothesis]",
    nulls: "Sequence[_Hypothesis]",
    exchanges: Exchanges,
    n: int,
    pairs: Sequence[_RowPair],
) -> tuple[Result, ...]:
    """Test hypotheses under the same exchanges, and correct for their number."""
    statistics, results = [], []
    for hypothesis, null in zip(hypotheses, nulls, strict=True):
        if hypothesis.test.of_means or exchanges.pairs is None:
            statistics.append(_statistics(hypothesis, exchanges))
            results.append(_result(hypothesis, n, null, pairs))
    return tuple(
        replace(result, pvalue=p, corrected_pvalue=q, smallest_pvalue=exchanges.smallest_pvalue)
        for result, p, q in zip(results, *_pvalues(np.stack(statistics)), strict=True)
    )


def _pvalues(statistics: FloatArray) -> tuple[list[float], list[float]]:
    """p-values and corrected p-values of the first column of ``(hypotheses, memberships)``."""
    pvalues = np.array([(t >= t[:, None] * (1 - _ROUNDING)).mean(axis=1) for t in statistics])
    deviations = statistics - statistics.mean(axis=1, keepdims=True)
    deviations /= np.maximum(deviations.std(axis=1, keepdims=True), np.finfo(float).tiny)
    # Equal p-values are ranked by their deviation. The rank changes a p-value by less than the
    # smallest difference between two of them.
    rank = (1 + deviations / (1 + np.abs(deviations))) / 2
    ranked = pvalues - rank / statistics.shape[1]
    corrected = (ranked.min(axis=0) <= ranked[:, :1] + _ROUNDING).mean(axis=1)
    return pvalues[:, 0].tolist(), corrected.tolist()


def _result(
    hypothesis: _Hypothesis, n: int, null: _Hypothesis, pairs: Sequence[_RowPair]
) -> Result:
    """Evaluate one hypothesis, whose first ``n`` rows are the real maps; p-values are added later.

    ``null`` is the same hypothesis about the rows that the pairs are taken from.
    """
    test, rows = hypothesis.test, hypothesis.rows
    # Second minus first, as generated − real: with reference maps the first are the real maps.
    shifts = [null.rows[b].mean(axis=0) - null.rows[a].mean(axis=0) for a, b in pairs]
    return Result(
        name=hypothesis.name,
        label=hypothesis.label,
        axis_label=hypothesis.axis_label,
        axis=hypothesis.axis,
        real=rows[:n].mean(axis=0),
        generated=rows[n:].mean(axis=0),
        null_band=np.percentile(np.stack(shifts), [2.5, 97.5], axis=0),
        distance=float(test.distance(np.arange(n), np.arange(n, len(rows)))),
        unit=test.unit,
        null=np.array([null.test.distance(*pair) for pair in pairs]),
        pvalue=np.nan,
        corrected_pvalue=np.nan,
    )

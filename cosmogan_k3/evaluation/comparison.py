"""The comparison of measured sets, and its metrics."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from cosmogan_k3.evaluation.measure import MeasuredPair
from cosmogan_k3.evaluation.nulls import Nulls
from cosmogan_k3.statistics import Comparison, Features, compare_features


def compare_pair(pair: MeasuredPair, nulls: Nulls, **options: Any) -> Comparison:
    """Compare all statistics, and beside them Betti curves if they are measured.

    Parameters
    ----------
    pair : MeasuredPair
        Both sets.
    nulls : Nulls
        The maps that the nulls compare.
    options
        Of ``compare_features``.

    Returns
    -------
    Comparison
        With the distances from before the training, if they are measured.
    """
    comparison = _compare_measured("features", pair, nulls, **options)
    if not pair.real.betti:
        return comparison
    betti = _compare_measured("betti", pair, nulls, **options).results
    return replace(comparison, overall=comparison.overall + betti)


def _compare_measured(
    name: Literal["features", "betti"], pair: MeasuredPair, nulls: Nulls, **options: Any
) -> Comparison:
    """Compare the real with the generated maps, and with those from before the training."""
    real, generated = getattr(pair.real, name), getattr(pair.generated, name)
    options |= _reference_of(getattr(pair.null, name), nulls)
    comparison = compare_features(real, generated, **options)
    if pair.start is None:
        return comparison
    before = compare_features(real, getattr(pair.start, name), **{**options, "permutations": 1})
    results, overall = (
        tuple(
            replace(result, start=start.distance)
            for result, start in zip(of_training, of_start, strict=True)
        )
        for of_training, of_start in (
            (comparison.results, before.results),
            (comparison.overall, before.overall),
        )
    )
    return replace(comparison, results=results, overall=overall)


def _reference_of(null: Sequence[Features], nulls: Nulls) -> dict[str, Any]:
    """Return what the comparison has to know of the reference maps, if there are any."""
    if nulls.reference is None:
        return {}
    features = [replace(each, rows=each.rows[nulls.real :]) for each in null]
    return {"reference": features, "reference_groups": nulls.reference.map_id}


def comparison_metrics(comparison: Comparison) -> dict[str, float]:
    """Return the p-value of each statistic, and its distances in units of their null.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    dict of float

    Examples
    --------
    >>> comparison_metrics(Comparison((), 4, 4, permutations=9, splits=5, seed=0))
    {}
    """
    metrics = {f"pvalue_{r.name}": r.corrected_pvalue for r in comparison.tests}
    metrics |= {f"in_nulls_{r.name}": r.in_nulls for r in comparison.tests}
    starts = {f"start_in_nulls_{r.name}": r.start_in_nulls for r in comparison.tests}
    return metrics | {name: value for name, value in starts.items() if value is not None}


def unit_metrics(comparison: Comparison) -> dict[str, float]:
    """Return the numbers of units and the p-value they allow, unless each map is a unit.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    dict of float

    Examples
    --------
    >>> unit_metrics(Comparison((), 256, 256, 499, 5, 0, smallest_pvalue=1 / 8, real_units=4))
    {'real_units': 4, 'generated_units': 256, 'smallest_pvalue': 0.125}
    """
    if not comparison.of_units:
        return {}
    return {
        "real_units": comparison.real_units,
        "generated_units": comparison.generated_units,
        "smallest_pvalue": comparison.smallest_pvalue,
    }

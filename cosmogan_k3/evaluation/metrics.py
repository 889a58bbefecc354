"""Metrics of an evaluation, from the measurements of two sets of maps."""

import functools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cosmogan_k3._typing import Maps
from cosmogan_k3.evaluation.measure import MeasuredPair
from cosmogan_k3.evaluation.part import Part
from cosmogan_k3.statistics import (
    Features,
    compare_correlations,
    covariance_errors,
    covariance_rows,
    density_coverage,
    duplicate_rate,
    effective_number,
    frechet_distance,
    joint_rows,
    memorisation_test,
    relative_error,
    shift_in_survey_errors,
)
from cosmogan_k3.statistics.two_sample.distances import (
    distances_of_sets,
    wasserstein_of_sets,
    with_nulls,
)
from cosmogan_k3.statistics.two_sample.units import Units

# Real peaks that a bin needs for its relative error to be quoted: their Poisson noise is 3 %.
_ENOUGH_PEAKS = 1000

# k of density and coverage, as Naeem et al. use it, and maps of each set among which neighbours are
# searched for: time and memory are proportional to the number of pairs.
_NEIGHBOURS = 5
_MOST_NEAR = 4096

# Generated maps that are searched for copies, among themselves and of training maps: the time is
# proportional to the number of pairs.
SEARCHED_GENERATED = 200

# Training maps in which copies are searched for.
SEARCHED_TRAINING = 3000


def distance_metrics(pair: MeasuredPair, *, permutations: int, seed: int) -> dict[str, float]:
    """Compute all distances between two sets of maps, each with its null.

    Parameters
    ----------
    pair : MeasuredPair
        Both sets.
    permutations, seed : int
        Of the Kolmogorov-Smirnov p-values.

    Returns
    -------
    dict of float
        As of ``summary_distances`` and ``wasserstein_distances``, followed by the Fréchet and
        correlation distances of log P(ℓ) and the error of the peak counts.
    """
    real, generated, null = pair.real, pair.generated, pair.null
    assert null.null_pixels is not None
    options = {"permutations": permutations, "seed": seed}
    counts = [null.null_pixels.take(rows, slice(i, i + 1)) for i, rows in enumerate(pair.null_sets)]
    null_power = [null.power[rows] for rows in pair.null_sets]
    metrics = with_nulls(
        distances_of_sets(
            [real.pixels, generated.pixels], [real.power, generated.power], pair.units, **options
        ),
        distances_of_sets(counts, null_power, pair.null_units, **options),
    )
    pixels, peaks = (
        np.stack([getattr(each, name).sum(axis=0) for each in (real, generated)])
        for name in ("fine_pixels", "fine_peaks")
    )
    metrics |= with_nulls(
        wasserstein_of_sets(pixels, peaks, [real.power, generated.power], pair.bins.fine),
        wasserstein_of_sets(null.fine_pixels, null.fine_peaks, null_power, pair.bins.fine),
    )
    metrics |= _spectrum_metrics(pair) | _peak_metrics(pair)
    return metrics | _joint_metrics(pair)


def _spectrum_metrics(pair: MeasuredPair) -> dict[str, float]:
    """Fréchet and correlation distance of log P(ℓ), if the maps are many enough and vary."""
    sets = pair.real, pair.generated, pair.null
    real, generated, null = (measured.rows("power_spectrum") for measured in sets)
    if min(*map(len, pair.null_sets), len(generated)) <= real.shape[1]:
        return {}
    if any((rows <= 0).any() or (np.ptp(rows, axis=0) == 0).any() for rows in (null, generated)):
        return {}
    real, generated, null = np.log(real), np.log(generated), np.log(null)
    correlations = compare_correlations(
        real,
        generated,
        real_groups=pair.units[0].index,
        generated_groups=pair.units[1].index,
        bootstraps=100,
    )
    first, second = pair.null_sets
    return {
        "frechet_distance": frechet_distance(real, generated),
        "frechet_distance_null": frechet_distance(null[first], null[second]),
        "correlation_distance": correlations.distance,
        "correlation_distance_null": float(correlations.distance_null[1]),
        "correlation_largest": correlations.largest,
        "correlation_largest_null": float(correlations.largest_null[1]),
    }


def _peak_metrics(pair: MeasuredPair) -> dict[str, float]:
    """Largest relative error of the peak counts, over the bins that hold enough real peaks."""
    real, generated, null = (m.rows("peaks") for m in (pair.real, pair.generated, pair.null))
    filled = real.sum(axis=0) >= _ENOUGH_PEAKS
    if not filled.any():
        return {}
    first, second = (null[rows][:, filled] for rows in pair.null_sets)
    return {
        "peak_counts_error_max": relative_error(real[:, filled], generated[:, filled])[1],
        "peak_counts_error_max_null": relative_error(first, second)[1],
    }


def _joint_metrics(pair: MeasuredPair) -> dict[str, float]:
    """Density, coverage and the errors of the covariance, as far as they are defined."""
    first, second = (
        [replace(f, rows=f.rows[rows]) for f in pair.null.features] for rows in pair.null_sets
    )
    real, generated = pair.real.features, pair.generated.features
    return with_nulls(
        _density_coverage(real, generated, pair.units[0]) | _covariance_errors(real, generated),
        _density_coverage(first, second, pair.null_units[0]) | _covariance_errors(first, second),
    )


def _density_coverage(
    first: Sequence[Features], second: Sequence[Features], units: Units
) -> dict[str, float]:
    index = units.index[:_MOST_NEAR]
    units = Units(len(index), index).or_rows()
    if len(index) - units.sizes.max() < _NEIGHBOURS:
        return {}
    rows, count = joint_rows(first, second), len(first[0].rows)
    density, coverage = density_coverage(
        rows[:count][:_MOST_NEAR],
        rows[count:][:_MOST_NEAR],
        neighbours=_NEIGHBOURS,
        groups=units.index,
    )
    return {"density": density, "coverage": coverage}


def _covariance_errors(first: Sequence[Features], second: Sequence[Features]) -> dict[str, float]:
    rows = covariance_rows(first, second)
    if rows[0].shape[1] < 2:
        return {}
    diagonal, off_diagonal = covariance_errors(*rows)
    return {
        "covariance_error_diagonal": diagonal,
        "covariance_error_off_diagonal": off_diagonal,
    }


def survey_metrics(pair: MeasuredPair, *, survey_maps: float) -> dict[str, float]:
    """Compute the shift of the mean of each statistic in units of a survey's standard error.

    Parameters
    ----------
    pair : MeasuredPair
        Both sets.
    survey_maps : float
        Maps that the area of the survey would hold.

    Returns
    -------
    dict of float
        ``survey_shift_…`` for each statistic, and its null between the sets of the nulls.
    """
    metrics: dict[str, float] = {}
    features = pair.real.features, pair.generated.features, pair.null.features
    for real, generated, null in zip(*features, strict=True):
        shift = functools.partial(
            shift_in_survey_errors, scatter=real.rows, survey_maps=survey_maps
        )
        name, of_nulls = f"survey_shift_{real.name}", [null.rows[rows] for rows in pair.null_sets]
        metrics |= {name: shift(real.rows, generated.rows), f"{name}_null": shift(*of_nulls)}
    return metrics


def copy_metrics(
    generated: Maps,
    real: Maps,
    training: Part | None = None,
    units: tuple[Units, Units] | None = None,
) -> dict[str, float]:
    """Search for copies among generated maps, and of training maps.

    Parameters
    ----------
    generated, real : float32 array (n, N, N)
        The first ``SEARCHED_GENERATED`` maps of each set.
    training : Part, optional
        The first ``SEARCHED_TRAINING`` maps that the generator learned from.
    units : two Units, optional
        Of the real and the generated maps; by default each map is a unit.

    Returns
    -------
    dict of float
        ``duplicate_rate``, ``effective_share`` and ``audited_maps``; with training maps
        ``memorisation_pvalue``, ``memorisation_fraction_closer`` and
        ``memorisation_searched_maps``. If some map is constant only ``constant_share``, the
        fraction of constant generated maps: a constant map resembles every other.

    Examples
    --------
    >>> maps = np.random.default_rng(0).normal(size=(2, 8, 16, 16)).astype("float32")
    >>> copy_metrics(*maps)["duplicate_rate"]
    0.0
    """
    searched = None if training is None else training.read()
    sets = [maps for maps in (generated, real, searched) if maps is not None]
    if not all(np.ptp(maps, axis=(1, 2)).all() for maps in sets):
        return {"constant_share": float((np.ptp(generated, axis=(1, 2)) == 0).mean())}
    of_real, of_generated = (None, None) if units is None else (u.index for u in units)
    duplicates = duplicate_rate(generated, real, groups=of_generated, independent_groups=of_real)
    effective = effective_number(generated, real, independent_groups=of_real)
    metrics: dict[str, float] = {
        "duplicate_rate": duplicates.rate,
        "effective_share": effective / len(generated),
        "audited_maps": len(generated),
    }
    if searched is not None:
        found = memorisation_test(
            generated, searched, real, heldout_groups=of_real, generated_groups=of_generated
        )
        metrics |= {
            "memorisation_pvalue": found.pvalue,
            "memorisation_fraction_closer": found.fraction_closer,
            "memorisation_searched_maps": len(searched),
        }
    return metrics

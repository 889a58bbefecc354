"""The evaluation of generated maps against real ones."""

import functools
import itertools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from cosmogan_k3._typing import Mask, Metrics
from cosmogan_k3.evaluation.bins import FIRST_MAPS, MeasurementBins, choose_bins
from cosmogan_k3.evaluation.comparison import compare_pair, comparison_metrics, unit_metrics
from cosmogan_k3.evaluation.figures.evaluation import evaluation_figures
from cosmogan_k3.evaluation.measurable import check_varied
from cosmogan_k3.evaluation.measure import (
    MeasuredPair,
    join_measurements,
    measuring_calls,
)
from cosmogan_k3.evaluation.metrics import (
    SEARCHED_GENERATED,
    SEARCHED_TRAINING,
    copy_metrics,
    distance_metrics,
    survey_metrics,
)
from cosmogan_k3.evaluation.notes import survey_note
from cosmogan_k3.evaluation.nulls import REFERENCE, Nulls, choose_nulls
from cosmogan_k3.evaluation.numbers import Table, distance_table, figure_numbers
from cosmogan_k3.evaluation.scan import Scan
from cosmogan_k3.evaluation.sets import (
    START,
    check_betti,
    check_real,
    check_sets,
    origin_of,
    scan_sets,
    scanned_nulls,
)
from cosmogan_k3.maps import MapSet
from cosmogan_k3.parallel.executor import MapCalls, thread_map
from cosmogan_k3.statistics import Comparison, Result
from cosmogan_k3.statistics.two_sample.units import Units
from cosmogan_k3.survey import Survey

_log = logging.getLogger(__name__)

# Generated maps for the figures; the real ones also fix the colour scale and the bins.
_SHOWN_GENERATED = 16

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Evaluation:
    """Result of comparing two sets of maps.

    Parameters
    ----------
    metrics : mapping of str to float
        Distances with their nulls, p-values and numbers of maps.
    comparison : Comparison
        The test of each statistic.
    figures : mapping of str to matplotlib.figure.Figure
        Figures by name.
    left_out : tuple of str
        Labels of what was not measured because the maps are masked.
    provenance : mapping of str to Any
        Where the maps came from: what the caller said, SHA-256 of each set, version and seed.
    warnings : tuple of str
        What does not look like maps of convergence, as ``sanity_warnings`` says it, and how many
        real maps are training maps.
    survey_note : str
        How a survey saw the maps, and what its area means; empty without a survey.
    numbers : mapping of str to Table
        The numbers of the figures, by their names. Those of ``distances`` follow from the
        comparison.

    Examples
    --------
    >>> comparison = Comparison((), 4, 4, permutations=9, splits=5, seed=0)
    >>> evaluation = Evaluation({"ks_pixels_distance": 0.1}, comparison, figures={})
    >>> list(evaluation.extended(metrics={"images_per_second": 3.0}).metrics)
    ['ks_pixels_distance', 'images_per_second']
    """

    metrics: Metrics
    comparison: Comparison
    figures: Mapping[str, Figure]
    left_out: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    survey_note: str = ""
    numbers: Mapping[str, Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if distances := distance_table(self.comparison):
            object.__setattr__(self, "numbers", {**self.numbers, "distances": distances})
        for name in ("metrics", "figures", "provenance", "numbers"):
            frozen = MappingProxyType(dict(getattr(self, name)))
            object.__setattr__(self, name, frozen)

    def extended(
        self,
        *,
        metrics: Metrics = _EMPTY,
        figures: Mapping[str, Figure] = _EMPTY,
        numbers: Mapping[str, Table] = _EMPTY,
        overall: tuple[Result, ...] = (),
    ) -> "Evaluation":
        """Return this evaluation with further metrics, figures and overall tests.

        Parameters
        ----------
        metrics : mapping of str to float, default empty
            Added after those of the evaluation.
        figures : mapping of str to matplotlib.figure.Figure, default empty
            Added after those of the evaluation.
        numbers : mapping of str to Table, default empty
            Of these figures.
        overall : tuple of Result, default ()
            Added after those of the comparison.

        Returns
        -------
        Evaluation
        """
        return replace(
            self,
            metrics={**self.metrics, **metrics},
            figures={**self.figures, **figures},
            numbers={**self.numbers, **numbers},
            comparison=replace(self.comparison, overall=self.comparison.overall + overall),
        )


def evaluate_maps(
    real: MapSet,
    generated: MapSet,
    *,
    training: MapSet | None = None,
    start: MapSet | None = None,
    mask: Mask | None = None,
    survey: Survey | None = None,
    survey_area_deg2: float = 0.0,
    seed: int = 0,
    permutations: int = 499,
    betti: bool = False,
    map_calls: MapCalls = thread_map,
    provenance: Mapping[str, Any] = _EMPTY,
) -> Evaluation:
    """Compare two sets of maps and draw the figures.

    Maps with the same ``map_id``, such as patches of a larger map, are not independent: they stay
    together in every exchange, halving and bootstrap.

    Each set is measured once, a block at a time, and all results follow from these measurements. A
    set on disk of at most 2²⁷ pixels (0.5 GB) is read once. A larger set is read twice: the first
    reading finds its SHA-256 and the range of its pixels, which fixes the bins of the second.

    With a survey, both sets are compared as it sees them, with independent noise. SHA-256, warnings
    and the search for copies are those of the maps without it, which are read once more.

    Parameters
    ----------
    real, generated : MapSet
        Of the same side and pixel size, at least four maps each.
    training : MapSet, optional
        Maps that the generator learned from; copies of them are searched for, and a warning counts
        the real maps among them. If they are as many as the generated maps or more, the nulls
        compare the real maps with as many of them as there are generated maps. Otherwise they
        compare halves of the real maps.
    start : MapSet, optional
        Maps that the generator drew before its training, as many as ``generated``. Their distances
        show what the training has changed.
    mask : bool array (N, N), optional
        True where observed, for both sets; other pixels, NaN included, are never read. With a mask
        only pixels, P(ℓ), peaks and minima are measured, and copies are not searched for;
        ``Evaluation.left_out`` names the rest.
    survey : Survey, optional
        Noise, smoothing and reconstruction of both sets.
    survey_area_deg2 : float, default 0
        Area in square degrees. If it is positive, differences of means are also given in units of
        the standard error of a survey of this area, as ``shift_in_survey_errors`` defines it.
    seed : int, default 0
        Seed of the permutations and of the sets of the nulls.
    permutations : int, default 499
        Number of exchanges of maps for each p-value.
    betti : bool, default False
        Whether Betti curves are compared too, beside the other statistics. Needs gudhi, and maps
        without a mask.
    map_calls : MapCalls, default thread_map
        Function that makes the calls in which maps are measured, as ``executor`` yields it. The
        result does not depend on it.
    provenance : mapping of str to Any, default empty
        Names and values to record beside the SHA-256 of each set.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        Maps of different sides or pixel sizes, fewer than four maps in a set, real maps in which a
        statistic does not vary, an observed pixel that is not finite or beyond 10⁹; Betti curves
        without gudhi or with a mask; or as ``observe_set``.
    ValueError
        A mask of another shape or type.

    Examples
    --------
    >>> import numpy as np
    >>> from cosmogan_k3.maps import MapSet
    >>> kappa = np.random.default_rng(0).lognormal(size=(8, 32, 32)).astype("float32")
    >>> evaluation = evaluate_maps(MapSet(kappa, 2.0), MapSet(kappa[::-1], 2.0), permutations=9)
    >>> evaluation.metrics["power_spectrum_error_mean"] < 1e-6, "peaks" in evaluation.figures
    (True, True)
    """
    check_sets(real, generated, training)
    if betti:
        check_betti(mask)
    units = Units(len(real), real.map_id), Units(len(generated), generated.map_id)
    nulls = choose_nulls(real, training, len(generated), seed)
    given, scans = scan_sets(
        {"real": real, "generated": generated}, training, start, mask, nulls, survey
    )
    check_real(scans["real"])
    bins = choose_bins(
        scans["real"],
        scans["generated"],
        scanned_nulls(scans, nulls),
        pixel_arcmin=real.pixel_arcmin,
        mask=mask,
        betti=betti,
    )
    shown = scans["real"].first(FIRST_MAPS), scans["generated"].first(_SHOWN_GENERATED)
    origin, warnings = origin_of(given, survey, seed)
    pair, copies = _measure(given, scans, bins, nulls, units, map_calls)
    del given, scans  # with the maps that were loaded
    check_varied([*pair.real.features, *pair.real.betti])
    _log.info("comparing the sets: %d exchanges of maps", permutations)
    metrics = distance_metrics(pair, permutations=permutations, seed=seed) | copies
    comparison = compare_pair(
        pair,
        nulls,
        real_groups=real.map_id,
        generated_groups=generated.map_id,
        permutations=permutations,
        seed=seed,
    )
    metrics |= comparison_metrics(comparison)
    metrics |= {"real_maps": len(real), "generated_maps": len(generated), "evaluation_seed": seed}
    metrics |= {} if mask is None else {"observed_share": float(mask.mean())}
    metrics |= unit_metrics(comparison)
    metrics |= _survey_metrics(pair, real.field_deg**2, survey_area_deg2)
    _log.info("drawing the figures")
    return Evaluation(
        metrics,
        comparison,
        evaluation_figures(shown, pair, metrics, comparison, field_deg=real.field_deg),
        bins.statistics.left_out and (*bins.statistics.left_out, "Search for copies"),
        # The caller's entries come first, and the caller's values win.
        {**provenance, **origin, **_size_of(real), **provenance},
        warnings,
        survey_note(survey, survey_area_deg2),
        figure_numbers(pair, comparison, pixel_arcmin=real.pixel_arcmin),
    )


def _size_of(maps: MapSet) -> dict[str, Any]:
    return {"pixels": maps.pixels, "pixel_arcmin": maps.pixel_arcmin}


def _survey_metrics(pair: MeasuredPair, map_deg2: float, survey_deg2: float) -> dict[str, float]:
    """Shifts in units of the errors of a survey, if it has an area."""
    if not survey_deg2:
        return {}
    mask = pair.bins.statistics.mask
    observed_deg2 = map_deg2 * (1.0 if mask is None else float(mask.mean()))
    shifts = survey_metrics(pair, survey_maps=survey_deg2 / observed_deg2)
    return {**shifts, "survey_area_deg2": survey_deg2}


def _measure(
    given: dict[str, Scan],
    scans: dict[str, Scan],
    bins: MeasurementBins,
    nulls: Nulls,
    units: tuple[Units, Units],
    map_calls: MapCalls,
) -> tuple[MeasuredPair, dict[str, float]]:
    """Measure all sets, and search the given maps for copies unless there is a mask."""
    calls = {
        "real": measuring_calls(scans["real"], bins, nulls.of_real),
        "generated": measuring_calls(scans["generated"], bins),
    }
    if REFERENCE in scans:
        calls[REFERENCE] = measuring_calls(scans[REFERENCE], bins, nulls.of_reference)
    if START in scans:
        calls[START] = measuring_calls(scans[START], bins)
    search: Callable[[], dict[str, float]] = dict
    if bins.statistics.mask is None:
        drawn, held_out = (given[name].first(SEARCHED_GENERATED) for name in ("generated", "real"))
        known = given["training"].first_part(SEARCHED_TRAINING) if "training" in given else None
        searched = (
            units[0].take(np.arange(len(held_out))),
            units[1].take(np.arange(len(drawn))),
        )
        search = functools.partial(copy_metrics, drawn, held_out, known, searched)
    measuring = list(itertools.chain(*calls.values()))
    counts = [0, *(len(call.args[0]) for call in measuring)]
    found: list[Any] = map_calls([search, *measuring], "measuring", maps=counts)
    copies, parts = found[0], iter(found[1:])
    measured = {
        name: join_measurements(itertools.islice(parts, len(of_set)))
        for name, of_set in calls.items()
    }
    real, generated = measured["real"], measured["generated"]
    null = join_measurements([real, measured[REFERENCE]]) if REFERENCE in measured else real
    start = measured.get(START)
    return MeasuredPair(real, generated, null, nulls.sets, bins, units, nulls.units, start), copies

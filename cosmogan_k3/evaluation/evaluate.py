"""Real against generated maps: metrics.json, tables, figures and the report. Needs no Keras."""

import csv
import functools
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation import figures
from cosmogan_k3.evaluation.report import write_report
from cosmogan_k3.maps.io.atomic import check_writable, replacing
from cosmogan_k3.maps.mapset import BLOCK
from cosmogan_k3.parallel.executor import thread_map
from cosmogan_k3.statistics import (
    Comparison,
    SummaryStatistics,
    compare_correlations,
    compare_features,
    duplicate_rate,
    effective_number,
    frechet_distance,
    join_features,
    memorisation_test,
    null_halves,
    pixel_histogram,
    power_spectrum,
    relative_error,
    summary_distances,
    wasserstein_distances,
)

HISTOGRAM_BINS = 60

_ENOUGH_PEAKS = 1000
"""Real peaks in a bin from which on its relative error is quoted: their Poisson noise is 3 %."""

_AUDITED = 200
"""Generated maps that are searched for copies, among themselves and of training maps: the search costs n × m."""
_SEARCHED = 3000
"""Training maps in which copies are searched for."""


@dataclass(frozen=True)
class Evaluation:
    """All that was found out about two sets of maps."""

    metrics: dict
    comparison: Comparison
    figures: dict
    left_out: tuple = ()
    """What a mask left unmeasured, in words."""


def evaluate_maps(
    real, generated, *, training=None, mask=None, seed=0, permutations=499, run=thread_map
):
    """Compare two sets of maps and draw the figures.

    Args:
        real, generated: ``MapSet`` of the same side and pixel size, at least four maps each.
        training: optional ``MapSet`` that the generator learned from; copies of its maps are searched for.
        mask: optional bool array ``(N, N)`` for both sets, True where observed; other pixels, NaN included, are never
            read. With a mask only what accepts one is measured (``Evaluation.left_out`` names the rest): pixels, P(ℓ),
            peaks, minima; and copies are not searched for.
        seed: int, of the permutations and the null's split.
        permutations: int.
        run: function that makes the calls in which maps are measured (``cluster.calling``); the result does not depend
            on who makes them.

    Returns:
        ``Evaluation``: the distances with their nulls and the numbers of maps; the ``Comparison``; and matplotlib
        figures by name.

    Raises:
        InputError: maps of different sides or pixel sizes, fewer than four of a kind, or training maps with a mask.
        ValueError: a mask of another shape or type, or NaN among observed pixels.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.maps import MapSet
        >>> kappa = np.random.default_rng(0).lognormal(size=(8, 32, 32)).astype("float32")
        >>> evaluation = evaluate_maps(MapSet(kappa, 2.0), MapSet(kappa[::-1], 2.0), permutations=9)
        >>> evaluation.metrics["power_spectrum_error_mean"] < 1e-6, "peaks" in evaluation.figures
        (True, True)
    """
    _check_sets(real, generated, training, mask)
    options = {"pixel_arcmin": real.pixel_arcmin, "mask": mask}
    battery = SummaryStatistics(real.kappa, **options)
    pair = real.kappa, generated.kappa
    measured = _measure(battery, pair, run)
    _check_varied(measured[0])
    copies = functools.partial(_audit, *pair, training and training.kappa) if mask is None else dict
    pixels = functools.partial(
        summary_distances, *pair, **options, seed=seed, permutations=permutations
    )
    distances = functools.partial(wasserstein_distances, *pair, **options, seed=seed)
    metrics, more, audit = run([pixels, distances, copies], "comparing")
    comparison = compare_features(*measured, permutations=permutations, seed=seed)
    metrics |= more | _feature_metrics(measured, null_halves(len(real), seed)) | audit
    metrics |= {f"pvalue_{r.name}": r.corrected_pvalue for r in comparison.results}
    metrics |= {"real_maps": len(real), "generated_maps": len(generated), "evaluation_seed": seed}
    metrics |= {} if mask is None else {"observed_share": float(mask.mean())}
    drawn = _figures(real, generated, mask, metrics, seed)
    drawn |= {
        r.name: figures.statistic_panel(r)
        for r in comparison.results
        if r.axis.size and r.name not in drawn
    }
    left_out = battery.left_out and (*battery.left_out, "Search for copies")
    return Evaluation(metrics, comparison, drawn, left_out)


def _check_sets(real, generated, training, mask):
    """Raise ``InputError`` where two sets of maps cannot be compared."""
    if real.pixels != generated.pixels or not np.isclose(
        real.pixel_arcmin, generated.pixel_arcmin, rtol=1e-3
    ):
        raise InputError(
            "Real and generated maps must have the same side and pixel size. Received: "
            f"{real.pixels} pixels of {real.pixel_arcmin:g} arcmin and {generated.pixels} of {generated.pixel_arcmin:g}"
        )
    if min(len(real), len(generated)) < 4:
        raise InputError(
            f"A comparison needs four maps of each kind. Received: {len(real)} and {len(generated)}"
        )
    if mask is not None and training is not None:
        raise InputError(
            "Copies of training maps cannot be searched for under a mask; compare once more without it"
        )


def _check_varied(features):
    """Raise ``InputError`` where a statistic is the same in every real map."""
    if still := [f.label for f in features if not np.ptp(f.rows, axis=0).any()]:
        raise InputError(
            f"{', '.join(still)}: the same in every real map, so there is nothing to compare; "
            "give larger maps, or a mask that leaves more of them"
        )


def _measure(battery, sets, run):
    """The battery's ``Features`` of each set of maps."""
    parts = [_parts(kappa) for kappa in sets]
    features = iter(
        run(
            [functools.partial(battery.measure, part) for part in itertools.chain(*parts)],
            "measuring",
        )
    )
    return [join_features([next(features) for _ in of_set]) for of_set in parts]


def _parts(kappa):
    """Maps in files in parts that can be measured anywhere; maps in memory as they are, which would have to be sent."""
    if not hasattr(kappa, "table"):
        return [kappa]
    return [kappa.take(slice(start, start + BLOCK)) for start in range(0, len(kappa), BLOCK)]


def _feature_metrics(measured, halves):
    """Metrics of the rows that the battery measured in either set."""
    spectra, peaks = (
        [next(f.rows for f in features if f.name == name) for features in measured]
        for name in ("power_spectrum", "peaks")
    )
    return _spectra_metrics(spectra, halves) | _peak_metrics(peaks, halves)


def _spectra_metrics(spectra, halves):
    """Fréchet distance and correlations of log P(ℓ) between bins, where the maps are many enough and vary."""
    few = min(len(spectra[0]) // 2, len(spectra[1])) <= spectra[0].shape[1]
    if few or any((rows <= 0).any() or (np.ptp(rows, axis=0) == 0).any() for rows in spectra):
        return {}
    real, generated = (np.log(rows) for rows in spectra)
    correlations = compare_correlations(real, generated, bootstraps=100)
    return {
        "frechet_distance": frechet_distance(real, generated),
        "frechet_distance_null": frechet_distance(*(real[half] for half in halves)),
        "correlation_distance": correlations.distance,
        "correlation_distance_null": float(correlations.distance_null[1]),
        "correlation_largest": correlations.largest,
        "correlation_largest_null": float(correlations.largest_null[1]),
    }


def _peak_metrics(peaks, halves):
    """Largest relative error of the counts in those of the battery's bins of σ/2 that hold enough real peaks."""
    real, generated = peaks
    filled = real.sum(axis=0) >= _ENOUGH_PEAKS
    if not filled.any():
        return {}
    return {
        "peak_counts_error_max": relative_error(real[:, filled], generated[:, filled])[1],
        "peak_counts_error_max_null": relative_error(*(real[half][:, filled] for half in halves))[
            1
        ],
    }


def _audit(real, generated, training):
    """Copies among the generated maps, and of training maps: of the first few of each kind."""
    drawn, heldout = (np.asarray(maps[:_AUDITED], dtype=np.float32) for maps in (generated, real))
    searched = None if training is None else np.asarray(training[:_SEARCHED], dtype=np.float32)
    if not all(
        np.ptp(maps, axis=(1, 2)).all() for maps in (drawn, heldout, searched) if maps is not None
    ):
        return {
            "constant_share": float((np.ptp(drawn, axis=(1, 2)) == 0).mean())
        }  # a blank map resembles any other
    metrics = {
        "duplicate_rate": duplicate_rate(drawn, heldout).rate,
        "effective_share": effective_number(drawn, heldout) / len(drawn),
        "audited_maps": len(drawn),
    }
    if searched is not None:
        found = memorisation_test(drawn, searched, heldout)
        metrics |= {
            "memorisation_pvalue": found.pvalue,
            "memorisation_fraction_closer": found.fraction_closer,
            "memorisation_searched_maps": len(searched),
        }
    return metrics


def _figures(real, generated, mask, metrics, seed):
    """Maps side by side, pixels and P(ℓ)."""
    observed = True if mask is None else mask
    scouts, shown = (
        np.where(observed, maps.kappa[:count], np.nan)
        for maps, count in ((real, 256), (generated, 16))
    )
    edges = np.linspace(*np.nanpercentile(scouts, [0.001, 99.999]), HISTOGRAM_BINS + 1)
    options = {"pixel_arcmin": real.pixel_arcmin, "mask": mask}
    ell, real_power = power_spectrum(real.kappa, **options)
    _, generated_power = power_spectrum(generated.kappa, **options)
    first, second = null_halves(len(real), seed)
    return {
        "maps": figures.map_gallery(scouts, shown, field_deg=real.field_deg),
        "pixel_histogram": figures.pixel_distribution(
            edges,
            pixel_histogram(real.kappa, edges, mask=mask),
            pixel_histogram(generated.kappa, edges, mask=mask),
            title=f"KS distance {metrics['ks_pixels_distance']:.4f} "
            f"(real against real {metrics['ks_pixels_distance_null']:.4f})",
        ),
        "power_spectrum": figures.power_spectrum_comparison(
            ell,
            real_power,
            generated_power,
            null_ratio=real_power[first].mean(axis=0) / real_power[second].mean(axis=0),
            title=f"mean |ΔP/P| {100 * metrics['power_spectrum_error_mean']:.1f} % "
            f"(real against real {100 * metrics['power_spectrum_error_mean_null']:.1f} %)",
        ),
    }


def write_evaluation(folder, evaluation, *, provenance=None):
    """Write ``report.html``, ``metrics.json``, ``statistics.csv`` and each figure as PNG and PDF; return the paths.

    Raises:
        InputError: the folder cannot be written to.
    """
    folder = Path(folder)
    check_writable(folder)
    paths = []
    for name, figure in evaluation.figures.items():
        for ending in ("png", "pdf"):
            paths.append(folder / f"{name}.{ending}")
            with replacing(paths[-1]) as partial:
                figure.savefig(partial, format=ending, dpi=110)
            figure.set_layout_engine(
                "none"
            )  # laid out by the first saving; again would take as long as drawing
    paths.append(folder / "metrics.json")
    with replacing(paths[-1]) as partial:
        metrics = {name: _quoted(value) for name, value in evaluation.metrics.items()}
        text = json.dumps(metrics | (provenance or {}), indent=2, allow_nan=False)
        partial.write_text(text + "\n")
    paths.append(folder / "statistics.csv")
    with replacing(paths[-1]) as partial, partial.open("w", newline="") as file:
        rows = evaluation.comparison.table()
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows({name: _quoted(value) for name, value in row.items()} for row in rows)
    paths.append(folder / "report.html")
    images = {name: (folder / f"{name}.png").read_bytes() for name in evaluation.figures}
    write_report(
        paths[-1],
        evaluation.comparison,
        images=images,
        metrics=evaluation.metrics,
        provenance=provenance or {},
        left_out=evaluation.left_out,
    )
    return paths


def _quoted(value):
    """A number to the twelve digits that do not depend on how many threads shared a sum."""
    return float(f"{value:.12g}") if isinstance(value, float) else value


def summary(evaluation):
    """The distances beside their nulls, and the verdict on each statistic, as a few aligned lines."""
    metrics = evaluation.metrics
    lines = [f"{'':28}{'generated':>12}{'real vs real':>14}"]
    names = (n for n in metrics if f"{n}_null" in metrics)
    lines += [f"{name:28}{metrics[name]:12.4f}{metrics[f'{name}_null']:14.4f}" for name in names]
    lines += ["", *(result.verdict for result in evaluation.comparison.results)]
    if evaluation.left_out:
        lines += ["", f"Left out, because they need whole maps: {'; '.join(evaluation.left_out)}"]
    return "\n".join(lines)

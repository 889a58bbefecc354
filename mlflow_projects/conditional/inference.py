"""Parameters of simulated maps, inferred by what each kind of maps teaches."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cosmogan_k3._typing import FloatArray, Rows
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics import (
    MapPosterior,
    SummaryStatistics,
    coverage_error,
    tarp_credibility,
)

# Added to the seed: the maps to learn from have other latents than training and comparison.
LEARNING_SEED = 2_000_003

# Maps that set the thresholds of the statistics.
THRESHOLD_MAPS = 256


def infer(
    emulators: Mapping[str, Emulator],
    names: Sequence[str],
    sky: MapSet,
    held: MapSet,
    lognormal: MapSet | None,
    *,
    prior: list[tuple[float, float]],
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Learn the parameters from maps of each kind, and ask about maps of held-out cosmologies.

    Every kind has as many maps as the simulated training sky, of the same parameters.

    Parameters
    ----------
    emulators : mapping of str to Emulator
        Conditional on the parameters.
    names : sequence of str
        Of the parameters.
    sky, held : MapSet
        Simulated maps: those that the emulators were trained on, and those to ask about.
    lognormal : MapSet or None
        Maps of the cosmologies of ``sky`` from another method, if there are any.
    prior : list of (float, float)
        Ranges that the held-out cosmologies fill.
    seed : int
        Of the training.

    Returns
    -------
    dict of str to dict
        For each kind of maps: scatter, shifts and coverage error.
    """
    order = np.random.default_rng(seed).permutation(len(sky))[:THRESHOLD_MAPS]
    statistics = SummaryStatistics(
        np.asarray(sky.take(np.sort(order)).kappa), pixel_arcmin=sky.pixel_arcmin
    )
    questions, truth = rows_of(statistics, held.kappa), parameters_of(held, names)
    teachers = {"simulated": sky, **drawn(emulators, names, sky, seed + LEARNING_SEED)}
    if lognormal is not None:
        teachers["lognormal"] = lognormal
    estimates, answers = {}, {}
    for kind, maps in teachers.items():
        posterior = MapPosterior.fit(
            rows_of(statistics, maps.kappa),
            parameters_of(maps, names),
            prior=prior,
            groups=maps.map_id,
        )
        weights = posterior.weights(questions)
        credibility = tarp_credibility(posterior.points, weights, truth, seed=seed)
        answers[kind] = {
            "coverage_error": coverage_error(credibility),
            "credibility": np.sort(credibility).tolist(),
        }
        estimates[kind] = posterior.mean(weights)
    return {
        kind: shifts(estimates[kind], estimates["simulated"], truth) | answer
        for kind, answer in answers.items()
    }


def drawn(
    emulators: Mapping[str, Emulator], names: Sequence[str], sky: MapSet, seed: int
) -> dict[str, MapSet]:
    """Return maps of each emulator with the parameters of simulated ones."""
    parameters = {name: sky.parameters[name] for name in names}
    return {
        kind: emulator.sample_maps(len(sky), seed=seed, parameters=parameters)
        for kind, emulator in emulators.items()
    }


def shifts(estimates: FloatArray, simulated: FloatArray, truth: FloatArray) -> dict[str, Any]:
    """Return scatter and shifts of the estimates of all maps.

    The scatter is that of the errors of what simulated maps teach. In its units, "shift" is the
    mean error. Few held-out cosmologies do not fill the prior exactly, so that it is not zero even
    for a right posterior. "difference" is the mean difference from what simulated maps teach, and
    "largest_difference" that at the cosmology where it is largest.
    """
    scatter = (simulated - truth).std(axis=0)
    difference = (estimates - simulated) / scatter
    cosmologies = np.unique(truth, axis=0)
    at_each = [difference[(truth == each).all(axis=1)].mean(axis=0) for each in cosmologies]
    return {
        "scatter": (estimates - truth).std(axis=0).tolist(),
        "shift": ((estimates - truth).mean(axis=0) / scatter).tolist(),
        "difference": difference.mean(axis=0).tolist(),
        "largest_difference": np.abs(at_each).max(axis=0).tolist(),
    }


def rows_of(statistics: SummaryStatistics, kappa: Any) -> Rows:
    """Return all statistics of each map in one row; the logarithm of P(ℓ)."""
    rows = []
    for features in statistics.measure(kappa):
        values = np.asarray(features.rows, np.float64)
        rows.append(np.log(values) if features.name == "power_spectrum" else values)
    return np.concatenate(rows, axis=1)


def parameters_of(maps: MapSet, names: Sequence[str]) -> FloatArray:
    """Return the named parameters, one row a map."""
    return np.stack([np.asarray(maps.parameters[name], np.float64) for name in names], axis=1)

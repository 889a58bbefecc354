"""How well each test tells flawed from real maps: the table of docs/development/statistics.md.

KERAS_BACKEND=torch python -m benchmarks.judges --pairs 12 --maps 99 --classifiers 3

Lognormal maps of 64² are compared with others of the same kind, and with maps that have a flaw. The
AUROC of a test is the probability that it finds a flawed set more different than a set of the same
kind: that its p-value is smaller. 0.5 is blind, 1 is sure. Pairs of sets are disjoint. The
classifier, which learns from half of its maps, gets larger sets; its mean AUC is printed.
"""

import argparse

import numpy as np
from sklearn.metrics import roc_auc_score

from cosmogan_k3.config import Simulation
from cosmogan_k3.gan.map_classifier import classifier_test
from cosmogan_k3.maps import MapSet
from cosmogan_k3.simulation import simulate_maps
from cosmogan_k3.statistics import (
    SummaryStatistics,
    betti_features,
    compare_features,
    covariance_errors,
    covariance_rows,
    density_coverage,
    joint_rows,
)
from cosmogan_k3.statistics.summary import middles
from cosmogan_k3.statistics.two_sample.results import Result


def tilted(kappa):
    """Tilt P(l) by 3 per cent a factor e of l."""
    k = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.rfftfreq(64)) * 64
    k[0, 0] = 10
    return np.fft.irfft2(np.fft.rfft2(kappa) * (k / 10) ** 0.015, s=kappa.shape[1:])


def random_phases(kappa):
    """Keep the power of each mode of each map."""
    white = np.fft.rfft2(np.random.default_rng(0).normal(size=kappa.shape))
    return np.fft.irfft2(np.abs(np.fft.rfft2(kappa)) * white / np.abs(white), s=kappa.shape[1:])


def repeated(kappa):
    """Repeat a third of the maps, turned: fewer different maps than there seem to be."""
    third = kappa[: len(kappa) // 3]
    return np.concatenate([np.rot90(third, i, axes=(1, 2)) for i in range(3)])


# Each works on the maps of one pair, so that no pair shares maps with another.
FLAWS = {
    "same": lambda kappa: kappa,
    "tilt": tilted,
    "variance + 2 %": lambda kappa: 1.01 * kappa,
    "phases": random_phases,
    "repeated": repeated,
}


def flawed(kappa, flaw, size):
    """Apply a flaw to each block of maps."""
    blocks = np.split(kappa, len(kappa) // size)
    return np.concatenate([FLAWS[flaw](block) for block in blocks]).astype(np.float32)


def tested(real, generated):
    """Return minus the p-value of each test, and of all together."""
    comparison = compare_features(real, generated, permutations=199, splits=1)
    return {r.name: -r.pvalue for r in comparison.tests}


def scores(real, generated):
    """Return how different each test finds two sets; larger is more."""
    found = tested(real, generated)
    rows = np.split(joint_rows(real, generated), 2)
    density, coverage = density_coverage(*rows)
    diagonal, off_diagonal = covariance_errors(*covariance_rows(real, generated))
    return found | {
        "density": abs(density - 1),
        "coverage": -coverage,
        "covariance, diagonal": diagonal,
        "covariance, off-diagonal": off_diagonal,
    }


def betti_scores(real, generated):
    """Return the same for Betti curves, which stand beside the others."""
    found = tested(real, generated)
    return {name: found[name] for name in ("betti_0", "betti_1")}


def classified(real: MapSet, fake: MapSet, count: int) -> list[Result]:
    """Train a classifier on each of disjoint pairs of sets."""
    parts = np.array_split(np.arange(len(real)), count)
    return [classifier_test(real.take(p), fake.take(p), seed=i) for i, p in enumerate(parts)]


def print_table(judge, measure, real, sets):
    """Print the AUROC of each test of a judge for each flaw."""
    of_real, found = measure(real), {}
    for flaw, kappa in sets.items():
        found[flaw] = [judge(*pair) for pair in zip(of_real, measure(kappa), strict=True)]
    labels = np.repeat([0, 1], len(of_real))
    for name in found["same"][0]:
        by_flaw = {flaw: [each[name] for each in found[flaw]] for flaw in FLAWS}
        cells = [
            roc_auc_score(labels, by_flaw["same"] + by_flaw[flaw])
            for flaw in FLAWS
            if flaw != "same"
        ]
        print(f"| {name} | {' | '.join(f'{cell:.2f}' for cell in cells)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--maps", type=int, default=99, help="of each set, a multiple of 3")
    parser.add_argument("--classifiers", type=int, default=3, help="of each flaw")
    parser.add_argument("--betti", action="store_true", help="Betti curves alone, in a minute")
    options = parser.parse_args()
    count = options.pairs * options.maps
    real, other = (
        simulate_maps(Simulation(method="lognormal", maps=count, seed=seed)) for seed in (1, 2)
    )
    summary = SummaryStatistics(real.kappa, pixel_arcmin=real.pixel_arcmin)
    sets = {flaw: flawed(other.kappa, flaw, options.maps) for flaw in FLAWS}
    starts = range(0, count, options.maps)

    def measured(kappa):
        return [summary.measure(kappa[i : i + options.maps]) for i in starts]

    levels = middles(summary.contour_edges)

    def curves(kappa):
        return [betti_features(kappa[i : i + options.maps], levels) for i in starts]

    flaws = [flaw for flaw in FLAWS if flaw != "same"]
    print(f"| test | {' | '.join(flaws)} |\n{'| --- ' * (len(flaws) + 1)}|")
    judges = {betti_scores: curves} | ({} if options.betti else {scores: measured})
    for judge, measure in judges.items():
        print_table(judge, measure, real.kappa, sets)
    for flaw, kappa in sets.items() if options.classifiers else ():
        results = classified(real, MapSet(kappa, real.pixel_arcmin), options.classifiers)
        areas = " ".join(f"{r.distance:.3f} (p {r.pvalue:.3f})" for r in results)
        print(f"classifier, {flaw}: {areas}", flush=True)


if __name__ == "__main__":
    main()

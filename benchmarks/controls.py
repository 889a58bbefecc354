"""The battery on N-body, halo-model and lognormal maps of one cosmology, and on N-body alone.

python -m benchmarks.controls --maps 1000 --pairs 100 --out controls.json

First, maps of each two methods are compared: all tests should see a difference that haloes and
filaments make. Their one-point moments and peaks are printed beside one another. Then disjoint sets
of N-body boxes are compared, whose maps should not differ: the fraction of comparisons in which any
corrected p-value is below 0.05 is the rate of false alarms. The boxes of this part have fewer
particles, because hundreds are needed; both sets have the same.
"""

import argparse
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from cosmogan_k3.cli.simulated import cached_maps
from cosmogan_k3.config import Simulation
from cosmogan_k3.statistics import SummaryStatistics, compare_features
from cosmogan_k3.statistics.estimators.peaks import peak_counts

METHODS = ("nbody", "halos", "lognormal")

# Boxes of the false alarms: four against four, of ten maps each.
_BOXES, _BOX_MAPS, _PARTICLES = 4, 10, 32


def one_point(maps):
    """Return moments of the pixels, and peaks a map above multiples of their deviation."""
    kappa = maps.kappa.astype(float)
    kappa -= kappa.mean()
    deviation = kappa.std()
    peaks = peak_counts(kappa / deviation, np.array([-np.inf, 1, 3, 5, np.inf]))
    above = peaks[:, ::-1].cumsum(axis=1)[:, ::-1].mean(axis=0)
    return {
        "deviation": deviation,
        "skewness": (kappa**3).mean() / deviation**3,
        "kurtosis": (kappa**4).mean() / deviation**4 - 3,
        **{f"peaks above {nu}": above[i + 1] for i, nu in enumerate((1, 3, 5))},
    }


def three_ways(count):
    """Return the moments of each method, and how many of the tests tell each pair apart."""
    sets = {
        method: cached_maps(Simulation(method=method, maps=count), quiet=False)
        for method in METHODS
    }
    summary = SummaryStatistics(sets["nbody"].kappa, pixel_arcmin=sets["nbody"].pixel_arcmin)
    features = {method: summary.measure(maps.kappa) for method, maps in sets.items()}
    pairs = {}
    for first, second in itertools.combinations(METHODS, 2):
        found = compare_features(features[first], features[second], seed=0)
        pairs[f"{first}, {second}"] = {
            "differ": sum(r.differs for r in found.results),
            "of": len(found.results),
            "in nulls": {r.name: round(r.in_nulls, 1) for r in found.results},
        }
    return {
        "one point": {method: one_point(maps) for method, maps in sets.items()},
        "pairs": pairs,
    }


def false_alarms(pairs):
    """Return in how many comparisons of N-body boxes with N-body boxes a test cries wolf."""
    simulation = Simulation(
        method="nbody",
        maps=2 * pairs * _BOXES * _BOX_MAPS,
        box_maps=_BOX_MAPS,
        particles=_PARTICLES,
        seed=1,
    )
    maps = cached_maps(simulation, quiet=False)
    summary = SummaryStatistics(maps.kappa[:200], pixel_arcmin=maps.pixel_arcmin)
    rows = summary.measure(maps.kappa)
    size, alarms = _BOXES * _BOX_MAPS, 0
    groups = np.arange(size) // _BOX_MAPS
    for pair in tqdm(range(pairs), desc="comparing"):
        sides = [
            [replace(each, rows=each.rows[start : start + size]) for each in rows]
            for start in (2 * pair * size, (2 * pair + 1) * size)
        ]
        found = compare_features(
            *sides, real_groups=groups, generated_groups=groups, splits=2, seed=pair
        )
        alarms += any(result.differs for result in found.results)
    return {"pairs": pairs, "boxes a side": _BOXES, "maps a side": size, "false alarms": alarms}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=int, default=1000, help="of each method; 0: leave it out")
    parser.add_argument("--pairs", type=int, default=100, help="of sets of boxes; 0: none")
    parser.add_argument("--out", default="controls.json")
    options = parser.parse_args()
    result = {}
    if options.maps:
        result |= three_ways(options.maps)
    if options.pairs:
        result |= false_alarms(options.pairs)
    Path(options.out).write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

"""False alarms and power of the p-values of patches that are not independent.

python benchmarks/calibration.py            # the tables of docs/development/statistics.md
python benchmarks/calibration.py --joint    # of the test of all statistics together

Each set is drawn as rows of features, without maps. Patches of one unit, such as an N-body box,
share an amplitude. Two sets of the same kind are compared; the false alarms are the comparisons in
which some corrected p-value is below 0.05.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import sys
from pathlib import Path

# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
from scipy.special import ndtr

from cosmogan_k3._typing import FloatArray, IntArray
from cosmogan_k3.statistics import Features, compare_features

# Scatter of ln P between units, and between the patches of one unit.
BETWEEN, WITHIN = 0.3, 0.2
_BINS = 12


def draw_set(
    rng: np.random.Generator, units: int, patches: int, shift: float = 0.0
) -> list[Features]:
    """Draw features of patches whose amplitude is that of their unit.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the rows.
    units, patches : int
        Number of units, and of patches of each.
    shift : float, default 0
        Added to the mean of ln P.

    Returns
    -------
    list of Features
        Pixel distribution, P(l) and peak counts; three kinds of test.
    """
    amplitude = np.repeat(rng.normal(shift, BETWEEN, units), patches)[:, None]
    own = rng.normal(0, WITHIN, (len(amplitude), _BINS))
    power = np.exp(amplitude + own)
    peaks = rng.poisson(np.linspace(60, 2, _BINS) * np.exp(amplitude / 2))
    levels = np.linspace(-2, 2, 20)
    pixels = ndtr(levels / np.exp((amplitude + own[:, :1] / 4) / 2))
    axis = np.arange(_BINS) * 1.0
    return [
        Features("pixels", "pixels", "", levels, pixels),
        Features("power_spectrum", "P(l)", "", axis, power),
        Features("peaks", "peaks", "", axis, peaks),
    ]


def groups(units: int, patches: int) -> IntArray:
    """Unit of each patch of ``draw_set``."""
    return np.repeat(np.arange(units), patches)


def smallest_pvalues(
    real: tuple[int, int],
    generated: tuple[int, int],
    *,
    comparisons: int,
    by_unit: bool = True,
    shift: float = 0.0,
    seed: int = 0,
) -> tuple[FloatArray, float]:
    """Smallest corrected p-value of each comparison, and the smallest that is possible.

    Parameters
    ----------
    real, generated : (int, int)
        Units, and patches of each, of either set.
    comparisons : int
        Number of pairs of sets.
    by_unit : bool, default True
        Whether units are exchanged; if not, patches, as if they were independent.
    shift : float, default 0
        Of the mean of ln P of the second set.
    seed : int, default 0
        Of the sets.
    """
    found = []
    for i in range(comparisons):
        rng = np.random.default_rng([seed, i])
        first, second = draw_set(rng, *real), draw_set(rng, *generated, shift=shift)
        options = {}
        if by_unit:
            options = {"real_groups": groups(*real), "generated_groups": groups(*generated)}
        result = compare_features(first, second, permutations=199, splits=1, seed=i, **options)
        found.append(min(r.corrected_pvalue for r in result.results))
    return np.array(found), result.smallest_pvalue


def joint_pvalues(
    units: int, *, comparisons: int, skewed: bool = False, seed: int = 0
) -> FloatArray:
    """p-value of the joint test between boxes of ten maps and as many single maps of one kind.

    Parameters
    ----------
    units : int
        Boxes, whose maps share three amplitudes with half of the variance.
    comparisons : int
        Number of pairs of sets.
    skewed : bool, default False
        Whether the 40 features are lognormal instead of Gaussian.
    seed : int, default 0
        Of the sets.
    """
    patches, features, shared = 10, 40, 3
    loadings = np.random.default_rng(99).normal(size=(shared, features))
    loadings /= np.linalg.norm(loadings, axis=0)
    found, of_boxes = [], groups(units, patches)
    for i in range(comparisons):
        rng = np.random.default_rng([seed, i])
        own = rng.normal(size=(2, units * patches, features))
        boxes = rng.normal(size=(units, shared))[of_boxes]
        single = rng.normal(size=(units * patches, shared))
        sets = np.sqrt(0.5) * (own + np.stack([boxes, single]) @ loadings)
        sets = np.exp(sets / 2) if skewed else sets
        first, second = ([Features("moments", "", "", np.zeros(features), x)] for x in sets)
        result = compare_features(
            first, second, real_groups=of_boxes, permutations=199, splits=1, seed=i
        )
        found.append(result["joint"].pvalue)
    return np.array(found)


def print_joint(comparisons: int) -> None:
    """Print the false alarms of the joint test."""
    print("| boxes | Gaussian | lognormal |\n| --- | --- | --- |")
    for units in (6, 8, 12):
        alarms = [
            (joint_pvalues(units, comparisons=comparisons, skewed=skewed) <= 0.05).mean()
            for skewed in (False, True)
        ]
        print(f"| {units} | {alarms[0]:.1%} | {alarms[1]:.1%} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comparisons", type=int, default=200)
    parser.add_argument("--joint", action="store_true", help="the joint test alone")
    options = parser.parse_args()
    comparisons = options.comparisons
    if options.joint:
        print_joint(comparisons)
        return
    print("| real | other set | smallest p | false alarms | patch by patch | power |")
    print("| --- | --- | --- | --- | --- | --- |")
    for units, patches in ((4, 16), (8, 16), (32, 8)):
        n = units * patches
        for other in ((units, patches), (n, 1), (n // 2, 1)):
            options = {"comparisons": comparisons}
            sizes = (units, patches), other
            honest, smallest = smallest_pvalues(*sizes, **options)
            naive, _ = smallest_pvalues(*sizes, **options, by_unit=False)
            power, _ = smallest_pvalues(*sizes, **options, shift=2 * BETWEEN)
            cells = [f"{(p < 0.05).mean():.1%}" for p in (honest, naive, power)]
            print(
                f"| {units} of {patches} | {other[0]} of {other[1]} | {smallest:.2g} | "
                + " | ".join(cells)
                + " |",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""Validation distances, their score and the diversity, beside independent computations."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import pdist

from cosmogan_k3.statistics import (
    Validation,
    null_halves,
    pca_merit,
    pca_projection,
    relative_diversity,
    validation_score,
)
from cosmogan_k3.statistics.two_sample.validation import SCORED


@pytest.fixture(scope="module")
def maps():
    return np.random.default_rng(0).lognormal(size=(3, 60, 16, 16)).astype("float32")


def peak_heights(maps):
    """Heights of inner pixels above their eight neighbours, found one by one."""
    found = []
    for m in maps:
        for i in range(1, m.shape[0] - 1):
            for j in range(1, m.shape[1] - 1):
                around = m[i - 1 : i + 2, j - 1 : j + 2].copy()
                around[1, 1] = -np.inf
                if m[i, j] > around.max():
                    found.append(m[i, j])
    return np.array(found)


def peak_error(real, generated, edges):
    counts = [np.histogram(peak_heights(maps), edges)[0] / len(maps) for maps in (real, generated)]
    return np.abs(counts[1] - counts[0]).sum() / counts[0].sum()


def test_each_distance_and_its_null_are_what_they_say(maps):
    real, generated, _ = maps
    found = Validation(real, pixel_arcmin=2.0).distances(generated)
    pixels = [m.astype("float64").ravel() for m in (real, generated)]
    edges = pixels[0].mean() + pixels[0].std() * np.linspace(-1, 5, 13)
    halves = [real[half] for half in null_halves(len(real), 0)]
    # Sums of different order: rounding of float64 and, in the edges, of float32 maps.
    assert found["peak_counts_error"] == pytest.approx(peak_error(real, generated, edges), rel=1e-9)
    assert found["peak_counts_error_null"] == pytest.approx(peak_error(*halves, edges), rel=1e-9)
    assert found["ks_pixels_distance"] == pytest.approx(stats.ks_2samp(*pixels).statistic, abs=1e-9)
    assert found["pca_merit"] == pytest.approx(pca_merit(*pca_projection(real, generated)[:2]))
    assert found["pca_distance"] == pytest.approx(found["pca_merit"] ** 0.5)
    assert found["pca_distance_null"] == 1
    assert {f"{name}_null" for name in SCORED} <= set(found)


def test_the_score_is_the_mean_log_ratio_far_from_the_null():
    ratios = dict(zip(SCORED, (1e6, 1e7, 1e8, 1e9), strict=True))
    nulls = {f"{name}_null": 0.5 for name in SCORED}
    far = {name: 0.5 * ratio for name, ratio in ratios.items()} | nulls
    # 1 + x differs from x by no more than 1e-6 of it.
    assert validation_score(far) == pytest.approx(np.log(10) * 7.5 - np.log(2), abs=1e-5)
    assert validation_score(dict.fromkeys(SCORED, 0.5) | nulls) == 0
    assert validation_score(far | {SCORED[1]: 0.0}) > 0, "one distance of zero does not decide"


def test_the_score_orders_generators(maps):
    real, same, other = maps
    validation = Validation(real, pixel_arcmin=2.0)
    mix = np.concatenate([same[:30], 2 * other[:30]])
    scores = [
        validation_score(validation.distances(g))
        for g in (same, mix, 2 * same, np.zeros_like(same))
    ]
    assert scores == sorted(scores)
    # Over many sets of 60 the score of real maps lies around −0.15 with a scatter of 0.15.
    assert abs(scores[0]) < 0.6


def test_three_maps_are_enough_and_two_are_not(maps):
    few = Validation(maps[0][:3], pixel_arcmin=2.0)
    assert np.isfinite(validation_score(few.distances(maps[1][:3])))
    with pytest.raises(ValueError, match="Received: 2"):
        Validation(maps[0][:2], pixel_arcmin=2.0)


def test_diversity_is_the_ratio_of_rms_pairwise_distances(maps):
    real, generated, _ = maps
    rms = [
        np.sqrt((pdist(m.reshape(len(m), -1).astype("float64")) ** 2).mean())
        for m in (3 * generated, real)
    ]
    assert relative_diversity(real, 3 * generated) == pytest.approx(rms[0] / rms[1], rel=1e-6)
    # The mean of equal numbers is rounded in float64.
    assert relative_diversity(real, real[:1].repeat(9, axis=0)) == pytest.approx(0, abs=1e-12)
    assert relative_diversity(real, np.zeros_like(real)) == 0


def test_the_diversity_of_patches_is_that_between_units(rng):
    groups = np.array([4, 4, 1, 1, 1, 7])
    real, generated = rng.normal(size=(6, 4, 4)), rng.normal(size=(5, 4, 4))
    across = [
        np.square(real[i] - real[j]).sum() / 2
        for i in range(6)
        for j in range(6)
        if groups[i] != groups[j]
    ]
    spread = generated.var(axis=0, ddof=1).sum()
    found = relative_diversity(real, generated, groups=groups)
    assert found == pytest.approx(np.sqrt(spread / np.mean(across)), rel=1e-12)
    assert relative_diversity(real, generated, groups=np.arange(6)) == relative_diversity(
        real, generated
    )

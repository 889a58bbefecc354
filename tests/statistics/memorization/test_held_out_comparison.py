"""The memorization test, against generated sets with and without copies of training maps."""

import numpy as np
import pytest
from scipy import stats

from cosmogan_k3.statistics import memorisation_test
from tests.statistics.memorization.random_maps import random_maps


def test_new_maps_have_a_uniform_p_value_and_the_stated_share_is_closer(rng):
    results = [
        memorisation_test(*(random_maps(rng, n, 16) for n in (30, 20, 40)), symmetries=False)
        for _ in range(100)
    ]
    assert stats.kstest([r.pvalue for r in results], "uniform").pvalue > 0.01
    # The percentile of fewer than 99 distances is the smallest one.
    for r in results:
        assert r.fraction_closer == np.mean(r.generated_distance < r.heldout_distance.min())
    # Of 40 held-out maps the nearest is the percentile. The mean fraction below it over 100 sets of
    # 30 maps has an error of 0.4 %.
    assert np.mean([r.fraction_closer for r in results]) == pytest.approx(1 / 41, abs=0.012)


def test_memorised_maps_are_found_though_moved_and_noisy(rng):
    training, heldout, new, noise = (random_maps(rng, n) for n in (100, 80, 40, 40))
    copies = np.stack(
        [np.rot90(np.roll(m, (5, 9), (0, 1)), i % 4) for i, m in enumerate(training[:40])]
    )
    result = memorisation_test(copies + 0.5 * noise, training, heldout)
    assert result.pvalue < 1e-6
    assert result.fraction_closer == 1.0
    np.testing.assert_array_equal(result.nearest, np.arange(40))
    # Five copies among forty new maps do not move the ranks much, but they stand out.
    mixed = memorisation_test(np.concatenate([copies[:5], new]), training, heldout)
    assert mixed.fraction_closer >= 5 / 45
    assert set(np.flatnonzero(mixed.generated_distance < 0.01)) == set(range(5))
    in_place = memorisation_test(
        training[:40] + 0.5 * noise, training, heldout, shifts=False, symmetries=False
    )
    assert in_place.fraction_closer == 1.0


def test_maps_farther_than_held_out_maps_are_not_memorized(rng):
    training, new = random_maps(rng, 30, 16), random_maps(rng, 20, 16)
    heldout = training[:20] + 0.5 * random_maps(rng, 20, 16)
    result = memorisation_test(new, training, heldout)
    assert result.pvalue > 0.999
    assert result.fraction_closer == 0


def test_errors_name_the_cause(rng):
    maps = rng.normal(size=(4, 6, 6))
    with pytest.raises(ValueError, match="different sides"):
        memorisation_test(maps, maps, rng.normal(size=(4, 7, 7)))

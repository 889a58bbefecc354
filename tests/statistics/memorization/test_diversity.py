"""Duplicates and effective numbers, against sets whose values are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cosmogan_k3.statistics import duplicate_rate, effective_number, nearest_neighbours
from tests.statistics.memorization.random_maps import random_maps


def test_five_duplicates_among_five_hundred_maps_are_found(rng):
    maps, independent = random_maps(rng, 500), random_maps(rng, 200)
    assert duplicate_rate(maps, independent).rate == 0.0
    copies = maps[:5] + 0.2 * random_maps(rng, 5)
    for i, copy in enumerate(copies):
        maps[490 + i] = np.roll(np.rot90(copy[::-1] if i % 2 else copy, i), (7 * i, 3), axis=(0, 1))
    found = duplicate_rate(maps, independent)
    assert found.index.tolist() == [*range(5), *range(490, 495)]
    assert found.rate == 10 / 500
    assert 0.3 < found.threshold < nearest_neighbours(independent)[0].min()


@pytest.mark.parametrize(("n", "m", "false_alarms"), [(30, 30, 0.01), (60, 20, 0.5)])
def test_the_threshold_is_that_of_scipys_gumbel_distribution(rng, n, m, false_alarms):
    maps, independent = random_maps(rng, n, 16), random_maps(rng, m, 16)
    distance, _ = nearest_neighbours(independent, shifts=False)
    lower, median, upper = np.quantile(np.arctanh(1 - distance**2 / 2), [0.25, 0.5, 0.75])
    scale = (upper - lower) / np.subtract(*stats.gumbel_r.ppf([0.75, 0.25]))
    location = median - scale * stats.gumbel_r.ppf(0.5)
    # The maximum over k times as many pairs is shifted by β ln k.
    location += scale * np.log((n - 1) / (m - 1))
    limit = stats.gumbel_r.isf(false_alarms / n, location, scale)
    found = duplicate_rate(maps, independent, shifts=False, false_alarms=false_alarms)
    assert found.threshold == pytest.approx(np.sqrt(2 - 2 * np.tanh(limit)), rel=1e-9)


def test_false_alarms_are_as_rare_as_asked(rng):
    # 40 sets of 50 maps with one expected false alarm per set. A pair counts twice, so the error is
    # 0.3; the distribution of 100 independent maps adds noise.
    counts = [
        len(
            duplicate_rate(
                random_maps(rng, 50, 16), random_maps(rng, 100, 16), shifts=False, false_alarms=1.0
            ).index
        )
        for _ in range(40)
    ]
    assert 0.1 < np.mean(counts) < 2.5


def test_a_collapsed_set_is_worth_what_it_was_made_from(rng):
    # ρ of 1,024 white pixels is 0.001. The scatter of about 2ρ and that of the mean of r² are
    # together below 1 %.
    maps, independent = random_maps(rng, 100, slope=0.0), random_maps(rng, 100, slope=0.0)
    assert effective_number(maps, independent) == pytest.approx(100, rel=0.02)
    assert effective_number(np.repeat(maps, 2, axis=0), independent) == pytest.approx(100, rel=0.02)
    assert effective_number(np.repeat(maps[:5], 20, axis=0), independent) == pytest.approx(
        5, rel=0.01
    )
    assert effective_number(np.repeat(maps[:1], 20, axis=0), independent) == pytest.approx(
        1, abs=1e-9
    )


def test_less_correlation_than_between_independent_maps_is_no_gain(rng):
    maps, independent = random_maps(rng, 30, slope=0.0), random_maps(rng, 30, slope=-2.0)
    assert effective_number(maps, independent) == 30


def test_half_of_the_set_a_single_map(rng):
    # Probability of two equal draws: 1/4 + 50/100².
    maps, independent = random_maps(rng, 100, slope=0.0), random_maps(rng, 100, slope=0.0)
    maps[50:] = maps[50]
    assert effective_number(maps, independent) == pytest.approx(1 / (1 / 4 + 50 / 100**2), rel=0.01)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), axis=st.sampled_from([1, 2]))
def test_moving_turning_or_rescaling_all_maps_changes_nothing(seed, axis):
    rng = np.random.default_rng(seed)
    maps, independent = rng.normal(size=(2, 8, 6, 6))
    maps[3] = maps[2]
    before = effective_number(maps, independent)
    assert effective_number(
        2 * np.roll(np.flip(maps, axis), 2, axis) + 1, independent
    ) == pytest.approx(before)
    assert 1 <= before <= 8


def patches(rng, units, of_each, pixels=16):
    """Return white maps that share a strong field with the others of their unit, and the units."""
    groups = np.arange(units).repeat(of_each)
    shared = rng.normal(size=(units, pixels, pixels))[groups]
    return shared + 0.3 * rng.normal(size=(len(groups), pixels, pixels)), groups


@pytest.mark.parametrize("shifts", [True, False])
def test_patches_of_one_unit_are_no_duplicates_of_one_another(rng, shifts):
    maps, groups = patches(rng, 10, 4)
    others, of_others = patches(rng, 10, 4)
    options = {"shifts": shifts, "symmetries": False, "independent_groups": of_others}
    assert duplicate_rate(maps, others, groups=groups, **options).rate == 0
    maps[5] = maps[30]  # of another unit
    assert {5, 30} <= set(duplicate_rate(maps, others, groups=groups, **options).index)
    # Generated maps, each a unit, that repeat a unit are found against patches that share fields.
    assert duplicate_rate(maps, others, **options).rate == 1


def test_chance_correlations_are_those_between_units(rng):
    reference, groups = patches(rng, 20, 5)
    maps = rng.normal(size=(50, 16, 16))
    maps[25:] = maps[:25]
    found = effective_number(maps, reference, independent_groups=groups)
    assert found == pytest.approx(25, rel=0.03)  # scatter of rho, as above, on 256 pixels
    assert effective_number(maps, reference) > 26  # the shared fields pass for chance


def test_maps_that_are_units_give_the_same_bits(rng):
    maps, others = random_maps(rng, 12, 16), random_maps(rng, 12, 16)
    each = rng.permutation(12)
    assert (
        duplicate_rate(maps, others, groups=each, independent_groups=each).threshold
        == duplicate_rate(maps, others).threshold
    )
    assert effective_number(maps, others, independent_groups=each) == effective_number(maps, others)


def test_errors_name_the_cause(rng):
    maps = rng.normal(size=(4, 6, 6))
    with pytest.raises(ValueError, match="at least three"):
        duplicate_rate(maps, maps[:2])
    with pytest.raises(ValueError, match="two sets of maps of one size"):
        effective_number(maps, maps[:, :3])
    with pytest.raises(ValueError, match="must vary"):
        effective_number(0 * maps, maps)

"""Memorisation, duplicates, effective numbers and interpolations, against sets made to have them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cosmogan_k3.statistics import (
    duplicate_rate,
    effective_number,
    interpolation_smoothness,
    memorisation_test,
    nearest_neighbours,
)


def random_maps(rng, n, pixels=32, slope=-0.5):
    k = np.hypot(np.fft.fftfreq(pixels)[:, None], np.fft.rfftfreq(pixels))
    k[0, 0] = 1
    return np.fft.irfft2(
        np.fft.rfft2(rng.normal(size=(n, pixels, pixels))) * k**slope, s=(pixels, pixels)
    )


def test_new_maps_have_a_uniform_p_value_and_the_stated_share_is_closer(rng):
    results = [
        memorisation_test(*(random_maps(rng, n, 16) for n in (30, 20, 40)), symmetries=False)
        for _ in range(100)
    ]
    assert stats.kstest([r.pvalue for r in results], "uniform").pvalue > 0.01
    # Of 40 held-out maps, the nearest is the percentile; 100 sets of 30 maps know the mean share below it to 0.4 %.
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


def test_false_alarms_are_as_rare_as_asked(rng):
    # 40 sets of 50, one false alarm a set asked for; a pair raises two: ± 0.3, and the law of 100 maps is noisy.
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
    # ρ of 1,024 white pixels: 0.001; scatter about 2ρ plus that of the mean of r², together below 1 %.
    maps, independent = random_maps(rng, 100, slope=0.0), random_maps(rng, 100, slope=0.0)
    assert effective_number(maps, independent) == pytest.approx(100, rel=0.02)
    assert effective_number(np.repeat(maps, 2, axis=0), independent) == pytest.approx(100, rel=0.02)
    assert effective_number(np.repeat(maps[:5], 20, axis=0), independent) == pytest.approx(
        5, rel=0.01
    )
    assert effective_number(np.repeat(maps[:1], 20, axis=0), independent) == pytest.approx(
        1, abs=1e-9
    )


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


def test_smoothness_of_an_even_path_an_arc_and_a_jump(rng):
    a, b = rng.normal(size=(2, 8, 8))
    t = np.linspace(0, 1, 11)[:, None, None]
    assert interpolation_smoothness((1 - t) * a + t * b) == pytest.approx(1, rel=1e-12)
    angle = t * np.pi / 2
    assert (
        interpolation_smoothness(
            np.cos(angle) * a + np.sin(angle) * (b - np.vdot(a, b) / np.vdot(a, a) * a)
        )
        < 1.6
    )
    assert interpolation_smoothness((1 - t**2) * a + t**2 * b) == pytest.approx(
        1.9, rel=1e-9
    )  # (1 − 0.9²)/0.1
    assert interpolation_smoothness(np.where(t > 0.35, a, b)) == pytest.approx(10, rel=1e-12)


def test_errors_name_the_cause(rng):
    maps = rng.normal(size=(4, 6, 6))
    with pytest.raises(ValueError, match="at least three"):
        duplicate_rate(maps, maps[:2])
    with pytest.raises(ValueError, match="two sets of maps of one size"):
        effective_number(maps, maps[:, :3])
    with pytest.raises(ValueError, match="must vary"):
        effective_number(0 * maps, maps)
    with pytest.raises(ValueError, match="two different maps"):
        interpolation_smoothness(maps[:1])
    with pytest.raises(ValueError, match="different sides"):
        memorisation_test(maps, maps, rng.normal(size=(4, 7, 7)))

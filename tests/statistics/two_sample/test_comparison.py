"""The comparison: false alarms, power, and refused input."""

from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from scipy import fft, stats

from cosmogan_k3.maps import read_maps
from cosmogan_k3.simulation import Cosmology, convergence_power, lognormal_maps, lognormal_shift
from cosmogan_k3.simulation.lognormal import mode_ell
from cosmogan_k3.statistics import duplicate_rate, memorisation_test
from cosmogan_k3.statistics.summary import Features, SummaryStatistics
from cosmogan_k3.statistics.two_sample.comparison import _pvalues, compare, compare_features
from cosmogan_k3.statistics.two_sample.permutation_tests import MeanTest

FIELD = 5.0
MAPS = 500  # real maps, and as many with each flaw


def power(ell):
    return convergence_power(ell, Cosmology(), source_redshift=1.0)


@cache
def lognormal(n, pixels, seed):
    return lognormal_maps(
        n, pixels=pixels, field_deg=FIELD, power=power, shift=lognormal_shift(1.0), seed=seed
    )


# Calibration: 200 comparisons of 30 maps with 30 others of the same kind.


@pytest.fixture(scope="module")
def false_comparisons():
    repetitions, n = 200, 30
    maps = lognormal(2 * repetitions * n, 16, 1)
    measured = SummaryStatistics(maps, pixel_arcmin=60 * FIELD / 16).measure(maps)
    starts = 2 * n * np.arange(repetitions)
    sets = [
        [replace(f, rows=f.rows[start : start + n]) for f in measured]
        for start in (*starts, *(starts + n))
    ]
    pairs = zip(sets[:repetitions], sets[repetitions:], strict=True)
    return [
        compare_features(*pair, permutations=99, splits=2, seed=i) for i, pair in enumerate(pairs)
    ]


def uniformity(pvalues):
    """p-value of the hypothesis that p-values in steps of 0.01 are uniform.

    A jitter of one step is subtracted to make the p-values continuous. Without it the test would
    reject discrete values alone.
    """
    jitter = np.random.default_rng(0).uniform(0, 0.01, size=len(pvalues))
    return stats.kstest(np.asarray(pvalues) - jitter, "uniform").pvalue


def test_raw_p_values_are_uniform_for_every_statistic(false_comparisons):
    # Measured: the smallest of 16 is 0.11.
    for results in zip(*(c.tests for c in false_comparisons), strict=True):
        assert uniformity([r.pvalue for r in results]) > 0.01, results[0].name


def test_the_rate_of_false_alarms_of_all_statistics_is_the_stated_one(false_comparisons):
    smallest = np.array([min(r.corrected_pvalue for r in c.results) for c in false_comparisons])
    # The smallest corrected p is the rank of one permutation in a hundred. It is uniform too: 4 %
    # lie below 0.05, with a scatter of 1.4 % over 200 comparisons. Measured: 1 %; uniformity 0.56.
    assert uniformity(smallest) > 0.01
    assert (smallest < 0.05).mean() <= 0.07
    assert np.mean([c.agrees for c in false_comparisons]) == np.mean(smallest >= 0.05)


def test_the_correction_never_lowers_a_p_value(false_comparisons):
    assert all(r.corrected_pvalue >= r.pvalue for c in false_comparisons for r in c.results)


# Results against direct computations from the rows.


def features(name, rows):
    return Features(name, name, "", np.arange(rows.shape[1], dtype=float), rows)


def test_a_result_holds_the_distance_beside_that_of_disjoint_halves(rng):
    # There are 10 ways to choose 2 of 5 maps: 400 splits take all of them.
    real, generated = rng.lognormal(size=(5, 3)), rng.lognormal(size=(7, 3))
    found = compare_features(
        [features("peaks", real)], [features("peaks", generated)], permutations=19, splits=400
    )["peaks"]
    unit = np.concatenate([real, generated]).std(axis=0)
    halves = [(real[list(h)], np.delete(real, h, axis=0)) for h in combinations(range(5), 2)]
    shifts = np.array([a.mean(axis=0) - b.mean(axis=0) for a, b in halves])
    np.testing.assert_allclose(found.real, real.mean(axis=0))
    np.testing.assert_allclose(found.generated, generated.mean(axis=0))
    expected = np.sqrt(np.mean(((found.real - found.generated) / unit) ** 2))
    assert found.distance == pytest.approx(expected)
    distances = np.sqrt(((shifts / unit) ** 2).mean(axis=1))
    np.testing.assert_allclose(np.unique(found.null.round(9)), np.unique(distances.round(9)))
    assert len(found.null) == 400


def test_the_null_band_is_that_of_95_per_cent_of_all_halves(rng):
    # Each of the 35 halves of 7 maps is drawn with a probability of 2.9 %, more than 2.5 %: the
    # percentiles of many splits are the smallest and the largest shift.
    real = rng.lognormal(size=(7, 1))
    pair = [features("moments", real)], [features("moments", 2 * real)]
    found = compare_features(*pair, permutations=1, splits=6000)["moments"]
    halves = [(real[list(h)], np.delete(real, h, axis=0)) for h in combinations(range(7), 3)]
    # The second half, of four maps, minus the first: as generated − real.
    shifts = np.array([b.mean(axis=0) - a.mean(axis=0) for a, b in halves])
    np.testing.assert_allclose(found.null_band, [shifts.min(axis=0), shifts.max(axis=0)])


@pytest.mark.parametrize("name", ["power_spectrum", "scattering", "peaks"])
def test_positive_spectra_and_scattering_are_compared_by_their_logarithms(rng, name):
    real, generated = rng.lognormal(sigma=2, size=(2, 20, 3))
    result = compare_features([features(name, real)], [features(name, generated)], splits=2)[name]
    both = np.concatenate([real, generated])
    values = both if name == "peaks" else np.log(both)
    expected = MeanTest(values).distance(np.arange(20), np.arange(20, 40))
    assert result.distance == pytest.approx(expected)
    np.testing.assert_allclose(result.real, real.mean(axis=0))


def test_p_values_count_ties_and_the_observed_assignment():
    pvalues, _ = _pvalues(np.array([[3.0, 1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0]]))
    assert pvalues == [2 / 4, 1.0]


def test_the_correction_takes_the_smallest_p_value_of_each_assignment():
    # Smallest p of the four assignments: 1/4, 1/4, 3/4, 2/4. 5 deviates more than 4 in its row.
    _, corrected = _pvalues(np.array([[5.0, 1.0, 2.0, 3.0], [1.0, 4.0, 2.0, 3.0]]))
    assert corrected == [1 / 4, 1.0]
    _, corrected = _pvalues(np.array([[3.0, 1.0, 2.0, 5.0], [1.0, 4.0, 2.0, 3.0]]))
    assert corrected == [3 / 4, 1.0]


def test_the_verdict_and_the_table_name_the_null(rng):
    real, generated = rng.normal(size=(2, 20, 3))
    comparison = compare_features(
        [features("peaks", real)], [features("peaks", generated + 3)], permutations=99, splits=9
    )
    found = comparison["peaks"]
    assert found.verdict.startswith("peaks: DIFFERS; mean shift")
    assert f"(real against real {np.median(found.null):.3g}), corrected p = 0.01" in found.verdict
    row = comparison.table()[0]
    assert row["null_median"] == np.median(found.null)
    assert row["null_95"] == np.percentile(found.null, 95)
    assert (row["agrees"], comparison.agrees) == (False, False)
    assert (found.pvalue, found.corrected_pvalue) == (1 / 100, 1 / 100)
    agreeing = replace(found, corrected_pvalue=0.05)
    assert agreeing.agrees
    assert not replace(comparison, results=(agreeing, found)).agrees
    assert replace(comparison, results=(agreeing, agreeing)).agrees


# Power: flaws of 500 lognormal maps of 64 pixels and 5 degrees at z = 1, against 500 others.


def filtered(maps, transfer):
    return fft.irfft2(fft.rfft2(maps) * transfer, s=maps.shape[1:]).astype(np.float32)


def tilted(maps):
    """P → P (ℓ/ℓ₀)^0.03, ℓ₀ = 8 modes: from −6 % at the first mode to +5 % in the corner."""
    return filtered(maps, (mode_ell(maps.shape[1], FIELD) / (8 * 360 / FIELD)) ** 0.015)


def louder(maps):
    return maps * np.float32(np.sqrt(1.02))


def white_noise(maps):
    return fft.rfft2(np.random.default_rng(5).normal(size=maps.shape))


def shuffled(maps):
    """Maps with random phases and unchanged Fourier amplitudes."""
    noise = white_noise(maps)
    return fft.irfft2(np.abs(fft.rfft2(maps)) * noise / np.abs(noise), s=maps.shape[1:]).astype(
        np.float32
    )


def gaussian(maps):
    """As many Gaussian maps with the same spectrum."""
    pixels = maps.shape[1]
    cell = (np.deg2rad(FIELD) / pixels) ** 2
    amplitude = np.sqrt(power(mode_ell(pixels, FIELD)) / cell)
    return fft.irfft2(white_noise(maps) * amplitude, s=maps.shape[1:]).astype(np.float32)


@cache
def real_features():
    statistics = SummaryStatistics(lognormal(MAPS, 64, 1), pixel_arcmin=60 * FIELD / 64)
    return statistics, statistics.measure(lognormal(MAPS, 64, 1))


def against_real(flaw):
    statistics, real = real_features()
    return compare_features(real, statistics.measure(flaw(lognormal(MAPS, 64, 2))), splits=4)


def corrected(comparison, *names):
    return [comparison[name].corrected_pvalue for name in names]


def test_a_tilt_of_3_per_cent_is_seen():
    # Measured: the smallest possible p, 0.002, for each of these and for minima, V₁ and V₂; 0.044
    # for peaks.
    assert (
        max(corrected(against_real(tilted), "power_spectrum", "moments", "scattering", "starlet"))
        < 0.05
    )


def test_2_per_cent_more_variance_are_seen():
    # Measured: 0.002 for the first three, 0.008 for the scatter of P(ℓ). The mean P(ℓ) does not
    # show it with 500 maps (p = 0.43), but with 1,000 (0.002): its bins vary together from map to
    # map, by more than 2 %.
    names = "moments", "minkowski_v0", "minkowski_v1", "power_spectrum_scatter"
    assert max(corrected(against_real(louder), *names)) < 0.05


def test_shuffled_phases_are_seen_by_all_but_the_spectrum():
    # Measured: 0.002 for the thirteen others.
    comparison = against_real(shuffled)
    blind = {"power_spectrum", "power_spectrum_correlations", "power_spectrum_scatter"}
    assert {r.name for r in comparison.results if r.agrees} == blind


def test_a_gaussian_field_of_the_right_spectrum_fails_loudly():
    # Measured: p = 0.65 for the spectrum, 0.002 = 1/500, raw and corrected, for all fifteen others.
    comparison = against_real(gaussian)
    assert comparison["power_spectrum"].agrees
    assert all(
        r.corrected_pvalue == 1 / 500 for r in comparison.results if r.name != "power_spectrum"
    )
    assert not comparison.agrees


def test_five_duplicates_among_500_are_found_by_index():
    maps = lognormal(MAPS, 64, 2).copy()
    maps[[7, 77, 177, 277, 377]] = np.roll(
        np.rot90(maps[[10, 110, 210, 310, 410]], axes=(1, 2)), (9, 30), axis=(1, 2)
    )
    found = duplicate_rate(maps, lognormal(MAPS, 64, 1))
    assert found.index.tolist() == [7, 10, 77, 110, 177, 210, 277, 310, 377, 410]


def test_noisy_copies_of_training_maps_are_found():
    training, heldout = lognormal(MAPS, 64, 1), lognormal(MAPS, 64, 2)[:100]
    noise = (
        np.random.default_rng(3)
        .normal(0, 0.3 * training.std(), size=(100, 64, 64))
        .astype(np.float32)
    )
    copies = memorisation_test(training[:100] + noise, training, heldout)
    new = memorisation_test(lognormal(MAPS, 64, 2)[100:200], training, heldout)
    # Measured: 1e-34 for copies with noise of 0.3 σ, 0.28 for new maps.
    assert copies.pvalue < 0.05 <= new.pvalue
    assert copies.fraction_closer == 1
    assert copies.nearest.tolist() == list(range(100))


# Input that is accepted or refused.


def small(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 32, 32)).astype(np.float32)


def test_maps_on_disk_compare_as_those_in_memory(tmp_path):
    sets = {"real": small(70), "generated": 1.1 * small(70, 1)}
    for name, maps in sets.items():
        np.save(tmp_path / f"{name}.npy", maps)
    options = {"pixel_arcmin": 2.0, "permutations": 99, "splits": 4}
    in_memory = compare(*sets.values(), **options)
    on_disk = compare(
        *(read_maps(tmp_path / f"{name}.npy", pixel_arcmin=2.0).kappa for name in sets), **options
    )
    assert on_disk.table() == in_memory.table()
    for ours, theirs in zip(on_disk.results, in_memory.results, strict=True):
        for field in ("axis", "real", "generated", "null_band", "null"):
            np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))


def test_too_few_maps_and_different_sides_are_refused():
    with pytest.raises(ValueError, match=r"four maps of each kind. Received: 8 and 3"):
        compare(small(8), small(3), pixel_arcmin=2.0)
    with pytest.raises(
        ValueError, match=r"Maps of different sides. Received: \(32, 32\) and \(16, 16\)"
    ):
        compare(small(8), small(8)[:, :16, :16], pixel_arcmin=2.0)
    with pytest.raises(ValueError, match=r"non-empty array \(n, N, N\)"):
        compare(small(8), small(8)[0], pixel_arcmin=2.0)


@pytest.mark.parametrize("spoilt", ["real", "generated"])
def test_a_map_that_is_not_finite_is_named(spoilt):
    # The map is beyond the first block: its index in the set must be reported, not in the block.
    sets = {"real": small(70), "generated": small(70, 1)}
    sets[spoilt][66, 3, 3] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in map 66"):
        compare(*sets.values(), pixel_arcmin=2.0)


def test_constant_real_maps_are_refused():
    with pytest.raises(ValueError, match=r"real maps must vary. Received: 1 everywhere"):
        compare(np.ones((8, 32, 32)), small(8), pixel_arcmin=2.0)


def test_a_generator_that_draws_constant_maps_differs():
    comparison = compare(small(20), np.zeros((20, 32, 32)), pixel_arcmin=2.0, permutations=199)
    assert not any(
        result.agrees for result in comparison.results if not result.name.startswith("bispectrum")
    )

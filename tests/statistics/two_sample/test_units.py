"""Maps of one unit stay together, and p-values of few units are honest."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.calibration import draw_set, groups, smallest_pvalues
from cosmogan_k3.statistics import (
    compare_correlations,
    compare_features,
    ks_pixels,
    memorisation_test,
    null_halves,
    pca_merit,
)
from cosmogan_k3.statistics.two_sample.exchanges import draw_exchanges
from cosmogan_k3.statistics.two_sample.units import Units


def exchanges(first, second, permutations=99):
    return draw_exchanges(first, second, permutations=permutations, rng=np.random.default_rng(0))


def test_units_are_numbered_by_their_first_rows_and_single_rows_keep_their_order():
    """The order of single rows is that of earlier versions, and so are their numbers."""
    assert Units(4, [9, 2, 9, 5]).index.tolist() == [0, 1, 0, 2]
    single = Units(5, [8, 3, 9, 1, 0])
    assert single.are_rows
    order = np.array([3, 0, 4, 1, 2])
    np.testing.assert_array_equal(single.rows(order), order)
    with pytest.raises(ValueError, match="one number a row, 4"):
        Units(4, [1, 2])


def test_exchanges_of_single_rows_are_the_permutations_of_rows():
    rng = np.random.default_rng(0)
    expected = [rng.permutation(np.arange(50) < 20) for _ in range(99)]
    found = exchanges(Units(20), Units(30))
    np.testing.assert_array_equal(found.memberships[1:], expected)
    assert (found.smallest_pvalue, found.pairs) == (1 / 100, None)


@pytest.mark.parametrize(("first", "second"), [(4, 4), (2, 5)])
def test_few_units_are_exchanged_in_all_ways_and_never_broken(first, second):
    units = Units(3 * first, groups(first, 3)), Units(3 * second, groups(second, 3))
    found = exchanges(*units)
    by_unit = found.memberships.reshape(len(found.memberships), -1, 3)
    assert (by_unit == by_unit[:, :, :1]).all()
    assert len(np.unique(found.memberships, axis=0)) == len(found.memberships)
    assert (found.memberships.sum(axis=1) == 3 * first).all()
    assert found.memberships[0].tolist() == [True] * 3 * first + [False] * 3 * second
    expected = {(4, 4): 1 / 35, (2, 5): 1 / 21}[first, second]
    assert found.smallest_pvalue == pytest.approx(expected)


@pytest.mark.parametrize("maps", [100, 128, 300])
def test_patches_against_single_maps_swap_whole_units_for_as_many_maps(maps):
    sizes = [20, 32, 40, 36]
    real = Units(128, np.repeat(np.arange(4), sizes))
    found = exchanges(real, Units(maps))
    of_real = found.rows < 128
    assert found.pairs is not None
    assert found.smallest_pvalue == 2 / 16
    assert len(np.unique(found.memberships, axis=0)) == 16
    assert (found.memberships.sum(axis=1) == of_real.sum()).all()
    assert of_real.sum() == (~of_real).sum() >= 0.95 * min(128, maps)
    for unit in range(4):
        of_unit = found.memberships[:, of_real][:, real.index[found.rows[of_real]] == unit]
        assert (of_unit == of_unit[:, :1]).all()


def test_one_unit_gives_no_pvalue_but_one():
    assert exchanges(Units(9, np.zeros(9)), Units(9)).smallest_pvalue == 1


def test_halves_share_no_unit_and_one_unit_is_halved_by_rows():
    ids = groups(6, 5)
    first, second = null_halves(30, 1, ids)
    assert not {*ids[first]} & {*ids[second]}
    assert len(first) == len(second) == 15
    assert len(null_halves(8, 0, np.zeros(8))[0]) == 4


@pytest.mark.slow
@pytest.mark.parametrize("units", [4, 8, 32])
def test_real_patches_against_real_patches_raise_no_false_alarms(units):
    """8 patches a unit; 5 % of 60 are 3, and 8 or more have a probability below 1 %.

    ``benchmarks/calibration.py`` has 200 comparisons with more patches.
    """
    found, smallest = smallest_pvalues((units, 8), (units, 8), comparisons=60)
    assert (found < 0.05).sum() < 8
    assert found.min() > 0.99 * smallest


def test_patches_that_are_exchanged_one_by_one_would_cry_wolf():
    """The fault: 64 patches of 4 maps a side, of one kind. By units there are at most 5 %."""
    options = {"comparisons": 12, "seed": 1}
    naive, _ = smallest_pvalues((4, 64), (4, 64), by_unit=False, **options)
    honest, _ = smallest_pvalues((4, 64), (4, 64), **options)
    assert (naive < 0.05).mean() > 0.8
    assert (honest < 0.05).sum() <= 3


def test_a_difference_between_units_is_found_and_four_against_single_maps_cannot_tell():
    found, _ = smallest_pvalues((8, 8), (64, 1), comparisons=4, shift=1.0)
    assert (found < 0.05).all()
    rng = np.random.default_rng(0)
    few = compare_features(
        draw_set(rng, 4, 16), draw_set(rng, 64, 1, shift=2.0), real_groups=groups(4, 16), splits=2
    )
    assert (few.conclusive, few.agrees, few["power_spectrum"].differs) == (False, False, False)
    assert few["power_spectrum"].pvalue == few.smallest_pvalue == 1 / 8
    assert "none below 0.12 is possible" in few["power_spectrum"].verdict
    assert [r.name for r in few.results] == ["pixels", "power_spectrum", "peaks"]


def test_pixels_are_exchanged_by_unit():
    rng = np.random.default_rng(0)
    levels = np.repeat(rng.normal(size=(2, 4)), 16, axis=1)[..., None, None]
    first, second = levels + rng.normal(size=(2, 64, 4, 4))
    assert ks_pixels(first, second, permutations=99).pvalue < 0.05
    by_unit = {"real_groups": groups(4, 16), "generated_groups": groups(4, 16)}
    found = ks_pixels(first, second, permutations=99, **by_unit)
    assert found.pvalue * 35 == pytest.approx(round(found.pvalue * 35))
    assert ks_pixels(first, second, permutations=99, real_groups=groups(4, 16)).pvalue >= 1 / 8


def test_the_null_of_correlations_and_the_merit_allow_for_units():
    """Copies of rows are no new rows: the null of 20 copies of 10 rows is that of 10."""
    rng = np.random.default_rng(0)
    few = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=10)
    many, ids = few.repeat(20, axis=0), groups(10, 20)
    options = {"bootstraps": 200}
    of_copies = compare_correlations(
        many, many, real_groups=ids, generated_groups=ids, **options
    ).distance_null
    of_rows = compare_correlations(few, few, **options).distance_null
    np.testing.assert_allclose(of_copies, of_rows, rtol=1e-9)
    merits = [
        (pca_merit(x.repeat(20, axis=0), y, groups=ids), pca_merit(x.repeat(20, axis=0), y))
        for x, y in ((rng.normal(size=(10, 2)), rng.normal(size=(400, 2))) for _ in range(200))
    ]
    by_unit, by_row = np.mean(merits, axis=0)
    assert by_unit == pytest.approx(1, rel=0.25)  # to order 1 over the number of units
    assert by_row > 5


def test_memorization_by_units_has_the_pvalues_of_units():
    training, heldout, new = np.random.default_rng(0).normal(size=(3, 40, 16, 16))
    copies = np.concatenate([training[:20], new[:20]])
    found = memorisation_test(copies, training, heldout, heldout_groups=groups(5, 8))
    assert found.pvalue == 1 / 2**5
    assert memorisation_test(new, training, heldout, heldout_groups=groups(5, 8)).pvalue > 0.05


@pytest.mark.parametrize("of_boxes", [False, True])
def test_nulls_of_reference_maps_have_the_noise_of_the_distance_and_halves_have_more(of_boxes):
    """Sets of one kind: the ratio of null to distance is 1, with halves of the maps √2.

    A distance scatters by up to 0.7 of its mean, so means of 60 are known to a tenth.
    """
    rng = np.random.default_rng(0)
    units, size = (10, 12) if of_boxes else (120, 1)
    ids = {f"{name}_groups": groups(units, size) for name in ("real", "generated", "reference")}
    ratios = []
    for _ in range(60):
        real, generated, reference = (draw_set(rng, units, size) for _ in range(3))
        options = {"permutations": 1, "splits": 1} | ids
        equal = compare_features(real, generated, reference=reference, **options)
        del options["reference_groups"]
        halves = compare_features(real, generated, **options)
        assert (equal.reference_units, halves.reference_units) == (units, 0)
        ratios.append(
            [
                (e.null[0], h.null[0], e.distance)
                for e, h in zip(equal.results, halves.results, strict=True)
            ]
        )
    equal, halved, distance = np.transpose(ratios, (2, 0, 1)).mean(axis=1)
    np.testing.assert_allclose(equal / distance, 1, atol=0.3)
    means = [r.name in ("pixels", "power_spectrum", "peaks") for r in halves.results]
    np.testing.assert_allclose((halved / distance)[means], 2**0.5, atol=0.3)


def test_the_null_band_has_the_sign_of_generated_minus_real():
    """If the real maps lie low by chance, generated and other real maps lie above them."""
    rng = np.random.default_rng(0)
    low, high, other = (draw_set(rng, 20, 1) for _ in range(3))
    low = [replace(features, rows=features.rows - 9) for features in low]
    results = compare_features(low, high, reference=other, permutations=1, splits=9).results
    for result in results:
        if result.axis.size:
            assert (result.null_band > 0).all()
            assert (result.generated > result.real).all()


def test_fewer_reference_than_generated_maps_are_refused():
    few, many = draw_set(np.random.default_rng(0), 8, 1), draw_set(np.random.default_rng(1), 9, 1)
    with pytest.raises(ValueError, match="as many as generated maps, 9, or more"):
        compare_features(few, many, reference=few)

"""The two-stage search against a search of every pair, symmetry and shift."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmogan_k3.statistics import nearest_neighbours
from cosmogan_k3.statistics.memorization import _search
from tests.statistics.memorization.random_maps import random_maps

# Rounding of correlations in float32 is 1e-6: that of distances is 1e-6/d, and √2e-6 for copies.
TOLERANCE = 2e-3

# The amplitudes of the maps fall as 1/k, as those of the sky do.
SLOPE = -1.0


def turned(map_):
    return [np.rot90(half, k) for half in (map_, map_.T) for k in range(4)]


def rolled(map_):
    return [np.roll(map_, (i, j), axis=(0, 1)) for i in range(len(map_)) for j in range(len(map_))]


def every_pair(maps, references, shifts, symmetries):
    """Largest correlation of each pair, by trying everything: ``(n, m)``."""
    result = np.empty((len(maps), len(references)))
    for i, map_ in enumerate(maps):
        tries = turned(map_) if symmetries else [map_]
        tries = [s for t in tries for s in (rolled(t) if shifts else [t])]
        tries = np.reshape(tries, (len(tries), -1))
        tries -= tries.mean(axis=1, keepdims=True)
        tries /= np.linalg.norm(tries, axis=1, keepdims=True)
        for j, reference in enumerate(references):
            flat = reference.ravel() - reference.mean()
            result[i, j] = (tries @ (flat / np.linalg.norm(flat))).max()
    return result


@pytest.mark.parametrize("shifts", [True, False])
@pytest.mark.parametrize("symmetries", [True, False])
@pytest.mark.parametrize("pixels", [8, 15, 16])
def test_small_maps_against_every_pair(rng, shifts, symmetries, pixels):
    # The disc of modes holds nearly all of the structure: the best candidate is the best of all.
    maps, references = random_maps(rng, 12, pixels, SLOPE), random_maps(rng, 30, pixels, SLOPE)
    correlation = every_pair(maps, references, shifts, symmetries)
    distance, index = nearest_neighbours(maps, references, shifts=shifts, symmetries=symmetries)
    np.testing.assert_array_equal(index, correlation.argmax(axis=1))
    np.testing.assert_allclose(distance, np.sqrt(2 - 2 * correlation.max(axis=1)), atol=1e-5)


def test_what_is_returned_is_the_distance_of_that_reference(rng):
    maps, references = random_maps(rng, 5, 25, slope=-0.5), random_maps(rng, 40, 25, slope=-0.5)
    distance, index = nearest_neighbours(maps, references)
    exact = [
        every_pair(m[None], references[i][None], True, True)[0, 0]
        for m, i in zip(maps, index, strict=True)
    ]
    np.testing.assert_allclose(distance, np.sqrt(2 - 2 * np.array(exact)), atol=1e-5)


@pytest.mark.parametrize("pixels", [32, 64])
@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_moved_and_diluted_copies_are_found(rng, pixels, slope):
    # Each map has a correlation of 0.8 with one of 200 references, shifted by single pixels.
    # The grid of the candidate search does not contain these shifts.
    references, others = random_maps(rng, 200, pixels, slope), random_maps(rng, 20, pixels, slope)
    source = rng.permutation(200)[:20]
    unit = [m / m.std(axis=(1, 2), keepdims=True) for m in (references[source], others)]
    maps = 0.8 * unit[0] + 0.6 * unit[1]
    maps = np.stack(
        [
            np.roll(turned(m)[i % 8], rng.integers(pixels, size=2), (0, 1))
            for i, m in enumerate(maps)
        ]
    )
    distance, index = nearest_neighbours(maps, references)
    np.testing.assert_array_equal(index, source)
    # r = 0.8 up to the chance correlation of the two parts. It is at most 0.2 with these spectra,
    # after the best shift.
    np.testing.assert_allclose(distance, np.sqrt(0.4), atol=0.12)


def test_a_set_is_compared_with_its_other_maps(rng):
    maps = random_maps(rng, 20, 16, SLOPE)
    maps[4] = np.roll(maps[11][::-1], 3, axis=0)
    correlation = every_pair(maps, maps, False, True)
    np.fill_diagonal(correlation, -1)
    distance, index = nearest_neighbours(maps, shifts=False)
    np.testing.assert_array_equal(index, correlation.argmax(axis=1))
    np.testing.assert_allclose(distance, np.sqrt(2 - 2 * correlation.max(axis=1)), atol=1e-5)
    distance, index = nearest_neighbours(maps)
    assert (index[4], index[11]) == (11, 4)
    assert distance[[4, 11]].max() < TOLERANCE
    assert (index != np.arange(20)).all()


def test_blocks_do_not_change_the_result(rng, monkeypatch):
    maps, references = random_maps(rng, 7, 16, SLOPE), random_maps(rng, 23, 16, SLOPE)
    calls = list(product((references, None), (True, False)))
    whole = [nearest_neighbours(maps, others, shifts=shifts) for others, shifts in calls]
    monkeypatch.setattr(_search, "_BLOCK", 3 * 256)
    monkeypatch.setattr(_search, "_REFERENCES", 5)
    for (others, shifts), (distance, index) in zip(calls, whole, strict=True):
        blocked = nearest_neighbours(maps, others, shifts=shifts)
        np.testing.assert_allclose(blocked[0], distance, atol=1e-6)
        np.testing.assert_array_equal(blocked[1], index)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shift=st.tuples(st.integers(0, 15), st.integers(0, 15)),
    turn=st.integers(0, 7),
)
def test_a_moved_turned_rescaled_map_has_the_same_neighbour(seed, shift, turn):
    rng = np.random.default_rng(seed)
    map_, references = random_maps(rng, 1, 16, SLOPE), random_maps(rng, 10, 16, SLOPE)
    moved = 3 * np.roll(turned(map_[0])[turn], shift, axis=(0, 1))[None] + 0.5
    before, after = nearest_neighbours(map_, references), nearest_neighbours(moved, references)
    np.testing.assert_allclose(before[0], after[0], atol=1e-5)
    np.testing.assert_array_equal(before[1], after[1])


def test_errors_name_the_cause(rng):
    maps = rng.normal(size=(3, 8, 8))
    with pytest.raises(ValueError, match="different sides"):
        nearest_neighbours(maps, rng.normal(size=(3, 9, 9)))
    with pytest.raises(ValueError, match="another to compare"):
        nearest_neighbours(maps[:1])
    with pytest.raises(ValueError, match="non-empty array"):
        nearest_neighbours(maps[0], maps)
    for wrong in (0, np.nan, np.inf):
        with pytest.raises(ValueError, match="vary and be finite"):
            nearest_neighbours(np.where(np.arange(3)[:, None, None] == 1, wrong, maps))

"""Betti curves against closed forms, labelled components, and counts of cells."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from cosmogan_k3.errors import InputError
from cosmogan_k3.statistics import betti_curves, betti_features
from tests.statistics.gaussian_maps import gaussian_maps

CORNERS = np.ones((3, 3))

# Few values, so that many pixels are equal.
small_maps = st.integers(3, 8).flatmap(
    lambda pixels: arrays(np.float64, (1, pixels, pixels), elements=st.integers(0, 4))
)


def discs(*circles, pixels=40):
    """The union of discs and rings (row, column, outer radius, inner radius)."""
    row, column = np.mgrid[:pixels, :pixels]
    map_ = np.zeros((1, pixels, pixels))
    for y, x, outer, inner in circles:
        radius = np.hypot(row - y, column - x)
        map_[0][(radius <= outer) & (radius >= inner)] = 1
    return map_


def band(pixels=16):
    map_ = np.zeros((1, pixels, pixels))
    map_[0, 5:8] = 1
    return map_


def pixels_at(*positions):
    map_ = np.zeros((1, 9, 9))
    map_[0][tuple(np.transpose(positions))] = 1
    return map_


def at(maps, level=0.5, **options):
    beta_0, beta_1 = betti_curves(maps, [level], **options)
    return int(beta_0[0, 0]), int(beta_1[0, 0])


@pytest.mark.parametrize(
    ("maps", "on_square", "on_torus"),
    [
        (np.zeros((1, 8, 8)), (0, 0), (0, 0)),
        (np.ones((1, 8, 8)), (1, 0), (1, 2)),
        (discs((10, 10, 5, 0)), (1, 0), (1, 0)),
        (discs((10, 10, 5, 0), (28, 28, 4, 0), (10, 30, 3, 0)), (3, 0), (3, 0)),
        (discs((10, 10, 8, 5)), (1, 1), (1, 1)),
        (discs((20, 20, 15, 12), (20, 20, 8, 5), (20, 20, 2, 0)), (3, 2), (3, 2)),
        (band(), (1, 0), (1, 1)),
        (pixels_at((2, 2), (3, 3)), (1, 0), (1, 0)),  # a corner connects
        (pixels_at((2, 3), (3, 2), (3, 4), (4, 3)), (1, 1), (1, 1)),  # and encloses a pixel
        (pixels_at((0, 4), (8, 4)), (2, 0), (1, 0)),  # across the side
        (pixels_at((0, 0), (8, 8)), (2, 0), (1, 0)),
        (1 - pixels_at((0, 4)), (1, 0), (1, 2)),  # open to the side
        (1 - pixels_at((4, 4)), (1, 1), (1, 2)),
    ],
)
def test_shapes_have_the_betti_numbers_of_geometry(maps, on_square, on_torus):
    """A torus without a pixel is two circles that share a point: it has two holes."""
    assert at(maps, periodic=False) == on_square
    assert at(maps, periodic=True) == on_torus


def test_a_curve_follows_features_from_birth_to_death():
    """Peaks of 3 and 2 meet at 1; the basin of 0 in the ring of 1 is a hole until ν = 0."""
    map_ = np.full((1, 9, 9), -1.0)
    map_[0, 2:7, 2:7] = 1
    map_[0, 4, 4] = 0
    map_[0, 2, 2], map_[0, 6, 6] = 3, 2
    levels = [3.5, 3, 2.5, 2, 1.5, 1, 0.5, 0, -0.5, -1]
    beta_0, beta_1 = betti_curves(map_, levels, periodic=False)
    assert beta_0.tolist() == [[0, 1, 1, 2, 2, 1, 1, 1, 1, 1]]
    assert beta_1.tolist() == [[0, 0, 0, 0, 0, 1, 1, 0, 0, 0]]


def euler_characteristic(chosen, periodic):
    """Count the corners, edges and faces of closed pixels: V − E + F."""

    def touched(*steps):
        cells = np.zeros((n + 1, n + 1), bool)
        for step in steps:
            place = np.add(np.argwhere(chosen), step)
            cells[tuple((place % n if periodic else place).T)] = True
        return int(cells.sum())

    n = len(chosen)
    corners = touched((0, 0), (0, 1), (1, 0), (1, 1))
    edges = touched((0, 0), (1, 0)) + touched((0, 0), (0, 1))
    return corners - edges + int(chosen.sum())


def holes(chosen):
    """Groups of other pixels that share edges and do not reach the side."""
    return ndimage.label(~np.pad(chosen, 1))[1] - 1


@settings(max_examples=60, deadline=None)
@given(small_maps)
def test_components_holes_and_cells_counted_otherwise_agree(maps):
    levels = np.arange(5.0)
    beta_0, beta_1 = betti_curves(maps, levels, periodic=False)
    torus_0, torus_1 = betti_curves(maps, levels, periodic=True)
    for i, level in enumerate(levels):
        chosen = maps[0] >= level
        assert beta_0[0, i] == ndimage.label(chosen, CORNERS)[1]
        assert beta_1[0, i] == holes(chosen)
        assert beta_0[0, i] - beta_1[0, i] == euler_characteristic(chosen, periodic=False)
        cells = euler_characteristic(chosen, periodic=True)
        assert torus_0[0, i] - torus_1[0, i] + chosen.all() == cells


@settings(max_examples=30, deadline=None)
@given(small_maps, st.integers(0, 3), st.tuples(st.integers(0, 7), st.integers(0, 7)))
def test_turned_reflected_and_shifted_maps_have_the_same_curves(maps, turns, shift):
    levels = np.arange(5.0)
    turned = np.rot90(maps, turns, axes=(1, 2))[:, ::-1]
    shifted = np.roll(turned, shift, axis=(1, 2))
    for other, periodic in ((turned, False), (shifted, True)):
        expected = betti_curves(maps, levels, periodic=periodic)
        np.testing.assert_array_equal(betti_curves(other, levels, periodic=periodic), expected)


@pytest.mark.parametrize("periodic", [False, True])
def test_only_the_order_of_pixels_and_levels_counts(rng, periodic):
    maps = rng.normal(size=(3, 20, 20)).astype(np.float32)
    levels = np.linspace(-1, 1, 7)
    expected = betti_curves(maps, levels, periodic=periodic)
    stretched = betti_curves(np.exp(maps.astype(float)), np.exp(levels), periodic=periodic)
    np.testing.assert_array_equal(stretched, expected)
    backwards = betti_curves(maps[::-1], levels[::-1], periodic=periodic)
    np.testing.assert_array_equal(np.flip(backwards, axis=(1, 2)), expected)
    # A pixel on the threshold is in the set, in float32 as well.
    highest = maps.max(axis=(1, 2)).astype(float)
    assert np.diag(betti_curves(maps, highest, periodic=periodic)[0]).tolist() == [1, 1, 1]


def test_gaussian_maps_have_the_euler_characteristic_of_theory(rng):
    """χ = N² ⟨|∇κ|²⟩/⟨κ²⟩ ν exp(−ν²/2) / (2 (2π)^(3/2)), and ⟨|∇κ|²⟩/⟨κ²⟩ = 1/θ²."""
    pixels, scale, levels = 64, 4.0, np.array([-2.0, -1.0, 1.0, 2.0])
    beta_0, beta_1 = betti_curves(gaussian_maps(rng, 60, pixels, scale), levels)
    density = levels * np.exp(-(levels**2) / 2) / (2 * (2 * np.pi) ** 1.5 * scale**2)
    found = (beta_0 - beta_1).mean(axis=0)
    # 60 maps know the mean, of about 5, to 4 %; pixels join at corners, which costs some more.
    np.testing.assert_allclose(found, pixels**2 * density, rtol=0.2)
    assert (beta_0.mean(axis=0)[2:] > beta_1.mean(axis=0)[2:]).all()


def test_features_of_a_comparison_are_the_curves(rng):
    maps, levels = rng.normal(size=(4, 12, 12)), np.array([0.0, 1.0])
    features = betti_features(maps, levels)
    assert [f.name for f in features] == ["betti_0", "betti_1"]
    expected = betti_curves(maps, levels, periodic=False)
    np.testing.assert_array_equal([f.rows for f in features], expected)


@pytest.mark.parametrize(
    ("maps", "thresholds", "message"),
    [
        (np.zeros((8, 8)), [0.0], r"\(n, N, N\)"),
        (np.zeros((1, 2, 2)), [0.0], "at least 3 pixels a side. Received: 2"),
        (np.zeros((1, 8, 8)), 0.0, "row of finite numbers"),
        (np.zeros((1, 8, 8)), [np.nan], "row of finite numbers"),
        (np.full((1, 8, 8), np.nan), [0.0], "NaN"),
    ],
)
def test_errors_name_the_cause(maps, thresholds, message):
    with pytest.raises(ValueError, match=message):
        betti_curves(maps, thresholds)


def test_without_gudhi_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gudhi", None)
    with pytest.raises(InputError, match=r"pip install 'cosmogan_k3\[topology\]'") as caught:
        betti_curves(np.zeros((1, 8, 8)), [0.0])
    assert caught.value.parameter == "betti"
    assert "\n" not in str(caught.value)

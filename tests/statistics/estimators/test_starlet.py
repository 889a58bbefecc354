"""The starlet transform against its definition in pixels, and the l1-norm against sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cosmogan_k3.statistics import starlet_l1_norm, starlet_transform


def planes_in_pixels(map_, scales):
    """The transform by convolution with taps that move apart."""
    planes, smooth = [], map_
    for j in range(scales):
        taps = np.zeros(4 * 2**j + 1)
        taps[:: 2**j] = np.array([1, 4, 6, 4, 1]) / 16
        smoother = smooth
        for axis in (0, 1):
            smoother = ndimage.convolve1d(smoother, taps, axis=axis, mode="wrap")
        planes.append(smooth - smoother)
        smooth = smoother
    return np.stack([*planes, smooth])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 40), scales=st.integers(1, 5))
def test_against_convolution_and_planes_add_up(seed, n, scales):
    maps = np.random.default_rng(seed).normal(size=(2, n, n))
    planes = starlet_transform(maps, scales)
    assert planes.shape == (2, scales + 1, n, n)
    np.testing.assert_allclose(planes.sum(axis=1), maps, rtol=0, atol=1e-14)
    for map_, ours in zip(maps, planes, strict=True):
        np.testing.assert_allclose(ours, planes_in_pixels(map_, scales), rtol=0, atol=1e-13)


def test_a_point_becomes_the_kernel():
    maps = np.zeros((1, 32, 32))
    maps[0, 0, 0] = 256.0
    spline = np.zeros(32)
    spline[[-2, -1, 0, 1, 2]] = [1, 4, 6, 4, 1]
    first, rest = starlet_transform(maps, 1)[0]
    np.testing.assert_allclose(rest, np.outer(spline, spline), atol=1e-12)
    np.testing.assert_allclose(first, maps[0] - np.outer(spline, spline), atol=1e-12)


def test_white_noise_has_the_published_variance_of_each_plane(rng):
    # Standard deviations of the planes of unit white noise, tabulated since Starck & Murtagh 1998.
    planes = starlet_transform(rng.normal(size=(40, 128, 128)), 4)[:, :4]
    np.testing.assert_allclose(planes.std(axis=(0, 2, 3)), [0.890, 0.201, 0.086, 0.041], rtol=0.02)


def test_the_norm_sums_what_lies_in_each_bin(rng):
    maps = rng.normal(size=(3, 24, 24)).astype(np.float32)
    edges = np.sort(rng.normal(size=(3, 7)), axis=1)
    norms = starlet_l1_norm(maps, edges, scales=3)
    assert norms.shape == (3, 3, 6)
    assert norms.dtype == np.float64
    for planes, map_norms in zip(starlet_transform(maps, 3), norms, strict=True):
        for plane, row, norm in zip(planes[:3], edges, map_norms, strict=True):
            expected = np.histogram(plane, row, weights=np.abs(plane))[0]
            np.testing.assert_allclose(norm, expected, rtol=1e-12, atol=1e-12)
    same = starlet_l1_norm(maps, edges[0], scales=3)
    np.testing.assert_array_equal(same, starlet_l1_norm(maps, np.tile(edges[0], (3, 1)), scales=3))


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    turns=st.integers(0, 3),
    shift=st.tuples(st.integers(0, 15), st.integers(0, 15)),
)
def test_turned_mirrored_and_shifted_maps_are_the_same(seed, turns, shift):
    maps = np.random.default_rng(seed).normal(size=(1, 16, 16))
    other = np.roll(np.rot90(maps, turns, axes=(1, 2))[:, ::-1], shift, axis=(1, 2))
    edges = np.linspace(-2, 2, 9)
    np.testing.assert_allclose(
        starlet_l1_norm(maps, edges), starlet_l1_norm(other, edges), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("scales", [0, -1])
def test_too_few_scales_are_refused(scales):
    maps, message = np.zeros((1, 8, 8)), rf"scales must be at least 1. Received: {scales}"
    with pytest.raises(ValueError, match=message):
        starlet_transform(maps, scales)
    with pytest.raises(ValueError, match=message):
        starlet_l1_norm(maps, [0, 1], scales=scales)


@pytest.mark.parametrize(
    ("shape", "edges", "message"),
    [
        ((1, 8, 8), [[0, 1]] * 3, r"4 rows, one for each scale. Received: shape \(3, 2\)"),
        ((1, 8, 8), [0, 1, 1], r"increasing numbers. Received"),
        ((8, 8), [0, 1], "non-empty array"),
    ],
)
def test_errors_name_the_cause(shape, edges, message):
    with pytest.raises(ValueError, match=message):
        starlet_l1_norm(np.zeros(shape), edges)

"""The Fourier plane against closed forms and plain loops."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import fft

from cosmogan_k3.statistics import fourier

SIZES = (2, 5, 8, 12, 17, 48)


def signed_modes(pixels):
    """Signed integer wave numbers of a side, in the order of the FFT."""
    modes = np.arange(pixels)
    return np.where(modes < (pixels + 1) // 2, modes, modes - pixels)


def exact_squares(pixels):
    """|k|² of the whole plane as integers."""
    return np.add.outer(signed_modes(pixels) ** 2, signed_modes(pixels) ** 2)


@pytest.mark.parametrize("pixels", SIZES)
@pytest.mark.parametrize("reference", [None, 16, 33])
def test_wavenumbers_are_those_of_the_integer_modes(pixels, reference):
    expected = np.sqrt(exact_squares(pixels)) * (reference or pixels) / pixels
    np.testing.assert_allclose(fourier.wavenumbers(pixels, reference), expected, rtol=1e-14)
    np.testing.assert_allclose(
        fourier.squared_wavenumbers(pixels), exact_squares(pixels), rtol=1e-14
    )


@pytest.mark.parametrize("pixels", SIZES)
def test_the_half_plane_is_the_first_columns_of_the_whole(pixels):
    half = fourier.half_plane_wavenumbers(pixels)
    whole = fourier.wavenumbers(pixels)[:, : pixels // 2 + 1]
    np.testing.assert_allclose(half, whole, rtol=1e-14)
    ell = fourier.fundamental_multipole(pixels, 0.7) * whole
    np.testing.assert_allclose(fourier.multipoles(pixels, 0.7), ell, rtol=1e-14)


@pytest.mark.parametrize("pixels", SIZES)
def test_weights_complete_the_half_plane(rng, pixels):
    map_ = rng.normal(size=(pixels, pixels))
    half = np.abs(fft.rfft2(map_)) ** 2 * fourier.half_plane_weights(pixels)
    assert half.sum() == pytest.approx(np.sum(np.abs(fft.fft2(map_)) ** 2), rel=1e-12)


def test_a_field_of_one_radian_has_a_fundamental_multipole_of_two_pi():
    assert fourier.fundamental_multipole(10, np.rad2deg(0.1) * 60) == pytest.approx(2 * np.pi)


@pytest.mark.parametrize("pixels", SIZES)
def test_rings_hold_all_modes_of_one_wavenumber(pixels):
    expected, count = np.unique(exact_squares(pixels), return_counts=True)
    values, ring, found = fourier.equal_wavenumber_rings(fourier.wavenumbers(pixels).round(6))
    np.testing.assert_allclose(values, np.sqrt(expected), atol=1e-6)
    np.testing.assert_array_equal(found, count)
    np.testing.assert_array_equal(expected[ring], exact_squares(pixels))


@pytest.mark.parametrize("pixels", [8, 16, 64])
def test_squares_are_exact_at_powers_of_two(pixels):
    np.testing.assert_array_equal(fourier.squared_wavenumbers(pixels), exact_squares(pixels))


@pytest.mark.parametrize("pixels", [8, 17, 32])
def test_ring_means_are_means_over_neighbouring_wavenumbers(rng, pixels):
    matrix = fourier.ring_means(pixels)
    assert matrix.dtype == np.float32
    # Each mode belongs to one ring, and the rings follow one another in |k|.
    assert (np.count_nonzero(matrix, axis=1) == 1).all()
    k = np.sqrt(exact_squares(pixels)).ravel()
    ring = matrix.argmax(axis=1)
    assert (np.diff(ring[np.argsort(k, kind="stable")]) >= 0).all()
    plane = rng.normal(size=pixels**2)
    expected = [plane[ring == b].mean() for b in range(matrix.shape[1])]
    np.testing.assert_allclose(plane @ matrix, expected, atol=1e-6)
    assert np.flatnonzero(matrix[:, 0]).tolist() == [0]


@pytest.mark.parametrize("pixels", SIZES[1:])
def test_bins_against_a_plain_loop(pixels):
    pixel_arcmin, fundamental = 2.0, 360 * 60 / (2.0 * pixels)
    # Wave numbers 1 and 2 lie on edges: a mode on an upper edge is inside.
    edges = fundamental * np.array([0.5, 1.0, 1.7, 2.0, 1e3])
    bins = fourier.bin_modes(pixels, pixel_arcmin, edges)
    ell = fundamental * np.sqrt(exact_squares(pixels))
    widened = edges * (1 + 1e-9)
    inside = [(ell > low) & (ell <= high) for low, high in pairwise(widened)]
    np.testing.assert_array_equal(bins.n_modes, [np.sum(b) for b in inside])
    np.testing.assert_allclose(bins.ell, [ell[b].mean() for b in inside], rtol=1e-12)
    half = sum((b + 1) * inside[b][:, : pixels // 2 + 1] for b in range(4))
    np.testing.assert_array_equal(bins.indices, half)
    np.testing.assert_array_equal(bins.weights, fourier.half_plane_weights(pixels))


def test_an_empty_bin_is_named():
    with pytest.raises(ValueError, match=r"4 pixels of 1 arcmin lies in \(1, 2\]"):
        fourier.bin_modes(4, 1.0, np.array([1.0, 2.0]))

"""Discontinuity between opposite edges."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmogan_k3.maps import edge_discontinuity, is_periodic


def red_maps(n, pixels, seed=0):
    """Periodic Gaussian maps whose neighbours correlate."""
    rng = np.random.default_rng(seed)
    k = np.hypot(np.fft.fftfreq(pixels)[:, None], np.fft.fftfreq(pixels))
    return np.fft.ifft2(
        np.fft.fft2(rng.normal(size=(n, pixels, pixels))) * np.exp(-((8 * k) ** 2))
    ).real


def test_the_ratio_of_cut_maps_follows_from_their_correlation():
    """It is 1 / (1 − ρ) for large patches; 300 maps give it to a few percent."""
    maps = red_maps(300, 64)
    neighbours = np.mean(maps * np.roll(maps, 1, axis=1)) / np.mean(maps**2)
    assert abs(edge_discontinuity(maps) - 1) < 0.1
    assert abs(edge_discontinuity(maps[:, :32, :32]) * (1 - neighbours) - 1) < 0.1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.integers(0, 31))
def test_periodicity_is_invariant_under_periodic_shifts(seed, shift):
    """The ratio of 300 maps is 1 ± 0.02, that of cut ones 12 or more; the bound is 1.2."""
    maps = np.roll(red_maps(300, 32, seed), shift, axis=2)
    assert is_periodic(maps)
    assert not is_periodic(maps[:, :16, :16])


def test_constant_maps_are_continuous():
    assert edge_discontinuity(np.ones((2, 8, 8))) == 1.0

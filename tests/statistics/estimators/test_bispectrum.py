"""The bispectrum against a sum over all triangles, tree level and symmetry."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft

from cosmogan_k3.statistics import bispectrum


def triangles(n, long, short):
    """Every ordered triangle of modes of an n x n grid: one side in ``long``, two in ``short``."""
    half = (n - 1) // 2
    modes = np.array([(y, x) for y in range(-half, half + 1) for x in range(-half, half + 1)])
    radius = np.hypot(*modes.T)
    a, b = (modes[(radius > lo) & (radius <= hi)] for lo, hi in (long, short))
    first, second = (m.reshape(-1, 2) for m in np.broadcast_arrays(a[:, None], b[None]))
    third = -first - second
    size = np.hypot(*third.T)
    closed = (size > short[0]) & (size <= short[1])
    return first[closed], second[closed], third[closed]


def cases(edges, configuration):
    """The sides of the triangles of each bin of the result."""
    bins = list(pairwise(edges))
    return (
        [(b, b) for b in bins]
        if configuration == "equilateral"
        else [(bins[0], b) for b in bins[1:]]
    )


@pytest.mark.parametrize("configuration", ["equilateral", "squeezed"])
@pytest.mark.parametrize("n", [12, 13, 16])
def test_against_a_plain_sum_over_triangles(rng, n, configuration):
    # Edges up to the last mode below Nyquist: there the map's grid would count false triangles.
    edges = np.array([0.5, 2.1, 3.7, (n - 1) // 2 + 0.3])
    maps = rng.exponential(size=(2, n, n))
    ell, result = bispectrum(
        maps, pixel_arcmin=3.0, ell_edges=edges * 7200 / n, configuration=configuration
    )
    side = np.deg2rad(n * 3 / 60)
    modes = np.fft.fft2(maps)
    sides = cases(edges, configuration)
    assert result.shape == (2, len(sides))
    for b, (long, short) in enumerate(sides):
        product = np.prod([modes[:, k[:, 0], k[:, 1]] for k in triangles(n, long, short)], axis=0)
        np.testing.assert_allclose(
            result[:, b], product.real.mean(axis=1) * side**4 / n**6, rtol=1e-9
        )
        assert short[0] < ell[b] * n / 7200 <= short[1]


def gaussian(rng, count, n):
    """Gaussian maps with ⟨|FFT|²⟩ = n² / k² up to n/4, whose squares do not alias, and P."""
    radius = np.hypot(*np.meshgrid(fft.fftfreq(n) * n, fft.fftfreq(n) * n))
    amplitude = np.where((radius > 0) & (radius <= n / 4), 1 / np.maximum(radius, 1), 0)
    return fft.ifft2(fft.fft2(rng.normal(size=(count, n, n))) * amplitude).real, n**2 * amplitude**2


@pytest.mark.parametrize("configuration", ["equilateral", "squeezed"])
def test_tree_level_of_a_local_quadratic_field(rng, configuration):
    # κ = g + f (g² − ⟨g²⟩): B = 2 f (P₁P₂ + P₂P₃ + P₃P₁) to order f²; here (f σ)² = 4e-4. The
    # product of three g has no mean and is subtracted to reduce the noise.
    n, maps, f = 48, 4000, 0.25
    g, power = gaussian(rng, maps, n)
    edges = np.array([1.5, 3.5, 5.5, 8.5, 11.5])
    assert g.std() * f < 0.03
    options = {"pixel_arcmin": 1.0, "ell_edges": edges * 21600 / n, "configuration": configuration}
    result = bispectrum(g + f * g**2, **options)[1] - bispectrum(g, **options)[1]
    mean, error = result.mean(axis=0), result.std(axis=0) / np.sqrt(maps)
    sides = [triangles(n, *case) for case in cases(edges, configuration)]
    pairs = [[power[k[:, 0], k[:, 1]] for k in three] for three in sides]
    tree = (
        np.array([2 * f * np.mean(a * b + b * c + c * a) for a, b, c in pairs])
        * np.deg2rad(1 / 60) ** 4
        / n**4
    )
    assert (error < 0.05 * tree).all()
    assert (np.abs(mean - tree) < 4 * error + 0.002 * tree).all()


@pytest.mark.parametrize("configuration", ["equilateral", "squeezed"])
def test_a_gaussian_field_has_none(rng, configuration):
    g, _ = gaussian(rng, 1000, 48)
    edges = np.array([1.5, 3.5, 5.5, 8.5, 11.5]) * 21600 / 48
    _, result = bispectrum(g, pixel_arcmin=1.0, ell_edges=edges, configuration=configuration)
    assert (np.abs(result.mean(axis=0)) < 4 * result.std(axis=0) / np.sqrt(1000)).all()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shift=st.tuples(st.integers(0, 15), st.integers(0, 15)),
    turns=st.integers(0, 3),
    configuration=st.sampled_from(["equilateral", "squeezed"]),
)
def test_symmetries(seed, shift, turns, configuration):
    maps = np.random.default_rng(seed).exponential(size=(2, 16, 16))

    def measure(m):
        return bispectrum(m, pixel_arcmin=1.0, configuration=configuration)[1]

    reference = measure(maps)
    moved = np.rot90(np.roll(maps, shift, axis=(1, 2)), turns, axes=(1, 2))[:, ::-1]
    atol = 1e-10 * np.abs(reference).max()
    np.testing.assert_allclose(measure(moved), reference, rtol=1e-8, atol=atol)
    np.testing.assert_allclose(measure(-2 * maps + 5), -8 * reference, rtol=1e-8, atol=8 * atol)


def test_the_default_bins_are_few_log_spaced_and_filled(rng):
    ell, result = bispectrum(rng.normal(size=(3, 256, 256)), pixel_arcmin=1.0)
    assert result.shape == (3, 7)
    assert (np.diff(np.log(ell)) > 0.3).all()
    assert ell[0] > 1.5 * 84.375
    assert ell[-1] < 21600 / 3
    assert np.isfinite(bispectrum(rng.normal(size=(1, 8, 8)), pixel_arcmin=1.0)[1]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ell_edges": [-1, 5000]}, "between 0 and Nyquist's 10800"),
        ({"ell_edges": [2000, 10_800]}, "between 0 and Nyquist's 10800"),
        ({"ell_edges": [2000, 1000]}, "increasing"),
        ({"configuration": "isosceles"}, "configuration must be one of"),
        ({"ell_edges": [2000, 4000], "configuration": "squeezed"}, "two bins"),
        ({"ell_edges": [1, 2]}, "No Fourier mode"),
        # Modes (±1, 0) and (0, ±1) alone close no triangle.
        ({"ell_edges": [1300, 1400]}, "No equilateral triangle"),
    ],
)
def test_errors_name_the_cause(options, message):
    with pytest.raises(ValueError, match=message):
        bispectrum(np.zeros((2, 16, 16)), pixel_arcmin=1.0, **options)


def test_a_map_that_is_not_finite_is_named():
    maps = np.zeros((2, 16, 16))
    maps[1, 3, 3] = np.nan
    with pytest.raises(ValueError, match="infinity in map 1"):
        bispectrum(maps, pixel_arcmin=1.0)

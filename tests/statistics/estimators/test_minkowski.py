"""Minkowski functionals against closed forms and a plain loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from cosmogan_k3.statistics import minkowski_functionals
from tests.statistics.gaussian_maps import gaussian_maps

EDGES = np.linspace(-2.0, 2.0, 9)


def test_gaussian_fields_have_their_closed_forms(rng):
    # Differences of a Gaussian field are Gaussian. So the closed forms hold at any resolution with
    # the variance of the differences, σ1² = 1 − ξ(2 pixels). It tends to 1/θ² of the continuum and
    # is 1 % below it at θ = 7 pixels. 300 maps of 256² hold 170,000 patches of 4πθ²; their common
    # mean and variance, which move the tails, are set.
    scale, pixel = 3, 2.0
    maps = gaussian_maps(rng, 300, 256, scale).astype(np.float32)
    maps = (maps - maps.mean()) / maps.std()
    v0, v1, v2 = (v.mean(axis=0) for v in minkowski_functionals(maps, EDGES, pixel_arcmin=pixel))
    slope = np.sqrt(1 - np.exp(-1 / scale**2)) / pixel
    width, middle = np.diff(EDGES), (EDGES[:-1] + EDGES[1:]) / 2
    # Means over the bins: exp(−ν²/2) integrates to the error function, ν exp(−ν²/2) to the
    # exponential.
    np.testing.assert_allclose(v0, special.ndtr(-middle), rtol=0.02)
    expected = slope / (8 * np.sqrt(2)) * np.sqrt(2 * np.pi) * np.diff(special.ndtr(EDGES)) / width
    np.testing.assert_allclose(v1, expected, rtol=0.02)
    expected = slope**2 / (2 * (2 * np.pi) ** 1.5) * -np.diff(np.exp(-(EDGES**2) / 2)) / width
    np.testing.assert_allclose(v2, expected, rtol=0, atol=0.02 * expected.max())


@pytest.mark.parametrize("pixel", [1.0, 0.5])
def test_a_disc_has_its_perimeter_and_one_euler_characteristic(pixel):
    # κ = exp(−r²/2s²) above ν is one disc: V1 is a quarter of its perimeter, and V2 its Euler
    # characteristic, 1, over the area of the map. The scatter of pixels over rings of a bin is a
    # few percent, so bins are averaged.
    n, s = 256, 30.0
    y, x = np.mgrid[:n, :n] - n / 2 + 0.31
    maps = np.exp(-(x**2 + y**2) / (2 * s**2))[None]
    edges = np.linspace(0.2, 0.8, 13)
    v0, v1, v2 = minkowski_functionals(maps, edges, pixel_arcmin=pixel)
    middle = (edges[:-1] + edges[1:]) / 2
    radius = s * np.sqrt(-2 * np.log(middle))
    np.testing.assert_allclose(v0[0], np.pi * radius**2 / n**2, rtol=0.01)
    assert v1.mean() == pytest.approx((2 * np.pi * radius / 4).mean() / (n**2 * pixel), rel=0.005)
    assert v2.mean() == pytest.approx(1 / (n * pixel) ** 2, rel=0.01)


@pytest.mark.parametrize("periodic", [True, False])
def test_against_a_plain_loop(rng, periodic):
    n, pixel, edges = 9, 0.7, np.array([-1.0, -0.2, 0.1, 0.9])
    maps = rng.normal(size=(2, n, n))
    maps[1, :6] = 0.0  # a plateau: no gradient
    where = range(n) if periodic else range(2, n - 2)
    measured = minkowski_functionals(maps, edges, pixel_arcmin=pixel, periodic=periodic)
    for map_, *functionals in zip(maps, *measured, strict=True):
        f = np.pad(map_, 2, mode="wrap")
        expected = np.zeros((3, 3))
        for i, j in ((i + 2, j + 2) for i in where for j in where):
            x, y = (f[i, j + 1] - f[i, j - 1]) / 2, (f[i + 1, j] - f[i - 1, j]) / 2
            xx = (f[i, j + 2] - 2 * f[i, j] + f[i, j - 2]) / 4
            yy = (f[i + 2, j] - 2 * f[i, j] + f[i - 2, j]) / 4
            xy = (f[i + 1, j + 1] - f[i + 1, j - 1] - f[i - 1, j + 1] + f[i - 1, j - 1]) / 4
            square = x * x + y * y
            fraction = (
                (2 * x * y * xy - x * x * yy - y * y * xx) / square
                if square
                else xy - (xx + yy) / 2
            )
            for b in range(3):
                width = edges[b + 1] - edges[b]
                inside = edges[b] <= f[i, j] < edges[b + 1]
                expected[0, b] += f[i, j] >= (edges[b] + edges[b + 1]) / 2
                expected[1, b] += inside * np.sqrt(square) / 4 / width / pixel
                expected[2, b] += inside * fraction / (2 * np.pi) / width / pixel**2
        np.testing.assert_allclose(functionals, expected / len(where) ** 2, rtol=1e-12, atol=1e-15)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    turns=st.integers(0, 3),
    shift=st.tuples(st.integers(0, 19), st.integers(0, 19)),
)
def test_turned_mirrored_and_shifted_maps_are_the_same(seed, turns, shift):
    maps = np.random.default_rng(seed).normal(size=(2, 20, 20))
    other = np.roll(np.rot90(maps, turns, axes=(1, 2))[:, ::-1], shift, axis=(1, 2))
    for a, b in zip(
        *(minkowski_functionals(m, EDGES, pixel_arcmin=1.0) for m in (maps, other)), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("periodic", [True, False])
def test_maps_do_not_depend_on_their_neighbours(rng, periodic):
    # Maps in float32 have the functionals of the same values in float64.
    maps = rng.normal(size=(3, 160, 160)).astype(np.float32)
    options = {"pixel_arcmin": 1.0, "periodic": periodic}
    together = minkowski_functionals(maps, EDGES, **options)
    single = minkowski_functionals(maps[2:].astype(float), EDGES, **options)
    for a, b in zip(together, single, strict=True):
        assert a.shape == (3, 8)
        assert a.dtype == np.float64
        np.testing.assert_array_equal(a[2:], b)


def test_strips_do_not_change_the_functionals(rng):
    # 160² is measured in strips of 102 and 58 rows, the padded maps in other strips.
    maps = rng.normal(size=(3, 160, 160)).astype(np.float32)
    padded = np.pad(maps, ((0, 0), (2, 2), (2, 2)), mode="wrap")
    inner = minkowski_functionals(padded, EDGES, pixel_arcmin=1.0, periodic=False)
    for a, b in zip(minkowski_functionals(maps, EDGES, pixel_arcmin=1.0), inner, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("maps", "edges", "pixel_arcmin", "message"),
    [
        (np.zeros((1, 8, 8)), [1, 0], 1.0, r"increasing numbers. Received"),
        (np.zeros((1, 8, 8)), EDGES, 0, r"pixel_arcmin must be positive. Received: 0"),
        (np.zeros((1, 4, 4)), EDGES, 1.0, r"at least 5 pixels a side. Received: 4"),
        (np.full((1, 8, 8), np.nan), EDGES, 1.0, "NaN"),
    ],
)
def test_errors_name_the_cause(maps, edges, pixel_arcmin, message):
    with pytest.raises(ValueError, match=message):
        minkowski_functionals(maps, edges, pixel_arcmin=pixel_arcmin)
